"""Rated matches: planned, played by the arena's workers, recorded and rated, or planned again.

Promises: every finished match is rated exactly once, in the transaction that stores its result; an
outcome is dropped only after it is stored, so that a full disk loses nothing; replays are on disk
before the row that names them, and what a turn has recorded is on disk when it ends; one match that
cannot be read, recorded or rated is set aside and ends nothing else (league.daemon.failures).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Sequence

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from arena.errors import MatchError
from arena.match import MatchResult, MatchSpec
from arena.processes.jobs import Arena, Done, Failed, News
from arena.processes.supervisor import Clock
from db import queries
from db.records import MatchPlan, MatchRecord
from db.session import may_outlive, read_transaction, write_transaction
from league.daemon.canaries import PURPOSES, Canaries, CanarySettings
from league.daemon.crashes import Crashes
from league.daemon.failures import is_of_one_match, record_failure, set_aside
from league.daemon.ladder import Ladder
from league.daemon.pace import Pace
from league.daemon.planner import MatchSettings, Planner
from league.daemon.resting import RestingMatches
from league.daemon.slow_members import SlowMembers
from league.folder.layout import LeagueFolder
from league.matches.recording import match_outcome, replay_labels, seat_outcomes, stale_weights
from league.matches.replays import ReplayKeeper
from league.rating.engines import rate_function
from league.rating.season import Season
from league.store.courier import Courier


class RatedMatches:
    """The rated matches of a running league.

    Args:
        engine: of the league's migrated database, for writing.
        season: the rules and the allowance by which members are rated.
        arena: where matches are played (league.daemon.arenas).
        backlog: planned matches of an earlier run.
        ends: the clock's time at which the run ends, or None.
        courier: brings replays into the league's store; None for a league without one.
    """

    def __init__(
        self,
        folder: LeagueFolder,
        settings: MatchSettings,
        engine: Engine,
        season: Season,
        arena: Arena,
        backlog: Sequence[MatchRecord],
        *,
        ends: float | None = None,
        courier: Courier | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.folder = folder
        self._replays = ReplayKeeper(folder, courier)
        self._stored: dict[int, str] = {}  # the replays of results that are not recorded yet
        self.settings = settings
        self._pace = Pace(ends, settings.n_workers, clock)
        self.engine = engine
        self.season = season
        self._backlog = list(backlog)
        self._resting = RestingMatches(engine, clock)
        self._crashes = Crashes(engine, season.rules_sha256)
        self._alone: set[int] = set()  # matches that share no process with others
        self._playing: dict[int, MatchRecord] = {}
        self._unsettled: deque[Done | Failed] = deque()
        self._news: list[News] = []
        self._planner = Planner(settings, engine, season, folder.root)
        self._ladder = Ladder(settings.ladder, engine, season, clock=clock)
        self._slow = SlowMembers(engine, settings.slow_member_share, settings.rules)
        self._arena = arena
        self._canaries = Canaries(
            CanarySettings(settings.rules, settings.views, settings.maps, settings.canary_share),
            engine,
            season.rules_sha256,
            folder.root,
            clock=clock,
        )

    @property
    def n_playing(self) -> int:
        """Number of matches handed to the arena and not yet recorded."""
        return len(self._playing)

    @property
    def is_ready(self) -> bool:
        """Whether a worker is set up, or was."""
        return self._arena.is_ready

    @property
    def start_trouble(self) -> str | None:
        """What of the machine keeps all workers from starting, or None."""
        return self._arena.start_trouble

    def turn(self, timeout_s: float) -> None:
        """Keep the arena busy, and record what it finishes within `timeout_s`.

        Raises:
            ArenaStopped: the arena's workers keep exiting; the message says why.
            DatabaseError: the database cannot be written.
        """
        if self._canaries.is_due():
            with write_transaction(self.engine) as session:
                self._canaries.judge(session, self._planner.standings())
            self._canaries.judged()
        self._ladder.turn(self._planner.known)
        self._plan()
        self.listen(timeout_s)
        self.settle()
        self._store_news()

    def listen(self, timeout_s: float) -> None:
        """Take in what the arena finishes within `timeout_s`, without storing it."""
        self._unsettled.extend(map(self._checked, self._arena.poll(timeout_s)))
        self._news += self._arena.take_news()

    def settle(self) -> None:
        """Store the outcomes that came in; those of matches that are not in play are dropped."""
        self._unsettled = deque(o for o in self._unsettled if o.job_id in self._playing)
        self._write_replays()
        while self._unsettled:  # removed only after it is stored: the disk may be full
            # The last commit of a turn waits for the disk, for those before it too.
            self._settle(self._unsettled[0], durable=len(self._unsettled) == 1)
            self._unsettled.popleft()

    def _store_news(self) -> None:
        """Write into the journal what happened to the machines that matches are played on."""
        if self._news:
            with write_transaction(self.engine) as session:
                for news in self._news:
                    queries.add_event(session, "cluster", news.text, level=news.level)
            self._news.clear()

    def requeue_strays(self, session: Session) -> list[MatchRecord]:
        """Plan again what is running in the database and is not being played; return it."""
        stray = queries.requeue_interrupted(
            session, purposes=PURPOSES, except_for=list(self._playing)
        )
        return [queries.get_match(session, match_id) for match_id in stray]

    def add_to_backlog(self, planned: Sequence[MatchRecord]) -> None:
        """Play these planned matches before new ones."""
        self._backlog.extend(planned)

    def close(self, grace_s: float) -> None:
        """Close the arena; matches that were running are planned again at the next start."""
        self._arena.close(grace_s)

    def _plan(self) -> None:
        """Keep the arena busy: one batch per worker in play and one waiting.

        New matches are planned in whole batches, each of few networks; smaller ones when the run
        ends too soon for a whole one.
        """
        batch = self._pace.batch(self.settings.matches_per_worker)
        self._backlog += self._resting.take_due()
        n_open = len(self._playing) + len(self._resting)
        missing = 2 * self.settings.n_workers * batch - n_open
        if missing <= 0 or (missing < batch and self._playing):
            return
        room = self._pace.room(n_open)
        missing = missing if room is None else min(missing, room)
        if missing <= 0:
            return
        planned = waiting = self._waiting(missing)
        canaries: list[MatchPlan] = []
        drawn: list[MatchPlan] = []
        if missing > len(waiting):  # outside of the transaction that writes
            self._slow.look()
            slow = self._slow.specs if self._n_slow(waiting) == 0 else frozenset()
            canaries = self._canaries.plan(
                missing - len(waiting),
                suspects=self._crashes.suspects,
                resting={*self._resting.concerned, *slow},
            )
            drawn = self._draw(missing - len(waiting) - len(canaries), waiting, batch)
        # A plan that a power cut takes is made anew, its results come after it. But where the
        # server alone crashes, they are of matches that it would not know.
        with write_transaction(self.engine, durable=may_outlive(self.engine)) as session:
            if canaries or drawn:
                planned = planned + self._insert_new(session, [*canaries, *drawn])
            # Another process may have changed a planned match meanwhile: it is not played then.
            planned = [match for match in planned if queries.mark_started(session, match.id)]
        self._planner.inserted(drawn)
        self._canaries.inserted(len(canaries), len(drawn))
        taken = {match.id for match in waiting}
        self._backlog = [match for match in self._backlog if match.id not in taken]
        for match in planned:
            self._submit(match)

    def _waiting(self, n: int) -> list[MatchRecord]:
        """Return up to `n` matches of the backlog.

        Of those that failed before, one at a time is played: each may end its process, and many
        dead processes end the arena.
        """
        out = self._crashes.set_aside_unplayable(self._backlog)
        self._backlog = [match for match in self._backlog if match.id not in out]
        found: list[MatchRecord] = []
        has_failed = any(match.failures for match in self._playing.values())
        for match in self._backlog:
            if len(found) == n:
                break
            if match.failures and has_failed:
                continue
            has_failed = has_failed or match.failures > 0
            found.append(match)
        return found

    def _submit(self, match: MatchRecord) -> None:
        try:
            spec = MatchSpec.from_json(dict(match.spec))
        except MatchError as error:
            set_aside(self.engine, match, error)
            return
        self._playing[match.id] = match
        self._pace.began()
        # A match that failed before is played alone, so that it cannot harm others; one with a
        # member that thinks for long, since the results of a batch come with its slowest match.
        is_slow = not self._slow.specs.isdisjoint(spec.agents)
        alone = match.failures > 0 or match.attempts > 1 or is_slow
        if alone or self.settings.matches_per_worker == 1:
            self._alone.add(match.id)
        self._arena.submit(match.id, spec, alone=alone)

    def _insert_new(self, session: Session, plans: Sequence[MatchPlan]) -> list[MatchRecord]:
        """Insert matches that were drawn; a member may have been retired since."""
        active = {agent.member_id for agent in queries.active_agents(session)}
        return [
            queries.get_match(session, queries.plan_match(session, plan))
            for plan in plans
            if active.issuperset(member_id for member_id, _ in plan.line_up)
        ]

    def _open(self, waiting: Sequence[MatchRecord]) -> list[MatchRecord]:
        """Return the matches that are planned or being played."""
        found = [*self._playing.values(), *self._backlog, *self._resting.matches]
        known = {match.id for match in found}
        return found + [match for match in waiting if match.id not in known]

    def _n_slow(self, waiting: Sequence[MatchRecord]) -> int | None:
        """Return how many seats members that think for long may still have; None for any."""
        return self._slow.room(match.spec["agents"] for match in self._open(waiting))

    def _draw(self, n: int, waiting: Sequence[MatchRecord], batch: int) -> list[MatchPlan]:
        """Draw `n` matches; those that are planned or being played count as played.

        Members that think for long are drawn for as many of them as their share allows.
        """
        open_matches = self._open(waiting)
        resting = self._resting.concerned
        room = self._n_slow(waiting)
        n_slow = n if room is None else min(n, room)

        def plan(n_drawn: int, without: Collection[str]) -> list[MatchPlan]:
            return self._planner.plan(
                n_drawn,
                open_matches,
                batch=batch,
                suspects=self._crashes.suspects,
                resting=without,
            )

        if n_slow == n:
            return plan(n, resting)
        others = plan(n - n_slow, {*resting, *self._slow.specs})
        return others + (plan(n_slow, resting) if n_slow else [])

    def _write_replays(self) -> None:
        """Write the replays of all results at hand, waiting for the disk once for all of them."""
        played = {
            outcome.job_id: outcome.result
            for outcome in self._unsettled
            if isinstance(outcome, Done) and outcome.job_id in self._playing
        }
        if not played:
            return
        with read_transaction(self.engine) as session:
            labels = replay_labels(session, [self._playing[match_id] for match_id in played])
        names = {match_id: f"{match_id:08d}" for match_id in played}
        stored = self._replays.write(
            {names[match_id]: result for match_id, result in played.items()},
            {names[match_id]: label for match_id, label in labels.items()},
        )
        self._stored = {match_id: stored[name] for match_id, name in names.items()}

    def _checked(self, outcome: Done | Failed) -> Done | Failed:
        """Return an outcome, as a failure of its worker when other weights have played."""
        match = self._playing.get(outcome.job_id)
        if match is None or isinstance(outcome, Failed):
            return outcome
        stale = stale_weights(match.spec["agents"], outcome.result)
        return outcome if stale is None else Failed(outcome.job_id, stale, "", "worker")

    def _settle(self, outcome: Done | Failed, *, durable: bool) -> None:
        match = self._playing.get(outcome.job_id)
        if match is None:
            return
        is_over = True
        try:
            if isinstance(outcome, Done):
                self._record(match, outcome.result, durable=durable)
                self._slow.add(outcome.result)
                self._crashes.finished(match)
            else:
                is_over = self._take_failure(match, outcome)
        except Exception as error:  # of a rating, a result, a row: it must not end the others
            if not is_of_one_match(error):
                raise
            set_aside(self.engine, match, error)
        if is_over:
            self._pace.finished()
            self._crashes.closed(match)
        self._resting.settled(match.id)
        self._alone.discard(match.id)
        self._canaries.settled(match)
        del self._playing[match.id]

    def _take_failure(self, match: MatchRecord, failed: Failed) -> bool:
        """Decide what becomes of a match that was not played; return whether it is over."""
        if failed.fault == "machine":
            self._resting.add(match, failed)
            return False
        if self._crashes.take(match, failed, alone=match.id in self._alone):
            return True
        again = record_failure(self.engine, match, failed)
        if again is not None:
            self._backlog.append(again)
        return again is None

    def _record(self, match: MatchRecord, result: MatchResult, *, durable: bool) -> None:
        """Store a result, the name of its replay and the new ratings."""
        seats = seat_outcomes(result)
        outcome = match_outcome(result, self._stored[match.id])
        version = self.season.rating_version
        with write_transaction(self.engine, durable=durable) as session:
            queries.record_finished_match(
                session,
                match.id,
                outcome,
                seats,
                rate=rate_function(version),
                rating_version=version,
            )
            self._slow.store(session)
