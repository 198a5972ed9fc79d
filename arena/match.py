"""A match from its description to its result: MatchSpec in, MatchResult out.

`play_matches` plays many specs in lock-step in this process. A match that fails (an agent raised,
a map is missing) becomes a MatchFailure that names the agent to blame; the others go on.
"""

from __future__ import annotations

import time
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from arena.agent import Agent, IntArray, LoadAgent, check_version
from arena.errors import AgentFault, ArenaError, MatchError
from arena.foreign import unpack
from arena.lockstep import DEAD, LiveMatch, Lockstep
from arena.machine import is_machine_trouble
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.engine.terms import HUMAN_TERMS, check_terms
from arena.territory.maps import TerritoryMap
from arena.territory.observation.views import SMALL_VIEWS, Views

LoadMap = Callable[[str], TerritoryMap]


@dataclass(frozen=True)
class MatchSpec:
    """Everything that determines a match.

    Attributes:
        seed: 0..2**63 - 1; determines spawns, seats and all random streams.
        map: map reference (arena.territory.maps).
        agents: agent spec of each seat.
        rotation: cyclic shift of the seats over the spawns.
        views: sizes of what policies see; its version is one of the rules' edition.
        map_sha256: identity of the map; "" accepts any.
        terms: on which each seat sits (arena.territory.engine.terms): "" is a human whom its agent
            plays, every other one is played by the engine; empty when all are humans.
    """

    seed: int
    map: str
    agents: tuple[str, ...]
    rules: MatchRules = field(default_factory=MatchRules)
    views: Views = SMALL_VIEWS
    rotation: int = 0
    map_sha256: str = ""
    terms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", self.views.of_edition(self.rules.edition))
        if not any(self.terms):
            object.__setattr__(self, "terms", ())
        elif len(self.terms) != self.rules.n_seats:
            raise MatchError(
                f"expected terms for each of {self.rules.n_seats} seats, found {len(self.terms)}"
            )
        for terms in set(self.terms):
            check_terms(terms, self.rules.edition)
        if len(self.agents) != self.rules.n_seats:
            raise MatchError(
                f"expected {self.rules.n_seats} agents for a match of {self.rules.n_seats} seats, "
                f"found {len(self.agents)}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON types; `from_json` is the inverse."""
        values = {**asdict(self), "views": self.views.to_json(), "agents": list(self.agents)}
        if not self.rules.crowd:
            del values["rules"]["crowd"]
        values.pop("terms")
        return values | ({"terms": list(self.terms)} if self.terms else {})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> MatchSpec:
        """Rebuild from `to_json`.

        Raises:
            MatchError: a key is missing or unknown, or its value has the wrong type.
        """
        try:
            return cls(
                **{
                    **values,
                    "seed": int(values["seed"]),
                    "map": str(values["map"]),
                    "rotation": int(values.get("rotation", 0)),
                    "map_sha256": str(values.get("map_sha256", "")),
                    "agents": tuple(map(str, values["agents"])),
                    "rules": MatchRules.from_json(values["rules"]),
                    "views": Views.from_json(values["views"]),
                    "terms": tuple(map(str, values.get("terms", ()))),
                }
            )
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise MatchError(f"not a match description: {error}") from error


@dataclass(frozen=True)
class MatchResult:
    """The result of a finished match; tuples are by seat, without the crowd.

    Attributes:
        placements: 1 is best; ties share the better number. Among the seats: a crowd takes none.
        tiles, troops: at the end (home troops).
        eliminated_tick: None for the living.
        ticks: length of the match.
        final_state_sha256: hash of the engine's state at the end.
        actions: the recorded actions, see `pack_actions`.
        n_illegal: illegal actions, which counted as WAIT.
        wall_s: seconds from start to end, in lock-step with others.
        agent_s: agent spec -> seconds that it thought for all its seats.
        worker_s: seconds of its worker: its share of what was done for all matches of a batch at
            once, and `agent_s`.
        weights: SHA-256 of the weights that each seat's agent has loaded, by its own account
            (`weights_sha256`), "" of an agent that has none.
        places_in_crowd: as `placements`, among all players; empty without a crowd.
    """

    spec: MatchSpec
    placements: tuple[int, ...]
    tiles: tuple[int, ...]
    troops: tuple[int, ...]
    eliminated_tick: tuple[int | None, ...]
    ticks: int
    final_state_sha256: str
    actions: bytes
    n_illegal: tuple[int, ...]
    wall_s: float
    agent_s: Mapping[str, float] = field(default_factory=dict)
    worker_s: float = 0.0
    weights: tuple[str, ...] = ()
    places_in_crowd: tuple[int, ...] = ()


@dataclass(frozen=True)
class MatchFailure:
    """A match that could not be played to its end.

    Attributes:
        error: one sentence.
        traceback: of the exception, or "".
        blamed: agent specs at fault; empty when no agent is.
        fault: "machine" when it was raised from an error of the machine (arena.machine), which
            passes; `blamed` then names what could not be loaded.
    """

    spec: MatchSpec
    error: str
    traceback: str
    blamed: tuple[str, ...] = ()
    fault: Literal["match", "machine"] = "match"


def pack_actions(record: Sequence[NDArray[np.uint8]]) -> bytes:
    """Compress the actions of the acting seats, decision by decision, seat by seat."""
    taken = [decision[decision != DEAD] for decision in record]
    return zlib.compress(np.concatenate(taken).tobytes() if taken else b"", 9)


def unpack_actions(packed: bytes, n_most: int = 2**26) -> NDArray[np.uint8]:
    """Return the actions of `pack_actions`; whose they are follows from `LiveMatch.acting`.

    Args:
        n_most: more actions than this are refused, before they take memory.

    Raises:
        MatchError: the bytes are damaged, or hold more actions.
    """
    try:
        return np.frombuffer(unpack(packed, n_most), np.uint8)
    except ValueError as error:
        raise MatchError(f"the recorded actions are damaged: {error}") from error


def most_actions(rules: MatchRules) -> int:
    """Return how many actions a match can have: all seats, at every decision."""
    return rules.n_seats * -(-rules.max_ticks // rules.ticks_per_decision)


def load_spec_map(spec: MatchSpec, load_map: LoadMap) -> TerritoryMap:
    """Load the map of a spec and check its identity.

    Raises:
        MapError: it is missing or damaged.
        MatchError: it is not the map of the spec.
    """
    territory = load_map(spec.map)
    if spec.map_sha256 and territory.sha256 != spec.map_sha256:
        raise MatchError(
            f"map {spec.map!r} has changed: expected SHA-256 {spec.map_sha256[:12]}, found "
            f"{territory.sha256[:12]}; restore the map that this match was planned on"
        )
    return territory


def start_match(spec: MatchSpec, load_map: LoadMap, agents: Sequence[Agent | None]) -> LiveMatch:
    """Set up a match at tick 0.

    Raises:
        MapError: the map is missing or damaged.
        MatchError: it is not the map of the spec, or an agent belongs on other terms than its seat.
    """
    _check_terms(spec, agents)
    territory = load_spec_map(spec, load_map)
    return LiveMatch(
        territory, spec.rules, spec.views, spec.seed, spec.rotation, agents, spec.terms
    )


def _check_terms(spec: MatchSpec, agents: Sequence[Agent | None]) -> None:
    """Raise MatchError for a seat that the engine would play in an agent's name, or nobody."""
    for seat, agent in enumerate(agents):
        found = spec.terms[seat] if spec.terms else HUMAN_TERMS
        expected = found if agent is None else getattr(agent, "terms", HUMAN_TERMS)
        if found != expected:
            raise MatchError(
                f"seat {seat}: expected the terms {expected!r}, on which {spec.agents[seat]} "
                f"plays, found {found!r}"
            )


def result_of(spec: MatchSpec, match: LiveMatch) -> MatchResult:
    """Return the result of a match that is over."""
    engine = match.engine
    names = {id(agent): name for agent, name in zip(match.agents, spec.agents, strict=True)}
    agent_s = {names[key]: seconds for key, seconds in match.agent_s.items()}
    n_seats = spec.rules.n_seats

    def of_seats(values: IntArray) -> list[int]:
        return engine.by_seat(values)[:n_seats]

    eliminated = of_seats(engine.state.eliminated_tick[1:])
    return MatchResult(
        spec=spec,
        placements=tuple(match.placements()),
        tiles=tuple(of_seats(engine.tiles)),
        troops=tuple(of_seats(engine.troops)),
        eliminated_tick=tuple(tick if tick >= 0 else None for tick in eliminated),
        ticks=engine.tick,
        final_state_sha256=engine.state_sha256(),
        actions=pack_actions(match.record),
        n_illegal=tuple(of_seats(engine.illegal)),
        wall_s=time.monotonic() - match.started,
        agent_s=agent_s,
        worker_s=match.shared_s + sum(agent_s.values()),
        weights=tuple(str(getattr(agent, "weights_sha256", "")) for agent in match.agents),
        places_in_crowd=tuple(engine.placements()[:n_seats]) if spec.rules.crowd else (),
    )


def play_matches(
    specs: Sequence[MatchSpec],
    load_agent: LoadAgent,
    load_map: LoadMap,
    progress: Callable[[int], None] | None = None,
    n_threads: int = 1,
) -> list[MatchResult | MatchFailure]:
    """Play matches in lock-step; return a result or failure per spec, in order.

    Args:
        load_agent: agent spec -> Agent; called once per distinct spec.
        load_map: map reference -> map.
        progress: called with the ticks played so far, after every decision.
        n_threads: threads that share the ticks and the observations; results do not depend on it.
    """
    outcomes: list[MatchResult | MatchFailure | None] = [None] * len(specs)
    agents: dict[str, Agent] = {}
    running = _begin_all(specs, load_agent, load_map, agents, outcomes, n_threads)
    names = {id(agent): name for name, agent in agents.items()}
    actions = np.zeros(len(specs) * MAX_SEATS, np.int64)
    ticks = 0
    while True:
        for slot, match in enumerate(running.matches):
            if match is not None and match.engine.is_over:
                outcomes[slot] = result_of(specs[slot], match)
                running.end(slot)
        live = [match for match in running.matches if match is not None]
        if not live:
            return [outcome for outcome in outcomes if outcome is not None]
        began, asked = time.perf_counter(), _thought_s(live)
        running.refresh()
        try:
            running.ask_agents(actions)
        except AgentFault as fault:
            _fail(fault, specs, running, outcomes, names)
            continue
        ticks += running.advance(actions)
        shared = time.perf_counter() - began - (_thought_s(live) - asked)
        for match in live:
            match.shared_s += shared / len(live)
        if progress is not None:
            progress(ticks)


def _thought_s(matches: Sequence[LiveMatch]) -> float:
    return sum(sum(match.agent_s.values()) for match in matches)


def _begin_all(
    specs: Sequence[MatchSpec],
    load_agent: LoadAgent,
    load_map: LoadMap,
    agents: dict[str, Agent],
    outcomes: list[MatchResult | MatchFailure | None],
    n_threads: int,
) -> Lockstep:
    """Start every spec that can be started; the others become failures."""
    running = Lockstep(len(specs), specs[0].views if specs else SMALL_VIEWS, n_threads)
    for slot, spec in enumerate(specs):
        blamed: tuple[str, ...] = ()
        try:
            if spec.views != running.views:
                raise ArenaError("matches played in lock-step must have the same views")
            for name in spec.agents:
                if name not in agents:
                    blamed = (name,)
                    agent = load_agent(name)
                    check_version(agent, spec.views, name)
                    agents[name] = agent
            blamed = ()
            seated = [agents[name] for name in spec.agents]
            running.begin(slot, start_match(spec, load_map, seated))
        except (Exception, SystemExit) as error:  # whatever an agent's own code raises
            if isinstance(error, AgentFault):
                blamed = tuple(name for name in agents if agents[name] is error.agent)
            fault = fault_of(error)
            outcomes[slot] = MatchFailure(spec, str(error), traceback.format_exc(), blamed, fault)
            running.matches[slot] = None
    return running


def _fail(
    fault: AgentFault,
    specs: Sequence[MatchSpec],
    running: Lockstep,
    outcomes: list[MatchResult | MatchFailure | None],
    names: dict[int, str],
) -> None:
    """End the matches whose agent failed; their last decision was not played."""
    name = names[id(fault.agent)]
    for slot in np.unique(fault.rows // MAX_SEATS):
        outcomes[slot] = MatchFailure(
            specs[slot],
            f"agent {name!r} failed: {fault}",
            fault.traceback,
            (name,),
            fault_of(fault),
        )
        running.end(int(slot))


def fault_of(error: BaseException) -> Literal["match", "machine"]:
    """Return whose fault an error is, as `MatchFailure.fault` has it."""
    return "machine" if is_machine_trouble(error) else "match"
