"""Replay scenarios recorded from the 2026 edition and compare ours within fixed gates.

The land game alone is played: orders for boats, buildings and alliances, and what a scenario puts
there ready built, are not ours yet. A file that needs them before it ends is compared up to the
tick before the first of them, and the gate says so; where nothing is left, one sentence does.

Gates: formula vectors and growth exact; lone and duel scenarios within 0.5 % of the tiles at the
end, and 3 % along the path (6 % below 500 tiles); enclaves in the same tick for the same captor,
the nearest of five streams within 2 tiles (an attack that runs meanwhile scatters by 4); scenarios
with minds by replaying their recorded attacks as orders from outside: the sum over players of tile
gaps as a share of owned tiles, median of three streams, 2 % at 301, 3 % at 601 and 12 % at 1591
(ticks of the original).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.errors import ArenaError
from arena.territory.engine import formulas, rules
from arena.territory.engine.engine import Engine
from arena.territory.maps import TerritoryMap, load_map

EDITION = rules.EDITIONS["2026"]
_OFFSET = rules.REFERENCE_TICK_OFFSET
_STREAMS = (1, 2, 3)
_ENCLAVE_STREAMS = (1, 2, 3, 4, 5)
_TERRAIN = {"plains": 0, "highland": 1, "mountain": 2}
_PLAYED = ("attack", "retreat")
_MINDS = (301, 0.02), (601, 0.03), (1591, 0.12)

Curves = tuple[NDArray[np.int64], NDArray[np.int64]]  # tiles, home troops: int64[players, ticks]
Gap = tuple[str, float, float, str]  # what, gap, allowed, unit


@dataclass
class Recording:
    """A recorded scenario.

    Attributes:
        ends_before: the first tick with something that is not played, or None.
        orders: what is ordered just before each tick (theirs).
    """

    record: dict[str, Any]
    territory: TerritoryMap
    ends_before: int | None
    orders: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def ids(self) -> dict[str, int]:
        """The player of each recorded name, from 1."""
        return {player["id"]: p for p, player in enumerate(self.record["players"], start=1)}

    @property
    def ticks(self) -> list[int]:
        """The recorded ticks (theirs), up to what is not played."""
        record = self.record
        ticks = record.get("ticks") or list(range(record["ticks_first"], record["ticks_last"] + 1))
        return [tick for tick in ticks if self.ends_before is None or tick < self.ends_before]

    def column(self, name: str) -> NDArray[np.int64]:
        """Return a recorded column, int64[players, ticks]; constant ones are filled in."""
        n = len(self.ticks)
        if name in self.record:
            return np.asarray([row[:n] for row in self.record[name]], np.int64)
        constant = np.asarray(self.record["constant"][name], np.int64)
        return np.repeat(constant[:, None], n, axis=1)


def read(record: dict[str, Any], maps: Path) -> Recording:
    """Read a scenario.

    Raises:
        ArenaError: nothing of it can be played.
        MapError: its map is missing or damaged.
    """
    scenario = record["scenario"]
    has_minds = any(player.get("mind") for player in record["players"])
    given = [e for e in record.get("events", ()) if has_minds] or scenario.get("orders") or []
    missing = [order["t"] for order in given if order["kind"] not in (*_PLAYED, "conquered")]
    missing += [
        each["t"] for each in scenario.get("set", ()) if {"unit", "ally", "traitor"} & each.keys()
    ]
    if has_minds and not record.get("events"):
        raise ArenaError("its events were not recorded, and the minds of 2026 are not played yet")
    recording = Recording(record, _map_of(scenario["map"], maps), min(missing, default=None))
    for order in given:
        recording.orders.setdefault(order["t"], []).append(order)
    if len(recording.ticks) < 20:
        raise ArenaError(
            f"it needs buildings, boats or alliances from tick {recording.ends_before} on, which "
            "are not played yet: nothing is left to compare"
        )
    return recording


def _map_of(described: dict[str, Any], maps: Path) -> TerritoryMap:
    if "file" in described:
        return load_map(maps / described["file"])
    shape = (int(described["height"]), int(described["width"]))
    terrain = np.full(shape, int(described["uniform_byte"]), np.uint8)
    for x0, y0, x1, y1, byte in described.get("rects", ()):
        terrain[y0:y1, x0:x1] = byte
    if described.get("shore", True):
        terrain |= np.where(_on_a_shore(terrain), np.uint8(64), np.uint8(0))
    return TerritoryMap.from_terrain("recorded", terrain)


def _on_a_shore(terrain: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which tiles have a 4-neighbour of the other kind, land or water."""
    land = (terrain & 128) != 0
    shore: NDArray[np.bool_] = np.zeros(land.shape, np.bool_)
    for axis in (0, 1):
        differs = np.diff(land, axis=axis)
        before = [slice(None), slice(None)]
        after = [slice(None), slice(None)]
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        shore[tuple(before)] |= differs
        shore[tuple(after)] |= differs
    return shore


