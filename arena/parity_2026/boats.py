"""What is compared of a recorded scenario with boats: where each is in every tick, and the land."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arena.parity_2026.land import SMALL, Gap, gaps_by_player
from arena.parity_2026.recordings import Recording
from arena.parity_2026.replays import Curves, replay
from arena.territory.engine.engine import Engine

_STREAMS = range(1, 9)
_COLUMNS = ("tiles", "troops", "boats", "boat_troops")

Row = tuple[int, str, int, int, float]  # tick, owner, x, y, troops


def boat_gaps(recording: Recording, until: str) -> Iterator[Gap]:
    """Yield what is compared: (what, gap, allowed, unit), of the nearest of eight streams.

    Chance decides which tiles an attack takes first. Where a later boat leaves, and whether any
    land of its target is left where it lands, may hang on that.
    """
    expected: list[Row] = [
        (tick, owner, x, y, float(troops))
        for tick, owner, x, y, troops in recording.record["boat_log"]
        if tick <= recording.ticks[-1]
    ]
    best: tuple[int, float, Curves] | None = None
    for seed in _STREAMS:
        curves, rows = _sailed(recording, seed)
        apart = len(set(rows).symmetric_difference(expected))
        at_the_end = float(_share(curves, recording)[:, -1].max())
        if best is None or (apart, at_the_end) < best[:2]:
            best = apart, at_the_end, curves
    assert best is not None
    apart, at_the_end, curves = best
    yield f"boats by tick, tile and troops{until}", float(apart), 0, "of " + str(len(expected))
    for name in ("boats", "boat_troops"):
        gap = np.abs(curves[name] - recording.column(name)).max()
        yield f"{name}{until}", float(gap), 0, name
    before = np.array(recording.ticks) < _first_fight(recording)
    gap = np.abs(curves["troops"] - recording.column("troops"))[:, before].max()
    yield f"home troops before any attack{until}", float(gap), 0, "troops"
    share = _share(curves, recording)
    yield f"tiles at the end{until}", at_the_end, 0.5, "%"
    large = np.where(recording.column("tiles") >= SMALL, share, 0.0)
    yield f"tiles along the path{until}", float(large.max()), 3.0, "%"


def _sailed(recording: Recording, seed: int) -> tuple[Curves, list[Row]]:
    """Return the curves of a replay, and where its boats were at the end of each tick."""
    names = {p: name for name, p in recording.ids.items()}
    rows: list[Row] = []

    def watch(engine: Engine, tick: int) -> None:
        rows.extend(
            (tick, names[boat.owner], boat.x, boat.y, boat.troops) for boat in engine.boats_at_sea()
        )

    return replay(recording, seed, _COLUMNS, watch), rows


def _share(curves: Curves, recording: Recording) -> NDArray[np.float64]:
    return gaps_by_player(curves["tiles"], recording.column("tiles"))


def _first_fight(recording: Recording) -> float:
    """Return the tick from which on chance shows in the troops at home."""
    ordered = [each for orders in recording.orders.values() for each in orders]
    fights = [
        each["t"]
        for each in (*recording.record["events"], *ordered)
        if each["kind"] in ("attack", "landing")
    ]
    return min(fights, default=np.inf)
