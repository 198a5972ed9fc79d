"""Recorded scenarios played by our engine, with the orders of the recording."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from arena.parity_2026.recordings import Recording
from arena.territory.engine import rules
from arena.territory.engine.engine import Engine

_OFFSET = rules.REFERENCE_TICK_OFFSET

Curves = tuple[NDArray[np.int64], NDArray[np.int64]]  # tiles, home troops: int64[players, ticks]


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
