"""What is compared of a recorded scenario, and how far ours may be from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.errors import ArenaError
from arena.parity_2026.boats import boat_gaps
from arena.parity_2026.land import SMALL, Gap, gap_of_owned, gaps_by_player
from arena.parity_2026.minds import mind_gaps
from arena.parity_2026.recordings import Recording, read
from arena.parity_2026.replays import COLUMNS, replay

_STREAMS = (1, 2, 3)
_ENCLAVE_STREAMS = (1, 2, 3, 4, 5)
_ROUNDING = 0.051  # recorded caps have one decimal
_CAPTURES = 20  # ticks by which those of several structures may be late or early in all
_SAMPLES = 20  # ticks between two that are recorded, at most
_LAND = {"attack", "boat", "landing", "conquered"}  # events without diplomacy and structures
_MINDS = (301, 0.02), (601, 0.03), (1591, 0.12)


def scenario_gaps(
    record: dict[str, Any], maps: Path, noise: dict[str, Any] | None = None
) -> Iterator[Gap]:
    """Yield what is compared of a scenario: (what, gap, allowed, unit).

    Args:
        noise: further runs of the original with other random streams, for matches of minds.
    """
    recording = read(record, maps)
    until = "" if recording.ends_before is None else f" to tick {recording.ends_before - 1}"
    kind = record["scenario"]["kind"]
    if any(player.get("mind") for player in record["players"]):
        kinds = {event["kind"] for event in record.get("events", ())}
        if kinds and kinds <= _LAND:
            yield from _replayed_minds(recording, _MINDS)
        elif kind == "nations_on_isles":
            yield from _replayed_minds(recording, _MINDS[:1])
        yield from mind_gaps(replace(recording, ends_before=None), noise)
    elif kind == "growth_no_attack" or (
        kind in ("cities", "alliance") and not recording.has_attacks
    ):
        yield from _all_columns(recording, until)
    elif kind == "boats":
        yield from boat_gaps(recording, until)
    elif kind == "immunity":
        yield from _immunity(recording, until)
    elif kind == "enclave":
        yield from _enclave(recording, until)
    elif kind == "cities":
        yield from _economy(recording, until)
    elif kind in ("lone_expansion", "duel"):
        yield from _path(recording, until)
        yield from _economy(recording, until)
    else:
        raise ArenaError(
            f"expected a scenario of land, cities, boats or alliances, found kind {kind!r}"
        )


def _all_columns(recording: Recording, until: str) -> Iterator[Gap]:
    """What needs no luck: every column in every tick."""
    columns = tuple(name for name in COLUMNS if recording.has(name))
    ours = replay(recording, 1, columns)
    for name in columns:
        allowed = _ROUNDING if name == "cap" else 0.0
        yield f"{name}{until}", _largest(ours[name] - recording.column(name)), allowed, name


def _immunity(recording: Recording, until: str) -> Iterator[Gap]:
    # What is refused shows in the home troops at once; what is fought for has noise.
    theirs = recording.column("troops")
    found = (np.diff(each, axis=1) < -100 for each in (replay(recording, 1)["troops"], theirs))
    accepted, expected = found
    yield f"orders accepted{until}", float((accepted != expected).sum()), 0, "orders"


def _largest(gap: NDArray[np.float64]) -> float:
    return float(np.abs(gap).max())


def _path(recording: Recording, until: str) -> Iterator[Gap]:
    theirs = recording.column("tiles")
    runs = [replay(recording, seed)["tiles"] for seed in _STREAMS]
    median = np.median([gaps_by_player(ours, theirs) for ours in runs], axis=0)
    yield f"tiles at the end{until}", float(median[:, -1].max()), 0.5, "%"
    large = np.where(theirs >= SMALL, median, 0.0)
    yield f"tiles along the path{until}", float(large.max()), 3.0, "%"
    small = np.where(theirs < SMALL, median, 0.0)
    if small.any():
        yield f"tiles below {SMALL} along the path{until}", float(small.max()), 6.0, "%"


def _economy(recording: Recording, until: str) -> Iterator[Gap]:
    """Gold, and what stands: the tick of a capture hangs on luck, the end does not."""
    columns = tuple(name for name in ("gold", "cities", "structures") if recording.has(name))
    runs = [replay(recording, seed, columns) for seed in _STREAMS]
    for name in columns:
        gaps = [np.abs(ours[name] - recording.column(name)) for ours in runs]
        if name == "gold":
            yield f"gold, nearest stream{until}", min(_largest(gap) for gap in gaps), 0, "gold"
            continue
        yield f"{name} at the end{until}", max(_largest(gap[:, -1]) for gap in gaps), 0, name
        if recording.column(name).any():
            apart = np.median([gap.any(axis=0).sum() for gap in gaps])
            yield f"{name} otherwise{until}", float(apart), _CAPTURES, "ticks"


def _enclave(recording: Recording, until: str) -> Iterator[Gap]:
    theirs = recording.column("tiles")
    runs = [replay(recording, seed)["tiles"] for seed in _ENCLAVE_STREAMS]
    expected = _capture(theirs, recording.ticks)
    captures = [_capture(ours, recording.ticks) for ours in runs]
    late = [abs(found[0] - expected[0]) for found in captures]
    yield f"tick of the capture{until}", float(max(late)), 0, "ticks"
    others = sum(found[1] != expected[1] for found in captures)
    yield f"another captor{until}", float(others), 0, "streams"
    nearest = min(_largest(ours - theirs) for ours in runs)
    yield f"tiles, nearest stream{until}", nearest, 2, "tiles"


def _capture(tiles: NDArray[np.float64], ticks: list[int]) -> tuple[int, int]:
    """Return the first tick in which somebody won 20 tiles at once, and who; (0, 0) if none did."""
    won = np.diff(tiles, axis=1)
    jumped = np.flatnonzero((won >= 20).any(axis=0))
    if len(jumped) == 0:
        return 0, 0
    k = int(jumped[0])
    return ticks[k + 1], int(won[:, k].argmax()) + 1


def _replayed_minds(
    recording: Recording, allowed_at: tuple[tuple[int, float], ...]
) -> Iterator[Gap]:
    """The orders of the original's minds, given in its ticks."""
    theirs = recording.column("tiles")
    runs = [replay(recording, seed)["tiles"] for seed in _STREAMS]
    column = {tick: k for k, tick in enumerate(recording.ticks)}
    for tick, allowed in allowed_at:
        tick = max((each for each in column if tick - _SAMPLES < each <= tick), default=0)
        k = column.get(tick)
        if k is not None:
            gaps = [gap_of_owned(tiles[:, k], theirs[:, k]) for tiles in runs]
            what = f"orders replayed, tile gaps at {tick}"
            yield what, float(np.median(gaps)), allowed, "of owned"
