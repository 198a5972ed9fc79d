"""The report of a head-to-head as lines of text and as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from league.pit.statistics import PitReport, SprtSettings


def format_report(report: PitReport) -> list[str]:
    """Return the report as lines: verdict first, one fact group per line, stable prefixes."""
    e = report.estimate
    stopped = "   at stop (biased away from 50 %)" if report.decision in ("H0", "H1") else ""
    lines = [
        verdict(report),
        f"Results of A vs B ({report.setting})",
        f"Score: {100 * e.score:.1f} % +/- {100 * e.score_half_width:.1f} %   "
        f"Elo: {e.elo:+.1f} +/- {e.elo_half_width:.1f} (A minus B)   "
        f"nElo: {e.nelo:.0f} +/- {e.nelo_half_width:.0f}   LOS: {100 * e.los:.2f} %{stopped}",
        f"Placement: A mean {report.mean_placement[0]:.2f}, B mean {report.mean_placement[1]:.2f}; "
        f"first place A {report.firsts[0]:.4g} / B {report.firsts[1]:.4g}; "
        f"alive at the end A {100 * report.alive_share[0]:.0f} % / "
        f"B {100 * report.alive_share[1]:.0f} %",
        f"Pairs (A score <.3 .3-.45 .45-.55 .55-.7 >.7): {list(report.histogram)}",
    ]
    if e.variance_floored:
        lines.append(
            f"Variance: {e.variance:.4f} per pair, the floor of a pseudo-pair at each end "
            "(few or one-sided pairs)"
        )
    if report.sprt is not None and report.llr is not None:
        lines.append(_llr_line(report.llr, report.sprt))
    lines.append(_seats_line(report))
    return lines


def verdict(report: PitReport) -> str:
    """Return the first line: who is stronger, and on what evidence."""
    subject_a, subject_b = f"A = {report.a}", f"B = {report.b}"
    n = f"{report.estimate.n_pairs} mirrored pairs, {report.n_matches} matches"
    if report.decision == "H1":
        return f"{subject_a} is stronger than {subject_b}   (SPRT: H1 accepted after {n})"
    if report.decision == "H0":
        return f"{subject_a} is not stronger than {subject_b}   (SPRT: H0 accepted after {n})"
    if report.decision == "undecided":
        return f"{subject_a} against {subject_b}: undecided   (SPRT: no decision after {n})"
    difference = report.estimate.score - 0.5
    if abs(difference) <= report.estimate.score_half_width:
        return f"{subject_a} against {subject_b}: no difference shown   (fixed length: {n})"
    word = "stronger" if difference > 0 else "weaker"
    return f"{subject_a} is {word} than {subject_b}   (95 % interval, fixed length: {n})"


def report_json(report: PitReport) -> dict[str, Any]:
    """Return the numbers of `format_report` as JSON values, with verdict and exit code."""
    values = asdict(report)
    values["verdict"] = verdict(report)
    values["exit_code"] = report.exit_code
    values["llr_bounds"] = None if report.sprt is None else list(report.sprt.bounds)
    for key in ("histogram", "mean_placement", "firsts", "alive_share"):
        values[key] = list(values[key])
    return values


def _llr_line(llr: float, sprt: SprtSettings) -> str:
    lower, upper = sprt.bounds
    share = 100.0 * (llr / upper if llr >= 0 else -llr / lower)
    return (
        f"LLR: {llr:.2f} ({share:.1f} %) ({lower:.2f}, {upper:.2f}) "
        f"[{sprt.nelo0:g}, {sprt.nelo1:g}] nElo, alpha {sprt.alpha:g} beta {sprt.beta:g}"
    )


def _seats_line(report: PitReport) -> str:
    p = report.seat_bias_p
    if p is None:
        seats = "too few matches to test for bias"
    elif p < 0.01:
        seats = f"BIAS, some seats win more often (chi2 p = {p:.2g})"
    else:
        seats = f"no bias found (chi2 p = {p:.2f})"
    failed = f"Failed matches: {report.n_failed}"
    if report.crashes:
        named = ", ".join(f"{name} {count}" for name, count in sorted(report.crashes.items()))
        failed += f" ({named})"
    speed = "" if report.matches_per_s is None else f"   {report.matches_per_s:.1f} matches/s"
    return f"Seats: {seats}   {failed}{speed}"
