"""What is stored about a finished match: its outcome, each seat's, and its replay's label."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.orm import Session

from arena.match import MatchResult
from arena.replay import Label
from db import queries
from db.records import MatchOutcome, MatchRecord, SeatOutcome


def match_outcome(result: MatchResult, replay_path: str | None) -> MatchOutcome:
    """Return the outcome of a match; its replay's path is relative to the league folder."""
    return MatchOutcome(result.ticks, result.final_state_sha256, result.wall_s, replay_path)


def seat_outcomes(result: MatchResult) -> list[SeatOutcome]:
    """Return the outcome of each seat of a finished match, in seat order."""
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


def stale_weights(line_up: Sequence[str], result: MatchResult) -> str | None:
    """Return a sentence when a seat was played by other weights than the line-up's, or None.

    A worker that keeps what it has loaded, on whatever machine, must not play an old snapshot under
    the name of a new one: what a snapshot is named by is the hash of its weights.

    Args:
        line_up: agent specs by seat, as they were planned.
    """
    for seat, spec in enumerate(line_up):
        kind, _, expected = spec.partition(":")
        if kind != "snapshot":
            continue
        found = result.weights[seat] if seat < len(result.weights) else ""
        if not found or not found.startswith(expected):
            return (
                f"seat {seat}: expected a result of the weights {expected[:12]} of the line-up, "
                f"found {found[:12] or 'no hash'}; it is refused, and the match played again"
            )
    return None


def replay_labels(session: Session, matches: Collection[MatchRecord]) -> Mapping[int, Label]:
    """Return what the replay of each of these matches says beside it, by the match's id."""
    everyone = {member_id for match in matches for member_id, _ in match.line_up}
    names = queries.member_names(session, everyone)
    return {
        match.id: Label(
            names=tuple(names.get(member_id, "?") for member_id, _ in match.line_up),
            rules_sha256=match.rules_sha256,
            map_sha256=match.map_sha256,
            match_id=match.id,
        )
        for match in matches
    }
