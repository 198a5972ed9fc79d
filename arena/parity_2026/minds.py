"""Recorded matches of the original's minds against matches of ours, with the recorded tempers.

Until most land is taken (tick 601 or so, theirs) matches are nearly the same whatever the random
streams are: the orders of the first 500 ticks and the land of each player are compared. Later ones
are compared by figures: ours are the mean over the streams, theirs the range of the recorded run
and of those in `noise/` beside it, widened by half (by 1 at least for counts, by .03 for shares).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.parity_2026.land import Gap, gap_of_owned
from arena.parity_2026.recordings import Recording
from arena.parity_2026.replays import COLUMNS, set_up
from arena.territory.engine import rules
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import (
    NO_ALLIANCES,
    NO_BOATS,
    NO_NUKES,
    NO_STRUCTURES,
    SPREAD_SHARE,
    SPREADS,
    STRIKES,
)
from arena.territory.engine.tempers import Temper

_OFFSET = rules.REFERENCE_TICK_OFFSET
_FIRST = 500  # ticks in which orders are compared one by one
_OF_OWNED = "of owned"
_FIGURED = ("tiles", "cities", "allies")  # columns that figures are made of


@dataclass(frozen=True)
class _Gates:
    """What is compared of a kind of scenario; ticks are the original's.

    Attributes:
        streams: our matches.
        orders: share of the orders of the first 500 ticks that may be missing or too many.
        gaps: tick and allowed sum of tile gaps as a share of owned tiles.
        owned: tick and allowed gap of owned land as a share of land.
        home: tick and allowed gap of all home troops, %.
        figures: ticks at which figures are compared with the range of the original's runs.
    """

    streams: tuple[int, ...]
    orders: float = 0.0
    gaps: tuple[tuple[int, float], ...] = ()
    owned: tuple[tuple[int, float], ...] = ()
    home: tuple[tuple[int, float], ...] = ()
    figures: tuple[int, ...] = ()


_TRIBES = _Gates(
    streams=(1, 2, 3, 4, 5),
    gaps=((301, 0.02), (601, 0.02), (1001, 0.08)),
    owned=((1551, 0.01),),
    home=((1551, 8.0),),
    figures=(1551,),
)
_NATIONS = _Gates(
    streams=(1, 2, 3, 4, 5, 6, 7, 8),
    orders=0.1,
    gaps=((301, 0.02), (601, 0.06)),
    home=((1001, 15.0),),
    figures=(1551, 3001),
)
_CROWD = _Gates(
    streams=_NATIONS.streams, owned=((301, 0.03), (601, 0.03)), figures=(601, 1101, 2101, 2851)
)
_GATES = {
    "bots_with_minds": _TRIBES,
    "bots_on_isles": _TRIBES,
    "nations_with_minds": _NATIONS,
    "nations_on_isles": replace(_NATIONS, figures=(3001,)),
    "crowd_with_minds": _CROWD,
}


def mind_gaps(recording: Recording, noise: dict[str, Any] | None) -> Iterator[Gap]:
    """Yield what is compared of a match of minds; `noise` has further runs of the original."""
    gates = _GATES[recording.record["scenario"]["kind"]]
    if recording.record.get("events"):
        yield from _order_gaps(recording, gates)
    stops = sorted(
        {t for t, _ in (*gates.gaps, *gates.owned, *gates.home)}.union(gates.figures)
        & set(recording.ticks)
    )
    runs = [_run(recording, seed, stops) for seed in gates.streams]
    column = {tick: k for k, tick in enumerate(recording.ticks)}
    tiles, troops = recording.column("tiles"), recording.column("troops")
    for tick, allowed in gates.gaps:
        if tick in column:
            theirs = tiles[:, column[tick]]
            gaps = [gap_of_owned(run[tick]["tiles"], theirs) for run in runs]
            yield f"minds, tile gaps at {tick}", float(np.median(gaps)), allowed, _OF_OWNED
    for tick, allowed in gates.owned:
        if tick in column:
            owned = np.mean([run[tick]["tiles"].sum() for run in runs])
            gap = abs(owned - tiles[:, column[tick]].sum()) / recording.territory.n_land
            yield f"minds, owned land at {tick}", float(gap), allowed, "of land"
    for tick, allowed in gates.home:
        if tick in column:
            totals = [troops[:, column[tick]].sum(), *_of_noise(noise, tick, "troops")]
            home = np.mean([run[tick]["troops"].sum() for run in runs])
            gap = 100.0 * abs(home / np.mean(totals) - 1.0)
            yield f"minds, home troops at {tick}", float(gap), allowed, "%"
    if noise is not None:
        for tick in gates.figures:
            if tick in column and tick in noise["ticks"]:
                yield from _figure_gaps(recording, noise, [run[tick] for run in runs], tick)


def _of_noise(noise: dict[str, Any] | None, tick: int, name: str) -> list[float]:
    if noise is None or tick not in noise["ticks"]:
        return []
    k = noise["ticks"].index(tick)
    return [float(np.asarray(run[name])[:, k].sum()) for run in noise["runs"]]


# --- our matches ----------------------------------------------------------------------------------


def with_minds(recording: Recording, seed: int) -> Engine:
    """Return a recorded match at tick 0 with our minds, their tempers as recorded."""
    scenario = recording.record["scenario"]
    engine = set_up(recording, seed)
    disabled = scenario.get("disabled") or ()
    forbidden = 0
    if (scenario.get("config") or {}).get("disableAlliances"):
        forbidden |= NO_ALLIANCES
    for unit, flag in (
        ("Transport", NO_BOATS),
        ("City", NO_STRUCTURES),
        ("Missile Silo", NO_NUKES),
    ):
        forbidden |= flag if unit in disabled else 0
    engine.forbid(forbidden)
    for p, player in enumerate(recording.record["players"], start=1):
        if player.get("mind"):
            engine.give_mind(
                p,
                "tribe" if player["type"] == "bot" else "nation",
                scenario["difficulty"].lower(),
                temper=Temper(
                    rate=player["attackRate"],
                    phase=player["attackTick"],
                    trigger=player["triggerRatio"],
                    reserve=player["reserveRatio"],
                    expand=player["expandRatio"],
                ),
            )
    return engine


Board = dict[str, NDArray[np.float64]]


def _run(recording: Recording, seed: int, stops: list[int]) -> dict[int, Board]:
    """Play a match; return columns by player at the ticks (theirs) to stop at."""
    engine = with_minds(recording, seed)
    boards = {}
    for tick in stops:
        engine.run(tick + 1 - _OFFSET - engine.tick)
        boards[tick] = {
            name: np.array(COLUMNS[name](engine), np.float64)
            for name in ("tiles", "troops", "cities", "allies")
        }
    return boards


# --- orders ---------------------------------------------------------------------------------------

Orders = dict[tuple[int, int, bool], float]  # (tick, player, whether on a player): troops


def _order_gaps(recording: Recording, gates: _Gates) -> Iterator[Gap]:
    theirs: Orders = {}
    until = _OFFSET + _FIRST
    ids = recording.ids
    for event in recording.record["events"]:
        if event["kind"] == "attack" and event["t"] <= until:
            key = event["t"], ids[event["from"]], event["to"] is not None
            theirs[key] = theirs.get(key, 0.0) + float(event["troops"])
    off, amounts = [], []
    for seed in gates.streams[:3]:
        ours = _first_orders(recording, seed)
        off.append(len(ours.keys() ^ theirs.keys()) / len(theirs))
        amounts += [
            abs(ours[key] / theirs[key] - 1.0)
            for key in ours.keys() & theirs.keys()
            if not key[2] and theirs[key] > 0
        ]
    what = f"orders to tick {until}"
    yield f"{what}, missing or extra", float(np.median(off)), gates.orders, "of orders"
    yield f"{what}, amounts on neutral", 100.0 * float(np.median(amounts)), 1.0, "%"


def _first_orders(recording: Recording, seed: int) -> Orders:
    """Return the attacks of our minds in the first 500 ticks."""
    engine = with_minds(recording, seed)
    habits = engine.state.habits
    found: Orders = {}
    for tick in range(_OFFSET, _OFFSET + _FIRST + 1):
        before = habits.copy()
        engine.run(1)
        for p in np.flatnonzero((habits != before).any(axis=1)):
            if habits[p, SPREADS] > before[p, SPREADS]:
                share = habits[p, SPREAD_SHARE] - before[p, SPREAD_SHARE]
                left = float(engine.state.troops[p])  # what stayed at home is 1 - share
                found[tick, int(p), False] = share / max(1.0 - share, 1e-9) * left
            if habits[p, STRIKES] > before[p, STRIKES]:
                found[tick, int(p), True] = 0.0
    return found


# --- figures --------------------------------------------------------------------------------------


def _figures(recording: Recording, board: Board) -> dict[str, float]:
    """Return what is compared of a board: shares of land, and counts."""
    tiles = board["tiles"]
    land = recording.territory.n_land
    kinds = np.array([player["type"] for player in recording.record["players"]])
    figures = {"largest share": float(tiles.max() / land)}
    if (kinds == "bot").any() and (kinds == "nation").any():
        figures["ten largest, share"] = float(np.sort(tiles)[-10:].sum() / land)
        for kind, name in (("nation", "nations alive"), ("bot", "tribes alive")):
            figures[name] = float((tiles[kinds == kind] > 0).sum())
    else:
        figures["alive"] = float((tiles > 0).sum())
    figures["city levels"] = float(board["cities"].sum())
    figures["alliances"] = float(board["allies"].sum() / 2)
    return figures


def _figure_gaps(
    recording: Recording, noise: dict[str, Any], ours: list[Board], tick: int
) -> Iterator[Gap]:
    """Yield by how much the mean of our figures leaves the widened range of the original's."""
    k = recording.ticks.index(tick)
    boards: list[Board] = [{name: recording.column(name)[:, k] for name in _FIGURED}]
    k = noise["ticks"].index(tick)
    nothing = np.zeros((len(recording.record["players"]), len(noise["ticks"])))
    for run in noise["runs"]:  # a column without anything is left out of a run
        boards.append({name: np.asarray(run.get(name, nothing))[:, k] for name in _FIGURED})
    theirs = [_figures(recording, board) for board in boards]
    mean = [_figures(recording, board) for board in ours]
    for name in theirs[0]:
        values = [each[name] for each in theirs]
        low, high = min(values), max(values)
        slack = max((high - low) / 4, 0.03 if "share" in name else 1.0)
        figure = float(np.mean([each[name] for each in mean]))
        outside = max(low - slack - figure, figure - high - slack, 0.0)
        yield f"minds, {name} at {tick}", outside, 0.0, "outside"
