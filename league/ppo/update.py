"""One PPO update: epochs of minibatches over a rollout, with gradients added up in small parts.

Nothing is read back from the device before the end, except for an early stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from league.ppo.buffer import RaggedRolloutBuffer, Samples
from league.ppo.joint import (
    JointGradients,
    JointRows,
    joint_centre,
    joint_minibatches,
    joint_sizes,
    joint_top,
)
from league.ppo.loss import KL, TERMS, LossSettings, normalised, ppo_loss
from league.ppo.peers import Peers
from league.ppo.safety import non_finite, parameters_norm
from league.ppo.settings import PpoSettings
from league.ppo.survival import SurvivalTask

Evaluate = Callable[[dict[str, Tensor], Tensor], tuple[Tensor, Tensor]]
# (observations, masks, log-probabilities float32[n, A]) -> mean over n rows, added to the loss
ExtraLoss = Callable[[dict[str, Tensor], Tensor, Tensor], Tensor]

# A minibatch, its advantages float32[n], and the rows that its gradient is the mean of
Minibatch = tuple[Samples, Tensor, int]

# SB3's: the estimate is noisy, so the update ends only well above the target.
_KL_TOLERANCE = 1.5


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class UpdatePass:
    """What an update needs besides the rollout.

    Attributes:
        evaluate: (observations, masks) -> log-probabilities float32[n, A], values float32[n].
        parameters: all of the policy's.
        optimizer: theirs; its learning rate is set already.
        generator: orders the minibatches.
        settings: epochs, batch size and limits.
        loss: the values of this update.
        micro_batch: rows per forward and backward pass.
        alive: called before every minibatch.
        extra_loss: a further term, or None.
        survival: the critic's second task, or None.
        peers: the other ranks of the learner, which make this update too; None without any.
    """

    evaluate: Evaluate
    parameters: list[nn.Parameter]
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    settings: PpoSettings
    loss: LossSettings
    micro_batch: int
    alive: Callable[[], None] = _nothing
    extra_loss: ExtraLoss | None = None
    survival: SurvivalTask | None = None
    peers: Peers | None = None

    def run(self, buffer: RaggedRolloutBuffer) -> tuple[dict[str, float], list[str]]:
        """Run the epochs over a rollout with advantages.

        Returns:
            Means over the minibatches that were stepped on: the terms of the loss, and
            `grad_norm` before clipping; `kl`, the mean of the last epoch, as in SB3;
            `first_ratio_error`, the largest |ratio - 1| of the first minibatch; `n_epochs`.
            And which of "loss", "gradients", "parameters" are not finite.
        """
        settings, device = self.settings, buffer.device
        totals = torch.zeros(len(TERMS) + 1, device=device)  # the last one: gradient norms
        epoch_kl = torch.zeros((), device=device)
        first_error = torch.zeros((), device=device)
        # On a CPU asking costs nothing; an accelerator would run dry after every minibatch.
        limit = None if settings.target_kl is None else _KL_TOLERANCE * settings.target_kl
        ask_each = device.type == "cpu"
        n_steps, n_epochs, stop = 0, 0, False
        chosen, centre = self._chosen(buffer)
        joint = None if self.peers is None else JointGradients(self.parameters, self.peers)
        while n_epochs < settings.n_epochs and not stop:
            epoch_kl, n_minibatches = torch.zeros((), device=device), 0
            for minibatch in self._minibatches(buffer, chosen, centre):
                self.alive()
                terms, error = self._gradients(minibatch, joint)
                if n_epochs == n_minibatches == 0:
                    first_error = error
                epoch_kl += terms[KL]
                n_minibatches += 1
                if limit is not None and ask_each and float(terms[KL]) > limit:
                    stop = True
                    break
                totals[:-1] += terms
                totals[-1] += nn.utils.clip_grad_norm_(
                    self.parameters, settings.max_grad_norm, foreach=True
                )
                self.optimizer.step()
                n_steps += 1
            epoch_kl /= n_minibatches
            n_epochs += 1
            if limit is not None and not ask_each:
                stop = float(epoch_kl) > limit
        broken = non_finite(
            {
                "loss": totals[:-1],
                "gradients": totals[-1],
                "parameters": parameters_norm(self.parameters),
            }
        )
        means = (totals / max(n_steps, 1)).tolist()
        numbers = dict(zip((*TERMS, "grad_norm"), means, strict=True))
        numbers["kl"] = float(epoch_kl)
        numbers["first_ratio_error"] = float(first_error)
        numbers["n_epochs"] = float(n_epochs)
        return numbers, broken

    def _chosen(self, buffer: RaggedRolloutBuffer) -> tuple[Tensor | None, Tensor | None]:
        """Return the rows to learn from and the rollout's mean advantage; None, None for all."""
        share = self.settings.top_advantage_share
        if share >= 1.0:
            return None, None
        if self.peers is None:
            return buffer.top(share), buffer.centre()
        centre = joint_centre(self.peers, buffer)
        return joint_top(self.peers, buffer, share, centre), centre

    def _minibatches(
        self, buffer: RaggedRolloutBuffer, chosen: Tensor | None, centre: Tensor | None
    ) -> Iterator[Minibatch]:
        """Yield the minibatches of one epoch.

        Args:
            chosen: int64[n], the rows to learn from; None is all.
            centre: the mean advantage of the rollout, where they were chosen by the distance from
                it; None takes the minibatch's own.
        """
        settings = self.settings
        if self.peers is not None:
            order = buffer.order(self.generator, chosen)
            sizes = joint_sizes(self.peers, len(order))
            per_rank = settings.batch_size // self.peers.size
            rows = JointRows.of(sizes, self.peers.rank, per_rank)
            normalize = settings.normalize_advantage
            yield from joint_minibatches(
                self.peers, buffer, order, rows, centre, normalize=normalize
            )
            return
        for batch in buffer.minibatches(settings.batch_size, self.generator, chosen):
            advantages = batch.advantages
            if settings.normalize_advantage:
                advantages = normalised(advantages, centre)
            yield batch, advantages, len(advantages)

    def _gradients(
        self, minibatch: Minibatch, joint: JointGradients | None
    ) -> tuple[Tensor, Tensor]:
        """Set the gradients of one minibatch; returns its terms and the largest |ratio - 1|.

        With ranks, gradients and terms are those of all their rows; the last is of this rank's.
        """
        batch, advantages, n_rows = minibatch
        if joint is None:
            self.optimizer.zero_grad(set_to_none=True)
        else:
            joint.clear()
        terms = torch.zeros(len(TERMS), device=advantages.device)
        error = torch.zeros((), device=advantages.device)
        for start in range(0, len(advantages), self.micro_batch):
            rows = slice(start, min(start + self.micro_batch, len(advantages)))
            part = _part(batch, rows)
            log_probs, values = self.evaluate(part.observations, part.action_masks)
            loss, found, ratio = ppo_loss(log_probs, values, part, advantages[rows], self.loss)
            if self.survival is not None:
                loss = loss + self.settings.survival_coef * self.survival.loss(part.fates)
            if self.extra_loss is not None:
                loss = loss + self.extra_loss(part.observations, part.action_masks, log_probs)
            share = (rows.stop - rows.start) / n_rows
            torch.autograd.backward(loss if share == 1.0 else loss * share)
            terms += found * share
            error = torch.maximum(error, (ratio - 1).abs().max())
        return (terms if joint is None else joint.add_up(terms)), error


def _part(batch: Samples, rows: slice) -> Samples:
    """Return views of some rows of a minibatch."""
    rest: list[Any] = [tensor[rows] for tensor in batch[1:]]
    observations = {key: tensor[rows] for key, tensor in batch.observations.items()}
    return Samples(observations, *rest)
