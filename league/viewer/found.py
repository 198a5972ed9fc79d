"""Owns what a league knows of a recorded match beside its replay: names, and ratings of that time.

A replay file alone says its members' names too, where a release since 0.2.0 recorded it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arena.replay import Replay
from arena.viewer.payload import member_names
from db import queries
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.inspect.look import find_replay


@dataclass(frozen=True)
class FoundMatch:
    """A recorded match, and what is known of it.

    Attributes:
        title: such as "Match 745" or the name of a file.
        names: by seat.
        ratings: mu - 3 sigma by seat, when the match began; None where unknown.
        rated: whether the match counted for ratings; None where unknown.
    """

    replay: Replay
    title: str
    names: tuple[str, ...]
    ratings: tuple[float | None, ...]
    rated: bool | None = None


def find_match(match: str, folder: LeagueFolder | None) -> FoundMatch:
    """Read the replay of a match and what the league knows of its members.

    Args:
        match: id of a match of the league, or a replay file.
        folder: the league; a replay file needs none.

    Raises:
        FolderError: the match has no replay, or there is no league to look it up in.
        ReplayError, DatabaseError: the replay or the match cannot be read.
    """
    replay, known = find_replay(match, folder)
    names = member_names(replay)
    names = tuple(known.get(seat, name) for seat, name in enumerate(names))
    if not match.isdecimal() or folder is None:
        number = replay.label.match_id
        title = Path(match).stem if number is None else f"Match {number}"
        return FoundMatch(replay, title, names, (None,) * len(names))
    with reading(folder) as session:
        record = queries.get_match(session, int(match))
        members = {seat.seat: seat.member_id for seat in queries.match_seats(session, record.id)}
        ratings = queries.ratings_before(
            session, record.id, sorted(set(members.values())), record.rules_sha256
        )
    conservative = {member_id: mu - 3 * sigma for member_id, (mu, sigma) in ratings.items()}
    return FoundMatch(
        replay=replay,
        title=f"Match {record.id}",
        names=names,
        ratings=tuple(conservative.get(members.get(seat, -1)) for seat in range(len(names))),
        rated=record.purpose == "rating",
    )