def replay(recording: Recording, seed: int) -> Curves:
    """Play a scenario with our engine; return curves like its own."""
    engine = _set_up(recording, seed)
    ticks = recording.ticks
    tiles = np.zeros((engine.n_players, len(ticks)), np.int64)
    troops = np.zeros_like(tiles)
    column = {tick: k for k, tick in enumerate(ticks)}
    for tick in range(_OFFSET, ticks[-1] + 1):
        _act(engine, recording, tick)
        engine.run(1)
        k = column.get(tick)
        if k is not None:
            tiles[:, k] = engine.tiles
            troops[:, k] = engine.troops
    return tiles, troops


def _set_up(recording: Recording, seed: int) -> Engine:
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
        if change["t"] == tick and "troops" in change:
            engine.state.troops[ids[change["player"]]] = int(change["troops"])
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


# --- gates ----------------------------------------------------------------------------------------


def scenario_gaps(record: dict[str, Any], maps: Path) -> Iterator[Gap]:
    """Yield what is compared of a scenario: (what, gap, allowed, unit)."""
    recording = read(record, maps)
    until = "" if recording.ends_before is None else f" to tick {recording.ends_before - 1}"
    kind = record["scenario"]["kind"]
    if any(player.get("mind") for player in record["players"]):
        yield from _replayed_minds(recording)
    elif kind in ("growth_no_attack", "immunity"):
        yield from _exact(recording, until, with_tiles=kind == "growth_no_attack")
    elif kind == "enclave":
        yield from _enclave(recording, until)
    elif kind in ("lone_expansion", "duel"):
        yield from _path(recording, until)
    else:
        raise ArenaError(f"expected a scenario of the land game, found kind {kind!r}")


def _exact(recording: Recording, until: str, *, with_tiles: bool) -> Iterator[Gap]:
    tiles, troops = replay(recording, 1)
    if with_tiles:
        yield f"tiles{until}", _largest(tiles - recording.column("tiles")), 0, "tiles"
        yield f"troops{until}", _largest(troops - recording.column("troops")), 0, "troops"
        return
    # What is refused shows in the home troops at once; what is fought for has noise.
    ours, theirs = (np.diff(each, axis=1) < -100 for each in (troops, recording.column("troops")))
    yield f"orders accepted{until}", float((ours != theirs).sum()), 0, "orders"


def _largest(gap: NDArray[np.int64]) -> float:
    return float(np.abs(gap).max())


def _path(recording: Recording, until: str) -> Iterator[Gap]:
    theirs = recording.column("tiles")
    gaps = []
    for seed in _STREAMS:
        ours, _ = replay(recording, seed)
        gaps.append(100.0 * np.abs(ours - theirs) / np.maximum(theirs, 100))
    median = np.median(gaps, axis=0)
    yield f"tiles at the end{until}", float(median[:, -1].max()), 0.5, "%"
    large = np.where(theirs >= 500, median, 0.0)
    yield f"tiles along the path{until}", float(large.max()), 3.0, "%"
    small = np.where(theirs < 500, median, 0.0)
    if small.any():
        yield f"tiles below 500 along the path{until}", float(small.max()), 6.0, "%"


def _enclave(recording: Recording, until: str) -> Iterator[Gap]:
    theirs = recording.column("tiles")
    runs = [replay(recording, seed)[0] for seed in _ENCLAVE_STREAMS]
    expected = _capture(theirs, recording.ticks)
    captures = [_capture(ours, recording.ticks) for ours in runs]
    late = [abs(found[0] - expected[0]) for found in captures]
    yield f"tick of the capture{until}", float(max(late)), 0, "ticks"
    others = sum(found[1] != expected[1] for found in captures)
    yield f"another captor{until}", float(others), 0, "streams"
    nearest = min(_largest(ours - theirs) for ours in runs)
    yield f"tiles, nearest stream{until}", nearest, 2, "tiles"


