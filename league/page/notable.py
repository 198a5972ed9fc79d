"""Owns which matches are worth a look: the last, the longest, the closest, the greatest upset.

Promises: four different matches where there are as many; those with a replay come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from league.page.history import expected_wins
from league.page.words import percent

if TYPE_CHECKING:
    from db.records import MatchMoment
    from league.page.facts import PageFacts


@dataclass(frozen=True)
class Notable:
    """A match worth a look: what it is ("last", "longest", "closest", "upset"), and why."""

    what: str
    match: MatchMoment
    why: str

    @property
    def title(self) -> str:
        """What the page calls it."""
        return {
            "last": "The latest match",
            "longest": "The longest match",
            "closest": "The closest match",
            "upset": "The greatest upset",
        }[self.what]


def notable(facts: PageFacts) -> list[Notable]:
    """Return up to four matches; of equal ones the newest."""
    by_id = {match.id: match for match in facts.matches}
    margins, winners = _ends(facts)
    surprises = expected_wins(facts.history, winners)
    wishes: list[tuple[str, Iterable[int], Callable[[int], float]]] = [
        ("last", by_id, lambda i: -by_id[i].finished_at.timestamp()),
        ("upset", surprises, lambda i: surprises[i]),
        ("closest", margins, lambda i: margins[i]),
        ("longest", by_id, lambda i: -float(by_id[i].ticks)),
    ]
    chosen: dict[str, int] = {}
    for what, ids, order in wishes:
        left = [i for i in ids if i in by_id and i not in chosen.values()]
        if left:
            chosen[what] = min(left, key=lambda i: (by_id[i].replay_path is None, order(i), -i))
    return [
        Notable(what, by_id[i], _why(facts, what, i, margins, winners, surprises))
        for what in ("last", "longest", "closest", "upset")
        if (i := chosen.get(what)) is not None
    ]


def _ends(facts: PageFacts) -> tuple[dict[int, float], dict[int, int]]:
    """Return by match (how far the first is ahead of the second in land, its only first place)."""
    seats = facts.seats
    if not len(seats):
        return {}, {}
    order = np.lexsort((seats["seat"], -seats["tiles"], seats["placement"], seats["match_id"]))
    found = seats[order]
    begins = np.flatnonzero(np.diff(found["match_id"], prepend=-1))
    sizes = np.diff(np.append(begins, len(found)))
    begins = begins[sizes > 1]
    first, second = found[begins], found[begins + 1]
    margin = (first["tiles"] - second["tiles"]) / np.maximum(first["tiles"], 1)
    single = (first["placement"] == 1) & (second["placement"] > 1)
    margins = {
        int(i): float(x)
        for i, x, ok in zip(first["match_id"], margin, single, strict=True)
        if ok and x >= 0
    }
    winners = {
        int(i): int(member)
        for i, member, rated, ok in zip(
            first["match_id"], first["member_id"], first["rated"], single, strict=True
        )
        if ok and rated
    }
    return margins, winners


def _why(
    facts: PageFacts,
    what: str,
    match: int,
    margins: dict[int, float],
    winners: dict[int, int],
    surprises: dict[int, float],
) -> str:
    names = facts.names
    winner = names.get(winners.get(match, 0), "a shared first place")
    if what == "upset":
        return (
            f"{winner} came first; by the ratings of before it places above another seat in "
            f"{percent(surprises[match])} of cases"
        )
    if what == "closest":
        return f"{winner} ended {percent(margins[match], 1)} ahead of the second in land"
    ticks = next(m.ticks for m in facts.matches if m.id == match)
    return f"{winner} came first after {ticks:,} ticks"
