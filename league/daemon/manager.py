"""The manager: handles learners' messages, admits snapshots, sends rosters, keeps matches going.

Promises: together with its rated matches (league.daemon.matches) it is the only writer of a SQLite
league; matches that were running when it exited are played again. It acts only inside `turn`, which
returns within about a second.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine

from agents.errors import AgentError
from agents.snapshots import SnapshotStore
from arena.machine import is_machine_trouble
from arena.processes.jobs import Arena
from db import queries
from db.records import MatchRecord
from db.session import read_transaction, write_transaction
from league.config.tree import LeagueConfig
from league.course.watch import CourseSettings, CourseWatch
from league.daemon.arenas import count_workers, make_arena
from league.daemon.budget import DiskBudget
from league.daemon.canaries import PURPOSES, own_matches
from league.daemon.cluster import ClusterHome, launcher
from league.daemon.heartbeat import Heartbeat
from league.daemon.learners import Died, Launch, LearnerMessage, Learners, launch_learner
from league.daemon.matches import RatedMatches
from league.daemon.offers import WaitingOffers
from league.daemon.planner import MatchSettings
from league.daemon.progress import is_new, shown
from league.daemon.roster import Rosters
from league.daemon.running_time import RunningTime
from league.daemon.store import StoreHome
from league.daemon.trouble import PassedTrouble
from league.daemon.waits import Waits
from league.folder.layout import LeagueFolder
from league.folder.leftovers import sweep_leftovers
from league.folder.opening import remember_config
from league.folder.teachers import teacher_of
from league.learner import messages
from league.learner.messages import (
    LearnerOrders,
    Offered,
    Progress,
    Ready,
    Restarted,
    Settled,
    Stop,
)
from league.learner.settings import learner_settings
from league.members import admission
from league.pruning.record import Budgets
from league.rating.season import Season

log = logging.getLogger(__name__)

ROSTER_EVERY_S = 10.0
CLOSING_S = 6.0  # of the grace: 2 s for the arena, 4 s for a last commit to a locked database


class Manager:
    """A running league.

    Args:
        engine: of the league's migrated database, for writing.
        arena: where rated matches are played; None starts worker processes.
        launch: starts a learner; None starts a process.
        ends: monotonic time at which the league will be closed, or None: learners take their last
            snapshots in time to be rated, and no match is begun that cannot be finished.
        usage: returns what the league uses of the machine, for the heartbeat; None knows nothing.
    """

    def __init__(
        self,
        folder: LeagueFolder,
        config: LeagueConfig,
        engine: Engine,
        *,
        arena: Arena | None = None,
        launch: Launch | None = None,
        ends: float | None = None,
        usage: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self._ends = ends
        self.folder = folder
        self.config = config
        self.engine = engine
        self.season = Season.of(config.to_json())
        self.store = SnapshotStore(folder.snapshot_place())
        self.running_time = RunningTime(engine)
        self._heartbeat = Heartbeat(engine, ends, usage or dict)
        self._rosters = Rosters(self.season, config.rating.held_out, config.rating.ladder)
        self._courses = CourseWatch(
            CourseSettings(
                config.rating.held_out,
                config.learner.plateau_after,
                config.learner.plateau_gain,
                config.learner.plateau_response,
            ),
            self.season.rules_sha256,
        )
        self._views = config.views.to_views()
        self._learner_settings = learner_settings(config)
        self._lineages = {lineage.name: lineage for lineage in config.learners}
        self._learner_ids: dict[str, int] = {}
        self._rosters_at = -ROSTER_EVERY_S
        self._later = WaitingOffers()
        self._untaken: deque[LearnerMessage] = deque()
        self.waits = Waits(engine)
        self._home = StoreHome(folder, engine, self.waits)
        self._budget = DiskBudget(
            folder,
            engine,
            Budgets.of(config.to_json()),
            self.season.rules_sha256,
            lambda: self._rosters.payoff,  # as the newest roster saw it
        )
        backlog = self._prepare()
        self._cluster = ClusterHome(folder, config, engine)
        self.learners = Learners(
            list(self._lineages),
            self._orders,
            launch or launcher(self._cluster, launch_learner(folder.logs, bool(self._lineages))),
            lease_s=config.learner.lease_s,
        )
        n_learning = self._cluster.n_learning_here
        self.rated = RatedMatches(
            folder,
            MatchSettings.of(config, count_workers(config.arena.n_workers, n_learning)),
            engine,
            self.season,
            arena or make_arena(folder, config, n_learning, self._cluster.bridge),
            backlog,
            ends=ends,
            courier=self._home.courier,
        )

    # --- starting ---------------------------------------------------------------------------------

    def _prepare(self) -> list[MatchRecord]:
        """Prepare the database for this start: settings, members, offers, interrupted matches.

        Returns:
            The planned matches of the present rules.
        """
        self.store.sweep()
        sweep_leftovers(self.folder)
        with write_transaction(self.engine) as session:
            remember_config(session, self.config)
            admission.admit_scripted(session, self.config.rating.scripted_members, self.season)
            for lineage in self.config.learners:
                self._learner_ids[lineage.name] = queries.upsert_learner(
                    session, name=lineage.name, family=lineage.family, role=lineage.role
                )
            again = queries.requeue_interrupted(session, purposes=PURPOSES)
            planned = queries.list_matches(session, status="planned")
            if again:
                queries.add_event(
                    session, "requeued", f"{len(again)} interrupted matches will be played again"
                )
        for offer in self.store.list_offers():
            if offer.description is not None and offer.description.lineage in self._lineages:
                self._admit(offer.description.lineage, offer.sha256, "offered before the restart")
        self._budget.start()
        return own_matches(planned, self.season.rules_sha256)

    def _orders(self, name: str) -> LearnerOrders:
        """Return what a learner is told when it starts."""
        lineage = self._lineages[name]
        with read_transaction(self.engine) as session:
            learner = queries.learner_by_name(session, name)
            assert learner is not None
            member = queries.get_member(session, learner.member_id) if learner.member_id else None
            new = learner.trained_decisions == 0
            teacher = teacher_of(session, self.config, name) if new else None
        at = list(self._lineages).index(name)
        return LearnerOrders(
            root=str(self.folder.root),
            settings=self._learner_settings,
            name=name,
            family=lineage.family,
            role=lineage.role,
            seed=self.config.seed * 1_000_003 + at,
            snapshot=member.snapshot_sha256 if member else None,
            trained_decisions=learner.trained_decisions,
            teacher=None if teacher is None else teacher[0],
            teacher_name="" if teacher is None else teacher[1],
        )

    # --- running ----------------------------------------------------------------------------------

    def turn(self, timeout_s: float = 0.2) -> None:
        """Do one round of work: handle the messages of learners and arena, and hand out work.

        A round that raised may be repeated: what came in and is not stored is kept.

        Raises:
            ArenaStopped: the arena's workers keep exiting; the message says why.
            DatabaseError: the database cannot be written.
        """
        self._listen_to_learners(may_start=True)
        self._take_all()
        self._admit_due()
        self.rated.turn(timeout_s)
        now = time.monotonic()
        if now - self._rosters_at >= ROSTER_EVERY_S:
            self._rosters_at = now
            self._send_rosters()
        if self._heartbeat.is_due():
            self.waits.take_workers(self.rated.start_trouble)
            self._home.turn()
            self._beat()
        if self._courses.is_due():
            self._watch_courses()
        self._budget.turn()
        self._cluster.turn()

    def _watch_courses(self) -> None:
        with read_transaction(self.engine) as session:
            findings = self._courses.look(session)
        if findings:
            with write_transaction(self.engine) as session:
                for finding in findings:
                    self._courses.store(session, finding)
            self._courses.stored(findings)

    def listen(self, timeout_s: float) -> None:
        """Take in what workers and learners send, without touching the database."""
        self._listen_to_learners(may_start=False)  # a start reads the database
        self.rated.listen(timeout_s)

    def trouble_passed(self, passed: PassedTrouble) -> None:
        """Write into the journal that trouble of the machine is over.

        A connection that broke during a commit may have left matches that are running in the
        database and nowhere else: they are planned again.
        """
        with write_transaction(self.engine) as session:
            queries.add_event(
                session,
                "trouble_passed",
                f"paused for {passed.seconds:.0f} s: {passed.trouble}",
                level="warning",
                details={
                    "trouble": passed.trouble.kind,
                    "seconds": round(passed.seconds, 1),
                    "attempts": passed.n_attempts,
                },
            )
            stray = self.rated.requeue_strays(session)
        self.rated.add_to_backlog(stray)

    def _listen_to_learners(self, *, may_start: bool) -> None:
        for message in self.learners.poll(may_start=may_start):
            self._untaken.append(message)

    def _take_all(self) -> None:
        while self._untaken:  # removed only after it is stored
            self._take(self._untaken[0])
            self._untaken.popleft()

    @property
    def is_ready(self) -> bool:
        """Whether the league plays: a worker is set up, or was."""
        return self.rated.is_ready

    def _beat(self) -> None:
        """Record in the database that the league is running, for reports."""
        self._heartbeat.beat(
            {
                "n_workers": self.rated.settings.n_workers,
                "n_playing": self.rated.n_playing,
                "learners": self.learners.pids,
                "waiting": self.waits.texts,
            },
            self.running_time,
        )

    # --- learners ---------------------------------------------------------------------------------

    def _take(self, received: LearnerMessage) -> None:
        learner_id = self._learner_ids[received.learner]
        match received.message:
            case Progress() as progress:
                self._record_progress(learner_id, progress)
            case Restarted() as restarted:
                self._rosters.restarted(received.learner, restarted)
                self._rosters_at = -ROSTER_EVERY_S
            case Offered() as offered:
                self._rosters.restarted(received.learner, None)
                self._admit(received.learner, offered.sha256, offered.reason)
            case Ready():
                self._record_start(received.learner)
            case messages.Waits(text):
                self.waits.take(received.learner, text)
            case Died() as died:
                self._record_death(received.learner, died)

    def _record_death(self, name: str, died: Died) -> None:
        log.error("%s", died.text)
        self.waits.forget(name)
        if died.of_machine:
            self.waits.died(name, died.text)
        with write_transaction(self.engine) as session:
            status = "stopped" if died.given_up else "starting"
            queries.record_progress(session, self._learner_ids[name], status=status)
            if died.is_news:
                kind = "machine_trouble" if died.of_machine else "learner_died"
                queries.add_event(session, kind, died.text, level="alarm")

    def _record_start(self, name: str) -> None:
        self.waits.forget(name)
        with write_transaction(self.engine) as session:
            learner = queries.learner_by_name(session, name)
            assert learner is not None
            queries.upsert_learner(
                session,
                name=learner.name,
                family=learner.family,
                role=learner.role,
                pid=self.learners.pids.get(name),
                status="running",
            )
        self._rosters_at = -ROSTER_EVERY_S

    def _record_progress(self, learner_id: int, progress: Progress) -> None:
        with write_transaction(self.engine, durable=False) as session:
            if not is_new(session, learner_id, progress):
                return  # it was committed, and the connection broke before the daemon knew
            queries.record_progress(
                session,
                learner_id,
                trained_decisions=progress.trained_decisions,
                progress=shown(progress),
                status="running",
            )
            by_spec = {m.agent_spec: m.id for m in queries.list_members(session)}
            results = {
                by_spec[spec]: total for spec, total in progress.results.items() if spec in by_spec
            }
            queries.add_training_results(session, learner_id, results)
            queries.add_update(
                session, learner_id, progress.trained_decisions, progress.numbers, results
            )

    def _admit(self, name: str, sha256: str, reason: str) -> None:
        """Make an offered snapshot a member, or refuse it and record why in the journal."""
        try:
            description = admission.check_offer(self.store, sha256, self._views)
        except (AgentError, OSError) as error:
            if is_machine_trouble(error):
                self._admit_later(name, sha256, reason, error)
                return
            log.error("refused the offered snapshot %s: %s", sha256[:12], error)
            with write_transaction(self.engine) as session:
                queries.add_event(
                    session, "offer_refused", f"{name}: {sha256[:12]}: {error}", level="alarm"
                )
            self._later.forget(sha256)
            self.store.discard(sha256)
            self._tell(name, Settled(sha256, str(error)))
            return
        with write_transaction(self.engine) as session:
            learner = queries.learner_by_name(session, name)
            assert learner is not None
            member = admission.admit_snapshot(session, learner, sha256, description, self.season)
            queries.add_event(
                session,
                "promotion",
                f"{member.name} joined the pool: {reason}",
                member_id=member.id,
                details={
                    "trained_decisions": description.trained_decisions,
                    "running_s": round(self.running_time.seconds, 1),
                },
            )
        self.store.discard(sha256)
        self._later.forget(sha256)
        log.info("%s joined the pool (%s): %s", member.name, sha256[:12], reason)
        self._tell(name, Settled(sha256, reason))
        self._rosters_at = -ROSTER_EVERY_S

    def _admit_later(self, name: str, sha256: str, reason: str, error: Exception) -> None:
        """Keep an offer that the machine, and not the learner, keeps from being read."""
        text = self._later.add(name, sha256, reason, error)
        if text is not None:
            with write_transaction(self.engine) as session:
                queries.add_event(session, "machine_trouble", text, level="alarm")

    def _admit_due(self) -> None:
        for sha256, offer in self._later.due():
            self._admit(offer.learner, sha256, offer.reason)

    def _tell(self, name: str, order: object) -> None:
        if hasattr(self, "learners"):
            self.learners.send(name, order)

    def _send_rosters(self) -> None:
        with read_transaction(self.engine) as session:
            rosters = self._rosters.read(session, self._lineages)
        left = None if self._ends is None else max(0.0, self._ends - time.monotonic())
        for name, roster in rosters.items():
            self.learners.send(name, replace(roster, seconds_left=left))

    # --- stopping ---------------------------------------------------------------------------------

    def close(self, grace_s: float) -> None:
        """Stop arena and learners: running matches are planned again, checkpoints written.

        The database comes last, so that all processes have ended if it cannot be written.
        """
        self.rated.close(min(2.0, grace_s))
        self._untaken.extend(self.learners.stop(Stop(), max(0.0, grace_s - CLOSING_S)))
        self._cluster.close(min(2.0, grace_s))
        self.rated.settle()
        self._take_all()
        self._home.close(min(2.0, grace_s))
        with write_transaction(self.engine) as session:
            queries.requeue_interrupted(session, purposes=PURPOSES)
            self.running_time.store(session)
            for learner_id in self._learner_ids.values():
                queries.record_progress(session, learner_id, status="stopped")

    def kill(self) -> None:
        """Kill arena and learners immediately."""
        self.rated.close(0.0)
        self.learners.kill()
        self._cluster.close(0.0)
