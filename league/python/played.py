"""Owns how a Match is made: of a row of the league, or of a match that was just played."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arena.match import unpack_actions
from arena.replay import Label, Replay, read_replay
from arena.territory.engine.rules import RULES_VERSION
from db import queries
from league.errors import FolderError, UsageError
from league.pruning.record import why_replay_is_gone
from league.python.match import Match, SeatResult

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from arena.match import MatchResult
    from league.folder.layout import LeagueFolder


def stored_match(session: Session, folder: LeagueFolder, match_id: int) -> Match:
    """Return a finished match of a league.

    Raises:
        NotFoundError: there is no such match.
        UsageError: it is not finished.
    """
    record = queries.get_match(session, match_id)
    seats = queries.match_seats(session, match_id)
    if record.finished_at is None or not seats:
        raise UsageError(
            f"expected a finished match, found match {match_id}, which is {record.status}"
        )
    members = {row.id: row for row in queries.list_members(session)}
    gone = None if record.replay_path else why_replay_is_gone(session, match_id)

    def load() -> Replay:
        if record.replay_path is None:
            why = "" if gone is None else f": it was {gone}; a backup of before may hold it"
            raise FolderError(f"expected a replay of match {match_id}, found none{why}")
        return read_replay(folder.replay(record.replay_path))

    return Match(
        id=record.id,
        map=record.map,
        seed=record.seed,
        ticks=record.ticks or 0,
        purpose=record.purpose,
        finished_at=record.finished_at,
        results=tuple(
            SeatResult(
                seat=seat.seat,
                name=members[seat.member_id].name,
                agent=members[seat.member_id].agent_spec,
                place=seat.placement,
                tiles=seat.tiles,
                troops=seat.troops,
                eliminated_tick=seat.eliminated_tick,
                illegal_actions=seat.illegal_actions,
            )
            for seat in seats
        ),
        _load=load,
        _maps=folder.root,
    )


def new_match(
    found: MatchResult, names: Sequence[str], map_sha256: str, folder: LeagueFolder
) -> Match:
    """Return a match that was just played and is not stored."""
    label = Label(tuple(names), found.spec.rules.sha256(), map_sha256)

    def load() -> Replay:
        return Replay(
            spec=found.spec,
            actions=unpack_actions(found.actions),
            ticks=found.ticks,
            final_state_sha256=found.final_state_sha256,
            placements=found.placements,
            rules_version=RULES_VERSION,
            label=label,
        )

    return Match(
        id=None,
        map=found.spec.map,
        seed=found.spec.seed,
        ticks=found.ticks,
        purpose="play",
        finished_at=datetime.now(UTC),
        results=tuple(
            SeatResult(
                seat=seat,
                name=name,
                agent=found.spec.agents[seat],
                place=found.placements[seat],
                tiles=found.tiles[seat],
                troops=found.troops[seat],
                eliminated_tick=found.eliminated_tick[seat],
                illegal_actions=found.n_illegal[seat],
            )
            for seat, name in enumerate(names)
        ),
        _load=load,
        _maps=folder.root,
    )
