"""What is compared of a recorded scenario, and how far ours may be from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.errors import ArenaError
from arena.parity_2026.recordings import Recording, read
from arena.parity_2026.replays import replay

_STREAMS = (1, 2, 3)
_ENCLAVE_STREAMS = (1, 2, 3, 4, 5)
_MINDS = (301, 0.02), (601, 0.03), (1591, 0.12)

Gap = tuple[str, float, float, str]  # what, gap, allowed, unit


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
