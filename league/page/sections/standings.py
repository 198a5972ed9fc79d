"""Section 1: who is better, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from league.page.chart import sparkline
from league.page.facts import PageFacts
from league.page.history import tracks
from league.page.section import Section
from league.page.words import counted, interval, number, percent
from league.report.state import MemberRow

SPARK = (90.0, 18.0)
BAR = (140.0, 18.0)


@dataclass(frozen=True)
class Row:
    """A line of the table: the member, its history as an outline, its interval as a bar.

    `low`, `middle` and `high` are places in the bar, in pixels; None before a rating.
    """

    member: MemberRow
    spark: str
    low: float | None
    middle: float | None
    high: float | None


def standings(facts: PageFacts) -> Section:
    """Return the section."""
    rows = facts.state.members
    paths = tracks(facts.history, facts.anchor_id)
    low, high = _scale(rows)
    values = [float(v) for track in paths.values() for v in np.percentile(track, (5, 95))]
    bottom, top = min(values, default=0.0), max(values, default=1.0)
    return Section(
        "standings",
        "Standings",
        "Who is better, and how sure is that?",
        answer(facts),
        {
            "rows": [
                _row(
                    row,
                    sparkline(paths.get(row.id, np.zeros(0)).tolist(), bottom, top, SPARK),
                    low,
                    high,
                )
                for row in rows
            ],
            "bar": BAR,
            "spark": SPARK,
            "axis": [low, (low + high) / 2, high],
            "anchor": facts.names.get(facts.anchor_id or 0),
            "interval": interval,
            "percent": percent,
        },
    )


def answer(facts: PageFacts) -> str:
    """Say who leads, and among how many the first place is open."""
    ranked = facts.ranked
    if not ranked:
        return "Nobody has played a rated match yet."
    if len(ranked) == 1:
        return f"{ranked[0].name} is the only member that has played."
    best = ranked[0]
    rivals = [row for row in ranked[1:] if row.tier == best.tier]
    lead = f"{best.name} leads with a rating of {number(best.mu)}"
    if not rivals:
        distance, error = facts.difference(best.id, ranked[1].id)
        return (
            f"{lead}, surely above {ranked[1].name}, the next "
            f"({number(distance)} ± {number(1.96 * error)} points, 95 %)."
        )
    return (
        f"{lead}, but {counted(len(rivals), 'other member is', 'other members are')} not surely "
        f"below it: its true rank is {interval(best.rank_low, best.rank_high)} (95 %)."
    )


def headline(facts: PageFacts) -> str:
    """Say in one sentence who leads the networks, and whether that is above the best script."""
    networks = [row for row in facts.ranked if row.family in ("attention", "baseline", "plugin")]
    scripts = [row for row in facts.ranked if row.family == "scripted"]
    if not facts.ranked:
        return "This league has no rated matches yet."
    networks = [row for row in networks if row.trained_decisions or row.family == "plugin"]
    if not networks or not scripts:
        return answer(facts)
    best, script = (
        max(rows, key=lambda row: row.conservative or -1e9) for rows in (networks, scripts)
    )
    distance, error = facts.difference(best.id, script.id)
    p = NormalDist().cdf(-distance / max(error, 1e-9))
    where = f"{best.name} leads the networks"
    if p < 0.025:
        return f"{where} and is surely above {script.name}, the best script (p = {_p(p)})."
    if p > 0.975:
        return f"{where} and is surely below {script.name}, the best script (p = {_p(1 - p)})."
    side = "above" if distance > 0 else "below"
    return (
        f"{where}; it is rated {side} {script.name}, the best script, but not surely so "
        f"(p = {_p(min(p, 1 - p))})."
    )


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else "0.001 or less"


def _scale(rows: tuple[MemberRow, ...]) -> tuple[float, float]:
    """Return the range of the bars: of all ratings, and of the narrower three quarters of bars."""
    rated = [(row.mu, row.half_width or 0.0) for row in rows if row.mu is not None and row.matches]
    if not rated:
        return 0.0, 50.0
    widths = sorted(half for _, half in rated)
    widest = widths[(3 * (len(widths) - 1)) // 4]
    low = min(mu - min(half, widest) for mu, half in rated)
    high = max(mu + min(half, widest) for mu, half in rated)
    return (low, high) if high - low > 1e-6 else (low - 1.0, high + 1.0)


def _row(row: MemberRow, spark: str, low: float, high: float) -> Row:
    if row.mu is None:
        return Row(row, spark, None, None, None)
    half = row.half_width or 0.0
    places = [
        round(min(max((value - low) / (high - low), 0.0), 1.0) * BAR[0], 1)
        for value in (row.mu - half, row.mu, row.mu + half)
    ]
    return Row(row, spark, places[0], places[1], places[2])
