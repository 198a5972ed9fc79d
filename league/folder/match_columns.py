"""Owns the season's matches as columns, kept in the league folder between commands.

The first reading of 100,000 matches takes seconds, and a report has one. Promises: the file may be
removed at any time, and whoever may not write it (a folder that may only be read) computes it each
time; a file that is damaged, or of another log (a restored league), is computed anew; the columns
hold placements and no rating, so that no new way to rate makes them wrong.

Running sums in the database were the alternative: they would need to be written with each match,
and what is summed changes with the ratings (the expected result of each match).
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from arena.files import write_whole
from arena.foreign import ForeignFileError, read_foreign
from db import queries
from league.rating.columns import MatchColumns

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from league.folder.layout import LeagueFolder

MAX_BYTES = 2**31  # 20,000,000 matches of ten seats
# Reading this many matches anew takes some 20 ms; writing the file for each would take longer.
WORTH_WRITING = 1_000


class MatchMemory:
    """The columns of one season, brought up to date at each reading.

    Args:
        folder: where they are kept between commands; None keeps them in memory alone.
    """

    def __init__(self, folder: LeagueFolder | None) -> None:
        self._folder = folder
        self._rules_sha256: str | None = None
        self._columns = MatchColumns.empty()
        self._mark: str | None = None
        self._n_written = 0

    def read(self, session: Session, rules_sha256: str) -> MatchColumns:
        """Return the matches of a season as the session sees it."""
        if rules_sha256 != self._rules_sha256:
            self._rules_sha256 = rules_sha256
            self._columns, self._mark = self._load()
            self._n_written = self._columns.n_matches
        last = self._columns.last_seq
        if last and queries.log_mark(session, last) != self._mark:
            self._columns, self._n_written = MatchColumns.empty(), 0
        rows = queries.placement_rows(session, rules_sha256, after_seq=self._columns.last_seq)
        if len(rows):
            self._columns = self._columns.extended(rows)
            self._mark = queries.log_mark(session, self._columns.last_seq)
            self._keep()
        return self._columns

    @property
    def _path(self) -> Path | None:
        if self._folder is None or self._rules_sha256 is None:
            return None
        return self._folder.cache / f"matches-{self._rules_sha256[:16]}.npz"

    def _load(self) -> tuple[MatchColumns, str | None]:
        path = self._path
        if path is None or not path.is_file():
            return MatchColumns.empty(), None
        try:
            return MatchColumns.from_bytes(read_foreign(path, MAX_BYTES))
        except (ForeignFileError, ValueError):
            return MatchColumns.empty(), None

    def _keep(self) -> None:
        path = self._path
        grown = self._columns.n_matches - self._n_written
        if path is None or self._mark is None or grown < WORTH_WRITING:
            return
        with contextlib.suppress(OSError):  # a folder of somebody else, a full disk
            path.parent.mkdir(exist_ok=True)
            write_whole(path, self._columns.to_bytes(self._mark))
            self._n_written = self._columns.n_matches
