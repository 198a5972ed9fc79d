"""What a league's settings say of its learners, as plain frozen objects.

`learner_settings` is the only place where the learner's side reads a `LeagueConfig`: the manager
calls it, and a learner's process gets the result in its orders. Whoever follows a number from
`league.toml` to its use passes through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from arena.territory.engine.rules import MatchRules
from arena.territory.maps import expand_references
from arena.territory.observation.views import Views
from league.config.training import LearnerConfig, RewardConfig
from league.config.tree import LeagueConfig
from league.extras import VIEWERS
from league.learner.rewards import RewardWeights
from league.ppo.errors import LearnerError
from league.ppo.schedules import Schedule
from league.ppo.settings import PpoSettings
from league.teaching.settings import TeachingSettings
from msattn.config import TorsoConfig, inputs_of


@dataclass(frozen=True)
class EnvSettings:
    """How a learner's matches are set up.

    Attributes:
        maps: map references to draw from.
        n_matches: matches in lock-step (M).
        seats_per_match: the learner's seats in each (k).
        gamma: discount per decision, for the shaping.
        n_threads: threads that share the game and the observations.
        reads: keys of the observation that the learner's network reads; None is all. What nobody
            reads is neither computed nor stored.
        reset_share: probability that a match begins in the middle (league.learner.middles).
    """

    rules: MatchRules
    views: Views
    maps: tuple[str, ...]
    n_matches: int
    seats_per_match: int
    gamma: float
    reward: RewardWeights
    n_threads: int = 1
    reads: tuple[str, ...] | None = None
    reset_share: float = 0.0


@dataclass(frozen=True)
class OpponentSettings:
    """Whom the other seats of training matches are (league.learner.draws).

    Attributes:
        n_per_wave: members drawn for each rollout.
        one_opponent_share: probability that all other seats of a match are one member.
        self_play_share: probability that another seat of a main's match plays its current weights.
        ring_share: probability that a draw for a main's wave is one of its own newest snapshots.
        ladder_share: probability that it is a rung of the league's ladder.
        stirred_decisions: decisions after a plateau in which a wave has twice as many members.
    """

    n_per_wave: int
    one_opponent_share: float
    self_play_share: float
    ring_share: float = 0.0
    ladder_share: float = 0.0
    stirred_decisions: int = 0


@dataclass(frozen=True)
class SnapshotSettings:
    """When a learner offers a snapshot (league.matchmaking.promotion.snapshot_decision).

    Attributes:
        first: decisions of the first trained snapshot; None for `every`.
        every: decisions after which one is due at the latest.
        win_rate: beat rate against each required foe that earns one earlier.
        min_games: against each required foe before its beat rate counts.
        min_kl: nats from the parent below which none is taken.
    """

    first: int | None
    every: int
    win_rate: float
    min_games: int
    min_kl: float


@dataclass(frozen=True)
class LearnerSettings:
    """Everything that the learners of a league have in common.

    Attributes:
        torso: of the networks of both families.
        wait_bias: added to the logit of WAIT of an untrained policy.
        checkpoint_every_s: seconds between checkpoints.
        keep_checkpoints: how many of them are kept.
        device: "auto", "cpu", "cuda" or "mps".
        n_threads: of torch, per learner.
        viewers: package (league.extras.VIEWERS) -> whether curves are written for it too.
        relation_mask: "on", "off", or "inherit": as the snapshot that a lineage goes on from.
        teaching: how a lineage that has a teacher is taught.
        ratchet_kl: weight of the divergence from the last best snapshot (league.learner.ratchet).
        n_ranks: processes that train one lineage together, each with its part of the matches.
    """

    env: EnvSettings
    ppo: PpoSettings
    torso: TorsoConfig
    opponents: OpponentSettings
    snapshots: SnapshotSettings
    wait_bias: float
    checkpoint_every_s: float
    keep_checkpoints: int
    device: str
    n_threads: int
    viewers: Mapping[str, bool]
    teaching: TeachingSettings
    relation_mask: str = "inherit"
    ratchet_kl: float = 0.0
    n_ranks: int = 1

    def of_a_rank(self, n_ranks: int) -> LearnerSettings:
        """Return what one of so many ranks plays: its part of the matches and of the rollout.

        Minibatches stay those of all ranks together (league.ppo.joint).

        Raises:
            LearnerError: they cannot be divided.
        """
        if n_ranks == 1:
            return self
        for name, value in (
            ("n_matches", self.env.n_matches),
            ("n_steps", self.ppo.n_steps),
            ("batch_size", self.ppo.batch_size),
        ):
            if value % n_ranks:
                raise LearnerError(
                    f"expected a learner.{name} that {n_ranks} ranks can share, found {value}; "
                    f"set it to a multiple of learner.n_ranks"
                )
        return replace(
            self,
            env=replace(self.env, n_matches=self.env.n_matches // n_ranks),
            ppo=replace(self.ppo, n_steps=self.ppo.n_steps // n_ranks, n_ranks=n_ranks),
        )


def learner_settings(config: LeagueConfig) -> LearnerSettings:
    """Read what the learners need out of a league's settings.

    Raises:
        MapError: a reference to a training map that cannot be read.
    """
    learner = config.learner
    return LearnerSettings(
        env=EnvSettings(
            rules=config.rules.to_rules(),
            views=config.views.to_views(),
            maps=tuple(expand_references(config.maps.train)),
            n_matches=learner.n_matches,
            seats_per_match=learner.seats_per_match,
            gamma=learner.gamma,
            reward=_reward_weights(learner.reward),
            n_threads=config.arena.n_threads,
            reads=inputs_of(config.torso, config.views.to_views().shapes()),
            reset_share=learner.reset_share,
        ),
        ppo=_ppo_settings(learner),
        torso=config.torso,
        opponents=OpponentSettings(
            n_per_wave=learner.n_opponents,
            one_opponent_share=learner.one_opponent_share,
            self_play_share=learner.self_play_share,
            ring_share=learner.ring_share,
            ladder_share=learner.ladder_share,
            stirred_decisions=learner.plateau_after or 0,
        ),
        snapshots=SnapshotSettings(
            first=learner.first_snapshot,
            every=learner.snapshot_every,
            win_rate=learner.snapshot_win_rate,
            min_games=learner.snapshot_min_games,
            min_kl=learner.snapshot_min_kl,
        ),
        wait_bias=learner.wait_bias,
        checkpoint_every_s=learner.checkpoint_every_s,
        keep_checkpoints=learner.keep_checkpoints,
        device=learner.device,
        n_threads=learner.n_threads,
        viewers=viewers(learner),
        relation_mask=learner.relation_mask,
        ratchet_kl=learner.ratchet_kl,
        teaching=TeachingSettings(
            n_rows=learner.teacher_rows,
            n_epochs=learner.teacher_epochs,
            n_rounds=learner.teacher_rounds,
            n_round_rows=learner.teacher_round_rows,
            value_decisions=learner.teacher_value_decisions,
            kl=learner.teacher_kl,
            kl_decisions=learner.teacher_kl_decisions,
        ),
        n_ranks=learner.n_ranks,
    )


def viewers(learner: LearnerConfig) -> dict[str, bool]:
    """Return which packages shall get the curves."""
    return {package: getattr(learner, package) for package in VIEWERS}


def _reward_weights(reward: RewardConfig) -> RewardWeights:
    return RewardWeights(
        land=reward.potential_land,
        strength=reward.potential_strength,
        placement=reward.placement,
        first=reward.first,
        death=reward.death,
        team_share=reward.team_share,
    )


def _ppo_settings(learner: LearnerConfig) -> PpoSettings:
    def schedule(start: float, end: float | None) -> Schedule:
        return Schedule(start) if end is None else Schedule(start, end, learner.schedule_decisions)

    return PpoSettings(
        learning_rate=schedule(learner.learning_rate, learner.learning_rate_end),
        n_steps=learner.n_steps,
        batch_size=learner.batch_size,
        n_epochs=learner.n_epochs,
        gamma=learner.gamma,
        gae_lambda=learner.gae_lambda,
        clip_range=Schedule(learner.clip_range),
        ent_coef=schedule(learner.ent_coef, learner.ent_coef_end),
        vf_coef=learner.vf_coef,
        max_grad_norm=learner.max_grad_norm,
        target_kl=learner.target_kl,
        micro_batch=learner.micro_batch,
        top_advantage_share=learner.top_advantage_share,
        precision=learner.precision,
        survival_coef=learner.survival_coef,
        n_halves=learner.n_halves,
        compile=learner.compile,
        averaging_window=learner.averaging_window,
    )
