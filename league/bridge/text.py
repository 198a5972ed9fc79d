"""Games of the original's lobby as lines of text and as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from league.bridge.game import GameReport


def format_game(report: GameReport) -> list[str]:
    """Return the report of a game as lines: the result first."""
    result = "won" if report.won else f"was number {report.place} of {report.n_players}"
    return [
        f"{report.member} {result}: {100 * report.share:.1f} % of all land after {report.ticks:,} "
        f"ticks, among {report.n_nations} nations and {report.n_tribes} tribes",
        f"Record: {report.file} (game {report.game_id}, {report.turns:,} turns); played again, all "
        f"{report.checks} of its hashes held   {report.minutes:.1f} minutes",
    ]


def game_json(report: GameReport) -> dict[str, Any]:
    """Return the numbers of `format_game` as JSON values."""
    return {**asdict(report), "file": str(report.file)}
