"""Section 3: is the rating, one number, enough."""

from __future__ import annotations

from dataclasses import dataclass

from league.page.facts import PageFacts
from league.page.picture import data_uri, heat, level, packed
from league.page.section import Section
from league.page.words import counted, listed, percent
from league.rating.beats import MIN_COMMON

MOST_IN_TABLE = 20
MOST_IN_PICTURE = 400
MOST_LISTED = 12


@dataclass(frozen=True)
class Cell:
    """How often the row's member came before the column's; `level` is of the colour."""

    rate: float | None
    games: int
    level: int
    is_few: bool


@dataclass(frozen=True)
class Picture:
    """The heat map of all members, and what a pointer over it reads (league.page.picture)."""

    n: int
    address: str
    packed: str
    names: tuple[str, ...]


def beats(facts: PageFacts) -> Section:
    """Return the section."""
    payoff = facts.payoff
    names = [facts.names.get(row.member_id, "?") for row in payoff.ranking]
    shown = min(len(names), MOST_IN_TABLE)
    cells = [[_cell(facts, i, j) for j in range(shown)] for i in range(shown)]
    return Section(
        "beats",
        "Who beats whom",
        "Is the rating, one number, enough?",
        answer(facts),
        {
            "names": names[:shown],
            "cells": cells,
            "n_members": len(names),
            "few": MIN_COMMON,
            "picture": _picture(facts, names),
            "cycles": [[facts.names.get(i, "?") for i in (*c, c[0])] for c in payoff.cycles],
            "contradictions": [
                row for row in (*payoff.contradictions, *payoff.pits) if row.is_sure
            ][:MOST_LISTED],
            "member_names": facts.names,
            "flip": payoff.flip,
            "n_matches": payoff.n_matches,
            "percent": percent,
        }
        if len(names) > 1
        else {},
    )


def _cell(facts: PageFacts, i: int, j: int) -> Cell | None:
    if i == j:
        return None
    rates, games = facts.payoff.beats.rates, facts.payoff.beats.games
    n = int(games[i, j])
    if not n:
        return Cell(None, 0, 0, True)
    rate = float(rates[i, j])
    return Cell(rate, n, level(rate), n < MIN_COMMON)


def _picture(facts: PageFacts, names: list[str]) -> Picture | None:
    n = min(len(names), MOST_IN_PICTURE)
    if n <= MOST_IN_TABLE:
        return None
    rates, games = facts.payoff.beats.rates[:n, :n], facts.payoff.beats.games[:n, :n]
    return Picture(
        n, data_uri(heat(rates, games, MIN_COMMON)), packed(rates, games), tuple(names[:n])
    )


def answer(facts: PageFacts) -> str:
    """Say whether there are cycles, and pairs that contradict their ratings."""
    payoff = facts.payoff
    n_pairs = int(payoff.beats.decided().sum()) // 2
    if not n_pairs:
        return f"It is too early to say: no two members have {MIN_COMMON} common matches."
    sure = [row for row in (*payoff.contradictions, *payoff.pits) if row.is_sure]
    cycles = payoff.cycles
    if not cycles and not sure:
        return (
            f"Yes, as far as {counted(n_pairs, 'pair')} can tell: there is no sure cycle, and no "
            "pair contradicts its ratings."
        )
    pairs = [
        f"{facts.names.get(row.first, '?')} against {facts.names.get(row.second, '?')}"
        for row in sure
    ]
    contradict = (
        f"{counted(len(sure), 'pair contradicts', 'pairs contradict')} the ratings "
        f"({listed(pairs, 3)})"
    )
    if not cycles:
        return f"Not quite: there is no sure cycle, but {contradict}."
    first = " > ".join(facts.names.get(i, "?") for i in (*cycles[0], cycles[0][0]))
    there = f"there {'is' if len(cycles) == 1 else 'are'} {counted(len(cycles), 'sure cycle')}"
    return f"No: {there} ({first})" + (f", and {contradict}." if sure else ".")
