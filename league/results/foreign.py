"""Owns leagues of foreign results: another game's matches in a league folder of their own.

Promises: they are rated match by match as our own are, by the same engine and in the same tables,
so that every command that reads a league reads them; importing the same file again adds nothing,
and an import that was killed is completed by the next; nobody can start such a league.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from db import queries
from db.migrate import upgrade
from db.records import MatchOutcome, MatchPlan, SeatOutcome
from db.session import open_writer, read_transaction, write_transaction
from league.config.layers import resolve
from league.config.toml import write_toml
from league.errors import ResultsError
from league.folder.connect import writer
from league.folder.layout import LeagueFolder, create_folder
from league.folder.memory import FOREIGN_KEY, started_settings
from league.folder.opening import remember_config
from league.rating.engines import rate_function
from league.rating.season import Season
from league.rating.trueskill import MU, SIGMA
from league.results.schema import MatchResults, document

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from db.records import MatchRecord

GAME = "territory"
AT_A_TIME = 200  # matches per transaction
_SPEC = "foreign_match"  # in the spec of a match: the line that it came from, ratings left out


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    game: str
    n_added: int
    n_known: int
    n_players: int
    n_unrated: int


def foreign_game(session: Session) -> str | None:
    """Return the game whose results a league holds; None for our own."""
    stored = queries.get_league_value(session, FOREIGN_KEY)
    return None if stored is None else str(stored["game"])


def foreign_id(match: MatchRecord) -> str | None:
    """Return the name that a match had in the file it came from; None for our own."""
    found = foreign_line(match)
    return None if found is None else str(found["match"])


def foreign_line(match: MatchRecord) -> dict[str, Any] | None:
    """Return the line that a match came from, without ratings; None for our own."""
    return match.spec.get(_SPEC)


def import_results(
    root: Path,
    matches: Sequence[MatchResults],
    source: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Add matches to a league of foreign results, made if it is not there.

    Args:
        matches: of one game, in the order in which they are rated; those whose name is known are
            passed over.
        source: where they come from, for the journal.
        progress: called with how many new matches are rated, and of how many.

    Raises:
        ResultsError: the league holds matches of our own or of another game.
        FolderError, DatabaseError: the folder cannot be used.
    """
    game = matches[0].game
    folder = LeagueFolder.at(root)
    if not folder.is_league() or not folder.sqlite.is_file():
        folder = _make_league(root, game)
    with writer(folder) as engine:
        with read_transaction(engine) as session:
            held = foreign_game(session)
            season = Season.of(started_settings(session, folder))
            known = {foreign_id(match) for match in queries.list_matches(session)}
            players = {member.name: member.id for member in queries.list_members(session)}
        if held != game:
            raise ResultsError(
                f"{folder.root}: expected a league of results of {game!r}, found "
                f"{'a league of our own game' if held is None else f'results of {held!r}'}; name "
                "a new folder with --league"
            )
        new = [match for match in matches if match.match not in known]
        for first in range(0, len(new), AT_A_TIME):
            _add(engine, season, new[first : first + AT_A_TIME], players)
            progress(min(first + AT_A_TIME, len(new)), len(new))
        added = Imported(
            game,
            len(new),
            len(matches) - len(new),
            len(players),
            sum(match.purpose != "rating" for match in new),
        )
        with write_transaction(engine) as session:  # durable, and so is all before it
            queries.add_event(
                session,
                "results_imported",
                f"{added.n_added} matches of {game} from {source}, {added.n_known} known before",
            )
    return added


def _make_league(root: Path, game: str) -> LeagueFolder:
    config = resolve("small", None, ["learners=[]"])
    folder = create_folder(root, write_toml(config))
    engine = open_writer(folder.sqlite)
    try:
        upgrade(engine)
        with write_transaction(engine) as session:
            remember_config(session, config)
            if foreign_game(session) is None:
                queries.set_league_value(session, FOREIGN_KEY, {"game": game})
    finally:
        engine.dispose()
    return folder


def _add(
    engine: Engine, season: Season, matches: Sequence[MatchResults], players: dict[str, int]
) -> None:
    with write_transaction(engine, durable=False) as session:
        for match in matches:
            for seat in match.seats:
                if seat.player not in players:
                    players[seat.player] = _admit(session, season, seat.player, match.game)
            _record(session, season, match, players)


def _admit(session: Session, season: Season, name: str, game: str) -> int:
    member_id = queries.add_member(
        session,
        name=name,
        family="plugin",  # of the families, the one whose code is not ours
        role="main",
        agent_spec=f"foreign:{game}:{name}",
        status="active",
    )
    queries.append_rating(
        session,
        member_id,
        MU,
        SIGMA,
        rules_sha256=season.rules_sha256,
        rating_version=season.rating_version,
    )
    return member_id


def _record(session: Session, season: Season, match: MatchResults, players: dict[str, int]) -> None:
    is_rating = match.purpose == "rating"
    n_rated = sum(seat.rated for seat in match.seats)
    text = json.dumps(document(match), sort_keys=True)
    plan = MatchPlan(
        purpose="rating" if is_rating else "pit",
        seed=abs(match.seed or 0) % 2**63,
        map=match.map or match.game,
        map_sha256=match.map_sha256 or _sha256(match.map or match.game),
        rules_sha256=season.rules_sha256,
        spec={_SPEC: _without_ratings(document(match))},
        line_up=tuple(
            (players[seat.player], is_rating and seat.rated and n_rated > 1) for seat in match.seats
        ),
    )
    at = match.finished() or datetime.now(UTC)
    match_id = queries.plan_match(session, plan, at=at)
    queries.record_finished_match(
        session,
        match_id,
        MatchOutcome(
            ticks=int(match.length or 0),
            final_state_sha256=match.final_state_sha256 or _sha256(text),
            wall_s=0.0,
        ),
        [
            SeatOutcome(
                placement=place,
                tiles=max(0, round(seat.score or 0.0)),
                troops=0,
                eliminated_tick=None if seat.eliminated_at is None else int(seat.eliminated_at),
            )
            for seat, place in zip(match.seats, match.places(), strict=True)
        ],
        rate=rate_function(season.rating_version),
        rating_version=season.rating_version,
        at=at,
    )


def _without_ratings(line: dict[str, Any]) -> dict[str, Any]:
    seats = [{**seat, "before": None, "after": None} for seat in line["seats"]]
    return {**line, "rating_version": None, "seats": seats}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
