"""A trainer among the ranks of its lineage: what the first tells the others, and what all do.

Promises: all ranks have the same weights before and after every update; counters, results and
scores are those of all ranks; a stop that any rank hears ends the running rollout on all; the first
rank alone offers, resumes and talks to the manager. Every exchange is made by all ranks in the same
order: the others wait for a word of the first (`hear`), and then do what it does.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import PCG64, Generator

from league.learner.checkpoints import decode, encode, random_state, restore, set_random_state
from league.learner.dealing import EnvState
from league.learner.waiting import StopOrdered
from league.ppo.errors import RanksLostError
from league.ppo.peers import Peers

if TYPE_CHECKING:
    from league.learner.trainer import Trainer
    from league.ppo.algorithm import LeaguePPO
    from league.ppo.buffer import RaggedRolloutBuffer

log = logging.getLogger(__name__)

UPDATE, STATE, SAVE, LEAVE = "update", "state", "save", "leave"
_PURPOSE = 0x72616E6B  # apart from all other uses of a learner's seed
_SUMS = ("n_transitions", "n_episodes")
_LARGEST = ("first_ratio_error",)


def rank_seed(seed: int, rank: int, n_decisions: int = 0) -> int:
    """Return the seed of a rank's draws; that of the first is the lineage's."""
    if rank == 0:
        return seed
    words = np.random.SeedSequence([_PURPOSE, seed, rank, n_decisions]).generate_state(2)
    return int(words[0]) << 31 | int(words[1]) >> 1


@dataclass(frozen=True)
class Joined:
    """What came of an update of all ranks.

    Attributes:
        numbers: of the update, for all ranks together.
        results, scores: as LeagueVecEnv.take_results and take_scores, of all ranks.
    """

    numbers: dict[str, float]
    results: dict[str, tuple[int, float]]
    scores: dict[str, list[float]]


class Ranks:
    """The group of a trainer that has one."""

    def __init__(self, trainer: Trainer, peers: Peers) -> None:
        self._trainer, self._peers = trainer, peers
        self._have_parted = False

    @property
    def is_first(self) -> bool:
        """Whether this rank is the one that speaks for all."""
        return self._peers.rank == 0

    @property
    def size(self) -> int:
        """Number of ranks."""
        return self._peers.size

    # --- words of the first -----------------------------------------------------------------------

    def tell(self, what: str, **more: Any) -> None:
        """Tell the others what comes next."""
        self._peers.spread(json.dumps({"what": what, **more}).encode())

    def hear(self) -> dict[str, Any]:
        """Wait for the first rank's next word."""
        heard: dict[str, Any] = json.loads(self._peers.spread(b""))
        return heard

    def leave(self) -> None:
        """Let the others go; returns when all have heard it."""
        self.tell(LEAVE)
        self.part()

    def part(self) -> None:
        """Wait until all have heard that they may go, or are gone."""
        try:
            self._peers.gather(b"")
        except RanksLostError as error:
            log.debug("%s", error)

    # --- weights and streams ----------------------------------------------------------------------

    def share_state(
        self,
        envs: Sequence[EnvState | None] | None,
        randoms: Sequence[Mapping[str, Any] | None] = (),
    ) -> None:
        """Give the others this trainer's weights, optimizer and counters.

        Args:
            envs: by rank, the matches to go on with (league.learner.dealing); None for those that
                they are playing.
            randoms: by rank, the random streams to go on with, where there are any.
        """
        trainer = self._trainer
        extra = {
            "envs": None if envs is None else list(envs),
            "randoms": list(randoms),
            "wave": trainer.wave,
            "relation_mask": trainer.env.relation_mask,
            "taught": trainer.lessons.taught,
            "ratchet": trainer.ratchet.state(),
            "in_bfloat16": trainer.ppo.in_bfloat16,
        }
        self._peers.spread(encode(trainer.ppo, extra))
        self._peers.spread(trainer.lessons.reference)

    def share_again(self) -> None:
        """Give the others new weights, with which they play their matches on."""
        self.tell(STATE)
        self.share_state(None)

    def take_state(self) -> None:
        """Take what `share_state` of the first rank gives."""
        trainer, ppo, rank = self._trainer, self._trainer.ppo, self._peers.rank
        given = decode(self._peers.spread(b""), Path("the first rank's state"))
        trainer.lessons.take_reference(self._peers.spread(b""))
        extra, n_decisions = given.extra, given.n_decisions
        trainer.wave = extra["wave"]
        trainer.take_mask(extra["relation_mask"])
        observations, streams = ppo._last_obs, random_state(ppo)
        if extra["envs"] is not None:
            seed = rank_seed(trainer.orders.seed, rank, n_decisions)
            trainer.env.rng = Generator(PCG64(seed))
            ppo.generator.manual_seed(seed)
            env = extra["envs"][rank]
            observations = None if env is None else trainer.env.set_state(env)
            streams = random_state(ppo)
            if rank < len(extra["randoms"]) and extra["randoms"][rank] is not None:
                streams = extra["randoms"][rank]
        ppo.in_bfloat16 = extra["in_bfloat16"]  # what its probe found, for all
        restore(ppo, given, observations)
        set_random_state(ppo, streams)
        trainer.lessons.inherit(extra["taught"])
        trainer.ratchet.inherit(extra["ratchet"])

    def states(self) -> list[dict[str, Any]] | None:
        """Return matches and streams of every rank; None if one of them cannot be saved now."""
        self.tell(SAVE)
        return self.give_state()

    def give_state(self) -> list[dict[str, Any]] | None:
        """Do this rank's part of `states`."""
        trainer = self._trainer
        own: dict[str, Any] | None = None
        if not trainer.env.is_inside_step:
            if trainer.ppo._last_obs is None:
                trainer.ppo._last_obs = trainer.env.reset()
            own = {"env": trainer.env.state(), "random": random_state(trainer.ppo)}
        found = [json.loads(raw) for raw in self._peers.gather(json.dumps(own).encode())]
        return None if None in found else found

    # --- updates ----------------------------------------------------------------------------------

    def begin_update(self) -> None:
        """Tell the others to make an update, with which opponents and from where."""
        if self._have_parted:
            self.share_again()
        trainer = self._trainer
        counts = (trainer.ppo.num_timesteps, trainer.ppo.schedules_from)
        self.tell(UPDATE, wave=trainer.wave, counts=counts, ratchet=trainer.ratchet.state())

    def follow(self, word: Mapping[str, Any]) -> None:
        """Make the update that the first rank has told of; raises StopOrdered."""
        trainer = self._trainer
        trainer.wave = list(word["wave"])
        trainer.ppo.num_timesteps, trainer.ppo.schedules_from = word["counts"]
        best = word["ratchet"]
        if best is not None and best["best"] != trainer.ratchet.best:
            trainer.ratchet.inherit(best)  # a snapshot since
        trainer.play_and_learn()

    def update(self) -> Joined:
        """Collect a rollout and learn, all ranks together.

        Raises:
            StopOrdered: a rank heard a stop during its rollout; nothing was learned.
            RanksLostError: a rank is gone.
            LearnerError: see LeaguePPO.update; on all ranks.
        """
        ppo, before = self._trainer.ppo, self._trainer.ppo.num_timesteps
        stop: StopOrdered | None = None
        try:
            ppo.collect()
        except StopOrdered as ordered:
            stop = ordered
        own = [stop is not None, ppo.num_timesteps - before]
        said = [json.loads(raw) for raw in self._peers.gather(json.dumps(own).encode())]
        if any(stopped for stopped, _ in said):
            raise stop or StopOrdered
        ppo.num_timesteps = before + sum(n for _, n in said)
        ppo.train()
        return self._joined()

    def _joined(self) -> Joined:
        """Put together what the ranks have to tell of the update."""
        trainer, ppo = self._trainer, self._trainer.ppo
        own = {
            "numbers": ppo.last_log,
            "lesson": trainer.lessons.numbers() | trainer.ratchet.numbers(),
            "episodes": ppo.episodes,
            "results": trainer.env.take_results(),
            "scores": trainer.env.take_scores(),
            "moments": _moments(ppo.rollout_buffer),
            "weights": digest(ppo),
        }
        found = [json.loads(raw) for raw in self._peers.gather(json.dumps(own).encode())]
        if not self._have_parted and len({each["weights"] for each in found}) > 1:
            # Processors of different kinds may round differently.
            if self.is_first:
                log.warning("the ranks' weights part by rounding: from now on all get the first's")
            self._have_parted = True
        ppo.episodes = [episode for each in found for episode in each["episodes"]]
        numbers = _numbers([each["numbers"] for each in found])
        numbers["explained_variance"] = _explained([each["moments"] for each in found])
        numbers |= _means([each["lesson"] for each in found])
        if ppo.episodes:
            rewards = [float(episode["episode_reward"]) for episode in ppo.episodes]
            places = [float(episode["placement"]) for episode in ppo.episodes]
            numbers["reward_mean"] = float(np.mean(rewards))
            numbers["placement_mean"] = float(np.mean(places))
        return Joined(numbers, *_outcomes(found))


