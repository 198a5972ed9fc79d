"""The report of a head-to-head as lines of text and as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from league.pit.report import PitReport
from league.pit.seats import BIAS_BELOW
from league.pit.sprt import SprtSettings


def format_report(report: PitReport) -> list[str]:
    """Return the report as lines: verdict first, one fact group per line, stable prefixes."""
    e = report.estimate
    lines = [
        verdict(report),
        f"Results of A vs B ({report.setting})",
        _score_line(report),
        f"Placement: A mean {report.mean_placement[0]:.2f}, B mean {report.mean_placement[1]:.2f}; "
        f"first place A {report.firsts[0]:.4g} / B {report.firsts[1]:.4g}; "
        f"alive at the end A {100 * report.alive_share[0]:.0f} % / "
        f"B {100 * report.alive_share[1]:.0f} %",
        f"Pairs (A score <.3 .3-.45 .45-.55 .55-.7 >.7): {list(report.histogram)}",
    ]
    if e.variance_floored:
        lines.append(
            f"Variance: {e.variance:.4f} per pair, from a pseudo-pair at each end "
            f"(all pairs so far scored {100 * e.score:.0f} %)"
        )
    if report.sprt is not None and report.llr is not None:
        lines.append(_llr_line(report.llr, report.sprt))
        if report.look > 1:
            lines.append(
                f"Looks: {report.look - 1} earlier verdict(s) on these pairs had an error of their "
                "own, which adds to alpha"
            )
    lines.append(
        counts_line(report.seat_bias_p, report.n_failed, report.crashes, report.matches_per_s)
    )
    if report.failure is not None:
        lines.append(f"Given up: {report.failure}")
    return lines


def verdict(report: PitReport) -> str:
    """Return the first line: who is stronger, and on what evidence."""
    subject_a, subject_b = f"A = {report.a}", f"B = {report.b}"
    n = f"{report.estimate.n_pairs} mirrored pairs, {report.n_matches} matches"
    if report.decision == "interrupted":
        return f"{subject_a} against {subject_b}: no verdict yet   (interrupted after {n})"
    if report.sprt is not None:
        return _sprt_verdict(report, report.sprt, subject_a, subject_b, n)
    evidence = f"{_evidence(report)}, fixed length: {n}"
    e = report.estimate
    if e.score_low <= 0.5 <= e.score_high:
        return f"{subject_a} against {subject_b}: no difference shown   ({evidence})"
    word = "stronger" if e.score > 0.5 else "weaker"
    return f"{subject_a} is {word} than {subject_b}   ({evidence})"


def report_json(report: PitReport) -> dict[str, Any]:
    """Return the numbers of `format_report` as JSON values, with verdict and exit code."""
    values = asdict(report)
    values["verdict"] = verdict(report)
    values["exit_code"] = report.exit_code
    values["llr_bounds"] = None if report.sprt is None else list(report.sprt.bounds)
    for key in ("histogram", "mean_placement", "firsts", "alive_share", "watch"):
        values[key] = list(values[key])
    return values


def _sprt_verdict(report: PitReport, sprt: SprtSettings, a: str, b: str, n: str) -> str:
    """Return the verdict of SPRT, in terms of its two hypotheses."""
    if report.decision == "undecided":
        return f"{a} against {b}: undecided   (SPRT: no decision after {n})"
    low, high = sprt.nelo0, sprt.nelo1
    if report.decision == "H0":
        return (
            f"{a} is not shown to be stronger than {b} by {low:g} nElo; {high:g} or more is ruled "
            f"out   (SPRT: H0 accepted after {n})"
        )
    evidence = f"(SPRT: H1 accepted after {n})"
    if low == 0:
        return f"{a} is stronger than {b}   {evidence}"
    if low > 0:
        return f"{a} is stronger than {b} by more than {low:g} nElo   {evidence}"
    return f"{a} is less than {-low:g} nElo weaker than {b}, or stronger   {evidence}"


def _evidence(report: PitReport) -> str:
    if not report.remembered:
        return "95 % interval if the length was fixed before the first look"
    if report.look == 1:
        return "95 % interval, also if it is extended"
    return f"95 % interval over all {report.look} verdicts"


def _score_line(report: PitReport) -> str:
    e = report.estimate
    nelo_low = "-" if e.nelo_low is None else f"{e.nelo_low:.0f}"
    nelo_high = "-" if e.nelo_high is None else f"{e.nelo_high:.0f}"
    stopped = "" if e.method == "t" else " at a fixed length   (95 % at any stop)"
    return (
        f"Score: {100 * e.score:.1f} % [{100 * e.score_low:.1f}, {100 * e.score_high:.1f}]   "
        f"Elo: {e.elo:+.1f} [{e.elo_low:+.1f}, {e.elo_high:+.1f}] (A minus B)   "
        f"nElo: {e.nelo:.0f} [{nelo_low}, {nelo_high}]   LOS: {100 * e.los:.2f} %{stopped}"
    )


def _llr_line(llr: float, sprt: SprtSettings) -> str:
    lower, upper = sprt.bounds
    share = 100.0 * (llr / upper if llr >= 0 else -llr / lower)
    return (
        f"LLR: {llr:.2f} ({share:.1f} %) ({lower:.2f}, {upper:.2f}) "
        f"[{sprt.nelo0:g}, {sprt.nelo1:g}] nElo, alpha {sprt.alpha:g} beta {sprt.beta:g}"
    )


def counts_line(
    seat_bias_p: float | None,
    n_failed: int,
    crashes: Mapping[str, int],
    matches_per_s: float | None,
) -> str:
    """Return the last line: whether seats are biased, failures by who was to blame, speed."""
    if seat_bias_p is None:
        seats = "too few matches to test for bias"
    elif seat_bias_p < BIAS_BELOW:
        seats = f"BIAS, some seats win more often (F test p = {seat_bias_p:.2g})"
    else:
        seats = f"no bias found (F test p = {seat_bias_p:.2f})"
    failed = f"Failed matches: {n_failed}"
    if crashes:
        named = ", ".join(f"{name} {count}" for name, count in sorted(crashes.items()))
        failed += f" ({named})"
    speed = "" if matches_per_s is None else f"   {matches_per_s:.1f} matches/s"
    return f"Seats: {seats}   {failed}{speed}"
