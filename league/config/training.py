"""Owns the settings of learners: PPO and its matches, what is paid, which lineages there are."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from arena.territory.engine.rules import MAX_SEATS
from league.config.kinds import Off, Positive, Section, Share, Weight

_LEARNER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class RewardConfig(Section):
    """What a learner is paid; the potential terms pay changes, so they cannot be farmed."""

    potential_land: Weight = Field(
        default=1.2,
        description="Paid per change of x / (x + 1 / seats), x the share of playable land.",
    )
    potential_strength: Weight = Field(
        default=1.4,
        description="Paid per change of x / (x + 1 / seats), x the share of all troops.",
    )
    placement: Weight = Field(
        default=1.0,
        description="Paid at the end of a seat: +1 for first to -1 for last, times this.",
    )
    death: Weight = Field(
        default=0.0, description="Taken off when a seat is eliminated, besides its placement."
    )
    team_share: Share = Field(
        default=0.5,
        description="Share of each seat's reward that is the mean reward of its team, all the "
        "learner's seats of the match; at 0 they fight each other like strangers.",
    )


class LearnerConfig(Section):
    """PPO and its matches; the same for all learners."""

    n_matches: int = Field(
        default=24,
        ge=1,
        le=1_024,
        description="Training matches that a learner plays in lock-step; a forward pass per row "
        "gets cheaper up to about 160 rows.",
    )
    seats_per_match: int = Field(
        default=5,
        ge=1,
        le=MAX_SEATS,
        description="Seats of a training match whose decisions are learned from.",
    )
    n_steps: int = Field(
        default=4_096,
        ge=32,
        le=1_000_000,
        description="Decisions (transitions) collected per update.",
    )
    batch_size: int = Field(
        default=512,
        ge=2,
        le=100_000,
        description="Transitions per minibatch; less needs less memory.",
    )
    micro_batch: Annotated[Annotated[int, Field(ge=1)] | None, Off] = Field(
        default=None,
        description="Transitions per forward and backward pass, whose gradients add up to the "
        "minibatch's; less needs less memory, off lets the device decide.",
    )
    n_epochs: int = Field(
        default=2, ge=1, le=100, description="Passes over the collected transitions per update."
    )
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0, description="Step size of Adam.")
    learning_rate_end: Annotated[Annotated[float, Field(gt=0.0, le=1.0)] | None, Off] = Field(
        default=2e-4,
        description="Step size from `schedule_decisions` on, on a straight line to it; off keeps "
        "`learning_rate`.",
    )
    gamma: float = Field(
        default=0.99,
        gt=0.0,
        le=1.0,
        description="Discount per decision; 0.99 looks 70 decisions back.",
    )
    gae_lambda: Share = Field(
        default=0.8,
        description="0 trusts the value function alone, 1 the returns alone (docs/learning.md).",
    )
    clip_range: float = Field(
        default=0.2,
        gt=0.0,
        le=1.0,
        description="How far the probability of an action may move an update.",
    )
    ent_coef: Weight = Field(
        default=0.003, description="Weight of the entropy bonus; more explores more."
    )
    ent_coef_end: Annotated[Weight | None, Off] = Field(
        default=0.001,
        description="Weight of the entropy bonus from `schedule_decisions` on; off keeps "
        "`ent_coef`.",
    )
    schedule_decisions: int = Field(
        default=1_000_000,
        ge=1,
        description="Trained decisions of the lineage after which schedules have reached their "
        "end: absolute, whatever is stopped and resumed on the way.",
    )
    wait_bias: float = Field(
        default=3.5,
        ge=0.0,
        le=10.0,
        description="Added to the logit of WAIT of an untrained policy; without it, it attacks "
        "nearly always and empties its home.",
    )
    vf_coef: Weight = Field(default=0.5, description="Weight of the value loss.")
    max_grad_norm: Positive = Field(
        default=0.5, description="Gradients are scaled down to this norm."
    )
    target_kl: Annotated[Positive | None, Off] = Field(
        default=0.03, description="An update ends early above 1.5 times this divergence, nats."
    )
    self_play_share: Share = Field(
        default=0.0,
        description="Share of a main learner's other seats that play its current weights, besides "
        "its own seats, which do already.",
    )
    one_opponent_share: Share = Field(
        default=0.5,
        description="Share of the training matches whose other seats are all the same member, as "
        "in `league pit`; in the others each seat draws for itself.",
    )
    n_opponents: int = Field(
        default=4,
        ge=1,
        le=256,
        description="Distinct members in the other seats of a wave of matches; each costs a "
        "forward pass per decision.",
    )
    snapshot_every: int = Field(
        default=120_000,
        ge=32,
        description="Decisions after which a snapshot joins the pool at the latest.",
    )
    snapshot_win_rate: Share = Field(
        default=0.7,
        description="Beat rate against each required foe that earns a snapshot earlier.",
    )
    snapshot_min_games: int = Field(
        default=30,
        ge=1,
        description="Games against each required foe before that beat rate counts.",
    )
    snapshot_min_kl: Weight = Field(
        default=0.01,
        description="A snapshot nearer to its parent than this divergence is skipped, nats.",
    )
    checkpoint_every_s: Positive = Field(
        default=60.0, description="Seconds between checkpoints: the training that a crash can lose."
    )
    keep_checkpoints: int = Field(
        default=3, ge=1, le=100, description="Checkpoints kept per learner; older ones are removed."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto",
        description="Where networks are trained: auto takes CUDA, else MPS, else CPU.",
    )
    n_threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Threads of torch per learner; two slow each other on 2 cores.",
    )
    tensorboard: bool = Field(
        default=False,
        description="Write curves for TensorBoard to logs/tensorboard (needs that extra).",
    )
    reward: RewardConfig = Field(
        default_factory=RewardConfig, description="What a learner is paid."
    )

    @model_validator(mode="after")
    def _batches_fit(self) -> LearnerConfig:
        if self.batch_size > self.n_steps:
            raise ValueError(
                f"batch_size ({self.batch_size}) must not exceed n_steps ({self.n_steps})"
            )
        return self


class LineageConfig(Section):
    """One learner of the league: a lineage that PPO continues."""

    name: str = Field(description="Name of the learner; its members are called NAME-0001 and on.")
    family: Literal["attention", "baseline"] = Field(description="Kind of network.")
    role: Literal["main", "main_exploiter", "league_exploiter"] = Field(
        default="main",
        description="Whom it trains against: main, main_exploiter or league_exploiter.",
    )

    @model_validator(mode="after")
    def _name_is_plain(self) -> LineageConfig:
        if not _LEARNER_NAME.fullmatch(self.name):
            raise ValueError(
                "a learner's name is 1 to 40 of a-z, 0-9, - and _, from a letter on, "
                f"found {self.name!r}"
            )
        return self
