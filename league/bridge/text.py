"""Games of the original's lobby as lines of text and as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from league.bridge.game import GameReport
from league.bridge.games import GamesReport


def format_game(report: GameReport) -> list[str]:
    """Return the report of a game as lines: the result first."""
    return [
        f"{report.member} {_result(report)}, among {report.n_nations} nations and "
        f"{report.n_tribes} tribes",
        f"Record: {report.file} (game {report.game_id}, {report.turns:,} turns); played again, all "
        f"{report.checks} of its hashes held   {report.minutes:.1f} minutes",
    ]


def _result(report: GameReport) -> str:
    result = "won" if report.won else f"was number {report.place} of {report.n_players}"
    return f"{result}: {100 * report.share:.1f} % of all land after {report.ticks:,} ticks"


def game_json(report: GameReport) -> dict[str, Any]:
    """Return the numbers of `format_game` as JSON values."""
    return {**asdict(report), "file": None if report.file is None else str(report.file)}


def format_games(report: GamesReport) -> list[str]:
    """Return the report of many games as lines: the result first, then a line a game."""
    first, n = report.games[0], len(report.games)
    won, land = report.won, report.land
    commit = f", commit {report.commit[:12]}" if report.commit else ""
    lines = [
        f"{first.member} among {first.n_nations} nations and {first.n_tribes} tribes in the "
        f"original engine, edition {report.edition}{commit}",
        f"Won: {round(won.share * n)} of {n} games, {100 * won.share:.1f} % "
        f"[{100 * won.low:.1f}, {100 * won.high:.1f}]   Land at the end: {100 * land.mean:.1f} % "
        f"[{100 * land.low:.1f}, {100 * land.high:.1f}]   Conquered: {report.n_conquered}   (95 %)",
        f"Failed games: {report.n_failed}   {report.minutes:.1f} minutes",
    ]
    if n < report.n_wanted:
        lines.append(f"Ended after {n} of {report.n_wanted} games: {report.failure}")
    for number, game in enumerate(report.games):
        record = "" if game.file is None else f"   {game.file}"
        lines.append(f"  seed {report.first_seed + number:4}  {_result(game)}{record}")
    return lines


def games_json(report: GamesReport) -> dict[str, Any]:
    """Return the numbers of `format_games` as JSON values."""
    return {
        "member": report.games[0].member,
        "edition": report.edition,
        "commit": report.commit,
        "n_games": len(report.games),
        "n_wanted": report.n_wanted,
        "n_failed": report.n_failed,
        "won_share": report.won.share,
        "won_interval": [report.won.low, report.won.high],
        "land_share": report.land.mean,
        "land_interval": [report.land.low, report.land.high],
        "n_conquered": report.n_conquered,
        "first_seed": report.first_seed,
        "games": [game_json(game) for game in report.games],
        "minutes": report.minutes,
        "failure": report.failure,
        "exit_code": report.exit_code,
    }
