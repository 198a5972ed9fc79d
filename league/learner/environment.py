"""The learner's environment: its seats of M matches in lock-step, as a Stable-Baselines3 VecEnv.

There are no subprocesses: members play the other seats in this process and on this device, one
forward pass per member and decision. Env i is learner seat i % k of match i // k. A seat that
dies ends its episode immediately and is idle (`active[i]` False) until its match ends and a new one
begins; idle rows have reward 0 and must not enter buffers. A match ends by its own rules, and the
time limit is one of them: every end is a terminal, never a truncation. When the last learner seat
of a match is dead, the rest of that match is not played. A share of the matches may begin in the
middle of an earlier one (league.learner.middles); they count in no result and no score.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import gymnasium as gym
import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.errors import SnapshotMissingError
from agents.in_tick import terms_of
from agents.relations import relation_mask
from arena.agent import Agent, LoadAgent
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.match import LoadMap, MatchSpec, start_match
from arena.territory.engine.rules import MAX_SEATS, N_ACTIONS
from arena.territory.observation.observation import empty_views
from arena.territory.observation.space import observation_space
from league.learner.drawn import DrawnViews
from league.learner.in_one_process import InOneProcess
from league.learner.middles import Middle, Middles, deal, pack, play_again, unpack
from league.learner.outcomes import beaten_shares
from league.learner.rewards import final_reward, potential, step_reward, with_team_share
from league.learner.settings import EnvSettings

log = logging.getLogger(__name__)

LEARNER = "learner"  # the agent spec of the learner's own seats
SELF_PLAY = "self"  # the current weights in an opponent's seat
N_CACHED_AGENTS = 32

FloatArray = NDArray[np.float64]
DrawOpponents = Callable[[int, Generator], list[str]]


class LeagueVecEnv(InOneProcess):
    """See the module's docstring.

    Attributes:
        active: bool[num_envs], rows that need an action now.
        results: opponent spec -> [games, beats] since `take_results`: one game per match and
            opponent seat, beats in shares of the learner's seats placed above it.
        scores: opponent spec -> per finished match the mean over its seats of such a share, since
            `take_scores`: what a test may count as independent.
        draw_opponents: (number of seats, generator) -> opponent specs, asked at match start.
        before_step: called before every decision; whatever it raises leaves the matches as they
            were, so that a learner can be stopped in the middle of a rollout.
        relation_mask: whether the learner chooses only among what agents.relations leaves.
        drawn: where the views are drawn on the network's device; `observations` then has tensors.
        is_inside_step: a reset or step has begun and, perhaps because a load raised, not ended: the
            matches cannot be saved.
    """

    render_mode = None

    def __init__(
        self,
        settings: EnvSettings,
        load_agent: LoadAgent,
        load_map: LoadMap,
        draw_opponents: DrawOpponents,
        self_play: Agent | None,
        seed: int,
    ) -> None:
        self.settings = settings
        self.draw_opponents = draw_opponents
        self.before_step: Callable[[], None] = lambda: None
        self.relation_mask = False
        self.is_inside_step = False
        self._load_agent = load_agent
        self._load_map = load_map
        self._agents: dict[str, Agent] = {}
        if self_play is not None:
            self._agents[SELF_PLAY] = self_play
        self.rng = Generator(PCG64(seed))
        n, k = settings.n_matches, settings.seats_per_match
        self.lockstep = Lockstep(n, settings.views, settings.n_threads)
        self.specs: list[MatchSpec | None] = [None] * n
        self.middles = Middles(
            settings.reset_share, n, settings.rules.max_ticks // settings.rules.ticks_per_decision
        )
        self._origins: list[Middle | None] = [None] * n  # of the matches that began in the middle
        self.rows = np.zeros(n * k, np.int64)
        self.active = np.zeros(n * k, np.bool_)
        self.results: dict[str, list[float]] = {}
        self.scores: dict[str, list[float]] = {}
        self._players = np.zeros(n * k, np.int64)  # spawn index of each row
        self._potential = np.zeros(n * k)
        self._episode_reward = np.zeros(n * k)
        self._placement = np.zeros(n * k, np.int64)
        self._views = empty_views(n * k, settings.views)
        self.drawn: DrawnViews | None = None
        self._actions = np.zeros(n * MAX_SEATS, np.int64)
        self._chosen = np.zeros(n * k, np.int64)
        space = observation_space(settings.views, with_mask=False, with_frames=False)
        if settings.reads is not None:
            space = gym.spaces.Dict({key: space.spaces[key] for key in settings.reads})
        self._reads_views = any(len(box.shape or ()) == 3 for box in space.spaces.values())
        super().__init__(n * k, space, gym.spaces.Discrete(N_ACTIONS))

    # --- matches ----------------------------------------------------------------------------------

    def _agent(self, spec: str) -> Agent | None:
        if spec == LEARNER:
            return None
        agent = self._agents.get(spec)
        if agent is None:
            agent = self._load_agent(spec)
            self._agents[spec] = agent
        return agent

    def _forget_unused_agents(self) -> None:
        if len(self._agents) <= N_CACHED_AGENTS:
            return
        used = {agent for spec in self.specs if spec is not None for agent in spec.agents}
        for name in [name for name in self._agents if name not in used and name != SELF_PLAY]:
            del self._agents[name]

    def _draw_spec(self) -> MatchSpec:
        """Draw a new match: seeded map, the learner's seats at random, opponents by the league."""
        settings = self.settings
        n_seats, k = settings.rules.n_seats, settings.seats_per_match
        opponents = self.draw_opponents(n_seats - k, self.rng)
        seats = self.rng.permutation(n_seats)
        agents = [LEARNER] * n_seats
        for seat, spec in zip(seats[k:], opponents, strict=True):
            agents[seat] = spec
        return MatchSpec(
            seed=int(self.rng.integers(2**62)),
            map=settings.maps[int(self.rng.integers(len(settings.maps)))],
            agents=tuple(agents),
            rules=settings.rules,
            views=settings.views,
            terms=terms_of(agents),
        )

    def _begin_next(self, slot: int) -> None:
        """Begin a new match, in a share of cases in the middle of an earlier one."""
        middle = self.middles.draw(slot, self.rng)
        k, spec = self.settings.seats_per_match, None
        if middle is not None:
            spec = deal(middle.board, k, LEARNER, self.draw_opponents, self.rng)
        if spec is None:
            middle, spec = None, self._draw_spec()
        self._begin(slot, spec, middle)

    def _begin(self, slot: int, spec: MatchSpec, middle: Middle | None = None) -> LiveMatch:
        match = start_match(spec, self._load_map, [self._agent(name) for name in spec.agents])
        if middle is not None:
            middle.put_into(match)
        self.lockstep.begin(slot, match)
        self.specs[slot], self._origins[slot] = spec, middle
        if middle is not None:
            self.lockstep.refresh([slot])  # its attacks, for the potential
        k = self.settings.seats_per_match
        own = [seat for seat, name in enumerate(spec.agents) if name == LEARNER]
        self.rows[slot * k : (slot + 1) * k] = slot * MAX_SEATS + np.array(own)
        self.active[slot * k : (slot + 1) * k] = match.living[own]
        self._episode_reward[slot * k : (slot + 1) * k] = 0.0
        self._players[slot * k : (slot + 1) * k] = match.engine.spawn_of[own]
        self._potential[slot * k : (slot + 1) * k] = self._potentials([slot])
        return match

    def _potentials(self, slots: Sequence[int]) -> FloatArray:
        """Return float64[len(slots) * k]: the potential of the learner's seats of these matches.

        Attacks count as they were at the last `refresh`; a match that begins has none.
        """
        n, k = self.settings.rules.n_players, self.settings.seats_per_match
        land, home, away = np.zeros((3, len(slots), n))
        for i, slot in enumerate(slots):
            match = self._match(slot)
            state = match.engine.state
            land[i] = state.playable_tiles[1:] / max(match.engine.map.n_playable, 1)
            home[i] = np.where(state.tiles[1:] > 0, state.troops[1:], 0)
            away[i] = np.where(state.tiles[1:] > 0, match.scratch.out_troops[1:], 0.0)
        strength = home + away
        strength /= np.maximum(strength.sum(axis=1, keepdims=True), 1.0)
        players = self._players.reshape(-1, k)[list(slots)]
        own_land = np.take_along_axis(land, players, axis=1)
        own_strength = np.take_along_axis(strength, players, axis=1)
        return potential(self.settings.reward, own_land, own_strength, n).reshape(-1)

    def _match(self, slot: int) -> LiveMatch:
        match = self.lockstep.matches[slot]
        assert match is not None
        return match

    def _settle(self, slot: int, match: LiveMatch) -> None:
        """Count who was placed above whom when a whole match ends for the learner."""
        spec = self.specs[slot]
        assert spec is not None
        if self._origins[slot] is not None:
            return
        own = [seat for seat, name in enumerate(spec.agents) if name == LEARNER]
        shares = beaten_shares(match.engine.placements(), spec.agents, own, (LEARNER, SELF_PLAY))
        for name, found in shares.items():
            total = self.results.setdefault(name, [0.0, 0.0])
            total[0] += len(found)
            total[1] += sum(found)
            self.scores.setdefault(name, []).append(sum(found) / len(found))

    def take_results(self) -> dict[str, tuple[int, float]]:
        """Return games and beats by opponent spec since the last call."""
        results = {name: (int(games), beats) for name, (games, beats) in self.results.items()}
        self.results = {}
        return results

    def take_scores(self) -> dict[str, list[float]]:
        """Return the scores by opponent spec since the last call, one per match."""
        scores, self.scores = self.scores, {}
        return scores

    # --- VecEnv -----------------------------------------------------------------------------------

    def load_maps(self) -> None:
        """Load all maps now instead of at the matches that need them first."""
        for reference in self.settings.maps:
            self._load_map(reference)

    def reset(self) -> dict[str, NDArray[Any]]:
        """Begin new matches everywhere."""
        self.is_inside_step = True
        for slot in range(self.settings.n_matches):
            self._begin_next(slot)
        self.lockstep.refresh()
        self.is_inside_step = False
        return self._observe()

    def _observe(self, rows: slice = slice(None)) -> dict[str, NDArray[Any]]:
        at = np.arange(self.num_envs)[rows][self.active[rows]]
        on_host = self._reads_views and self.drawn is None
        self.lockstep.observe(self.rows[at], self._views, at, with_views=on_host)
        if self.drawn is not None:
            self.drawn.observe(self.rows[at], at)
        return self.observations()

    def observations(self) -> dict[str, NDArray[Any]]:
        """Return the newest observations, which each step writes anew where it plays."""
        seen = as_dict(self._views)
        if self.drawn is not None:
            seen |= cast(dict[str, NDArray[Any]], self.drawn.targets)
        return {key: seen[key] for key in cast(gym.spaces.Dict, self.observation_space).spaces}

    def halves(self) -> tuple[range, range]:
        """Return the matches of each half, for `step_matches`; a single match is in the second."""
        n = self.settings.n_matches
        return range(n // 2), range(n // 2, n)

    def rows_of(self, matches: range) -> slice:
        """Return the rows of neighbouring matches."""
        k = self.settings.seats_per_match
        return slice(matches.start * k, matches.stop * k)

    def masks_of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return bool[n, 45] of these rows, all of them active."""
        facts, at = self.lockstep.facts, self.rows[rows]
        mask = facts.mask[at].astype(np.bool_)
        return relation_mask(mask, facts.direction[at]) if self.relation_mask else mask

    def action_masks(self) -> NDArray[np.bool_]:
        """Return bool[num_envs, 45]; idle rows may only wait."""
        return self.masks_of(np.arange(self.num_envs))

    def step_async(self, actions: NDArray[Any]) -> None:
        """Remember the actions, int64[num_envs]; those of idle rows are ignored."""
        self._chosen[:] = actions

    def step_wait(
        self,
    ) -> tuple[
        dict[str, NDArray[Any]], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]
    ]:
        """Play one decision of every match; new matches begin where old ones ended.

        Returns:
            observations (valid until the next call), rewards float32[num_envs], dones
            bool[num_envs], infos: for finished rows "placement", "episode_reward", "survived",
            and "whole", whether the match began at its start.
        """
        self.before_step()
        rewards, dones, infos = self.step_matches(range(self.settings.n_matches))
        return self.observations(), rewards, dones, infos

    def choose(self, rows: NDArray[np.int64], actions: NDArray[Any]) -> None:
        """Remember the actions of these rows, for `step_matches`."""
        self._chosen[rows] = actions

    def step_matches(
        self, matches: range
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Play one decision of neighbouring matches; return rewards, dones and infos of their rows.

        Nothing of the others is read or written. One call at a time; `before_step` is the caller's.
        """
        self.is_inside_step = True
        own = self.rows_of(matches)
        acting = np.arange(self.num_envs)[own][self.active[own]]
        self.lockstep.ask_agents(self._actions, matches)
        self._actions[self.rows[acting]] = self._chosen[acting]
        self.lockstep.advance(self._actions, matches)
        self.lockstep.refresh(matches)
        rewards, dones = self._score(matches)
        self._episode_reward[own] += rewards
        infos: list[dict[str, Any]] = [{} for _ in range(len(rewards))]
        for i in np.flatnonzero(dones).tolist():
            infos[i] = {
                "placement": int(self._placement[own][i]),
                "episode_reward": float(self._episode_reward[own][i]),
                "survived": bool(self.lockstep.alive[self.rows[own][i]]),
                "whole": self._origins[matches[i // self.settings.seats_per_match]] is None,
            }
            self._episode_reward[own][i] = 0.0
        self._restart_finished(matches)
        self.is_inside_step = False
        self._observe(own)
        return rewards.astype(np.float32), dones, infos

    def _score(self, matches: range) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return rewards float64 of the rows of these matches, and bool: which episodes ended."""
        settings = self.settings
        n, k = len(matches), settings.seats_per_match
        own = self.rows_of(matches)
        active, rows, placement = self.active[own], self.rows[own], self._placement[own]
        before, after = self._potential[own].copy(), self._potentials(matches)
        alive = self.lockstep.alive[rows]
        is_over = np.repeat([self._match(slot).engine.is_over for slot in matches], k)
        ended = active & (~alive | is_over)
        reward = step_reward(settings.gamma, before, after)
        for i in np.unique(np.flatnonzero(ended) // k).tolist():
            slot, seats = matches[i], slice(i * k, (i + 1) * k)
            placements = np.array(self._match(slot).engine.placements())
            placement[seats] = placements[rows[seats] - slot * MAX_SEATS]
        final = final_reward(settings.reward, before, placement, settings.rules.n_players, ~alive)
        own_reward = np.where(active, np.where(ended, final, reward), 0.0)
        mixed = with_team_share(settings.reward, own_reward.reshape(n, k)).reshape(-1)
        rewards = np.where(active, mixed, 0.0)
        self._potential[own] = after
        active &= ~ended
        return rewards, ended

    def _restart_finished(self, matches: range) -> None:
        """Begin new matches where no seat of the learner plays any more."""
        k = self.settings.seats_per_match
        finished = []
        for slot in matches:  # one after the other, so that it matters not who steps beside them
            spec = self.specs[slot]
            assert spec is not None
            self.middles.keep(slot, spec, self._match(slot))
            if not self.active[slot * k : (slot + 1) * k].any():
                self._settle(slot, self._match(slot))
                self._forget_unused_agents()
                self._begin_next(slot)
                finished.append(slot)
        self.lockstep.refresh(finished)

    @property
    def phase_seconds(self) -> dict[str, float]:
        """Wall time so far by phase: "env", "observation", "opponents"."""
        spent = self.lockstep.seconds
        return {
            "env": spent["env"],
            "observation": spent["observation"],
            "opponents": spent["agents"],
        }

    # --- checkpoints ------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what a resumed learner needs to go on with the same matches, as plain JSON."""
        matches = []
        for slot, spec in enumerate(self.specs):
            assert spec is not None
            match, middle = self._match(slot), self._origins[slot]
            saved: dict[str, Any] = {
                "spec": spec.to_json(),
                "actions": pack(match.record),
                "n_decisions": match.n_decisions,
            }
            matches.append(saved if middle is None else {**saved, "middle": middle.to_json()})
        return {
            **self.middles.state(),
            "matches": matches,
            "active": self.active.tolist(),
            "episode_reward": self._episode_reward.tolist(),
            "results": self.results,
            "scores": self.scores,
            "rng": self.rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Rebuild the matches of `state` by playing their actions again; returns observations.

        Agents that keep a memory (scripted ones, plug-ins) are asked again on the way, so that they
        remember what they knew. A match with an opponent whose snapshot is gone (it was pruned)
        cannot go on: another one begins in its place, as where there is none.
        """
        lockstep = self.lockstep
        k = self.settings.seats_per_match
        active = np.array(state["active"], np.bool_)
        rewards = np.array(state["episode_reward"], np.float64)
        rebuilt: list[LiveMatch | None] = []
        for slot, saved in enumerate(state["matches"]):
            lockstep.matches = [None] * self.settings.n_matches
            match = None if saved is None else self._rebuilt(slot, saved)
            if match is None:
                match = self._begin(slot, self._draw_spec())
                active[slot * k : (slot + 1) * k] = True
                rewards[slot * k : (slot + 1) * k] = 0.0
            rebuilt.append(match)
        lockstep.matches = rebuilt
        self.active[:] = active
        lockstep.refresh()
        self._potential = self._potentials(range(self.settings.n_matches))
        self._episode_reward[:] = rewards
        self.results = {name: list(total) for name, total in state["results"].items()}
        scores = state.get("scores", {})  # checkpoints of 0.1.0 have none
        self.scores = {name: list(found) for name, found in scores.items()}
        if state["rng"] is not None:
            self.rng.bit_generator.state = state["rng"]
        self.middles.set_state(state, self._load_map)
        return self._observe()

    def _rebuilt(self, slot: int, saved: dict[str, Any]) -> LiveMatch | None:
        """Play a match of a checkpoint up to where it was; None where an opponent of it is gone."""
        spec, record = MatchSpec.from_json(saved["spec"]), unpack(saved)
        middle, record = Middle.resumed(saved, spec, record, self._load_map)
        try:
            match = self._begin(slot, spec, middle)
        except SnapshotMissingError as gone:
            log.warning("match %d of the checkpoint is not played on: %s", slot, gone)
            return None
        play_again(self.lockstep, self._actions, slot, record)
        return match
