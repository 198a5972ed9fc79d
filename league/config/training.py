"""Owns the settings of learners: PPO and its matches, the reward, the lineages."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from arena.territory.engine.rules import MAX_SEATS
from league.config.kinds import Off, Positive, Section, Share, Weight

_LEARNER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class RewardConfig(Section):
    """Weights of the learner's reward; potential terms reward changes and cannot be farmed."""

    potential_land: Weight = Field(
        default=1.2,
        description="Weight of the change of x / (x + 1 / seats), x being the share of playable "
        "land.",
    )
    potential_strength: Weight = Field(
        default=1.4,
        description="Weight of the change of x / (x + 1 / seats), x being the share of all troops.",
    )
    placement: Weight = Field(
        default=1.0,
        description="Weight of the placement at a seat's end, from +1 for first to -1 for last.",
    )
    first: Weight = Field(
        default=0.0,
        description="Reward for the first place, in addition to its placement: of ten places that "
        "are evenly spaced the first is worth little more than the second.",
    )
    death: Weight = Field(
        default=0.0, description="Penalty when a seat is eliminated, in addition to its placement."
    )
    team_share: Share = Field(
        default=0.5,
        description="Share of each seat's reward that is the mean reward of its team, all the "
        "learner's seats of the match; at 0 its seats treat each other as opponents.",
    )


