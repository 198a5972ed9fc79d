"""Owns a match in the original engine as our lock-step plays it: its board mirrored into ours.

Promises: before each decision the mirror has the engine's land, troops, running attacks and memory
of what players did; a decision of ours goes back as the orders that it means in our own engine;
what is not legal here is not sent there.
"""

from __future__ import annotations

import base64
import hashlib
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arena.agent import Agent, IntArray
from arena.errors import MatchError
from arena.lockstep import LiveMatch
from arena.territory.engine import orders, rules
from arena.territory.engine.actions import WAIT
from arena.territory.engine.engine import Engine
from arena.territory.engine.mirror import BEFORE_PLAY
from arena.territory.engine.spawns import choose_spawns
from arena.territory.engine.state import N_ORDERS
from arena.territory.maps import TerritoryMap
from arena.territory.observation import observation as obs
from arena.territory.observation.views import Views
from league.bridge.mirror import Mirror
from league.bridge.process import EngineProcess
from league.bridge.protocol import STRUCTURES, Board

MIND_PREFIX: Final = "engine:"
"""Begins the agent spec of a seat that the original's own mind plays."""

TRIBE: Final = f"{MIND_PREFIX}tribe"
HUMAN_TRIBE: Final = f"{MIND_PREFIX}tribe-human"
NATIONS: Final = tuple(f"{MIND_PREFIX}nation-{name}" for name in rules.DIFFICULTIES)
_DIPLOMACY: Final = {
    orders.ALLY: "alliance_request",
    orders.REJECT: "alliance_reject",
    orders.EXTEND: "alliance_extend",
    orders.BREAK: "alliance_break",
}
_ALPHABET: Final = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Seat:
    """Who plays a seat there: its kind, the difficulty of a nation, the mind of a human."""

    kind: str
    difficulty: str = "medium"
    mind: str = ""


def seat_of_spec(spec: str) -> Seat:
    """Return what an agent spec is in the original: a mind of its own, or a human."""
    if spec == TRIBE:
        return Seat("bot")
    if spec == HUMAN_TRIBE:
        return Seat("human", mind="tribe")
    if spec in NATIONS:
        return Seat("nation", spec.removeprefix(f"{MIND_PREFIX}nation-"))
    if spec.startswith(MIND_PREFIX):
        raise MatchError(
            f"expected one of {', '.join((TRIBE, HUMAN_TRIBE, *NATIONS))}, found {spec}"
        )
    return Seat("human")


