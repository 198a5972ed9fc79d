"""Fit a policy to a teacher's orders, and its critic to what came of them.

Cross-entropy on the probability of the teacher's order, whichever of the equal actions gives it
(league.teaching.labels), and the squared error of the returns, so that the critic is trained before
PPO touches the actor. Every tenth match is held out: what is reported is agreement on those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from arena.territory.engine.actions import WAIT
from league.ppo.algorithm import LeaguePPO
from league.ppo.errors import LearnerError
from league.ppo.safety import GoodState, explained_variance, non_finite, parameters_norm
from league.teaching.labels import NO_LABEL, chosen_groups, label_log_probs
from league.teaching.waves import StoredWave, unpack_frame

HELD_OUT_EVERY = 10
POOL_BYTES = 64 * 2**20  # of observations that are mixed in memory at a time
END_RATE = 0.1  # the step size falls to this share of its start on a straight line


@dataclass(frozen=True)
class Agreement:
    """How well a policy does what its teacher did, on matches that it was not shown.

    Attributes:
        rows: held-out decisions.
        agreement: share in which the policy's most probable order is the teacher's.
        on_orders: the same among those in which the teacher gave an order, most being WAIT.
        waits: the teacher's share of WAIT: what always waiting would reach.
        cross_entropy: nats per decision, of the orders that the learner may give.
        value_explained: share of the returns' variance that the critic explains.
    """

    rows: int
    agreement: float
    on_orders: float
    waits: float
    cross_entropy: float
    value_explained: float

    def numbers(self) -> dict[str, float]:
        """Return them as a learner's numbers."""
        return {
            "imitation_agreement": self.agreement,
            "imitation_on_orders": self.on_orders,
            "imitation_teacher_waits": self.waits,
            "imitation_cross_entropy": self.cross_entropy,
            "imitation_value_explained": self.value_explained,
        }


@dataclass(frozen=True, eq=False)
class _Rows:
    """Some rows as tensors on the policy's device."""

    observations: dict[str, Tensor]
    masks: Tensor
    groups: Tensor
    labels: Tensor
    returns: Tensor


def imitate(
    ppo: LeaguePPO,
    waves: Sequence[StoredWave],
    form: Any,
    n_epochs: int,
    rng: Generator,
    *,
    alive: Callable[[], None] = lambda: None,
    tell: Callable[[int, Agreement], None] = lambda epoch, found: None,
) -> Agreement:
    """Fit the policy; returns its agreement after the last epoch.

    Args:
        ppo: its policy is trained in place, with an optimizer of its own.
        form: of one observation (WaveStore.form).
        rng: orders the rows.
        alive: called before every part of a minibatch; it may raise.
        tell: called after every epoch.

    Raises:
        LearnerError: numbers became infinite; the policy is as it was.
    """
    settings, policy = ppo.settings, ppo.policy
    rate = settings.learning_rate.start
    parameters = list(policy.parameters())
    good = GoodState(policy, policy.optimizer)
    optimizer = torch.optim.Adam(parameters, lr=rate, eps=1e-5)
    shown, held_out = split(waves)
    pool = max(settings.batch_size, POOL_BYTES // _row_bytes(form))
    found = measure(ppo, waves, form, held_out, alive)
    for epoch in range(1, n_epochs + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1.0 - (1.0 - END_RATE) * (epoch - 1) / max(n_epochs - 1, 1))
        policy.set_training_mode(True)
        total = torch.zeros((), device=ppo.device)
        for rows in _minibatches(waves, form, shown, settings.batch_size, pool, rng, ppo.device):
            total += _step(ppo, optimizer, parameters, rows, alive)
        policy.set_training_mode(False)
        broken = non_finite({"loss": total, "parameters": parameters_norm(parameters)})
        if broken:
            good.restore(policy, policy.optimizer)
            raise LearnerError(
                f"the imitation of the teacher failed in epoch {epoch}: not finite: "
                f"{', '.join(broken)}; lower learner.learning_rate and start again"
            )
        found = measure(ppo, waves, form, held_out, alive)
        tell(epoch, found)
    return found


def split(
    waves: Sequence[StoredWave],
) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    """Return per wave bool[rows]: those to learn from, and those of every tenth match.

    A single match is both: there is nothing else to measure on.
    """
    matches = [wave.columns["matches"] for wave in waves]
    known = np.unique(np.concatenate(matches)) if matches else np.zeros(0, np.int64)
    out = known[::HELD_OUT_EVERY]
    held_out = [np.isin(numbers, out) for numbers in matches]
    shown = [~each if len(known) > 1 else each for each in held_out]
    return shown, held_out


def measure(
    ppo: LeaguePPO,
    waves: Sequence[StoredWave],
    form: Any,
    chosen: Sequence[NDArray[np.bool_]],
    alive: Callable[[], None] = lambda: None,
) -> Agreement:
    """Return how well the policy agrees with the teacher on the chosen rows."""
    right = orders = right_orders = waits = rows = 0
    entropy = 0.0
    values, returns = [], []
    ppo.policy.set_training_mode(False)
    size, any_order = ppo.micro_batch, np.random.default_rng(0)
    for batch in _minibatches(waves, form, chosen, size, size, any_order, ppo.device):
        alive()
        with torch.inference_mode():
            log_probs, value = ppo.evaluate(batch.observations, batch.masks)
            known = batch.labels != NO_LABEL
            right_log = label_log_probs(log_probs[known], batch.groups[known], batch.labels[known])
            entropy -= float(right_log.sum())
            agrees = chosen_groups(log_probs, batch.groups) == batch.labels
        is_order = batch.labels != WAIT
        rows += len(agrees)
        right += int(agrees.sum())
        orders += int(is_order.sum())
        right_orders += int((agrees & is_order).sum())
        waits += int((~is_order).sum())
        values.append(value.cpu().numpy())
        returns.append(batch.returns.cpu().numpy())
    return Agreement(
        rows=rows,
        agreement=right / max(rows, 1),
        on_orders=right_orders / max(orders, 1),
        waits=waits / max(rows, 1),
        cross_entropy=entropy / max(rows, 1),
        value_explained=_explained(values, returns),
    )


def _explained(values: list[Any], returns: list[Any]) -> float:
    if not values:
        return 0.0
    return explained_variance(np.concatenate(values), np.concatenate(returns))


def _step(
    ppo: LeaguePPO,
    optimizer: torch.optim.Optimizer,
    parameters: list[nn.Parameter],
    rows: _Rows,
    alive: Callable[[], None],
) -> Tensor:
    """Make one step; returns the loss."""
    settings = ppo.settings
    n = len(rows.labels)
    total = torch.zeros((), device=ppo.device)
    optimizer.zero_grad(set_to_none=True)
    for start in range(0, n, ppo.micro_batch):
        alive()
        part = slice(start, min(start + ppo.micro_batch, n))
        seen = {key: tensor[part] for key, tensor in rows.observations.items()}
        log_probs, values = ppo.evaluate(seen, rows.masks[part])
        known = rows.labels[part] != NO_LABEL
        right = label_log_probs(
            log_probs[known], rows.groups[part][known], rows.labels[part][known]
        )
        error = F.mse_loss(values, rows.returns[part], reduction="sum")
        loss = (settings.vf_coef * error - right.sum()) / n
        torch.autograd.backward(loss)
        total += loss.detach()
    nn.utils.clip_grad_norm_(parameters, settings.max_grad_norm, foreach=True)
    optimizer.step()
    return total


def _row_bytes(form: Any) -> int:
    return sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in form.values())


