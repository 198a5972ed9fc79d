"""Section 2: did training work, and which family learns faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from league.curves.lineages import LeagueCurves, Lineage, Rated
from league.page.chart import Chart, Line, line_chart
from league.page.facts import PageFacts
from league.page.section import Section
from league.page.words import listed, number
from league.report.held_out import FEW

HELD_OUT_SHOWN = (0.0, 100.0)  # % on the axis
AXES = {"decisions": "trained decisions", "minutes": "minutes since the first start, with pauses"}


def progress(facts: PageFacts) -> Section:
    """Return the section."""
    curves = facts.curves
    charts = {axis: chart(curves, axis) for axis in AXES}
    unmet = {axis: held_out_chart(facts, axis) for axis in AXES}
    return Section(
        "progress",
        "Getting better",
        "Did training work, and which family learns faster?",
        answer(facts),
        {
            "charts": {axis: found for axis, found in charts.items() if found is not None},
            "held_out_charts": {axis: each for axis, each in unmet.items() if each is not None},
            "held_out": listed(facts.state.held_out),
            "curves": curves,
            "rivals": listed(curves.bar.rivals),
            "firsts": [
                (lineage.name, lineage.first_above)
                for lineage in curves.lineages
                if lineage.first_above is not None
            ],
        },
    )


def chart(curves: LeagueCurves, axis: str) -> Chart | None:
    """Draw the ratings of all snapshots against decisions or minutes, the scripts as levels."""
    lines = [
        _line(lineage, curves.min_matches, axis, colour)
        for colour, lineage in enumerate(curves.lineages)
        if _drawn(lineage)
    ]
    levels = [
        (row.name[:18], row.mu) for row in curves.anchors if row.mu is not None and row.matches
    ]
    return line_chart(
        lines,
        f"Rating of each snapshot against {AXES[axis]}",
        x_label=AXES[axis],
        y_label="rating",
        size=(760, 380),
        levels=levels,
    )


def held_out_chart(facts: PageFacts, axis: str) -> Chart | None:
    """Draw the held-out score of the snapshots of each lineage, in per cent, with its interval."""
    lines = []
    for colour, lineage in enumerate(facts.curves.lineages):
        known = [
            (row, score)
            for row in lineage.snapshots
            if (score := facts.held_out.get(row.name)) is not None and score.n_matches >= FEW
        ]
        if known:
            lines.append(
                Line(
                    lineage.name,
                    [(_at(row, axis), 100 * score.score) for row, score in known],
                    colour,
                    [100 * score.low for _, score in known],
                    [100 * score.high for _, score in known],
                    [score.n_matches < facts.curves.min_matches for _, score in known],
                    [
                        f"{row.name}: {100 * score.score:.0f} % ({100 * score.low:.0f} to "
                        f"{100 * score.high:.0f}) in {score.n_matches:,} matches"
                        for row, score in known
                    ],
                )
            )
    return line_chart(
        lines,
        f"Held-out score of each snapshot against {AXES[axis]}",
        x_label=AXES[axis],
        y_label="% placed above",
        size=(760, 260),
        levels=[("equal", 50.0)],
        y_range=HELD_OUT_SHOWN,
    )


def _line(lineage: Lineage, min_matches: int, axis: str, colour: int) -> Line:
    rows = _drawn(lineage)
    first = lineage.first_above
    return Line(
        lineage.name,
        [(_at(row, axis), row.mu or 0.0) for row in rows],
        colour,
        [(row.mu or 0.0) - (row.half_width or 0.0) for row in rows],
        [(row.mu or 0.0) + (row.half_width or 0.0) for row in rows],
        [row.matches < min_matches for row in rows],
        [
            f"{row.name}: {number(row.mu)} ± {number(row.half_width)}, {row.trained_decisions:,} "
            f"decisions, {row.minutes:,.0f} min, {row.matches:,} matches"
            for row in rows
        ],
        rows.index(first) if first in rows else None,
    )


def _drawn(lineage: Lineage) -> list[Rated]:
    return [row for row in lineage.snapshots if row.mu is not None and row.matches > 0]


def _at(row: Rated, axis: str) -> float:
    return float(row.trained_decisions) if axis == "decisions" else row.minutes


def answer(facts: PageFacts) -> str:
    """Say of each lineage whether it got better, and compare two at equal decisions."""
    curves = facts.curves
    by_name = {row.name: row.id for row in facts.state.members}
    gains = []
    for lineage in curves.lineages:
        proven = [row for row in _drawn(lineage) if row.matches >= curves.min_matches]
        if len(proven) >= 2:
            first, last = proven[0], proven[-1]
            gain, error = facts.difference(by_name[last.name], by_name[first.name])
            gains.append((lineage.name, gain, 1.96 * error))
    if not gains:
        return (
            f"It is too early to say: no lineage has two snapshots with {curves.min_matches} "
            "matches."
        )
    said = [_gain(*gain) for gain in gains]
    compared = _comparison(facts, by_name)
    return "; ".join([listed(said), *([compared] if compared else [])]) + "."


def _gain(name: str, gain: float, half: float) -> str:
    points = f"{number(abs(gain))} ± {number(half)} points"
    if gain > half:
        return f"{name} got better by {points}"
    if gain < -half:
        return f"{name} got worse by {points}"
    return f"{name} did not surely change ({'+' if gain >= 0 else '-'}{points})"


def _comparison(facts: PageFacts, ids: Mapping[str, int]) -> str:
    """Compare the first two lineages of different families at the last decisions they share."""
    curves = facts.curves
    proven: list[tuple[Lineage, Sequence[Rated]]] = [
        (lineage, [row for row in _drawn(lineage) if row.matches >= curves.min_matches])
        for lineage in curves.lineages
        if lineage.role == "main"
    ]
    proven = [(lineage, rows) for lineage, rows in proven if rows]
    others = [each for each in proven[1:] if each[0].family != proven[0][0].family]
    if not proven or not others:
        return ""
    (_, ours), (_, theirs) = proven[0], others[0]
    common = min(ours[-1].trained_decisions, theirs[-1].trained_decisions)
    pair = [
        min(rows, key=lambda row: abs(row.trained_decisions - common)) for rows in (ours, theirs)
    ]
    gap = abs(pair[0].trained_decisions - pair[1].trained_decisions)
    if common <= 0 or gap > 0.1 * common:
        return ""
    distance, error = facts.difference(ids[pair[0].name], ids[pair[1].name])
    if distance < 0:
        pair.reverse()
    verdict = "is surely above" if abs(distance) > 1.96 * error else "is not surely above"
    return (
        f"after {common:,} decisions {pair[0].name} {verdict} {pair[1].name} "
        f"({number(abs(distance))} ± {number(1.96 * error)})"
    )
