"""An evaluation as lines of text and as JSON values, whichever engine played it."""

from __future__ import annotations

import shlex
from typing import Any

from league.evaluation.played import Evaluation


def format_evaluation(report: Evaluation) -> list[str]:
    """Return the report as lines: the result first."""
    p, f = report.place, report.firsts
    engine = " in the original engine" if report.is_original else ""
    commit = f", commit {report.commit[:12]}" if report.commit else ""
    pace = report.n_matches / max(report.minutes, 1e-9)
    lines = [
        f"{report.member} against {report.against}{engine}, edition {report.edition}{commit}",
        f"First: {f.share * report.n_matches:.4g} of {report.n_matches} matches, "
        f"{100 * f.share:.1f} % [{100 * f.low:.1f}, {100 * f.high:.1f}]   "
        f"Mean place: {p.mean:.2f} [{p.low:.2f}, {p.high:.2f}] of "
        f"{report.n_seats}   Alive at the end: {100 * report.alive_share:.0f} %   (95 %)",
        f"Played: {report.setting}   Failed matches: {report.n_failed}   "
        f"{report.minutes:.1f} minutes, {pace:.1f} a minute",
    ]
    if report.n_matches < report.n_wanted:
        why = report.failure or "interrupted"
        lines.append(
            f"Ended after {report.n_matches} of {report.n_wanted} matches: {why}; the intervals "
            "are those of a length that was fixed"
        )
    if report.watch:
        shown = shlex.quote(report.watch[0])
        lines.append(f"Watch: league replay show {shown}   ({len(report.watch)} matches)")
    return lines


def evaluation_json(report: Evaluation) -> dict[str, Any]:
    """Return the numbers of `format_evaluation` as JSON values."""
    p, f = report.place, report.firsts
    return {
        "member": report.member,
        "against": report.against,
        "edition": report.edition,
        "commit": report.commit,
        "setting": report.setting,
        "n_seats": report.n_seats,
        "n_matches": report.n_matches,
        "n_wanted": report.n_wanted,
        "n_failed": report.n_failed,
        "first_share": f.share,
        "first_interval": [f.low, f.high],
        "mean_place": p.mean,
        "place_interval": [p.low, p.high],
        "places": list(report.places),
        "alive_share": report.alive_share,
        "minutes": report.minutes,
        "watch": list(report.watch),
        "failure": report.failure,
        "interrupted": report.interrupted,
        "exit_code": report.exit_code,
    }
