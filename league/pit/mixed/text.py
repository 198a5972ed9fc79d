"""The report of a head-to-head of several names as lines of text and as JSON values."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from league.pit.mixed.statistics import MixedReport
from league.pit.text import counts_line
from league.statistics.means import MeanInterval


def format_report(report: MixedReport) -> list[str]:
    """Return the report as lines: verdict, names, who beats whom, the model, counts."""
    width = max(len("name"), *(len(each.name) for each in report.names))
    lines = [
        verdict(report),
        f"Results ({report.setting})",
        f"    {'name':{width}}  place  {'interval':14}  first  {'interval':13}  alive"
        "  strength  noise",
    ]
    for i, each in enumerate(report.names, 1):
        lines.append(
            f"{i:3} {each.name:{width}}  {each.place.mean:5.2f}  {_ends(each.place, 1.0, 2)}"
            f"  {100 * each.firsts.mean:4.1f} %  {_ends(each.firsts, 100.0, 1)}"
            f"  {100 * each.alive_share:3.0f} %  {each.strength:+8.2f}  {each.noise:5.2f}"
        )
    lines.append("Beats (row above column, % of seat pairs, half of the interval behind it)")
    lines.append("    " + "".join(f"{j:>14}" for j in range(2, len(report.names) + 1)))
    for i in range(len(report.names) - 1):
        cells = "".join(
            f"{_rate(report.beats[i, j]) if j > i else '':>14}" for j in range(1, len(report.names))
        )
        lines.append(f"{i + 1:3} {cells}")
    lines.append(_told_apart(report))
    lines.append(_model(report))
    lines.append(
        counts_line(report.seat_bias_p, report.n_failed, report.crashes, report.matches_per_s)
    )
    return lines


def verdict(report: MixedReport) -> str:
    """Return the first line: who places best, and on what evidence."""
    n = f"{report.n_units} seeds, {report.n_matches} matches"
    best = [report.names[i].name for i in report.best]
    if report.interrupted:
        return f"No verdict yet   (interrupted after {n}; intervals are those of a fixed length)"
    evidence = f"{_evidence(report)}: {n}"
    if len(best) == 1:
        return f"{best[0]} places best of {len(report.names)}   ({evidence})"
    return f"{' and '.join(best)} place best and are not told apart   ({evidence})"


def report_json(report: MixedReport) -> dict[str, Any]:
    """Return the numbers of `format_report` as JSON values; a missing end is null."""
    return {
        "verdict": verdict(report),
        "exit_code": report.exit_code,
        "setting": report.setting,
        "watch": list(report.watch),
        "names": [
            {
                "name": each.name,
                "place": _values(each.place),
                "firsts": _values(each.firsts),
                "alive_share": each.alive_share,
                "strength": each.strength,
                "noise": each.noise,
            }
            for each in report.names
        ],
        "beats": [
            {"a": report.names[i].name, "b": report.names[j].name, **_values(rate)}
            for (i, j), rate in sorted(report.beats.items())
        ],
        "told_apart": [
            [report.names[i].name, report.names[j].name] for i, j in sorted(report.told_apart)
        ],
        "held_out": None if report.held is None else asdict(report.held),
        "confidence": report.confidence,
        "seat_bias_p": report.seat_bias_p,
        "n_units": report.n_units,
        "n_matches": report.n_matches,
        "n_failed": report.n_failed,
        "crashes": dict(report.crashes),
        "matches_per_s": report.matches_per_s,
        "look": report.look,
        "remembered": report.remembered,
        "interrupted": report.interrupted,
    }


def _evidence(report: MixedReport) -> str:
    if not report.remembered:
        return "95 % for all pairs of names together if the length was fixed before the first look"
    if report.look == 1:
        return "95 % for all pairs of names together, also if it is extended"
    return f"95 % for all pairs of names and all {report.look} verdicts together"


def _told_apart(report: MixedReport) -> str:
    together = [
        f"{report.names[i].name} and {report.names[j].name}"
        for i, j in sorted(report.beats)
        if (i, j) not in report.told_apart
    ]
    if not together:
        return "Told apart: the mean places of all pairs of names differ"
    return f"Not told apart by their mean places: {'; '.join(together)}"


def _model(report: MixedReport) -> str:
    held = report.held
    if held is None:
        return "Model: strength and noise per name; too few seeds to hold some out"
    return (
        f"Model: strength and noise per name; on held-out seeds log-loss of the first place "
        f"{held.first:.3f} (Plackett-Luce {held.first_luce:.3f}, equal chances "
        f"{held.first_uniform:.3f}), of pairs {held.pairs:.4f} ({held.pairs_luce:.4f})"
    )


def _ends(found: MeanInterval, factor: float, digits: int) -> str:
    text = f"[{factor * found.low:.{digits}f}, {factor * found.high:.{digits}f}]"
    return f"{text:13}"


def _rate(found: MeanInterval) -> str:
    return f"{100 * found.mean:.1f} +- {100 * found.half_width:.1f}"


def _values(found: MeanInterval) -> dict[str, float | None]:
    error = found.standard_error
    return {
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "standard_error": error if math.isfinite(error) else None,
    }