def seed_id(*parts: object) -> str:
    """Return eight letters and digits: an id of the original, from which its minds draw."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:8])


class Bridged(LiveMatch):
    """A match of ours whose board is then replaced by one of the original engine.

    Attributes:
        process, slot: where it is played.
        board: what the engine said last.
    """

    process: EngineProcess
    slot: int
    board: Board

    def show(self, engine: Engine, views: Views, minds: NDArray[np.bool_], board: Board) -> None:
        """Take an engine without owners as the board, and bring it up to what the original says.

        Args:
            minds: bool[seats], those that the original plays itself.
        """
        self.engine, self._minds, self.board = engine, minds, board
        self.by_engine = np.zeros(len(minds), np.bool_)
        self.has_minds = False
        self.scratch = obs.make_scratch(engine.state, views)
        self._mirror = Mirror(engine)
        self._mirror.follow(board, BEFORE_PLAY)

    def advance(self, actions: IntArray) -> int:
        """Play one decision, int64[seats], DEAD where there is none; return the ticks played."""
        known = np.where(self._minds, WAIT, actions)
        self.record.append(known.astype(np.uint8))
        self.engine.act(known)
        self.n_decisions += 1
        given = take_orders(self._mirror, self.board)
        ticks = min(self.rules.ticks_per_decision, self.engine.max_ticks - self.engine.tick)
        before = self.engine.tick
        self.board = self.process.board(
            {"op": "step", "slot": self.slot, "ticks": ticks, "orders": given}
        )
        self._mirror.follow(self.board, before)
        return ticks


class BridgedMatch(Bridged):
    """A running match in the original engine, on any map, everybody's start drawn as in ours.

    Every player has a seat: the rules' crowd has none.

    Args:
        specs: agent spec of each seat; None in `agents` for those with a mind of the original.
        process: plays it, in `slot`.
        without: units of the original that cannot be built, and "alliances".
        edition: of the original. That of `match_rules` is the members': what they see, and do.

    Raises:
        BridgeError: the engine refuses it, or its process died or hung.
    """

    def __init__(
        self,
        territory: TerritoryMap,
        match_rules: rules.MatchRules,
        views: Views,
        seed: int,
        rotation: int,
        agents: Sequence[Agent | None],
        *,
        specs: Sequence[str],
        process: EngineProcess,
        slot: int,
        without: Sequence[str] = (),
        edition: str = "2026",
    ) -> None:
        super().__init__(territory, match_rules, views, seed, rotation, agents)
        self.process, self.slot = process, slot
        drawn = self.engine  # seats and spawns are drawn as in a match of ours
        seats = [seat_of_spec(specs[int(seat)]) for seat in drawn.seat_of]
        nations = {seat.difficulty for seat in seats if seat.kind == "nation"}
        if len(nations) > 1:
            raise MatchError(
                "expected nations of one difficulty, that of the original's game, found "
                f"{', '.join(sorted(nations))}"
            )
        difficulty = nations.pop() if nations else "medium"
        engine = empty_engine(territory, match_rules, views, seed, seats, edition)
        engine.seat_of, engine.spawn_of = drawn.seat_of.copy(), drawn.spawn_of.copy()
        spawns = choose_spawns(engine.map, match_rules.n_seats, seed)
        _, board = process.begin(
            {
                "op": "new",
                "slot": slot,
                "game_id": seed_id(seed, "game"),
                "players": [
                    {
                        **{"id": seed_id(seed, p), "name": f"player {p}", "kind": seat.kind},
                        **{"mind": seat.mind, "x": x, "y": y},
                    }
                    for p, (seat, (x, y)) in enumerate(zip(seats, spawns.tolist(), strict=True), 1)
                ],
                "options": {"difficulty": difficulty, "without": list(without)},
                **_ground(territory),
            }
        )
        minds = np.array([spec.startswith(MIND_PREFIX) for spec in specs])
        self.show(engine, views, minds, board)


def take_orders(mirror: Mirror, board: Board) -> list[list[Any]]:
    """Return the orders of a decision, which our engine would carry out at the next tick's end.

    What has nothing to act on there (an upgrade of a structure that is gone) is left out.
    """
    state = mirror.engine.state
    n = int(state.clock[N_ORDERS])
    state.clock[N_ORDERS] = 0
    return [order for row in state.orders[:n].tolist() for order in _orders_of(row, mirror, board)]


def _orders_of(row: list[float], mirror: Mirror, board: Board) -> list[list[Any]]:
    """Return what one row of State.orders is in the protocol."""
    p, target, kind = (int(row[column]) for column in (orders.PLAYER, orders.TARGET, orders.KIND))
    troops, tile = row[orders.TROOPS], mirror.unframed(int(row[orders.TILE]))
    match kind:
        case orders.ATTACK:
            return [["attack", p, target, troops]]
        case orders.RETREAT:
            return [["retreat", p]]
        case orders.BUILD:
            return [["build", p, STRUCTURES[target - 1], tile]]
        case orders.UPGRADE:
            return [
                ["upgrade", p, int(each[0])]
                for each in board.tables["structures"]
                if int(each[3]) == tile and int(each[1]) == p
            ]
        case orders.BOAT:
            return [["boat", p, tile, troops]]
        case orders.BOAT_RETREAT:
            boats = board.tables["boats"]
            return [["boat_retreat", p, int(each[0])] for each in boats if int(each[1]) == p]
        case _:
            return [[_DIPLOMACY[kind], p, target]]


def _ground(territory: TerritoryMap) -> dict[str, Any]:
    return {
        "width": territory.width,
        "height": territory.height,
        "terrain": base64.b64encode(territory.terrain.tobytes()).decode(),
    }


def empty_engine(
    territory: TerritoryMap,
    match_rules: rules.MatchRules,
    views: Views,
    seed: int,
    seats: Sequence[Seat],
    edition: str,
) -> Engine:
    """Return a board without owners whose players, in this order, are of the right kinds.

    Args:
        edition: of the original, whose caps and growth they have, whatever the members' is.
    """
    engine = Engine(
        territory, len(seats), seed=seed, grid=views.global_size, edition=match_rules.edition
    )
    engine.max_ticks = match_rules.max_ticks
    theirs = rules.EDITIONS[edition]
    for p, seat in enumerate(seats, start=1):
        engine.place(p, kind=seat.kind, difficulty=seat.difficulty)
        if seat.kind == "bot":
            engine.state.growth_factor[p] = theirs.bot_growth
        elif seat.kind == "nation":
            engine.state.cap_factor[p] = theirs.nation_cap[seat.difficulty]
            engine.state.growth_factor[p] = theirs.nation_growth[seat.difficulty]
    return engine