def _minibatches(
    waves: Sequence[StoredWave],
    form: Any,
    chosen: Sequence[NDArray[np.bool_]],
    batch_size: int,
    pool: int,
    rng: Generator,
    device: torch.device,
) -> Iterator[_Rows]:
    """Yield all chosen rows once, in minibatches.

    Rows of random decisions are mixed in a pool: reading single rows would unpack a whole decision
    for each.
    """
    places = [(w, f) for w, wave in enumerate(waves) for f in range(wave.n_frames)]
    waiting: list[tuple[StoredWave, NDArray[np.int64], dict[str, NDArray[Any]]]] = []
    n_waiting = 0
    for place in rng.permutation(len(places)).tolist():
        w, f = places[place]
        wave, rows = waves[w], waves[w].rows_of[f]
        kept = chosen[w][rows]
        if kept.any():
            seen = unpack_frame(wave.frame(f), form, len(rows))
            waiting.append((wave, rows[kept], {key: values[kept] for key, values in seen.items()}))
            n_waiting += int(kept.sum())
        if n_waiting >= pool:
            yield from _mixed(waiting, batch_size, rng, device)
            waiting, n_waiting = [], 0
    if waiting:
        yield from _mixed(waiting, batch_size, rng, device)


def _mixed(
    waiting: list[tuple[StoredWave, NDArray[np.int64], dict[str, NDArray[Any]]]],
    batch_size: int,
    rng: Generator,
    device: torch.device,
) -> Iterator[_Rows]:
    columns = {
        name: np.concatenate([wave.columns[name][rows] for wave, rows, _ in waiting])
        for name in ("labels", "groups", "masks", "returns")
    }
    seen = {key: np.concatenate([part[key] for _, _, part in waiting]) for key in waiting[0][2]}
    order = rng.permutation(len(columns["labels"]))

    def tensor(values: NDArray[Any], rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(values[rows]).to(device)

    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        yield _Rows(
            {key: tensor(values, rows) for key, values in seen.items()},
            tensor(columns["masks"], rows),
            tensor(columns["groups"].astype(np.int64), rows),
            tensor(columns["labels"].astype(np.int64), rows),
            tensor(columns["returns"], rows),
        )
