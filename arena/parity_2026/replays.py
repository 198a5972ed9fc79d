"""Recorded scenarios played by our engine, with the orders of the recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.parity_2026.recordings import Recording, unit_of
from arena.territory.engine import formulas, rules
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import CITY_LEVELS, TRAITOR_UNTIL

_OFFSET = rules.REFERENCE_TICK_OFFSET

Curves = dict[str, NDArray[np.float64]]  # by recorded column: float64[players, ticks]

# What each recorded column is here, by player in spawn order.
COLUMNS: dict[str, Callable[[Engine], Sequence[float] | NDArray[Any]]] = {
    "tiles": lambda engine: engine.tiles,
    "troops": lambda engine: engine.troops,
    "gold": lambda engine: engine.gold,
    "cap": lambda engine: [_cap(engine, p) for p in range(1, engine.n_players + 1)],
    "cities": lambda engine: engine.state.ledger[1:, CITY_LEVELS],
    "structures": lambda engine: _structures(engine),
    "boats": lambda engine: _at_sea(engine, 1.0),
    "boat_troops": lambda engine: _at_sea(engine, None),
    "allies": lambda engine: _allies(engine),
}


def replay(
    recording: Recording,
    seed: int,
    columns: tuple[str, ...] = ("tiles", "troops"),
    watch: Callable[[Engine, int], None] = lambda engine, tick: None,
) -> Curves:
    """Play a scenario with our engine; return curves like its own, by column.

    Args:
        watch: called after each tick (theirs).
    """
    engine = set_up(recording, seed)
    ticks = recording.ticks
    curves = {name: np.zeros((engine.n_players, len(ticks))) for name in columns}
    column = {tick: k for k, tick in enumerate(ticks)}
    for tick in range(_OFFSET, ticks[-1] + 1):
        _act(engine, recording, tick)
        engine.run(1)
        watch(engine, tick)
        k = column.get(tick)
        if k is not None:
            for name, curve in curves.items():
                curve[:, k] = COLUMNS[name](engine)
    return curves


def _allies(engine: Engine) -> list[int]:
    players = range(1, engine.n_players + 1)
    return [sum(engine.is_allied(p, q) for q in players) for p in players]


def _cap(engine: Engine, p: int) -> float:
    """Return what caps.cap_of does, which only compiled code can call."""
    s = engine.state
    cities = int(s.ledger[p, CITY_LEVELS])
    return float(formulas.troop_cap(int(s.tiles[p]), s.cap_divisor[p], s.cap_factor[p], cities))


def _structures(engine: Engine) -> NDArray[np.int64]:
    owners = [structure.owner - 1 for structure in engine.structures()]
    return np.bincount(owners, minlength=engine.n_players)


def _at_sea(engine: Engine, each: float | None) -> NDArray[np.float64]:
    """Sum something over each player's boats: a number, or the troops on board."""
    total = np.zeros(engine.n_players)
    for boat in engine.boats_at_sea():
        total[boat.owner - 1] += boat.troops if each is None else each
    return total


def set_up(recording: Recording, seed: int) -> Engine:
    """Return the start of a scenario, without minds."""
    record = recording.record
    scenario = record["scenario"]
    engine = Engine(recording.territory, len(record["players"]), seed=seed, edition="2026")
    engine.never_end()
    for p, player in enumerate(record["players"], start=1):
        spawn = player.get("spawn")
        engine.place(
            p,
            kind=player["type"],
            spawn=(spawn[0], spawn[1]) if spawn else None,
            difficulty=scenario["difficulty"].lower(),
            cluster_offset=int(player.get("cluster_calc_offset") or 0),
        )
    rects = scenario.get("owner_rects")
    if rects:
        owners = np.zeros(recording.territory.land.shape, np.int64)
        for name, x0, y0, x1, y1 in rects:
            owners[y0:y1, x0:x1] = recording.ids[name] if name is not None else 0
        owners[~engine.map.land] = 0
        engine.paint(owners)
    return engine


def _act(engine: Engine, recording: Recording, tick: int) -> None:
    """Do everything that the scenario does just before `tick` (theirs)."""
    scenario = recording.record["scenario"]
    ids = recording.ids
    for change in scenario.get("set", ()):
        if change["t"] == tick:
            _change(engine, ids[change["player"]], change)
            if "ally" in change:
                engine.ally(ids[change["player"]], ids[change["ally"]])
    for rule in scenario.get("every_fraction", ()):
        since = tick - rule["start"]
        if since >= 0 and since % rule["every"] == 0:
            p = ids[rule["from"]]
            troops = math.floor(rule["fraction"] * int(engine.state.troops[p]))
            engine.order(p, rules.NEUTRAL, float(troops))
    for order in recording.orders.get(tick, ()):
        if order["kind"] == "retreat":
            engine.retreat(ids[order["from"]])
        elif order["kind"] == "attack":
            target = ids[order["to"]] if order["to"] is not None else rules.NEUTRAL
            engine.order(ids[order["from"]], target, float(order["troops"]))
        elif order["kind"] == "boat":
            x, y = order["tile"]
            engine.boat(ids[order["from"]], int(x), int(y), float(order["troops"]))
        elif order["kind"] == "boat_retreat":
            engine.retreat_boats(ids[order["from"]])
        elif order["kind"] == "build":
            engine.build(ids[order["from"]], _unit(order), *order["tile"])
        elif order["kind"] == "upgrade":
            engine.upgrade(ids[order["from"]], *_place_of(engine, ids[order["from"]], order))
        elif order["kind"].startswith("alliance"):
            _deal(engine, order["kind"], ids[order["from"]], ids[order["to"]])


def _deal(engine: Engine, kind: str, p: int, q: int) -> None:
    """Do what is ordered about an alliance, or what the original's minds did about one."""
    if kind == "alliance_request":
        engine.ask_alliance(p, q)
    elif kind == "alliance_break":
        engine.break_alliance(p, q)
    elif kind == "alliance" and not engine.is_allied(p, q):
        engine.ally(p, q)
    elif kind == "alliance_broken":
        engine.unally(p, q)


def _change(engine: Engine, p: int, change: dict[str, Any]) -> None:
    """Do what a scenario sets from outside."""
    s = engine.state
    if "troops" in change:
        s.troops[p] = int(change["troops"])
    if "gold" in change:
        engine.gold[p - 1] = int(change["gold"])
    if change.get("traitor"):
        s.ledger[p, TRAITOR_UNTIL] = engine.tick + rules.TRAITOR_TICKS
    if "unit" in change:
        x, y = change["tile"]
        engine.put_structure(p, _unit(change), x, y, level=int(change.get("level", 1)))


def _unit(described: dict[str, Any]) -> str:
    unit = unit_of(described["unit"])
    assert unit is not None  # recordings.py leaves out what is not a structure
    return unit


def _place_of(engine: Engine, p: int, order: dict[str, Any]) -> tuple[int, int]:
    """Return the tile of an upgrade's structure: given, or the n-th of its kind."""
    if "tile" in order:
        x, y = order["tile"]
        return int(x), int(y)
    unit = _unit(order)
    own = [each for each in engine.structures() if (each.owner, each.kind) == (p, unit)]
    found = own[int(order.get("index", 0))]
    return found.x, found.y