class LearnerConfig(Section):
    """PPO and its matches, the same for all learners."""

    n_matches: int = Field(
        default=24,
        ge=1,
        le=1_024,
        description="Training matches that a learner plays in lock-step; a forward pass costs less "
        "per row up to about 160 rows.",
    )
    seats_per_match: int = Field(
        default=5,
        ge=1,
        le=MAX_SEATS,
        description="Seats of a training match that the learner plays and learns from.",
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
        description="Transitions per minibatch; fewer need less memory.",
    )
    micro_batch: Annotated[Annotated[int, Field(ge=1)] | None, Off] = Field(
        default=None,
        description="Transitions per forward and backward pass; gradients are summed over the "
        "minibatch. Fewer need less memory; off chooses by device.",
    )
    n_epochs: int = Field(
        default=2, ge=1, le=100, description="Passes over the collected transitions per update."
    )
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0, description="Step size of Adam.")
    learning_rate_end: Annotated[Annotated[float, Field(gt=0.0, le=1.0)] | None, Off] = Field(
        default=2e-4,
        description="Step size from `schedule_decisions` on, reached on a straight line; off keeps "
        "`learning_rate`.",
    )
    gamma: float = Field(
        default=0.99,
        gt=0.0,
        le=1.0,
        description="Discount per decision; 0.99 halves the weight of a reward 69 decisions ahead.",
    )
    gae_lambda: Share = Field(
        default=0.8,
        description="0 relies on the value function alone, 1 on the returns alone "
        "(docs/learning.md).",
    )
    clip_range: float = Field(
        default=0.2,
        gt=0.0,
        le=1.0,
        description="How far an update may move the probability ratio of an action from 1.",
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
        description="Trained decisions of the lineage after which schedules reach their end value; "
        "counted from its beginning, across stops and resumes.",
    )
    wait_bias: float = Field(
        default=3.5,
        ge=0.0,
        le=10.0,
        description="Added to the logit of WAIT in an untrained policy, which would otherwise "
        "attack nearly always and leave its home without troops.",
    )
    vf_coef: Weight = Field(default=0.5, description="Weight of the value loss.")
    max_grad_norm: Positive = Field(
        default=0.5, description="Gradients with a larger norm are scaled down to this one."
    )
    target_kl: Annotated[Positive | None, Off] = Field(
        default=0.03, description="An update ends early above 1.5 times this divergence, in nats."
    )
    self_play_share: Share = Field(
        default=0.0,
        description="Share of the other seats in a main learner's matches that play its current "
        "weights, in addition to its own seats.",
    )
    one_opponent_share: Share = Field(
        default=0.5,
        description="Share of the training matches in which one member plays all other seats, as "
        "in `league pit`; in the rest each seat draws its own opponent.",
    )
    n_opponents: int = Field(
        default=4,
        ge=1,
        le=256,
        description="Distinct members that opponents are drawn from at a time; each costs a "
        "forward pass per decision.",
    )
    first_snapshot: Annotated[Annotated[int, Field(ge=32)] | None, Off] = Field(
        default=10_000,
        description="Decisions of a lineage after which its first trained snapshot is taken; later "
        "ones come at marks that double, the same for all lineages, until they are "
        "`snapshot_every` apart; off waits for `snapshot_every`.",
    )
    snapshot_every: int = Field(
        default=120_000,
        ge=32,
        description="Decisions after which a snapshot is taken at the latest.",
    )
    snapshot_win_rate: Share = Field(
        default=0.7,
        description="Beat rate against each required opponent that earns an earlier snapshot, once "
        "it is shown to be exceeded (a sequential test with 5 % at any look).",
    )
    snapshot_min_games: int = Field(
        default=30,
        ge=1,
        description="Matches against each required opponent before that test counts.",
    )
    snapshot_min_kl: Weight = Field(
        default=0.01,
        description="A snapshot that diverges less than this from its parent is skipped, in nats.",
    )
    checkpoint_every_s: Positive = Field(
        default=60.0,
        description="Seconds between checkpoints; a crash loses the training since the last one.",
    )
    keep_checkpoints: int = Field(
        default=3, ge=1, le=100, description="Checkpoints kept per learner; older ones are removed."
    )
    lease_s: Positive = Field(
        default=600.0,
        description="Seconds after which a learner that says nothing is killed and started again "
        "from its checkpoint; it says something every few seconds of a rollout or an update.",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto",
        description="Device to train on; auto takes CUDA, else MPS, else CPU.",
    )
    n_threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Torch threads per learner; on 2 cores, more than one is slower.",
    )
    tensorboard: bool = Field(
        default=False,
        description="Write curves for TensorBoard to logs/tensorboard (needs that extra); "
        "logs/curves always has them as CSV.",
    )
    wandb: bool = Field(
        default=False,
        description="Write curves for W&B to logs/wandb (needs that extra), offline unless the "
        "environment's WANDB_MODE says otherwise.",
    )
    trackio: bool = Field(
        default=False,
        description="Write curves for trackio to logs/trackio (needs that extra).",
    )
    reward: RewardConfig = Field(
        default_factory=RewardConfig, description="Weights of the reward's terms."
    )
    relation_mask: Literal["inherit", "on", "off"] = Field(
        default="inherit",
        description="Whether a learner may only attack its weakest rival, its strongest attacker "
        "and the neutral land with the longest border, or wait; its snapshots then play so "
        "everywhere. inherit does as the snapshot that a lineage goes on from; a new one is free.",
    )
    top_advantage_share: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="Share of the collected transitions that an update learns from: those with the "
        "largest advantages, good or bad. 1 is all; 0.25 makes an update four times cheaper.",
    )
    ring_share: Share = Field(
        default=0.0,
        description="Share of a main learner's opponents that are its own twelve newest snapshots, "
        "each as often; 0 meets them only where they are hard for it.",
    )
    ladder_share: Share = Field(
        default=0.0,
        description="Share of a main learner's opponents that are rungs of `rating.ladder`, most "
        "often those among nine of whom it comes first in about half of the matches.",
    )
    teacher: Annotated[str | None, Off] = Field(
        default=None,
        description="Who teaches a lineage before it trains: a member's name or an agent spec such "
        "as scripted:strategist or planner:; lineages that have trained are not touched.",
    )
    teacher_rows: Annotated[Annotated[int, Field(ge=100)] | None, Off] = Field(
        default=None,
        description="Decisions of the teacher's play to imitate; off takes 80,000, or 8,000 of a "
        "planner, which takes 0.15 s for each.",
    )
    teacher_epochs: int = Field(
        default=10, ge=1, le=1_000, description="Passes over the teacher's decisions."
    )
    teacher_rounds: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Rounds in which the learner plays and the teacher says what it would have "
        "done, each followed by a third as many passes.",
    )
    teacher_round_rows: Annotated[Annotated[int, Field(ge=100)] | None, Off] = Field(
        default=None,
        description="Decisions that the teacher labels in each round; off takes 16,000, or 4,000 "
        "of a planner.",
    )
    teacher_value_decisions: int = Field(
        default=40_000,
        ge=0,
        description="First decisions of a taught lineage that train its critic alone.",
    )
    teacher_kl: Weight = Field(
        default=0.1,
        description="Weight of the divergence from the taught policy, in nats, when the actor "
        "begins to train; it fades to 0 over `teacher_kl_decisions`.",
    )
    teacher_kl_decisions: int = Field(
        default=300_000, ge=1, description="Decisions over which `teacher_kl` fades to 0."
    )
    plateau_after: Annotated[Annotated[int, Field(ge=32)] | None, Off] = Field(
        default=240_000,
        description="Decisions in which a main lineage that climbs gains `plateau_gain` against "
        "the held-out members; drift and plateaus are told by sequential tests (docs/champion.md); "
        "off watches neither.",
    )
    plateau_gain: Share = Field(
        default=0.05,
        description="Share of held-out members that it then places above in addition; less is a "
        "plateau.",
    )
    plateau_response: bool = Field(
        default=True,
        description="On a plateau a learner begins its schedules of step size and entropy bonus "
        "anew, and draws twice `n_opponents` at a time for `plateau_after` decisions.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Precision to act and learn in; auto takes bfloat16 where views have 64 cells "
        "a side or more, the device has a matrix unit for it (AMX, or a GPU) and a probe at the "
        "learner's start finds it clearly faster, else float32.",
    )

    ratchet_kl: Weight = Field(
        default=0.0,
        description="Weight of the divergence from the last best of a lineage's own snapshots, in "
        "nats: holds it against a slow drift; a snapshot that does worse does not become the best.",
    )

    averaging_window: Annotated[Annotated[int, Field(ge=32)] | None, Off] = Field(
        default=None,
        description="Decisions over which the weights that a snapshot holds are averaged, a "
        "quarter of those trained at most; training goes on from the newest weights, and off "
        "takes these.",
    )

    reset_share: float = Field(
        default=0.0,
        ge=0.0,
        le=0.9,
        description="Share of the training matches that begin in the middle: on a board of one of "
        "the learner's earlier matches, with seats and opponents drawn anew; they count in no "
        "score against an opponent.",
    )

    survival_coef: Weight = Field(
        default=0.0,
        description="Weight of a second task of the critic in the loss: whether the seat will be "
        "alive at the match's end. It shapes what policy and value share; play does not ask it.",
    )

    n_ranks: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that train each lineage together, each with its part of "
        "`n_matches`, `n_steps` and `batch_size`, which it must divide; at most one per GPU.",
    )

    engine: Literal["local", "ray"] = Field(
        default="local",
        description="Where learners run: local, on this machine, or ray, on the nodes of the Ray "
        "cluster that `ray.address` names, with `n_threads` CPUs for each of their processes and "
        "what `device` asks for (docs/howto/cluster.md).",
    )

    n_halves: int = Field(
        default=1,
        ge=1,
        le=2,
        description="2 divides a learner's matches in halves: while its network decides for one, "
        "the game of the other moves in a thread. Pays where a core is idle; the transitions are "
        "the same.",
    )

    compile: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Whether torch compiles the passes of an update, which takes a C++ compiler "
        "(on a GPU triton) and up to minutes at the learner's start; auto asks a probe on a GPU, "
        "on takes it wherever it computes the same.",
    )

    @model_validator(mode="after")
    def _batches_fit(self) -> LearnerConfig:
        if self.batch_size > self.n_steps:
            raise ValueError(
                f"batch_size ({self.batch_size}) must not exceed n_steps ({self.n_steps})"
            )
        return self

    @model_validator(mode="after")
    def _ranks_share_evenly(self) -> LearnerConfig:
        for name in ("n_matches", "n_steps", "batch_size"):
            value = getattr(self, name)
            if value % self.n_ranks:
                raise ValueError(
                    f"{name} ({value}) must be a multiple of n_ranks ({self.n_ranks}), so that "
                    "every rank has an equal part; change one of the two"
                )
        if self.n_matches // self.n_ranks < self.n_halves:
            raise ValueError(
                f"n_matches ({self.n_matches}) must be at least 2 for each of n_ranks "
                f"({self.n_ranks}) where n_halves is 2, or one half has no match"
            )
        return self


class LineageConfig(Section):
    """One learner of the league: a lineage that PPO trains."""

    name: str = Field(
        description="Name of the learner; its members are called NAME-0000, NAME-0001 and so on."
    )
    family: Literal["attention", "baseline"] = Field(description="Family of its networks.")
    role: Literal["main", "main_exploiter", "league_exploiter"] = Field(
        default="main",
        description="Which opponents it trains against: main, main_exploiter or league_exploiter.",
    )
    teacher: Annotated[str | None, Off] = Field(
        default=None,
        description='Who teaches this lineage instead of `learner.teacher`; "nobody" for none.',
    )

    @model_validator(mode="after")
    def _name_is_plain(self) -> LineageConfig:
        if not _LEARNER_NAME.fullmatch(self.name):
            raise ValueError(
                "expected a learner's name of 1 to 40 characters a-z, 0-9, - and _ that starts "
                f"with a letter, found {self.name!r}"
            )
        return self
