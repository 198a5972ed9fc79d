"""Section 4: all or nothing, or steady; who dies, who orders what the rules forbid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from league.page.chart import histogram
from league.page.facts import PageFacts
from league.page.section import Section
from league.page.words import number, percent

SIZE = (110.0, 26.0)
ENOUGH = 30


@dataclass(frozen=True)
class Row:
    """The places of a member: shares of each, their spread, how often it died and when."""

    name: str
    family: str
    matches: int
    counts: tuple[int, ...]
    outline: str
    mean: float
    spread: float
    dead: float
    illegal: float


def rows_of(facts: PageFacts) -> list[Row]:
    """Return the places of every rated member, in the order of the standings."""
    seats = facts.seats
    ids, at = np.unique(seats["member_id"], return_inverse=True)
    games = np.bincount(at, minlength=len(ids))
    dead = np.bincount(at, seats["eliminated_tick"] >= 0, minlength=len(ids))
    illegal = np.bincount(at, seats["illegal_actions"], minlength=len(ids))
    known = {
        int(i): (int(n), float(d), float(x))
        for i, n, d, x in zip(ids, games, dead, illegal, strict=True)
    }
    most = max((_top(row) for row in facts.payoff.placements), default=1.0)
    found = []
    for ranked, counts in zip(facts.payoff.ranking, facts.payoff.placements, strict=True):
        total = int(counts.sum())
        member = facts.members.get(ranked.member_id)
        if not total or member is None:
            continue
        places = np.arange(1, len(counts) + 1)
        mean = float((counts * places).sum() / total)
        spread = float(np.sqrt((counts * (places - mean) ** 2).sum() / total))
        n, died, wrong = known.get(ranked.member_id, (total, 0.0, 0.0))
        outline = histogram((counts / total).tolist(), most, SIZE)
        found.append(
            Row(
                *(member.name, member.family, total, tuple(counts.tolist()), outline, mean, spread),
                *(died / max(n, 1), wrong / max(n, 1)),
            )
        )
    return found


def _top(counts: NDArray[np.int64]) -> float:
    return float(counts.max(initial=0) / max(int(counts.sum()), 1))


def places(facts: PageFacts) -> Section:
    """Return the section."""
    rows = rows_of(facts)
    return Section(
        "places",
        "Places",
        "All or nothing, or steady?",
        answer(rows),
        {
            "rows": rows,
            "size": SIZE,
            "n_places": facts.payoff.placements.shape[1],
            "percent": percent,
        }
        if rows
        else {},
    )


def answer(rows: list[Row]) -> str:
    """Name the member whose places are spread the most, and the steadiest."""
    enough = [row for row in rows if row.matches >= ENOUGH]
    if len(enough) < 2:
        return f"It is too early to say: fewer than two members have {ENOUGH} matches."
    wide = max(enough, key=lambda row: row.spread)
    steady = min(enough, key=lambda row: row.spread)
    ends = (wide.counts[0] + wide.counts[-1]) / wide.matches
    low, high = _middle_half(steady)
    middle = f"at place {low}" if low == high else f"between places {low} and {high}"
    return (
        f"{wide.name} is the most all-or-nothing, first or last in {percent(ends)} of its matches "
        f"(spread {number(wide.spread)} places); {steady.name} is the steadiest, half the time "
        f"{middle} (spread {number(steady.spread)})."
    )


def _middle_half(row: Row) -> tuple[int, int]:
    cumulated = np.cumsum(row.counts) / row.matches
    low, high = (int(np.searchsorted(cumulated, share)) + 1 for share in (0.25, 0.75))
    return low, min(high, len(row.counts))
