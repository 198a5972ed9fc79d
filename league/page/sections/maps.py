"""Section 5: is a map or a seat unfair."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from league.page.facts import PageFacts
from league.page.section import Section
from league.page.words import chance, counted, listed, number, percent
from league.report.state import short_map_name

ENOUGH = 20  # matches of a member on a kind of map, below which its mean place says nothing
MOST_MEMBERS, MOST_KINDS = 40, 8
UNUSUAL = 0.05


@dataclass(frozen=True)
class SeatRow:
    """A seat: its share of first places and its mean place."""

    seat: int
    firsts: int
    share: float
    mean: float


@dataclass(frozen=True)
class Seats:
    """Whether seats are equal: members are seated by chance, so that all seats should win alike.

    Attributes:
        low, high: 95 % band of the share of first places that all seats keep together if they are
            equal.
        chi_square, freedom, p: of the test on first places.
    """

    rows: tuple[SeatRow, ...]
    n_matches: int
    low: float
    high: float
    chi_square: float
    freedom: int
    p: float


@dataclass(frozen=True)
class Cell:
    """A member's mean place on a kind of map; `differs` is -1 or 1 where it is surely better or
    worse than on the others."""

    mean: float | None
    n: int
    differs: int


@dataclass(frozen=True)
class MemberMaps:
    """The mean places of a member by kind of map."""

    name: str
    cells: tuple[Cell, ...]


def kind_of(reference: str) -> str:
    """Return the kind of a map: the generator's word, or the name of a map of somebody's own."""
    if reference.startswith("generated:"):
        return reference.split(":")[1]
    return short_map_name(reference)


def seats_of(facts: PageFacts) -> Seats | None:
    """Test whether seats win alike, in the matches with the usual number of seats; None if few."""
    found = facts.seats
    if not len(found):
        return None
    ids, at, sizes = np.unique(found["match_id"], return_inverse=True, return_counts=True)
    n_seats = int(np.bincount(sizes).argmax())
    usual = sizes == n_seats
    first = found["placement"] == 1
    single = usual & (np.bincount(at, first, len(ids)) == 1)  # a shared first place is nobody's
    in_usual = usual[at] & (found["seat"] < n_seats)
    n = int(single.sum())
    wins = np.bincount(found["seat"][single[at] & first], minlength=n_seats)[:n_seats]
    games = np.bincount(found["seat"][in_usual], minlength=n_seats)[:n_seats]
    place = np.bincount(found["seat"][in_usual], found["placement"][in_usual], minlength=n_seats)
    if n < 5 * n_seats or n_seats < 2:  # the usual limit of the chi-square distribution
        return None
    from scipy.special import chdtrc

    expected = n / n_seats
    chi_square = float(((wins - expected) ** 2 / expected).sum())
    z = NormalDist().inv_cdf(1.0 - UNUSUAL / (2 * n_seats))
    half = z * np.sqrt((1 / n_seats) * (1 - 1 / n_seats) / n)
    return Seats(
        tuple(
            SeatRow(seat, int(wins[seat]), float(wins[seat] / n), float(place[seat] / games[seat]))
            for seat in range(n_seats)
        ),
        n,
        float(max(1 / n_seats - half, 0.0)),
        float(1 / n_seats + half),
        chi_square,
        n_seats - 1,
        float(chdtrc(n_seats - 1, chi_square)),
    )


def maps_of(facts: PageFacts) -> tuple[list[tuple[str, int, float]], list[MemberMaps]]:
    """Return (kind, matches, mean ticks) of each kind, and the members' mean places on them.

    A cell differs if the mean place there and that on all other kinds differ by a test that holds
    for all cells together (Bonferroni); its variance counts by how much the matches of one line-up
    err together.
    """
    kinds: dict[str, int] = {}
    of_match = np.array(
        [kinds.setdefault(kind_of(m.map), len(kinds)) for m in facts.matches], np.int64
    )
    if not len(of_match):
        return [], []
    n = np.bincount(of_match, minlength=len(kinds))
    ticks = np.bincount(of_match, [m.ticks for m in facts.matches], minlength=len(kinds))
    order = np.argsort(-n, kind="stable")[:MOST_KINDS]
    names = list(kinds)
    heads = [(names[k], int(n[k]), float(ticks[k] / n[k])) for k in order.tolist()]
    ids = np.array([m.id for m in facts.matches])
    seats = facts.seats[facts.seats["rated"] == 1]
    kind = of_match[np.searchsorted(ids, seats["match_id"])]
    shown = [row.id for row in facts.ranked[:MOST_MEMBERS]]
    rows = [
        (i, kind[mine], seats["placement"][mine])
        for i in shown
        for mine in (seats["member_id"] == i,)
    ]
    n_tests = sum(
        int((np.bincount(k, minlength=len(kinds))[order] >= ENOUGH).sum()) for _, k, _ in rows
    )
    z = NormalDist().inv_cdf(1.0 - UNUSUAL / (2 * max(n_tests, 1)))
    effect = max(facts.payoff.beats.design_effect, 1.0)
    return heads, [
        MemberMaps(
            facts.names.get(member, "?"),
            tuple(_cell(places, on == k, z, effect) for k in order.tolist()),
        )
        for member, on, places in rows
    ]


def _cell(places: NDArray[np.int64], here: NDArray[np.bool_], z: float, effect: float) -> Cell:
    on, off = places[here], places[~here]
    if not len(on):
        return Cell(None, 0, 0)
    mean = float(on.mean())
    if min(len(on), len(off)) < ENOUGH:
        return Cell(mean, len(on), 0)
    error = np.sqrt(effect * (on.var(ddof=1) / len(on) + off.var(ddof=1) / len(off)))
    distance = mean - float(off.mean())
    return Cell(mean, len(on), int(np.sign(distance)) if abs(distance) > z * error else 0)


def maps(facts: PageFacts) -> Section:
    """Return the section."""
    seats = seats_of(facts)
    heads, rows = maps_of(facts)
    return Section(
        "maps",
        "Maps and seats",
        "Is a map or a seat unfair?",
        f"{seat_answer(seats)} {map_answer(heads, rows)}",
        {"seats": seats, "kinds": heads, "rows": rows, "enough": ENOUGH, "percent": percent}
        if heads
        else {},
    )


def seat_answer(seats: Seats | None) -> str:
    """Say whether some seat wins more often than chance allows."""
    if seats is None:
        return "There are too few matches to compare seats."
    test = f"chi-square {number(seats.chi_square, 1)} with {seats.freedom} degrees of freedom"
    if seats.p >= UNUSUAL:
        return f"No seat is surely better than another (p = {chance(seats.p)}, {test})."
    best = max(seats.rows, key=lambda row: row.share)
    return (
        f"Seats are not equal (p {'' if seats.p < 0.001 else '= '}{chance(seats.p)}, {test}): seat "
        f"{best.seat} comes first in {percent(best.share, 1)} of matches instead of "
        f"{percent(1 / len(seats.rows), 1)}."
    )


def map_answer(heads: list[tuple[str, int, float]], rows: list[MemberMaps]) -> str:
    """Say which members do surely better or worse on a kind of map."""
    if len(heads) < 2:
        return "All matches are on one kind of map." if heads else ""
    sure = [row for row in rows if any(cell.differs for cell in row.cells)]
    if not sure:
        return "No member is surely better on one kind of map than on the others."
    most = max(sure, key=_range)
    said = [
        f"{number(cell.mean)} on {heads[at][0]}"
        for at, cell in enumerate(most.cells)
        if cell.n >= ENOUGH
    ]
    verb = "does" if len(sure) == 1 else "do"
    return (
        f"{counted(len(sure), 'member')} of {len(rows)} {verb} surely better on some kinds of map "
        f"than on others, {most.name} the most (mean place {listed(said)})."
    )


def _range(row: MemberMaps) -> float:
    means = [cell.mean for cell in row.cells if cell.mean is not None and cell.n >= ENOUGH]
    return max(means, default=0.0) - min(means, default=0.0)
