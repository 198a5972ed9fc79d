"""Owns the same results as a table: one row per seat, the columns of its match repeated.

Promises: what `rows_of` writes, `matches_of` reads back as the same matches. A foreign table needs
the columns match, player and place (or score); all others may be missing or empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from league.results.schema import SCHEMA, MatchResults, SeatResult, document

_OF_MATCH = tuple(name for name in MatchResults.model_fields if name not in ("seats", "schema_"))
_OF_SEAT = tuple(name for name in SeatResult.model_fields if name not in ("before", "after"))
_RATINGS = ("mu_before", "sigma_before", "mu_after", "sigma_after")
COLUMNS = ("schema", *_OF_MATCH, *_OF_SEAT, *_RATINGS)


def rows_of(match: MatchResults) -> Iterator[dict[str, Any]]:
    """Yield a row of COLUMNS for each seat; what is null is an empty text."""
    whole = document(match)
    for seat in whole["seats"]:
        row = {"schema": SCHEMA, **{name: whole[name] for name in _OF_MATCH}}
        row |= {name: seat[name] for name in _OF_SEAT}
        for when in ("before", "after"):
            rating = seat[when] or {"mu": None, "sigma": None}
            row |= {f"mu_{when}": rating["mu"], f"sigma_{when}": rating["sigma"]}
        row["rated"] = "true" if row["rated"] else "false"
        yield {name: "" if value is None else value for name, value in row.items()}


def matches_of(
    rows: Iterable[tuple[int, Mapping[str, str]]], game: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield matches as JSON values, each with the number of its first row; rows stand together.

    Args:
        rows: number and cells of each row.
        game: of rows that name none.
    """
    current: dict[str, Any] = {}
    first = 0
    for number, row in rows:
        cells = {name: value.strip() for name, value in row.items() if value and value.strip()}
        if not current or cells.get("match") != current["match"]:
            if current:
                yield first, current
            first = number
            current = {"schema": SCHEMA, "game": game, "seats": []}
            current |= {name: cells[name] for name in _OF_MATCH if name in cells}
            current.setdefault("match", "")
        current["seats"].append(_seat(cells, len(current["seats"])))
    if current:
        yield first, current


def _seat(cells: Mapping[str, str], number: int) -> dict[str, Any]:
    seat: dict[str, Any] = {"seat": number}
    seat |= {name: cells[name] for name in _OF_SEAT if name in cells}
    for when in ("before", "after"):
        rating = {name: cells.get(f"{name}_{when}") for name in ("mu", "sigma")}
        if None not in rating.values():
            seat[when] = rating
    return seat
