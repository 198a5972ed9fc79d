"""Owns how results are written: one JSON object or one row of a table at a time.

Promises: a file is written whole or not at all; standard output may be closed by its reader.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from arena.files import write_whole
from league.errors import ResultsError
from league.results.schema import MatchResults, document
from league.results.table import COLUMNS, rows_of


def write_results(matches: Iterable[MatchResults], kind: str, out: Path | None) -> int:
    """Write matches to a new file, or to standard output; return how many.

    Raises:
        ResultsError: the file cannot be written.
    """
    counted = _Counted(matches)
    lines = _table(counted) if kind == "csv" else _objects(counted)
    if out is None:
        for line in lines:
            sys.stdout.write(line)
        return counted.n
    raw = "".join(lines).encode()
    try:
        write_whole(out, raw)
    except OSError as error:
        raise ResultsError(f"{out}: cannot be written: {error.strerror or error}") from error
    return counted.n


class _Counted:
    def __init__(self, matches: Iterable[MatchResults]) -> None:
        self._matches, self.n = matches, 0

    def __iter__(self) -> Iterator[MatchResults]:
        for match in self._matches:
            self.n += 1
            yield match


def _objects(matches: Iterable[MatchResults]) -> Iterator[str]:
    for match in matches:  # in ASCII: whatever is not printable is an escape
        yield json.dumps(document(match), allow_nan=False).replace("\x7f", "\\u007f") + "\n"


def _table(matches: Iterable[MatchResults]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    table = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    table.writeheader()
    for match in matches:
        table.writerows(rows_of(match))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
