"""Owns what the page of a league is made from: one consistent reading of the database.

Promises: what is read is one state, through a read-only connection; nothing here is text of a page.
Replays and networks are looked at afterwards (league.page.scenes, league.page.sights).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from db import queries
from db.session import read_transaction
from league.curves.lineages import LeagueCurves, league_curves
from league.folder.connect import reader
from league.folder.match_columns import MatchMemory
from league.folder.memory import stored_season, stored_settings
from league.rating.errors import RatingErrors, rating_errors
from league.rating.trueskill import Gaussian
from league.report.chances import ChanceMemory
from league.report.payoff import PayoffState, read_payoff
from league.report.state import MemberRow, ReportState, read_state

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import EventRecord, MatchMoment, UpdateRecord
    from league.course.held_out import HeldOutScore
    from league.folder.layout import LeagueFolder

MOST_UPDATES = 2_000  # of a learner: far more than a chart has points
MOST_EVENTS = 200
LATEST_MATCHES = 50


@dataclass(frozen=True, eq=False)
class History:
    """The rating log of the season as columns, in its order; admissions have match 0."""

    match_id: NDArray[np.int64]
    member_id: NDArray[np.int64]
    mu: NDArray[np.float64]
    sigma: NDArray[np.float64]

    @classmethod
    def empty(cls) -> History:
        """Return the log of a season without ratings."""
        none = np.zeros(0)
        return cls(none.astype(np.int64), none.astype(np.int64), none, none)


@dataclass(frozen=True)
class Training:
    """What is known of the training of one learner.

    Attributes:
        updates: a sample of its updates, evenly spread, oldest first.
        results: member id -> (games, beats) of its weights since its newest snapshot.
    """

    name: str
    family: str
    updates: Sequence[UpdateRecord] = ()
    results: Mapping[int, tuple[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PageFacts:
    """Everything of the database that a page shows.

    Attributes:
        seats: structured int64 array of db.queries.SEAT_COLUMNS.
        errors: of the present ratings, for differences between any two members.
        ratings: (mu, sigma) by member id, on TrueSkill's own scale.
        history: the rating log.
        anchor_id: the member at 25 of the reported scale, or None.
        settings: as the newest start stored them, None before the first.
        event_counts: (level, kind) -> number.
        versions: of the program and of what it computes with.
        about_machine: sentences on the machine that made the page.
    """

    state: ReportState
    payoff: PayoffState
    curves: LeagueCurves
    errors: RatingErrors
    ratings: Mapping[int, Gaussian]
    history: History
    anchor_id: int | None
    seats: NDArray[np.void]
    matches: Sequence[MatchMoment]
    trainings: Sequence[Training]
    events: Sequence[EventRecord]
    event_counts: Mapping[tuple[str, str], int]
    settings: Mapping[str, Any] | None
    versions: Mapping[str, str] = field(default_factory=dict)
    about_machine: str = ""

    @cached_property
    def members(self) -> Mapping[int, MemberRow]:
        """Members by id."""
        return {row.id: row for row in self.state.members}

    @cached_property
    def names(self) -> Mapping[int, str]:
        """Names by member id."""
        return self.payoff.names

    @cached_property
    def held_out(self) -> Mapping[str, HeldOutScore]:
        """Held-out scores by name."""
        rows = self.state.members
        return {row.name: row.held_out for row in rows if row.held_out is not None}

    @property
    def at(self) -> datetime:
        """The moment of the reading."""
        return self.state.at

    @property
    def ranked(self) -> list[MemberRow]:
        """Rated members that have played, best first."""
        return [row for row in self.state.members if row.rank is not None and row.matches > 0]

    def difference(self, first: int, second: int) -> tuple[float, float]:
        """Return how far the first's rating is above the second's, and the error of that.

        The error is the standard error, by the covariance of all ratings (league.rating.errors).
        """
        ids = self.errors.member_ids
        at, other = ids.index(first), ids.index(second)
        distance = self.ratings[first][0] - self.ratings[second][0]
        return distance, float(np.sqrt(self.errors.variances(other)[at]))


def read_facts(folder: LeagueFolder, *, at: datetime | None = None) -> PageFacts:
    """Read a league.

    Raises:
        DatabaseError: there is no database yet, or it is of another version.
    """
    from league.page.machine import about_machine, versions

    with reader(folder) as engine, read_transaction(engine) as session:
        facts = _read(session, folder, at)
    return _with(facts, versions=versions(), about_machine=about_machine())


def _with(facts: PageFacts, **changes: Any) -> PageFacts:
    import dataclasses

    return dataclasses.replace(facts, **changes)


def _read(session: Session, folder: LeagueFolder, at: datetime | None) -> PageFacts:
    name = folder.name
    memory = MatchMemory(folder)
    state = read_state(
        session,
        name,
        memory=memory,
        chances=ChanceMemory(folder),
        n_matches=LATEST_MATCHES,
        n_events=MOST_EVENTS,
        at=at,
    )
    payoff = read_payoff(session, name, memory=memory, at=state.at)
    season = stored_season(session)
    ratings: dict[int, Gaussian] = {}
    errors = RatingErrors.of_sigmas(ratings)
    history, matches = History.empty(), list[Any]()
    seats = np.zeros(0, dtype=[(column, "i8") for column in queries.SEAT_COLUMNS])
    if season is not None:
        rules = season.rules_sha256
        latest = queries.latest_ratings(session, rules)
        ratings = {i: (row.mu, row.sigma) for i, row in latest.items()}
        columns = memory.read(session, rules)
        errors = rating_errors(columns, ratings, queries.admissions(session, rules))
        log = queries.rating_columns(session, rules)
        history = History(log.match_id, log.member_id, log.mu, log.sigma)
        seats = queries.seat_columns(session, rules)
        matches = queries.match_moments(session, rules)
    anchor = next((row for row in state.members if row.half_width is None and row.mu), None)
    return PageFacts(
        state=state,
        payoff=payoff,
        curves=league_curves(state),
        errors=errors,
        ratings=ratings,
        history=history,
        anchor_id=None if anchor is None else anchor.id,
        seats=seats,
        matches=matches,
        trainings=[
            Training(
                row.name,
                row.family,
                queries.sampled_updates(session, row.id, MOST_UPDATES),
                {
                    i: (t.games, t.beats)
                    for i, t in queries.training_totals(session, row.id).items()
                },
            )
            for row in queries.list_learners(session)
        ],
        events=queries.list_events(session, limit=MOST_EVENTS),
        event_counts={(level, kind): n for level, kind, n in queries.event_counts(session)},
        settings=stored_settings(session),
    )
