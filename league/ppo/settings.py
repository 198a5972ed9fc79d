"""PpoSettings: every number of the algorithm, in one frozen object of plain values."""

from __future__ import annotations

from dataclasses import dataclass

from league.ppo.errors import LearnerError
from league.ppo.form import Compile
from league.ppo.precision import Precision
from league.ppo.schedules import Schedule


@dataclass(frozen=True)
class PpoSettings:
    """How LeaguePPO collects and learns; everything but network, seed and device.

    The numbers have no defaults here: those of a league stand in league.config.training.

    Attributes:
        learning_rate: of Adam.
        n_steps: decisions (transitions of active rows, all matches together) per rollout.
        batch_size: transitions per optimizer step; at least 2.
        n_epochs: passes over a rollout, at most.
        gamma: discount per decision.
        gae_lambda: of generalised advantage estimation.
        clip_range: the ratio is clipped to 1 -+ this.
        ent_coef: weight of the entropy in the loss.
        vf_coef: weight of the value's squared error in the loss.
        max_grad_norm: gradients are scaled down to this norm.
        target_kl: the update ends when the KL estimate passes 1.5 times this: before the step of
            the minibatch that shows it on a CPU, as in SB3; after the epoch elsewhere, where
            asking after every minibatch would make the device wait. None never.
        micro_batch: rows per forward and backward pass, whose gradients add up to the
            minibatch's; None takes CPU_MICRO_BATCH (league.ppo.algorithm) on a CPU and whole
            minibatches elsewhere. A policy with BatchNorm always takes whole minibatches.
        clip_range_vf: as clip_range, for the value's step; None does not clip it.
        normalize_advantage: per minibatch, to mean 0 and deviation 1.
        top_advantage_share: only this share of a rollout's transitions is learned from, policy and
            value alike: those whose advantage is farthest from the rollout's mean. 1 is all.
        precision: of acting and learning; "auto" asks a probe (league.ppo.precision).
        survival_coef: weight of the cross-entropy of survival in the loss (league.ppo.survival); 0
            builds no such layer.
        n_halves: 2 lets the game of one half of the matches move while the network decides for the
            other (league.ppo.halves); 1 does one after the other.
        compile: whether the passes of an update are compiled; "auto" asks a probe on a GPU
            (league.ppo.form).
        n_ranks: that share each minibatch.
        averaging_window: decisions over which the weights of snapshots are averaged
            (league.ppo.averaging); None takes the newest weights.

    Raises:
        LearnerError: a setting that cannot work.
    """

    learning_rate: Schedule
    n_steps: int
    batch_size: int
    n_epochs: int
    gamma: float
    gae_lambda: float
    clip_range: Schedule
    ent_coef: Schedule
    vf_coef: float
    max_grad_norm: float
    target_kl: float | None = None
    micro_batch: int | None = None
    clip_range_vf: float | None = None
    normalize_advantage: bool = True
    top_advantage_share: float = 1.0
    precision: Precision = "float32"
    survival_coef: float = 0.0
    n_halves: int = 1
    compile: Compile = "auto"
    n_ranks: int = 1
    averaging_window: int | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 2 or (self.micro_batch is not None and self.micro_batch < 1):
            raise LearnerError(
                "learner.batch_size must be >= 2 and learner.micro_batch >= 1, "
                f"found {self.batch_size} and {self.micro_batch}"
            )
        if not 0.0 < self.top_advantage_share <= 1.0:
            raise LearnerError(
                "learner.top_advantage_share must be above 0 and at most 1, found "
                f"{self.top_advantage_share}"
            )

    @property
    def schedules(self) -> dict[str, Schedule]:
        """The numbers that change with the decisions made, by name."""
        return {
            "learning_rate": self.learning_rate,
            "clip_range": self.clip_range,
            "ent_coef": self.ent_coef,
        }
