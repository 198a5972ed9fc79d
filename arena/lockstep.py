"""Many matches in lock-step in one process: the core that rated matches and training share.

Seat k of slot m is row m * MAX_SEATS + k while its match lasts. Each decision asks every agent
once, for all its rows in all matches, or once for each match if it may draw from `rng`; there is no
loop over seats in Python. A row without an agent belongs to the caller (the learner), who passes
its actions to `advance`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from arena.agent import Agent, IntArray, NoGenerator, SeatBatch
from arena.errors import AgentFault, MatchError
from arena.territory.engine.actions import WAIT
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.engine.seating import has_mind
from arena.territory.maps import TerritoryMap
from arena.territory.observation import observation as obs
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.seeing import see, see_facts
from arena.territory.observation.views import Views
from arena.threads import MatchThreads

_RNG_PURPOSE = 0x726E67  # apart from all other uses of a match's seed
_NO_GENERATOR = NoGenerator()

DEAD = 255
"""Stands for a seat without an action in a recorded decision: dead, or played by the engine."""


class LiveMatch:
    """A running match and the agents of its seats.

    Attributes:
        engine: the board.
        agents: one per seat; None is a seat of the caller. Those of seats that the engine plays are
            never asked.
        by_engine: bool[seats], whom the engine plays itself, inside the tick.
        has_minds: whether there are such seats, or a crowd.
        n_decisions: decisions taken so far.
        record: one uint8[seats] per decision: the actions, DEAD for seats that are dead or of the
            engine.
        agent_s: seconds that each agent (by `id`) has thought for its seats of this match.
        shared_s: seconds of everything else, its share of what was done for all at once.
    """

    def __init__(
        self,
        territory: TerritoryMap,
        rules: MatchRules,
        views: Views,
        seed: int,
        rotation: int,
        agents: Sequence[Agent | None],
        terms: Sequence[str] = (),
    ) -> None:
        views = views.of_edition(rules.edition)
        self.rules = rules
        self.seed = seed
        self.agents = list(agents)
        self.engine = Engine.new_match(
            territory, rules, seed, rotation=rotation, grid=views.global_size, terms=terms
        )
        self.scratch = obs.make_scratch(self.engine.state, views)
        self.by_engine = has_mind(self.engine)[self.engine.spawn_of[: rules.n_seats]]
        self.has_minds = bool(self.by_engine.any()) or rules.n_players > rules.n_seats
        self.n_decisions = 0
        self.record: list[NDArray[np.uint8]] = []
        self.started = time.monotonic()
        self.agent_s: dict[int, float] = {}
        self.shared_s = 0.0

    @property
    def living(self) -> NDArray[np.bool_]:
        """Whether each seat lives, bool[seats]."""
        players = self.engine.spawn_of[: self.rules.n_seats]  # the crowd has the seats after them
        alive: NDArray[np.bool_] = self.engine.tiles[players] > 0
        return alive

    @property
    def acting(self) -> NDArray[np.bool_]:
        """Whether each seat lives and is not played by the engine, bool[seats]."""
        living = self.living
        return living & ~self.by_engine if self.has_minds else living

    def placements(self) -> list[int]:
        """Return the placement of each seat among the seats: the crowd takes no place."""
        return self.engine.placements(self.rules.n_seats)

    def advance(self, actions: IntArray) -> int:
        """Play one decision, int64[seats], DEAD where there is none; return the ticks played."""
        self.record.append(actions.astype(np.uint8))
        if self.has_minds:
            orders = np.full(self.engine.n_players, WAIT, np.int64)
            orders[: len(actions)] = np.where(self.by_engine, WAIT, actions)
            actions = orders
        self.engine.act(actions)
        self.n_decisions += 1
        return self.engine.run(self.rules.ticks_per_decision)


class Lockstep:
    """Slots for matches that advance together.

    Attributes:
        matches: the match of each slot, or None.
        facts: masks and public facts by row, valid after `refresh`.
        alive: bool by row, the seats that live and are not played by the engine.
        seconds: wall time spent so far by phase: "env", "observation", "agents".
        draw_views: (rows) -> the views of living rows on a device, for policies that play there;
            None where they are read as they are written, on the host.

    Args:
        n_threads: threads that share the ticks and the observations of the matches; the results do
            not depend on it.
    """

    def __init__(self, n_slots: int, views: Views, n_threads: int = 1) -> None:
        self.views = views
        self._threads = MatchThreads(n_threads)
        self.matches: list[LiveMatch | None] = [None] * n_slots
        n_rows = n_slots * MAX_SEATS
        self.facts = obs.empty_facts(n_rows, views.edition)
        self.alive = np.zeros(n_rows, np.bool_)
        self.seconds = {"env": 0.0, "observation": 0.0, "agents": 0.0}
        self.draw_views: Callable[[IntArray], Mapping[str, Any]] | None = None
        self._seeds = np.zeros(n_rows, np.int64)
        self._decisions = np.zeros(n_rows, np.int64)
        self._buffers: dict[int, obs.SeatViews] = {}

    def begin(self, slot: int, match: LiveMatch) -> None:
        """Put a match into a slot and tell its agents.

        Raises:
            AgentFault: an agent raised.
            MatchError: the match is of another edition than the views.
        """
        if match.rules.edition != self.views.edition.name:
            raise MatchError(
                f"expected a match of edition {self.views.edition.name} beside observations of "
                f"version {self.views.observation_version}, found edition {match.rules.edition}; "
                "take `views.of_edition(rules.edition)`"
            )
        self.matches[slot] = match
        base = slot * MAX_SEATS
        self.alive[base : base + MAX_SEATS] = False
        self._seeds[base : base + MAX_SEATS] = match.seed
        rows_of: dict[int, tuple[Agent, list[int]]] = {}
        for seat, agent in enumerate(match.agents):
            if agent is not None:
                rows_of.setdefault(id(agent), (agent, []))[1].append(base + seat)
        for agent, seated in rows_of.values():
            rows = np.array(seated, np.int64)
            try:
                agent.reset(rows.copy())
            except (Exception, SystemExit) as error:
                raise _fault(error, agent, rows) from error

    def end(self, slot: int) -> None:
        """Empty a slot."""
        self.matches[slot] = None
        base = slot * MAX_SEATS
        self.alive[base : base + MAX_SEATS] = False

    def refresh(self, slots: Iterable[int] | None = None) -> None:
        """Update masks, facts and the living rows; call it before every decision.

        Args:
            slots: those to update, when the others have not advanced; None is all.
        """
        start = time.perf_counter()
        self._threads.map(self._refresh, self._running(slots))
        self.seconds["observation"] += time.perf_counter() - start

    def _running(self, slots: Iterable[int] | None = None) -> list[int]:
        """Return the slots, out of these, that hold a match."""
        chosen = range(len(self.matches)) if slots is None else slots
        return [slot for slot in chosen if self.matches[slot] is not None]

    def _match(self, slot: int) -> LiveMatch:
        match = self.matches[slot]
        assert match is not None
        return match

    def _refresh(self, slot: int) -> None:
        match = self._match(slot)
        base = slot * MAX_SEATS
        n = match.rules.n_seats
        engine = match.engine
        rows = base + engine.seat_of
        if match.has_minds:  # nobody asks for what the engine's own players see
            rows[engine.spawn_of[n:]] = -1
            rows[engine.spawn_of[:n][match.by_engine]] = -1
        see_facts(engine.state, match.scratch, rows, engine.max_ticks, self.facts)
        self.alive[base : base + n] = match.acting
        self._decisions[base : base + n] = match.n_decisions

    def observe(
        self,
        rows: IntArray,
        views: obs.SeatViews,
        at: IntArray | None = None,
        *,
        with_views: bool = True,
    ) -> None:
        """Write observations into buffers, after `refresh`.

        Args:
            rows: int64[n], living rows, match by match.
            views: the buffers.
            at: int64[n], the index in the buffers of each row; by default row i goes to i.
            with_views: False leaves the three views as they are, for networks that read none.
        """
        if len(rows) == 0:
            return
        start = time.perf_counter()
        if at is None:
            at = np.arange(len(rows))
        mask = np.zeros((len(views.scalars), self.views.n_actions), np.int8)
        mask[at] = self.facts.mask[rows]
        slots = rows // MAX_SEATS
        # One call per run of rows of the same match.
        starts = [0, *(np.flatnonzero(np.diff(slots)) + 1).tolist(), len(rows)]
        calls = [
            (int(slots[first]), rows[first:stop], at[first:stop])
            for first, stop in pairwise(starts)
        ]

        def observe(call: tuple[int, IntArray, IntArray]) -> None:
            slot, own_rows, own_at = call
            match = self._match(slot)
            row_of_player = np.full(match.engine.n_players, -1, np.int64)
            row_of_player[match.engine.spawn_of[own_rows - slot * MAX_SEATS]] = own_at
            engine = match.engine
            see(
                engine.state,
                match.scratch,
                row_of_player,
                engine.max_ticks,
                mask,
                views,
                with_views=with_views,
            )

        if _are_apart(slots[starts[:-1]]):
            self._threads.map(observe, calls)
        else:  # two runs of one match share its scratch
            for call in calls:
                observe(call)
        self.seconds["observation"] += time.perf_counter() - start

    def batch(self, rows: IntArray, key: int = 0) -> SeatBatch:
        """Return the rows as an agent sees them; `key` selects the buffers for its observation."""

        def observe(with_views: bool = True) -> dict[str, NDArray[Any]]:
            views = self._views(key, len(rows))
            self.observe(rows, views, with_views=with_views)
            seen = as_dict(views)
            if with_views:
                return seen
            return {name: values for name, values in seen.items() if name not in VIEW_NAMES}

        return SeatBatch(
            rows,
            self.facts.mask[rows].astype(np.bool_),
            self.facts.own[rows],
            self.facts.direction[rows],
            self._seeds[rows],
            rows % MAX_SEATS,
            self._decisions[rows],
            observe,
            self._clone,
            partial(observe, with_views=False),
            None if self.draw_views is None else partial(self.draw_views, rows),
        )

    def _clone(self, row: int, seed: int, into: Engine | None) -> tuple[Engine, int]:
        """Return a clone of the board of a row, and its owner id."""
        match = self._match(row // MAX_SEATS)
        player = int(match.engine.spawn_of[row % MAX_SEATS]) + 1
        return match.engine.clone(seed, into=into), player

    def _views(self, key: int, n: int) -> obs.SeatViews:
        buffers = self._buffers.get(key)
        if buffers is None or len(buffers.scalars) < n:
            buffers = obs.empty_views(n, self.views)
            self._buffers[key] = buffers
        return obs.SeatViews._make(values[:n] for values in buffers)

    def ask_agents(
        self,
        actions: IntArray,
        slots: Iterable[int] | None = None,
        *,
        only_with_memory: bool = False,
    ) -> None:
        """Fill in the actions of all living rows that have an agent, after `refresh`.

        Args:
            actions: int64[slots * MAX_SEATS].
            slots: those whose rows are asked; None is all.
            only_with_memory: skip agents with `has_memory = False` (frozen policies): when a
                recorded match is replayed, their answers are already known.

        Raises:
            AgentFault: an agent raised, or returned something that is not one integer per row.
        """
        start = time.perf_counter()
        observing = self.seconds["observation"]
        for agent, rows in self._groups(slots):
            if only_with_memory and not getattr(agent, "has_memory", True):
                continue
            for part in self._parts(agent, rows):
                asked = time.perf_counter()
                actions[part] = self._ask(agent, part)
                self._spent(agent, part, time.perf_counter() - asked)
        spent = time.perf_counter() - start
        self.seconds["agents"] += spent - (self.seconds["observation"] - observing)

    def _spent(self, agent: Agent, rows: IntArray, seconds: float) -> None:
        """Divide the seconds of one call among the matches of its rows, observations included."""
        slots, counts = np.unique(rows // MAX_SEATS, return_counts=True)
        for slot, n in zip(slots.tolist(), counts.tolist(), strict=True):
            match = self.matches[slot]
            if match is not None:
                known = match.agent_s.get(id(agent), 0.0)
                match.agent_s[id(agent)] = known + seconds * n / len(rows)

    def ask(self, agent: Agent, rows: IntArray) -> IntArray:
        """Return what an agent would do in living rows of the caller, int64[n], after `refresh`.

        Raises:
            AgentFault: as `ask_agents`.
        """
        return np.concatenate([self._ask(agent, part) for part in self._parts(agent, rows)])

    def _ask(self, agent: Agent, rows: IntArray) -> IntArray:
        """Return the actions of one call, int64[n]; raise AgentFault."""
        batch = self.batch(rows)
        try:
            chosen = np.asarray(agent.act(batch, self._generator(agent, rows)))
        except (Exception, SystemExit) as error:  # the exit of an agent is not the worker's
            raise _fault(error, agent, rows) from error
        if chosen.shape != rows.shape or not np.issubdtype(chosen.dtype, np.integer):
            raise AgentFault(
                f"expected {len(rows)} integer actions, found {chosen.dtype}{list(chosen.shape)}",
                agent,
                rows,
                "",
            )
        return chosen

    def _parts(self, agent: Agent, rows: IntArray) -> list[IntArray]:
        """Return the rows of each call: those of one match, where the agent may draw numbers."""
        if not _may_draw(agent):
            return [rows]
        return np.split(rows, np.flatnonzero(np.diff(rows // MAX_SEATS)) + 1)

    def _groups(self, slots: Iterable[int] | None = None) -> list[tuple[Agent, IntArray]]:
        """Return the living rows of each agent, in the order of slots."""
        groups: dict[int, tuple[Agent, list[int]]] = {}
        for slot in self._running(slots):
            base = slot * MAX_SEATS
            for seat, agent in enumerate(self._match(slot).agents):
                if agent is not None and self.alive[base + seat]:
                    groups.setdefault(id(agent), (agent, []))[1].append(base + seat)
        return [(agent, np.array(rows, np.int64)) for agent, rows in groups.values()]

    def _generator(self, agent: Agent, rows: IntArray) -> Generator:
        """Return what the agent may draw from in one call, for rows of one match."""
        if not _may_draw(agent):
            return cast(Generator, _NO_GENERATOR)
        first = int(rows[0])
        key = (self._seeds[first], first % MAX_SEATS, self._decisions[first])
        return Generator(PCG64([_RNG_PURPOSE, *map(int, key)]))

    def advance(self, actions: IntArray, slots: Iterable[int] | None = None) -> int:
        """Play one decision of every match; return the total of ticks played.

        Args:
            slots: those that advance, while the others wait; None is all.
            actions: int64[slots * MAX_SEATS]; ignored for dead seats; a number that is not an
                action counts as WAIT and is reported by the engine.
        """
        start = time.perf_counter()
        known = (actions >= 0) & (actions < self.views.n_actions)
        chosen = np.where(self.alive, np.where(known, actions, DEAD - 1), DEAD)

        def advance(slot: int) -> int:
            match = self._match(slot)
            base = slot * MAX_SEATS
            return match.advance(chosen[base : base + match.rules.n_seats])

        ticks = sum(self._threads.map(advance, self._running(slots)))
        self.seconds["env"] += time.perf_counter() - start
        return ticks


def _are_apart(slots: IntArray) -> bool:
    """Return whether no slot occurs twice."""
    return len(np.unique(slots)) == len(slots)


def _may_draw(agent: Agent) -> bool:
    return bool(getattr(agent, "uses_rng", True))


def _fault(error: BaseException, agent: Agent, rows: IntArray) -> AgentFault:
    return AgentFault(f"{type(error).__name__}: {error}", agent, rows, traceback.format_exc())


def as_dict(views: obs.SeatViews) -> dict[str, NDArray[Any]]:
    """Return the buffers by the keys of the observation."""
    seen: dict[str, NDArray[Any]] = {
        "global": views.global_,
        "local": views.local,
        "tactical": views.tactical,
        "scalars": views.scalars,
    }
    if views.neighbours.shape[2]:  # from version 2 on
        seen["neighbours"] = views.neighbours
    if views.landings.shape[2]:  # from version 3 on
        seen["landings"] = views.landings
    return seen
