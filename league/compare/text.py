"""The result of a comparison as lines of text and as JSON values."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from league.compare.answer import (
    EXIT_ANSWERED,
    EXIT_OF_SNAPSHOTS,
    MIN_SEEDS,
    Answer,
    Company,
)
from league.compare.equals import MEASURES, Measure, Pairing
from league.compare.run import Comparison
from league.curves.lineages import in_words

_COMPANY: dict[Company, str] = {"five": "five against five", "mixed": "among the scripts"}


def exit_code(found: Comparison) -> int:
    """0: the answer is about the families; 4: only about these snapshots."""
    return EXIT_ANSWERED if len(found.leagues) >= MIN_SEEDS else EXIT_OF_SNAPSHOTS


def format_comparison(found: Comparison) -> list[str]:
    """Return the comparison as lines: a sentence per way of comparing first, then the figures."""
    lines = [sentence(found, measure) for measure in MEASURES]
    lines.append(scope(found))
    for measure in MEASURES:
        lines += _table(found, measure)
    rate = math.exp(math.fsum(map(math.log, found.rates)) / len(found.rates))
    each = ", ".join(f"{value:.2f}" for value in found.rates)
    lines.append(
        f"Cost: {found.a} trains {rate:.2f} times as many decisions a minute as {found.b} ({each})"
    )
    return lines + [f"Note: {note}" for note in notes(found)]


def sentence(found: Comparison, measure: Measure) -> str:
    """Return the answer at equal decisions or minutes in words."""
    parts = []
    for row in _answers(found, measure):
        a, b = (
            f"these snapshots of {name}" if row.of == "snapshots" else name
            for name in (found.a, found.b)
        )
        middle, low, high = row.elo
        numbers = f"Elo {middle:+.0f}, 95 % interval {low:+.0f} to {high:+.0f}"
        if row.stronger is None:
            said = f"no difference between {a} and {b.removeprefix('these snapshots of ')} is shown"
        else:
            first, second = (a, b) if row.stronger == "a" else (b, a)
            verb = "are" if row.of == "snapshots" else "is"
            second = second.replace("these snapshots", "those")
            said = f"{first} {verb} stronger than {second}"
        parts.append(f"{_COMPANY[row.company]} {said} ({numbers})")
    return f"At equal {measure}, {'; '.join(parts)}."


def scope(found: Comparison) -> str:
    """Return what the answer speaks of."""
    k = len(found.leagues)
    if k >= MIN_SEEDS:
        return (
            f"Elo is {found.a} minus {found.b}; {k} training seeds a family, the intervals are "
            f"clustered by training seed (Student's t, {k - 1} degrees of freedom)."
        )
    seeds = "1 training seed" if k == 1 else f"{k} training seeds"
    return (
        f"Elo is {found.a} minus {found.b}. With {seeds} a family this says nothing of the "
        f"architectures: the intervals are of the matches alone; {MIN_SEEDS} seeds are needed."
    )


def notes(found: Comparison) -> list[str]:
    """Return what limits the comparison."""
    said = []
    for measure in MEASURES:
        for row in found.equals[measure].unequal:
            said.append(
                f"{row.league.name} has no two snapshots of equal {measure} near "
                f"{_level(measure, found.equals[measure].level)}: {_facts(row)}"
            )
    if found.different_settings:
        said.append(
            "the leagues were trained with different settings: "
            f"{in_words(found.different_settings)}"
        )
    return said


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return the numbers of `format_comparison` as JSON values, with the sentences."""
    return {
        "a": found.a,
        "b": found.b,
        "sentences": {measure: sentence(found, measure) for measure in MEASURES},
        "scope": scope(found),
        "notes": notes(found),
        "leagues": [
            {"name": row.name, "seed": row.seed, "folder": str(row.folder.root), "rate": rate}
            for row, rate in zip(found.leagues, found.rates, strict=True)
        ],
        "levels": {measure: found.equals[measure].level for measure in MEASURES},
        "pairings": {
            measure: [
                {"league": row.league.name, "a": asdict(row.a), "b": asdict(row.b)}
                for row in found.equals[measure].pairings
            ]
            for measure in MEASURES
        },
        "answers": [
            {
                **asdict(row),
                "seeds": [asdict(seed) for seed in row.seeds],
                "stronger": {"a": found.a, "b": found.b}.get(row.stronger or ""),
                "elo": row.elo[0],
                "elo_low": row.elo[1],
                "elo_high": row.elo[2],
            }
            for row in found.answers
        ],
        "exit_code": exit_code(found),
    }


def _answers(found: Comparison, measure: Measure) -> list[Answer]:
    return [row for row in found.answers if row.measure == measure]


def _table(found: Comparison, measure: Measure) -> list[str]:
    answers = _answers(found, measure)
    n_pairs = answers[0].seeds[0].n_pairs
    lines = [
        f"Equal {measure}: {_level(measure, found.equals[measure].level)}, "
        f"{n_pairs} mirrored pairs a seed in each company"
    ]
    for row in answers:
        lines.append(
            f"  {_COMPANY[row.company]}: {found.a} scores {100 * row.score:.1f} % "
            f"({100 * row.low:.1f} to {100 * row.high:.1f})"
        )
        if row.seeds_low is not None and row.seeds_high is not None:
            lines.append(
                f"    between the two training seeds: {100 * row.seeds_low:.1f} to "
                f"{100 * row.seeds_high:.1f} %"
            )
    for pairing, *scores in zip(
        found.equals[measure].pairings, *(row.seeds for row in answers), strict=True
    ):
        shown = ", ".join(
            f"{100 * s.score:.1f} % +/- {196 * s.standard_error:.1f} %" for s in scores
        )
        lines.append(f"  {_facts(pairing)}: {shown}")
    return lines


def _facts(row: Pairing) -> str:
    members = " - ".join(
        f"{member.name} ({member.trained_decisions:,} decisions, {member.minutes:.1f} min)"
        for member in (row.a, row.b)
    )
    return f"{row.league.name}: {members}"


def _level(measure: Measure, level: float) -> str:
    return f"{level:,.0f} decisions" if measure == "decisions" else f"{level:.1f} minutes"
