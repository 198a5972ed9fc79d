"""Owns what a report shows: one consistent reading of the database as plain dataclasses.

Promises: reads through a read-only connection in one transaction and so never blocks the writer;
ratings are on the reported scale (`tribe` is at 25), and their intervals hold the errors of both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arena.territory.engine.rules import EDITIONS, WIN_SHARE
from db import queries
from db.records import MemberTotals
from db.session import read_transaction
from league.course.held_out import HeldOutScore, held_out_names, held_out_scores
from league.folder.connect import reader
from league.folder.layout import LeagueFolder
from league.folder.match_columns import MatchMemory
from league.folder.memory import FOREIGN_KEY, stored_season, stored_settings
from league.folder.running import Pause, find_pause
from league.pruning.record import Budgets, read_record
from league.rating.columns import totals
from league.rating.errors import rating_errors
from league.rating.first_places import Chance
from league.rating.standings import scale_anchor_id, standings
from league.report.arena import ArenaRow, read_arena
from league.report.champion import CanaryRow, ChampionRow, read_canaries, read_champion
from league.report.chances import ChanceMemory
from league.report.now import MeetsRow, RunRow, meets_of, numbers_of, read_run
from league.report.slow import SlowRow, read_slow
from league.report.taught import taught_by

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from db.records import LearnerRecord, MatchRecord, MemberRecord, RatingMoment
    from league.rating.standings import Standing
    from league.report.payoff import PayoffState

SILENT_AFTER_S = 120.0  # a learner without a heartbeat for longer is shown as silent


@dataclass(frozen=True)
class MemberRow:
    """One row of the standings; rating fields are None for a member that was never rated.

    `half_width` is of the 95 % interval of mu, None for the anchor of the scale too; see
    `league.rating.standings.Standing`. `first` is its chance of the first place in company like its
    own, None for a member that has not played lately; `held_out` its score against the members that
    learners never meet, None before it met one.
    """

    id: int
    name: str
    family: str
    role: str
    status: str
    mu: float | None
    sigma: float | None
    conservative: float | None
    half_width: float | None
    design_effect: float | None
    line_ups: int
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    tier: int | None
    matches: int
    wins: int
    mean_placement: float | None
    first: Chance | None
    trained_decisions: int
    snapshot: str | None
    agent_spec: str
    generation: int
    parent_id: int | None
    created_at: datetime
    taught_by: str | None = None
    relation_mask: bool = False
    held_out: HeldOutScore | None = None


@dataclass(frozen=True)
class LearnerRow:
    """A learner's progress.

    Attributes:
        progress: the numbers that it reported last.
        meets: whom it met then, None if it did not say.
        waits_for: what of the machine it waits for, or None.
    """

    name: str
    family: str
    role: str
    status: str
    generation: int
    trained_decisions: int
    decisions_per_s: float | None
    latest_member: str | None
    heartbeat_age_s: float
    progress: Mapping[str, Any] = field(default_factory=dict)
    waits_for: str | None = None
    meets: MeetsRow | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it runs, waits for nothing, and has shown no sign of life for two minutes."""
        is_late = self.heartbeat_age_s > SILENT_AFTER_S
        return self.status == "running" and self.waits_for is None and is_late


@dataclass(frozen=True)
class MatchRow:
    """A finished rated match; `podium` names its first three, ties in seat order."""

    id: int
    finished_at: datetime
    map: str
    podium: tuple[str, ...]
    ticks: int
    wall_s: float


@dataclass(frozen=True)
class EventRow:
    """One event of the journal."""

    at: datetime
    kind: str
    level: str
    message: str


@dataclass(frozen=True)
class BudgetRow:
    """Replays or snapshots: bytes at the last look, their budget, and what was ever pruned.

    `measured` is None before the first look, `budget` if there is none.
    """

    kind: str
    measured: int | None
    budget: int | None
    n_pruned: int
    pruned_bytes: int
    pruned_at: datetime | None


@dataclass(frozen=True)
class ReportState:
    """Everything that a report shows, at one moment.

    Attributes:
        pause: what the running league waits for, or None.
        waiting: what of the machine learners, or all "workers" together, wait for, by name.
        run: the newest run, None before the first.
        held_out: names of the members that learners never meet.
    """

    league: str
    at: datetime
    rules_sha256: str | None
    rating_version: str | None
    members: tuple[MemberRow, ...]
    learners: tuple[LearnerRow, ...]
    matches: tuple[MatchRow, ...]
    arena: ArenaRow
    events: tuple[EventRow, ...] = ()
    budgets: tuple[BudgetRow, ...] = ()
    champion: ChampionRow | None = None
    canaries: tuple[CanaryRow, ...] = ()
    pause: Pause | None = None
    waiting: Mapping[str, str] = field(default_factory=dict)
    game: str | None = None
    edition: str = "2025"
    run: RunRow | None = None
    slow: SlowRow | None = None
    held_out: tuple[str, ...] = ()

    @property
    def win_share(self) -> float | None:
        """Share of `win_land` that ends a match; None for results of another game."""
        return WIN_SHARE if self.game is None else None

    @property
    def win_land(self) -> str:
        """Say what land the share is of."""
        all_land = EDITIONS[self.edition].wins_by_all_land
        return "all land of the map" if all_land else "the largest land mass of the map"

    @property
    def n_matches(self) -> int:
        """Finished rated matches."""
        return self.arena.finished


