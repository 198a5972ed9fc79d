"""Owns when a report fits the chances of the first place anew: not at every look of a live one.

Promises: what is shown is at most REFIT_AFTER matches old, and of the same log: chances of a league
that was restored, or a damaged file of them, are fitted anew. The file may be removed at any time.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from arena.files import write_whole
from arena.foreign import MAX_TEXT_BYTES, ForeignFileError, parse_json, read_foreign
from league.folder.layout import LeagueFolder
from league.folder.match_columns import WORTH_WRITING
from league.rating.columns import MatchColumns
from league.rating.first_places import Chance, first_chances
from league.rating.trueskill import Gaussian

# A fit takes up to a quarter of a second, a live report looks every second, and a hundredth of the
# matches that the chances rest on moves them by far less than their error.
REFIT_AFTER = 30


class ChanceMemory:
    """The chances of one league, fitted anew when enough matches have been played.

    Args:
        folder: where they are kept between commands, from WORTH_WRITING matches on; None keeps them
            in memory alone.
    """

    def __init__(self, folder: LeagueFolder | None = None) -> None:
        self._path = None if folder is None else folder.cache / "first-places.json"
        self._chances: dict[int, Chance] = {}
        self._last: tuple[int, int] = (0, 0)  # matches, members that have played

    def read(self, columns: MatchColumns, ratings: Mapping[int, Gaussian]) -> Mapping[int, Chance]:
        """Return the chance of the first place by member id."""
        now = (columns.n_matches, len(columns.member_ids()))
        if not self._chances and self._path is not None and now[0] >= WORTH_WRITING:
            self._load(self._path, columns)
        grown = now[0] - self._last[0]
        if grown < 0 or grown >= REFIT_AFTER or now[1] != self._last[1] or not self._chances:
            self._chances = first_chances(columns, ratings)
            self._last = now
            if self._path is not None and now[0] >= WORTH_WRITING:
                self._keep(self._path, columns)
        return self._chances

    def _load(self, path: Path, columns: MatchColumns) -> None:
        if not path.is_file():
            return
        try:
            held = parse_json(read_foreign(path, MAX_TEXT_BYTES))
            n_matches, n_members = int(held["matches"]), int(held["members"])
            chances = {int(i): Chance(**chance) for i, chance in held["chances"].items()}
            if held["log"] == _log(columns, n_matches):
                self._chances, self._last = chances, (n_matches, n_members)
        except (ForeignFileError, ValueError, KeyError, TypeError, AttributeError):
            return

    def _keep(self, path: Path, columns: MatchColumns) -> None:
        held = {
            "log": _log(columns, self._last[0]),
            "matches": self._last[0],
            "members": self._last[1],
            "chances": {str(i): asdict(chance) for i, chance in self._chances.items()},
        }
        with contextlib.suppress(OSError):  # a folder of somebody else, a full disk
            path.parent.mkdir(exist_ok=True)
            write_whole(path, json.dumps(held).encode())


def _log(columns: MatchColumns, n_matches: int) -> int | None:
    """Return a checksum of the first matches of a log; None if it has fewer."""
    if not 0 <= n_matches <= columns.n_matches:
        return None
    end = int(columns.starts[n_matches])
    found = zlib.crc32(columns.match_ids[:n_matches].tobytes())
    for part in (columns.members[:end], columns.placements[:end]):
        found = zlib.crc32(part.tobytes(), found)
    return found
