"""Owns the numbers of a learner's updates as series for charts: in order, thinned, in bins.

Promises: pure functions; a learner that lost updates and went on from its checkpoint is drawn along
what its weights descend from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from db.queries import lasting_updates

if TYPE_CHECKING:
    from db.records import UpdateRecord

MOST_POINTS = 150
N_BINS = 40
UPDATES_A_BIN = 5  # at least: the wave of one update is a chance draw
PHASES = ("update", "policy", "env", "observation", "opponents", "other")
AXES = ("decisions", "minutes")


def lasting(updates: Sequence[UpdateRecord]) -> list[UpdateRecord]:
    """Return the updates that the present weights descend from, by decisions."""
    return lasting_updates(updates)


def position(update: UpdateRecord, axis: str, start: datetime | None) -> float:
    """Return where an update stands: its decisions, or its minutes since the first start."""
    if axis == "decisions" or start is None:
        return float(update.trained_decisions)
    return (update.at - start).total_seconds() / 60.0


def series(
    updates: Sequence[UpdateRecord],
    key: str,
    axis: str = "decisions",
    start: datetime | None = None,
) -> list[tuple[float, float]]:
    """Return (x, mean) of a number in up to MOST_POINTS groups of neighbouring updates.

    Updates that do not have the number are left out.
    """
    found = [(position(u, axis, start), float(u.numbers[key])) for u in updates if key in u.numbers]
    size = -(-len(found) // MOST_POINTS) or 1
    groups = [found[at : at + size] for at in range(0, len(found), size)]
    return [
        (group[-1][0], sum(value for _, value in group) / len(group)) for group in groups if group
    ]


def binned(
    updates: Sequence[UpdateRecord], axis: str, start: datetime | None
) -> tuple[list[float], list[list[UpdateRecord]]]:
    """Return (middles, updates) of up to N_BINS equal parts of the axis, without empty ones."""
    if not updates:
        return [], []
    xs = [position(update, axis, start) for update in updates]
    low, high = min(xs), max(xs)
    n = max(min(N_BINS, len(updates) // UPDATES_A_BIN), 1)
    width = (high - low) / n or 1.0
    bins: dict[int, list[UpdateRecord]] = {}
    for x, update in zip(xs, updates, strict=True):
        bins.setdefault(min(int((x - low) / width), n - 1), []).append(update)
    kept = sorted(bins)
    return [low + (at + 0.5) * width for at in kept], [bins[at] for at in kept]


def phase_shares(updates: Sequence[UpdateRecord]) -> dict[str, float]:
    """Return what share of the time of these updates each phase took; {} if nobody said."""
    spent = {
        phase: sum(float(update.numbers.get(f"seconds_{phase}", 0.0)) for update in updates)
        for phase in PHASES
    }
    total = sum(spent.values())
    return {phase: seconds / total for phase, seconds in spent.items()} if total > 0 else {}


def games_by_foe(updates: Sequence[UpdateRecord]) -> dict[int, tuple[int, float]]:
    """Return (games, beats) by opponent's member id in these updates."""
    found: dict[int, tuple[int, float]] = {}
    for update in updates:
        for member, said in update.opponents.items():
            games, beats = found.get(int(member), (0, 0.0))
            found[int(member)] = games + int(said[0]), beats + float(said[1])
    return found


def tail_mean(updates: Sequence[UpdateRecord], key: str) -> float | None:
    """Return the mean of a number in the last tenth of the updates; None if they do not have it."""
    return _mean(updates[-max(len(updates) // 10, 1) :], key)


def head_mean(updates: Sequence[UpdateRecord], key: str) -> float | None:
    """Return the mean of a number in the first tenth of the updates."""
    return _mean(updates[: max(len(updates) // 10, 1)], key)


def _mean(updates: Sequence[UpdateRecord], key: str) -> float | None:
    values = [float(update.numbers[key]) for update in updates if key in update.numbers]
    return sum(values) / len(values) if values else None


def shares_of(counts: Sequence[Mapping[int, float]], shown: Sequence[int]) -> list[list[float]]:
    """Return for each of `shown`, and for all others together, its share in each of the counts."""
    totals = [sum(count.values()) or 1.0 for count in counts]
    rows = [
        [count.get(key, 0.0) / total for count, total in zip(counts, totals, strict=True)]
        for key in shown
    ]
    rest = [max(0.0, 1.0 - sum(row[at] for row in rows)) for at in range(len(counts))]
    return [*rows, rest]