def digest(ppo: LeaguePPO) -> str:
    """Return what tells apart weights that differ in a bit."""
    digest = hashlib.sha256()
    for parameter in ppo.policy.parameters():
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _numbers(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the numbers of all ranks together; most are the same on all, or times."""
    numbers = _means(found)
    numbers |= {name: sum(each[name] for each in found) for name in _SUMS}
    numbers |= {name: max(each[name] for each in found) for name in _LARGEST}
    numbers["decisions_per_s"] = sum(each["decisions_per_s"] for each in found)
    # Those that all ranks have computed from the same sums.
    same = {name for name in found[0] if len({each.get(name) for each in found}) == 1}
    return numbers | {name: found[0][name] for name in same - {*_SUMS, "decisions_per_s"}}


def _means(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = {name for each in found for name in each}
    return {
        name: float(np.mean([each[name] for each in found if name in each]))
        for name in sorted(names)
    }


def _moments(buffer: RaggedRolloutBuffer) -> list[float]:
    """Return n, and sums and sums of squares of the returns and of the values' errors."""
    returns = buffer.host_returns.astype(np.float64)
    errors = returns - buffer.host_values
    sums = [float(sum_) for x in (returns, errors) for sum_ in (x.sum(), np.square(x).sum())]
    return [float(len(returns)), *sums]


def _explained(found: Sequence[Sequence[float]]) -> float:
    """Return the explained variance (league.ppo.safety) of all rollouts together."""
    n, total, squares, errors, error_squares = np.sum(found, axis=0)
    variance = squares / n - (total / n) ** 2
    if variance <= 0.0:
        return 0.0
    return float(1.0 - (error_squares / n - (errors / n) ** 2) / variance)


def _outcomes(
    found: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, tuple[int, float]], dict[str, list[float]]]:
    """Return results and scores of all ranks together."""
    results: dict[str, tuple[int, float]] = {}
    scores: dict[str, list[float]] = {}
    for each in found:
        for name, (games, beats) in each["results"].items():
            before = results.get(name, (0, 0.0))
            results[name] = (before[0] + int(games), before[1] + float(beats))
        for name, own in each["scores"].items():
            scores.setdefault(name, []).extend(own)
    return results, scores
