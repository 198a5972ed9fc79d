"""Owns how the results of a league leave it: every finished match, with ratings before and after.

Promises: the league is only read, in one transaction, so that the file is of one moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from db import queries
from league.folder.layout import LeagueFolder
from league.results.foreign import GAME, foreign_game, foreign_line
from league.results.schema import SCHEMA, MatchResults

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import MatchRecord, MemberRecord

PURPOSES = ("rating", "pit", "all")

_Change = tuple[dict[str, float], dict[str, float], str]  # before, after, rating version


def exported(
    session: Session,
    folder: LeagueFolder,
    purpose: str,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[MatchResults]:
    """Yield the finished matches of a league in the order in which they ended.

    Args:
        purpose: one of PURPOSES.
        progress: called with how many matches were taken, and of how many.

    Raises:
        FolderError: a stored path leads out of the league folder.
    """
    game = foreign_game(session) or GAME
    members = {member.id: member for member in queries.list_members(session)}
    matches = queries.list_matches(
        session, status="finished", purpose=None if purpose == "all" else purpose
    )
    matches.sort(key=lambda match: (match.finished_at, match.id))
    changes = _changes(session, {match.rules_sha256 for match in matches})
    for n, match in enumerate(matches):
        if progress is not None:
            progress(n, len(matches))
        yield _exported(session, folder, game, match, members, changes)


def _changes(session: Session, seasons: set[str]) -> dict[tuple[int, int], _Change]:
    """Return what each match did to the rating of each member, by match and member id."""
    found: dict[tuple[int, int], _Change] = {}
    for rules_sha256 in sorted(seasons):
        latest: dict[int, dict[str, float]] = {}
        for row in queries.rating_log(session, rules_sha256):
            after = {"mu": row.mu, "sigma": row.sigma}
            if row.match_id is not None and row.member_id in latest:
                change = (latest[row.member_id], after, row.rating_version)
                found[row.match_id, row.member_id] = change
            latest[row.member_id] = after
    return found


def _exported(
    session: Session,
    folder: LeagueFolder,
    game: str,
    match: MatchRecord,
    members: dict[int, MemberRecord],
    changes: dict[tuple[int, int], _Change],
) -> MatchResults:
    line = foreign_line(match)
    seats: list[dict[str, Any]] = []
    version = None
    for seat in queries.match_seats(session, match.id):
        member = members[seat.member_id]
        change = changes.get((match.id, seat.member_id)) if seat.rated else None
        if change is not None:
            version = change[2]
        seats.append(
            {
                "seat": seat.seat,
                "player": member.name,
                "place": seat.placement,
                "score": seat.tiles,
                "eliminated_at": seat.eliminated_tick,
                "rated": seat.rated,
                "before": None if change is None else change[0],
                "after": None if change is None else change[1],
                "player_id": member.agent_spec,
            }
        )
        if line is not None:  # what the table cannot hold: a score with decimals, a seat's number
            seats[-1] = {
                **line["seats"][seat.seat],
                **{name: seats[-1][name] for name in ("player", "rated", "before", "after")},
            }
    if line is not None:
        return MatchResults.model_validate({**line, "rating_version": version, "seats": seats})
    return MatchResults.model_validate(
        {
            "schema": SCHEMA,
            "game": game,
            "match": str(match.id),
            "purpose": match.purpose,
            "finished_at": match.finished_at,
            "seed": match.seed,
            "map": match.map,
            "map_sha256": match.map_sha256,
            "rules_sha256": match.rules_sha256,
            "length": match.ticks,
            "final_state_sha256": match.final_state_sha256,
            "replay_sha256": _replay_sha256(folder, match),
            "rating_version": version,
            "seats": seats,
        }
    )


def _replay_sha256(folder: LeagueFolder, match: MatchRecord) -> str | None:
    if match.replay_path is None:
        return None
    try:
        with folder.replay(match.replay_path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:  # pruned since the transaction began, or lost (league doctor)
        return None
