"""Owns the lines of ratings over the last half hour, kept up to date point by point.

A rating is drawn as mu minus that of the scale's anchor at the same moment, plus 25: the raw scale
drifts. Pure bookkeeping: no I/O, no clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from db.records import RatingPoint

WINDOW = timedelta(minutes=30)
SLOT_S = 10.0  # points of a member closer than this are one: a line has some fifty characters
ANCHORED_AT = 25.0


class History:
    """The ratings of a window of time.

    Attributes:
        last_seq: number in the rating log of the newest point, 0 without any.
    """

    def __init__(self) -> None:
        self.last_seq = 0
        self._anchor_mu: float | None = None
        self._times: dict[int, list[float]] = {}
        self._values: dict[int, list[float]] = {}

    def add(self, points: Iterable[RatingPoint], anchor_id: int | None) -> None:
        """Add points in the order of the log; those before the anchor's first one wait for it."""
        found = list(points)
        if self._anchor_mu is None:
            self._anchor_mu = next((p.mu for p in found if p.member_id == anchor_id), None)
            if self._anchor_mu is None:
                return
        for point in found:
            self.last_seq = point.seq
            if point.member_id == anchor_id:
                self._anchor_mu = point.mu
            self._append(
                point.member_id,
                point.finished_at.timestamp(),
                point.mu - self._anchor_mu + ANCHORED_AT,
            )

    def _append(self, member_id: int, at: float, value: float) -> None:
        times = self._times.setdefault(member_id, [])
        values = self._values.setdefault(member_id, [])
        if times and at // SLOT_S == times[-1] // SLOT_S:
            values[-1] = value
        else:
            times.append(at)
            values.append(value)

    def span_s(self, now: datetime) -> float:
        """Return how many seconds before now the lines begin: WINDOW, or less in a young league."""
        first = min((times[0] for times in self._times.values()), default=now.timestamp())
        return min(max(now.timestamp() - first, SLOT_S), WINDOW.total_seconds())

    def series(
        self, present: Mapping[int, tuple[float | None, datetime]], now: datetime, n: int = 48
    ) -> dict[int, tuple[float | None, ...]]:
        """Return `n` values for each member, the last one now; None before it had a rating.

        Args:
            present: rating of now on the same scale, and when it joined, by member id: of who did
                not play in the window that is all there is to draw.
        """
        end, span = now.timestamp(), self.span_s(now)
        self._forget(end - WINDOW.total_seconds())
        edges = [end - span * (n - 1 - at) / max(n - 1, 1) for at in range(n)]
        return {
            member_id: self._of_member(member_id, edges, rating, joined.timestamp())
            for member_id, (rating, joined) in present.items()
        }

    def _of_member(
        self, member_id: int, edges: list[float], rating: float | None, joined: float
    ) -> tuple[float | None, ...]:
        times, values = self._times.get(member_id, []), self._values.get(member_id, [])
        if not times:
            return tuple(rating if edge >= joined else None for edge in edges)
        at = [bisect_right(times, edge) for edge in edges]
        return tuple(values[i - 1] if i else None for i in at)

    def _forget(self, before: float) -> None:
        """Remove what is older than the window, but for the newest such point of each member."""
        for member_id, times in self._times.items():
            gone = max(bisect_right(times, before) - 1, 0)
            del times[:gone], self._values[member_id][:gone]