class StateReader:
    """Reads the state of one league repeatedly over one read-only connection.

    Args:
        folder: an existing league.

    Raises:
        DatabaseError: there is no database yet, or it is of another version.
    """

    def __init__(self, folder: LeagueFolder) -> None:
        self._folder = folder
        self._name = folder.name
        self._memory = MatchMemory(folder)
        self._chances = ChanceMemory(folder)
        self._stack = ExitStack()
        self._engine: Engine = self._stack.enter_context(reader(folder))

    def read(
        self, *, n_matches: int = 8, n_events: int = 5, at: datetime | None = None
    ) -> ReportState:
        """Return the present state; raise DatabaseError."""
        with read_transaction(self._engine) as session:
            state = read_state(
                session,
                self._name,
                memory=self._memory,
                chances=self._chances,
                n_matches=n_matches,
                n_events=n_events,
                at=at,
            )
        return replace(state, pause=find_pause(self._folder))

    def read_payoff(self, *, at: datetime | None = None) -> PayoffState:
        """Return who beats whom in the present season; raise DatabaseError."""
        from league.report.payoff import read_payoff

        with read_transaction(self._engine) as session:
            return read_payoff(session, self._name, memory=self._memory, at=at)

    def read_moments(self) -> list[RatingMoment]:
        """Return every rating of the present season, in the order of the log."""
        with read_transaction(self._engine) as session:
            season = stored_season(session)
            return [] if season is None else queries.rating_moments(session, season.rules_sha256)

    def close(self) -> None:
        """Close the connection."""
        self._stack.close()

    def __enter__(self) -> StateReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_state(
    session: Session,
    name: str,
    *,
    memory: MatchMemory | None = None,
    chances: ChanceMemory | None = None,
    n_matches: int = 8,
    n_events: int = 5,
    at: datetime | None = None,
    rows: tuple[MemberRow, ...] | None = None,
) -> ReportState:
    """Read a report in a session; `at` replaces the present moment.

    Args:
        memory: where the matches of the season are remembered; None reads them all.
        chances: likewise the chances of the first place; None fits them.
        rows: standings of a moment ago, taken as they are; None computes them.
    """
    now = at or datetime.now(UTC)
    memory, chances = memory or MatchMemory(None), chances or ChanceMemory()
    season = stored_season(session)
    rules_sha256 = None if season is None else season.rules_sha256
    members = queries.list_members(session)
    names = {member.id: member.name for member in members}
    waiting = _waiting(session)
    settings = stored_settings(session) or {}
    hidden = held_out_names(settings)
    return ReportState(
        league=name,
        at=now,
        rules_sha256=rules_sha256,
        rating_version=None if season is None else season.rating_version,
        members=rows or tuple(_members(session, members, rules_sha256, memory, chances, hidden)),
        learners=tuple(
            _learner(row, names, now, waiting.get(row.name))
            for row in queries.list_learners(session)
        ),
        waiting=waiting,
        matches=tuple(
            _match(session, row, names)
            for row in queries.recent_matches(session, n_matches, purpose="rating")
        ),
        arena=read_arena(session, now),
        events=tuple(
            EventRow(event.at, event.kind, event.level, event.message)
            for event in queries.list_events(session, limit=n_events)
        ),
        budgets=tuple(_budgets(session, settings)),
        game=(queries.get_league_value(session, FOREIGN_KEY) or {}).get("game"),
        edition=(settings.get("rules") or {}).get("edition", "2025"),
        champion=read_champion(session),
        canaries=tuple(read_canaries(session)),
        run=read_run(session),
        slow=read_slow(session),
        held_out=hidden,
    )


def _budgets(session: Session, settings: Mapping[str, Any]) -> Iterator[BudgetRow]:
    """Yield the kinds of files that have a budget, or of which something was pruned."""
    budgets = Budgets.of(settings)
    record = read_record(session)
    for kind, total, budget in (
        ("replays", record.replays, budgets.replays),
        ("snapshots", record.snapshots, budgets.snapshots),
    ):
        if budget is not None or total.n:
            at = None if total.at is None else datetime.fromisoformat(total.at)
            limit = None if budget is None else int(budget)
            yield BudgetRow(kind, total.measured, limit, total.n, total.n_bytes, at)


