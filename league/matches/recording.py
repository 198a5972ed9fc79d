"""What is stored of a finished match: the result of each seat, as the database takes it."""

from __future__ import annotations

from arena.match import MatchResult
from db.records import SeatOutcome


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