def _capture(tiles: NDArray[np.int64], ticks: list[int]) -> tuple[int, int]:
    """Return the first tick in which somebody won 20 tiles at once, and who; (0, 0) if none did."""
    won = np.diff(tiles, axis=1)
    jumped = np.flatnonzero((won >= 20).any(axis=0))
    if len(jumped) == 0:
        return 0, 0
    k = int(jumped[0])
    return ticks[k + 1], int(won[:, k].argmax()) + 1


def _replayed_minds(recording: Recording) -> Iterator[Gap]:
    theirs = recording.column("tiles")
    runs = [replay(recording, seed)[0] for seed in _STREAMS]
    column = {tick: k for k, tick in enumerate(recording.ticks)}
    for tick, allowed in _MINDS:
        k = column.get(tick)
        if k is not None:
            owned = theirs[:, k].sum()
            gaps = [np.abs(tiles[:, k] - theirs[:, k]).sum() / owned for tiles in runs]
            what = f"attacks replayed, tile gaps at {tick}"
            yield what, float(np.median(gaps)), allowed, "of owned"


# --- formulas -------------------------------------------------------------------------------------


def formula_gaps(vectors: dict[str, Any]) -> Iterator[Gap]:
    """Yield the largest relative gap of each group of formula vectors that the land game has."""
    checks: dict[str, Callable[[dict[str, Any]], list[tuple[float, float]]]] = {
        "max_troops": lambda v: [(_cap(v), v["value"])],
        "troop_increase": lambda v: [(_growth(v), v["value"])],
        "attack_logic_player": _player_attack,
        "attack_logic_neutral": _neutral_attack,
        "tiles_per_tick": _budgets,
        "start_troops": lambda v: [(_start_troops(v), v["value"])],
    }
    for group, check in checks.items():
        # Caps with cities wait for cities.
        played = [vector for vector in vectors.get(group, ()) if not vector.get("city_levels")]
        if played:
            gaps = [
                abs(ours - theirs) / max(abs(theirs), 1.0)
                for vector in played
                for ours, theirs in check(vector)
            ]
            yield f"{group}, {len(played)} vectors", float(np.max(gaps)), 1e-9, "relative"


def _start_troops(vector: dict[str, Any]) -> float:
    nation = EDITION.nation_start[vector["difficulty"].lower()]
    return float(rules.START_TROOPS.get(vector["type"], nation))


def _cap(vector: dict[str, Any]) -> float:
    divisor = rules.BOT_CAP_DIVISOR if vector["type"] == "bot" else 1.0
    is_nation = vector["type"] == "nation"
    factor = EDITION.nation_cap[vector["difficulty"].lower()] if is_nation else 1.0
    return float(formulas.troop_cap(vector["tiles"], divisor, factor))


def _growth(vector: dict[str, Any]) -> float:
    factor = EDITION.bot_growth if vector["type"] == "bot" else 1.0
    if vector["type"] == "nation":
        factor = EDITION.nation_growth[vector["difficulty"].lower()]
    return float(formulas.troop_increase(float(vector["troops"]), _cap(vector), factor))


def _player_attack(v: dict[str, Any]) -> list[tuple[float, float]]:
    loss, defender_loss, cost = formulas.player_tile(
        _TERRAIN[v["terrain"]],
        rules.KINDS.index(v["attacker"]),
        rules.KINDS.index(v["defender"]),
        float(v["attack_troops"]),
        float(v["defender_troops"]),
        v["attacker_tiles"],
        v["defender_tiles"],
        v["defender_traitor"],
        v["defense_post"],
        EDITION.number,
    )
    return [
        (loss, v["attackerTroopLoss"]),
        (defender_loss, v["defenderTroopLoss"]),
        (cost, v["tilesPerTickUsed"]),
    ]


def _neutral_attack(v: dict[str, Any]) -> list[tuple[float, float]]:
    kind = rules.KINDS.index(v["attacker"])
    loss, cost = formulas.neutral_tile(_TERRAIN[v["terrain"]], float(v["attack_troops"]), kind)
    return [(loss, v["attackerTroopLoss"]), (cost, v["tilesPerTickUsed"])]


def _budgets(v: dict[str, Any]) -> list[tuple[float, float]]:
    args = (float(v["attack_troops"]), float(v["defender_troops"]), float(v["adj"]))
    return [
        (formulas.attack_budget(*args, False), v["player"]),
        (formulas.attack_budget(*args, True), v["neutral"]),
    ]
