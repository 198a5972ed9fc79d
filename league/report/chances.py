"""Owns when a report fits the chances of the first place anew: not at every look of a live one.

Promises: what is shown is at most REFIT_AFTER matches old.
"""

from __future__ import annotations

from collections.abc import Mapping

from league.rating.columns import MatchColumns
from league.rating.first_places import Chance, first_chances
from league.rating.trueskill import Gaussian

# A fit takes up to a quarter of a second, a live report looks every second, and a hundredth of the
# matches that the chances rest on moves them by far less than their error.
REFIT_AFTER = 30


class ChanceMemory:
    """The chances of one league, fitted anew when enough matches have been played."""

    def __init__(self) -> None:
        self._chances: dict[int, Chance] = {}
        self._last: tuple[int, int] = (0, 0)  # matches, members that have played

    def read(self, columns: MatchColumns, ratings: Mapping[int, Gaussian]) -> Mapping[int, Chance]:
        """Return the chance of the first place by member id."""
        now = (columns.n_matches, len(columns.member_ids()))
        grown = now[0] - self._last[0]
        if grown < 0 or grown >= REFIT_AFTER or now[1] != self._last[1] or not self._chances:
            self._chances = first_chances(columns, ratings)
            self._last = now
        return self._chances