def _members(
    session: Session,
    members: list[MemberRecord],
    rules_sha256: str | None,
    memory: MatchMemory,
    chances: ChanceMemory,
    hidden: Collection[str],
) -> list[MemberRow]:
    """Return rated members by rank, then the others by name, without unrated guests."""
    table: dict[int, Standing] = {}
    played: dict[int, MemberTotals] = {}
    firsts: Mapping[int, Chance] = {}
    unmet: Mapping[int, HeldOutScore] = {}
    if rules_sha256 is not None:
        latest = queries.latest_ratings(session, rules_sha256)
        ratings = {member_id: (row.mu, row.sigma) for member_id, row in latest.items()}
        columns = memory.read(session, rules_sha256)
        errors = rating_errors(columns, ratings, queries.admissions(session, rules_sha256))
        found = standings(ratings, anchor_id=scale_anchor_id(members), errors=errors)
        table = {row.member_id: row for row in found}
        firsts = chances.read(columns, ratings)
        trained = [member.id for member in members if member.snapshot_sha256 is not None]
        unmet = held_out_scores(columns, [m.id for m in members if m.name in hidden], trained)
        played = {i: MemberTotals(*numbers) for i, numbers in totals(columns).items()}
    shown = [member for member in members if member.status != "guest" or member.id in table]
    rows = [
        replace(
            _member(m, table.get(m.id), played.get(m.id, MemberTotals()), firsts.get(m.id)),
            held_out=unmet.get(m.id),
        )
        for m in shown
    ]
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.name))


def _member(
    member: MemberRecord, standing: Standing | None, totals: MemberTotals, first: Chance | None
) -> MemberRow:
    return MemberRow(
        id=member.id,
        name=member.name,
        family=member.family,
        role=member.role,
        status=member.status,
        mu=None if standing is None else standing.mu,
        sigma=None if standing is None else standing.sigma,
        conservative=None if standing is None else standing.conservative,
        half_width=None if standing is None else standing.half_width,
        design_effect=None if standing is None else standing.design_effect,
        line_ups=0 if standing is None else standing.line_ups,
        rank=None if standing is None else standing.rank,
        rank_low=None if standing is None else standing.rank_low,
        rank_high=None if standing is None else standing.rank_high,
        tier=None if standing is None else standing.tier,
        matches=totals.games,
        wins=totals.wins,
        mean_placement=totals.mean_placement,
        first=first,
        trained_decisions=member.trained_decisions,
        snapshot=member.snapshot_sha256,
        agent_spec=member.agent_spec,
        generation=member.generation,
        parent_id=member.parent_id,
        created_at=member.created_at,
        taught_by=taught_by(member.details),
        relation_mask=member.details.get("relation_mask") is True,
    )


def _waiting(session: Session) -> dict[str, str]:
    """Return what the daemon's heartbeat says of those that wait for the machine."""
    found = (queries.get_league_value(session, "daemon") or {}).get("waiting")
    return dict(found) if isinstance(found, dict) else {}


def _learner(
    row: LearnerRecord, names: Mapping[int, str], now: datetime, waits_for: str | None
) -> LearnerRow:
    speed = row.progress.get("decisions_per_s")
    return LearnerRow(
        name=row.name,
        family=row.family,
        role=row.role,
        status=row.status,
        generation=row.generation,
        trained_decisions=row.trained_decisions,
        decisions_per_s=float(speed) if isinstance(speed, int | float) else None,
        latest_member=None if row.member_id is None else names.get(row.member_id),
        heartbeat_age_s=max((now - row.heartbeat_at).total_seconds(), 0.0),
        progress=numbers_of(row.progress),
        meets=meets_of(row.progress, names),
        waits_for=waits_for,
    )


def _match(session: Session, match: MatchRecord, names: Mapping[int, str]) -> MatchRow:
    seats = sorted(queries.match_seats(session, match.id), key=lambda seat: seat.placement)
    assert match.finished_at is not None  # a CHECK of the table: finished means complete
    return MatchRow(
        id=match.id,
        finished_at=match.finished_at,
        map=short_map_name(match.map),
        podium=tuple(names.get(seat.member_id, "?") for seat in seats[:3]),
        ticks=match.ticks or 0,
        wall_s=match.wall_s or 0.0,
    )


def short_map_name(reference: str) -> str:
    """Return a map reference for a table: without `generated:`, a path as its last part."""
    if reference.startswith("generated:"):
        return reference.removeprefix("generated:")
    return Path(reference).name
