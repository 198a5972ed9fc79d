"""Owns the reading of a file of results, ours or of another game, and the naming of its faults.

Promises: the whole file is checked before anything is written; a fault is one sentence with the
number of its line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from arena.foreign import ForeignFileError, parse_json, read_foreign, reason_of
from league.errors import ResultsError
from league.plain_text import visible
from league.results.schema import SCHEMA, MatchResults
from league.results.table import matches_of

FORMATS = ("jsonl", "csv")
MAX_BYTES = 2_000_000_000
_MAX_FIELD = 1_000_000  # characters of one cell


def format_of(path: Path, given: str | None) -> str:
    """Return the format of a file: as given, else as its name ends, else jsonl."""
    return given or ("csv" if path.suffix.lower() == ".csv" else "jsonl")


def read_results(path: Path, kind: str, *, game: str | None = None) -> list[MatchResults]:
    """Return all matches of a file, in the order of their ends, where all have one.

    Args:
        kind: one of FORMATS.
        game: name of the game of matches that name none; None is the file's name.

    Raises:
        ResultsError: a line is not a match of the format, two have one name, or they are of
            several games.
    """
    try:
        raw = read_foreign(path, MAX_BYTES)
        text = raw.decode("utf-8-sig")
    except ForeignFileError as error:
        raise ResultsError(f"results: {error}") from error
    except UnicodeDecodeError as error:
        raise ResultsError(f"{path}: expected text in UTF-8: {reason_of(error)}") from error
    name = game or visible(path.stem)[:200] or "game"
    found = _lines(path, text, name) if kind == "jsonl" else _rows(path, text, name)
    matches: dict[str, MatchResults] = {}
    for number, values in found:
        match = _checked(path, number, values)
        if match.match in matches:
            raise ResultsError(
                f"{path}, line {number}: expected every match once, found a second {match.match!r}"
                + ("; the rows of a match stand together" if kind == "csv" else "")
            )
        matches[match.match] = match
    if not matches:
        raise ResultsError(f"{path}: expected matches of the format {SCHEMA}, found none")
    games = sorted({match.game for match in matches.values()})
    if len(games) > 1:
        raise ResultsError(
            f"{path}: expected the matches of one game, found {', '.join(games[:5])}; divide the "
            "file, since ratings of two games cannot be compared"
        )
    listed = list(matches.values())
    ends = [match.finished() for match in listed]
    if None in ends:
        return listed
    order = sorted(range(len(listed)), key=lambda at: ends[at] or 0)
    return [listed[at] for at in order]


def _lines(path: Path, text: str, game: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = parse_json(line.encode())
        except ValueError as error:
            raise ResultsError(
                f"{path}, line {number}: expected one JSON object per line: {reason_of(error)}"
            ) from error
        if isinstance(values, dict):
            values = {"schema": SCHEMA, "game": game, **values}
        yield number, values


def _rows(path: Path, text: str, game: str) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = {"match", "player"} - set(reader.fieldnames or ())
    if missing:
        raise ResultsError(
            f"{path}: expected a table with the columns match, player and place (or score), found "
            f"no {' and no '.join(sorted(missing))}"
        )

    def numbered() -> Iterator[tuple[int, dict[str, str]]]:
        for row in reader:
            yield reader.line_num, {k: v for k, v in row.items() if isinstance(k, str)}

    try:
        yield from matches_of(numbered(), game)
    except csv.Error as error:
        raise ResultsError(f"{path}, line {reader.line_num}: not a table: {error}") from error


def _checked(path: Path, number: int, values: Any) -> MatchResults:
    try:
        return MatchResults.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        place = f"{where}: " if where else ""
        raise ResultsError(
            f"{path}, line {number}: {place}{said[:1].lower()}{said[1:]}; `league results schema` "
            "prints the format"
        ) from error
