"""Owns what came out of a head-to-head in Python."""

from __future__ import annotations

from league.pit.report import PitReport
from league.pit.text import format_report, verdict


class Pit:
    """What came out of a head-to-head (`League.pit`).

    Attributes:
        report: every number (league.pit.report.PitReport).
    """

    def __init__(self, report: PitReport) -> None:
        self.report = report

    @property
    def verdict(self) -> str:
        """One sentence: who is stronger, and on what evidence."""
        return verdict(self.report)

    @property
    def score(self) -> float:
        """A's share of all pairs of a seat of A and one of B with A placed above."""
        return self.report.estimate.score

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of `score`, at 95 %; it holds at any stop where no number was fixed."""
        return self.report.estimate.score_low, self.report.estimate.score_high

    @property
    def elo(self) -> float:
        """A minus B."""
        return self.report.estimate.elo

    def __repr__(self) -> str:
        return f"<Pit: {self.verdict}>"

    def __str__(self) -> str:
        return "\n".join(format_report(self.report))

    def _repr_html_(self) -> str:
        from html import escape

        from league.plain_text import visible

        first, *rest = format_report(self.report)
        lines = "<br>".join(escape(visible(line)) for line in rest)
        return f"<div><p><b>{escape(visible(first))}</b></p><p>{lines}</p></div>"
