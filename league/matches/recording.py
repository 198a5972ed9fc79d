"""What is stored of a finished match, as the database takes it: its outcome and each seat's."""

from __future__ import annotations

from arena.match import MatchResult
from db.records import MatchOutcome, SeatOutcome


def match_outcome(result: MatchResult, replay_path: str) -> MatchOutcome:
    """The outcome of a finished match, its replay at a path relative to the league folder."""
    return MatchOutcome(result.ticks, result.final_state_sha256, result.wall_s, replay_path)


def seat_outcomes(result: MatchResult) -> list[SeatOutcome]:
    """The outcome of each seat of a finished match, in seat order."""
    return [
        SeatOutcome(*seat)
        for seat in zip(
            result.placements,
            result.tiles,
            result.troops,
            result.eliminated_tick,
            result.n_illegal,
            strict=True,
        )
    ]
