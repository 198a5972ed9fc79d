"""What a row of the calibration is: a printed number, measured where the truth is known.

A row's `measure` simulates players whose strength is known and calls the product's own function,
the one whose result is printed; it never repeats the formula. `ok` says whether the measured value
is what it must be, within three Monte-Carlo errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from numpy.random import Generator

Effort = Literal["fast", "long"]


@dataclass(frozen=True)
class Measured:
    """The outcome of one row.

    Attributes:
        value: in the unit of the row's target (a share, a factor, a log-loss, seconds).
        mc_error: standard error of `value` by the simulation; 0 where nothing is drawn.
        detail: one short sentence for the page: how many runs, the parts of `value`.
        ok: whether `value` is what it must be, three Monte-Carlo errors allowed.
    """

    value: float
    mc_error: float
    detail: str
    ok: bool


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: what is measured, in words; unique.
        printed: what the league prints, and where.
        before: what was measured before it was repaired, in words; "-" if never.
        target: what it must be, in words.
        measure: "fast" takes a second or two, "long" as much as the claim needs.
    """

    name: str
    printed: str
    before: str
    target: str
    measure: Callable[[Effort, Generator], Measured]


def share(hits: Iterable[bool]) -> tuple[float, float]:
    """Return (share, its Monte-Carlo error) of runs; the error never vanishes at 0 or 1."""
    found = [bool(hit) for hit in hits]
    n = len(found)
    p = sum(found) / n
    near = (sum(found) + 1.0) / (n + 2.0)
    return p, math.sqrt(near * (1.0 - near) / n)


def covers(
    hits: Iterable[bool], low: float = 0.93, high: float = 0.97, what: str = "intervals"
) -> Measured:
    """Return the coverage of intervals, which must be from `low` to `high`."""
    found = [bool(hit) for hit in hits]
    p, error = share(found)
    detail = f"{sum(found):,} of {len(found):,} {what} hold the truth"
    return Measured(p, error, detail, low - 3 * error <= p <= high + 3 * error)


def at_most(hits: Iterable[bool], limit: float, what: str = "runs") -> Measured:
    """Return the share of runs that went wrong, which must be `limit` at most."""
    found = [bool(hit) for hit in hits]
    p, error = share(found)
    return Measured(p, error, f"{sum(found):,} of {len(found):,} {what}", p <= limit + 3 * error)
