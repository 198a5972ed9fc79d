"""Owns how the live screen learns what it shows: a little at a time, from a read-only connection.

Promises: reading never holds up the league's writer; every part is read at its own pace
(league.screen.pace), matches, events, updates and ratings only as far as they are new; a database
that is not there yet, or not readable just now, leaves what was shown before.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from db import queries
from db.errors import DatabaseError
from db.session import read_transaction
from league.daemon.lock import status
from league.daemon.stage import read_stage
from league.errors import LeagueError
from league.folder.connect import reader
from league.folder.layout import LeagueFolder
from league.folder.match_columns import MatchMemory
from league.folder.memory import stored_season, stored_settings
from league.folder.running import find_pause
from league.rating.beats import count_beats, placement_counts
from league.rating.standings import scale_anchor_id
from league.report.chances import ChanceMemory
from league.report.state import EventRow, MemberRow, ReportState, read_state, short_map_name
from league.screen.history import WINDOW, History
from league.screen.pace import Pace
from league.screen.state import Beating, MatchLine, Phase, ScreenState, Training
from league.screen.training import TrainingMemory

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from db.records import MatchSummary

N_MATCHES, N_EVENTS, N_LOG = 200, 300, 400  # that are kept
N_BEATING = 40  # members of the matrix, the best ones
_LOG_BYTES = 65_536
# Shares of one core: together under 3 % with what drawing takes.
_PRESENT, _STANDINGS, _BEATING = 0.008, 0.005, 0.003


@dataclass
class _Known:
    """What was read so far."""

    report: ReportState | None = None
    members: tuple[MemberRow, ...] = ()
    history: dict[int, tuple[float | None, ...]] = field(default_factory=dict)
    history_s: float = 0.0
    places: dict[int, tuple[int, ...]] = field(default_factory=dict)
    beating: Beating | None = None
    training: dict[str, Training] = field(default_factory=dict)
    results: list[MatchSummary] = field(default_factory=list)
    matches: tuple[MatchLine, ...] = ()
    events: tuple[EventRow, ...] = ()
    last_event: int = 0
    n_alarms: int = 0
    log: tuple[str, ...] = ()
    log_size: int = -1


class ScreenReader:
    """Reads one league for its screen; close it, or use it as a context manager.

    Args:
        folder: of a league, which need not have a database yet.
    """

    def __init__(self, folder: LeagueFolder) -> None:
        self._folder = folder
        self._name = folder.name
        self._stack = ExitStack()
        self._engine: Engine | None = None
        self._known = _Known()
        self._present = Pace(_PRESENT, 1.0)
        self._standings = Pace(_STANDINGS, 2.0)
        self._beating = Pace(_BEATING, 10.0)
        self._start_over()

    def _start_over(self) -> None:
        self._memory = MatchMemory(self._folder)
        self._chances = ChanceMemory(self._folder)
        self._history = History()
        self._training = TrainingMemory()

    def read(self, *, with_log: bool = False, at: datetime | None = None) -> ScreenState:
        """Return the present state; what is not due is as it was.

        Args:
            with_log: read the newest lines of the log, too.
            at: replaces the present moment.
        """
        now = at or datetime.now(UTC)
        phase, says, pid = self._process(now)
        try:
            self._read_database(now)
        except (DatabaseError, LeagueError) as error:
            self._close_engine()
            if phase != "starting":
                says = says or str(error)
        if with_log:
            self._read_log()
        known = self._known
        if known.report is not None:  # of the folder alone: the database may be the trouble
            known.report = replace(known.report, pause=find_pause(self._folder))
        return ScreenState(
            league=self._name,
            at=now,
            phase=phase,
            says=says,
            pid=pid,
            report=known.report,
            history=known.history,
            history_s=known.history_s,
            places=known.places,
            beating=known.beating,
            training=known.training,
            matches=known.matches,
            events=known.events,
            n_alarms=known.n_alarms,
            log=known.log,
        )

    def _process(self, now: datetime) -> tuple[Phase, str, int | None]:
        """Return what the league's process is doing, what it says, and its PID."""
        try:
            found = status(self._folder.root)
        except LeagueError as error:
            return "running", str(error), None
        if found.state == "stopped":
            return "stopped", "", None
        stage = read_stage(self._folder, now)
        is_new = self._known.report is None  # the note may not say yet what it is doing
        return "starting" if stage or is_new else found.state, stage, found.pid

    def _read_database(self, now: datetime) -> None:
        if self._engine is None:
            self._engine = self._stack.enter_context(reader(self._folder))
        if self._present.is_due:
            with self._present.spending(), read_transaction(self._engine) as session:
                self._read_present(session, now)
        if self._standings.is_due:
            with self._standings.spending(), read_transaction(self._engine) as session:
                self._read_standings(session, now)
        if self._beating.is_due and self._known.members:
            with self._beating.spending(), read_transaction(self._engine) as session:
                self._read_beating(session)

    def _read_present(self, session: Session, now: datetime) -> None:
        known = self._known
        report = read_state(
            session,
            self._name,
            memory=self._memory,
            chances=self._chances,
            n_matches=0,
            n_events=0,
            at=now,
            rows=known.members or None,
        )
        known.report = report
        known.members = report.members
        newest = known.results[0].finished_at if known.results else None
        new = queries.recent_results(session, N_MATCHES, after=newest)
        if new:
            names = {row.id: row.name for row in known.members}
            known.results = [*new, *known.results][:N_MATCHES]
            known.matches = tuple(_match_line(row, names) for row in known.results)
        self._read_events(session)
        settings = stored_settings(session) or {}
        known.training = self._training.read(session, known.report, settings)

    def _read_events(self, session: Session) -> None:
        known = self._known
        newest = queries.list_events(session, limit=1)
        if not newest or newest[0].id == known.last_event:
            return
        rows = queries.list_events(session, limit=N_EVENTS)
        known.last_event = newest[0].id
        known.events = tuple(
            EventRow(row.at, row.kind, row.level, row.message) for row in rows[::-1]
        )
        began = (
            None if known.report is None or known.report.run is None else known.report.run.began_at
        )
        known.n_alarms = len(queries.open_alarms(session, began)) if began else 0

    def _read_standings(self, session: Session, now: datetime) -> None:
        known = self._known
        season = stored_season(session)
        if known.report is None or season is None:
            return
        report = read_state(
            session,
            self._name,
            memory=self._memory,
            chances=self._chances,
            n_matches=0,
            n_events=0,
            at=now,
        )
        known.report = report
        known.members = report.members
        ids = [row.id for row in report.members]
        counts = placement_counts(self._memory.read(session, season.rules_sha256), ids)
        known.places = {i: tuple(row) for i, row in zip(ids, counts.tolist(), strict=True)}
        end = now
        if known.results and self._process(now)[0] == "stopped":
            end = known.results[0].finished_at
        since = None if self._history.last_seq else end - WINDOW
        points = queries.rating_points(
            session, season.rules_sha256, after_seq=self._history.last_seq, since=since
        )
        self._history.add(points, scale_anchor_id(queries.list_members(session)))
        present = {row.id: (row.mu, row.created_at) for row in report.members}
        known.history = self._history.series(present, end)
        known.history_s = self._history.span_s(end)

    def _read_beating(self, session: Session) -> None:
        season = stored_season(session)
        if season is None:
            return
        rows = [row for row in self._known.members if row.matches][:N_BEATING]
        columns = self._memory.read(session, season.rules_sha256)
        found = count_beats(columns, [row.id for row in rows])
        names = {row.id: row.name for row in rows}
        self._known.beating = Beating(
            names=tuple(row.name for row in rows),
            rates=tuple(map(tuple, found.rates.tolist())),
            games=tuple(tuple(int(n) for n in row) for row in found.games.tolist()),
            cycles=tuple(
                (names[i], names[j], names[k]) for i, j, k in (found.cycles() if rows else [])
            ),
        )

    def _read_log(self) -> None:
        path = self._folder.logs / "league.log"
        try:
            size = path.stat().st_size
            if size == self._known.log_size:
                return
            with path.open("rb") as stream:
                stream.seek(max(0, size - _LOG_BYTES), os.SEEK_SET)
                text = stream.read(_LOG_BYTES).decode("utf-8", "replace")
        except OSError:
            return
        self._known.log_size = size
        lines = text.splitlines()[1 if size > _LOG_BYTES else 0 :]
        self._known.log = tuple(lines[-N_LOG:])

    def _close_engine(self) -> None:
        self._stack.close()
        self._engine = None

    def close(self) -> None:
        """Close the connection."""
        self._close_engine()

    def __enter__(self) -> ScreenReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _match_line(row: MatchSummary, names: dict[int, str]) -> MatchLine:
    return MatchLine(
        id=row.id,
        finished_at=row.finished_at,
        map=short_map_name(row.map),
        podium=tuple(names.get(member_id, "?") for member_id in row.members[:3]),
        ticks=row.ticks,
        wall_s=row.wall_s,
        has_replay=row.replay_path is not None,
    )
