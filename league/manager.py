"""The manager: plans rated matches, records results, admits snapshots, keeps the circle turning.

Promises: it is the only writer of a SQLite league; every finished rating match is rated exactly
once, in the transaction that stores its result; what was running when it died is planned again.
It moves only inside `turn`, which returns within about a second.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque

import numpy as np
from numpy.random import PCG64, Generator
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from agents.errors import AgentError
from arena.jobs import Done, Failed, PoolLimits
from arena.match import MatchResult, MatchSpec
from arena.replay import SUFFIX, write_replay
from arena.territory.maps import expand_references, load_map
from arena.workers import LocalArena
from db import queries
from db.records import MatchOutcome, MatchPlan, MatchRecord, SeatOutcome
from db.session import read_transaction, write_transaction
from league import pool
from league.config import LeagueConfig
from league.folder import LeagueFolder
from league.learner_pool import LearnerMessage, LearnerPool
from league.matchmaking import choose_line_ups
from league.messages import LearnerOrders, Offered, Progress, Settled
from league.opening import remember_config
from league.payoff import Payoff
from league.play import blamed_agents
from league.ratings import RATING_VERSION, rate_match

log = logging.getLogger(__name__)

ROSTER_EVERY_S = 10.0
HEARTBEAT_EVERY_S = 2.0
ARENA_NICENESS = 5  # rated matches give way to training where both want the same core
QUARANTINE_AFTER = 5  # failures in a row


class Manager:
    """A running league.

    Args:
        engine: writer of the league's database, migrated.
    """

    def __init__(self, folder: LeagueFolder, config: LeagueConfig, engine: Engine) -> None:
        self.folder = folder
        self.config = config
        self.engine = engine
        self.rules = config.rules.to_rules()
        self.views = config.views.to_views()
        self.season = pool.Season(self.rules.sha256(), config.rating.sigma_allowance)
        self.store = pool.open_store(folder)
        self.payoff = Payoff()
        self._payoff_seq = 0
        self._lineages = {lineage.name: lineage for lineage in config.learners}
        self._learner_ids: dict[str, int] = {}
        self._playing: dict[int, MatchRecord] = {}
        self._unsettled: deque[Done | Failed] = deque()
        self._maps = expand_references(config.maps.rate)
        self._map_hashes: dict[str, str] = {}
        self._rosters_at = -ROSTER_EVERY_S
        self._heartbeat_at = -HEARTBEAT_EVERY_S
        self._rng = Generator(PCG64(np.random.SeedSequence(entropy=self._entropy())))
        self._prepare()
        self.learners = LearnerPool(list(self._lineages), self._orders, folder.logs)
        self.n_workers = config.arena.n_workers or self._spare_cores()
        self.arena = self._make_arena()

    def _entropy(self) -> list[int]:
        """The league's seed, and how far the log has come: a restart draws new line-ups."""
        with read_transaction(self.engine) as session:
            n_matches = sum(queries.matches_by_status(session).values())
        return [self.config.seed, n_matches]

    # --- starting ---------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Bring the database up to this start: settings, members, offers, interrupted matches."""
        self.store.sweep()
        with write_transaction(self.engine) as session:
            remember_config(session, self.config)
            pool.admit_scripted(session, self.config, self.season)
            for lineage in self.config.learners:
                self._learner_ids[lineage.name] = queries.upsert_learner(
                    session, name=lineage.name, family=lineage.family, role=lineage.role
                )
            again = queries.requeue_interrupted(session, purposes=("rating",))
            planned = queries.list_matches(session, status="planned", purpose="rating")
            if again:
                queries.add_event(
                    session, "requeued", f"{len(again)} interrupted matches are played again"
                )
        self._backlog = [match for match in planned if match.rules_sha256 == self.rules.sha256()]
        for offer in self.store.list_offers():
            if offer.description is not None and offer.description.lineage in self._lineages:
                self._admit(offer.description.lineage, offer.sha256, "offered before the restart")

    def _spare_cores(self) -> int:
        """Cores that the learners leave, at least one."""
        if hasattr(os, "sched_getaffinity"):
            cores = len(os.sched_getaffinity(0))
        else:
            cores = os.cpu_count() or 1
        return max(1, cores - len(self._lineages))

    def _make_arena(self) -> LocalArena:
        arena = self.config.arena
        return LocalArena(
            "league.play:play",
            self.n_workers,
            {
                "snapshots": str(self.folder.snapshots),
                "maps": str(self.folder.root),
                "device": "cpu",
                "niceness": ARENA_NICENESS if self._lineages else 0,
            },
            setup="league.play:setup",
            limits=PoolLimits(
                matches_per_worker=arena.matches_per_worker,
                lease_s=arena.lease_s,
                match_limit_s=arena.match_limit_s,
                recycle_after=arena.recycle_after,
            ),
        )

    def _orders(self, name: str) -> LearnerOrders:
        """What a learner is told when it starts."""
        lineage = self._lineages[name]
        with read_transaction(self.engine) as session:
            learner = queries.learner_by_name(session, name)
            assert learner is not None
            member = queries.get_member(session, learner.member_id) if learner.member_id else None
        at = list(self._lineages).index(name)
        return LearnerOrders(
            root=str(self.folder.root),
            config=self.config.to_json(),
            name=name,
            family=lineage.family,
            role=lineage.role,
            seed=self.config.seed * 1_000_003 + at,
            snapshot=member.snapshot_sha256 if member else None,
            trained_decisions=learner.trained_decisions,
            output_path=str(self.learners.output_path(name)),
            die_with_server=self.learners.die_with_server,
            log_level=logging.INFO,
        )

    # --- turning ----------------------------------------------------------------------------------

    def turn(self, timeout_s: float = 0.2) -> None:
        """One round: take what learners and arena have to say, and give them work.

        Raises:
            ArenaStopped: the arena's workers keep dying; the message names their last words.
            DatabaseError: the database cannot be written.
        """
        for message in self.learners.messages():
            self._hear(message)
        self._plan()
        self._unsettled.extend(self.arena.results(timeout_s))
        while self._unsettled:  # an outcome leaves only when it is stored: the disk may be full
            self._settle(self._unsettled[0])
            self._unsettled.popleft()
        now = time.monotonic()
        if now - self._rosters_at >= ROSTER_EVERY_S:
            self._rosters_at = now
            self._send_rosters()
        if now - self._heartbeat_at >= HEARTBEAT_EVERY_S:
            self._heartbeat_at = now
            self._beat()

    def _beat(self) -> None:
        """Tell the database that the league is alive, for reports."""
        with write_transaction(self.engine) as session:
            queries.set_league_value(
                session,
                "daemon",
                {
                    "pid": os.getpid(),
                    "n_workers": self.n_workers,
                    "n_playing": len(self._playing),
                    "learners": self.learners.pids,
                },
            )

    # --- rated matches ----------------------------------------------------------------------------

    def _plan(self) -> None:
        """Keep the arena busy: one batch per worker in play and one waiting.

        New matches are planned by whole batches, each of one line-up.
        """
        batch = self.config.arena.matches_per_worker
        missing = 2 * self.n_workers * batch - len(self._playing)
        if missing < batch and self._playing:
            return
        planned = self._backlog[:missing]
        n_waiting = len(planned)
        with write_transaction(self.engine) as session:
            if missing > len(planned):
                planned += self._plan_new(session, missing - len(planned))
            for match in planned:
                queries.mark_started(session, match.id)
        del self._backlog[:n_waiting]
        for match in planned:
            self._playing[match.id] = match
            # A match that failed before is played alone, so that it cannot harm others.
            alone = match.failures > 0 or match.attempts > 1
            self.arena.submit(match.id, MatchSpec.from_json(dict(match.spec)), alone=alone)

    def _plan_new(self, session: Session, n: int) -> list[MatchRecord]:
        candidates = pool.candidates(session, self.season)
        if len(candidates) < 2:
            return []
        specs = {m.id: m.agent_spec for m in queries.list_members(session, statuses=("active",))}
        line_ups = choose_line_ups(
            candidates,
            self.rules.n_seats,
            n,
            self._rng,
            share=self.config.arena.matches_per_worker,
            floor_share=self.config.rating.floor_share,
        )
        planned = []
        for line_up in line_ups:
            spec = MatchSpec(
                seed=int(self._rng.integers(2**62)),
                map=self._maps[int(self._rng.integers(len(self._maps)))],
                agents=tuple(specs[member_id] for member_id, _ in line_up),
                rules=self.rules,
                views=self.views,
                rotation=int(self._rng.integers(self.rules.n_seats)),
            )
            spec = MatchSpec(**{**vars(spec), "map_sha256": self._map_sha256(spec.map)})
            plan = MatchPlan(
                purpose="rating",
                seed=spec.seed,
                map=spec.map,
                map_sha256=spec.map_sha256,
                rules_sha256=self.season.rules_sha256,
                spec=spec.to_json(),
                line_up=line_up,
                rotation=spec.rotation,
            )
            planned.append(queries.get_match(session, queries.plan_match(session, plan)))
        return planned

    def _map_sha256(self, reference: str) -> str:
        if reference not in self._map_hashes:
            self._map_hashes[reference] = load_map(reference, base=self.folder.root).sha256
        return self._map_hashes[reference]

    def _settle(self, outcome: Done | Failed) -> None:
        match = self._playing.get(outcome.job_id)
        if match is None:
            return
        if isinstance(outcome, Done):
            self._record(match, outcome.result)
        else:
            self._record_failure(match, outcome)
        del self._playing[match.id]

    def _record(self, match: MatchRecord, result: MatchResult) -> None:
        """Store a result, its replay and the new ratings."""
        path = self.folder.replays / f"{match.id:08d}{SUFFIX}"
        write_replay(result, path)
        seats = [
            SeatOutcome(*values)
            for values in zip(
                result.placements,
                result.tiles,
                result.troops,
                result.eliminated_tick,
                result.n_illegal,
                strict=True,
            )
        ]
        outcome = MatchOutcome(
            result.ticks, result.final_state_sha256, result.wall_s, self.folder.relative(path)
        )
        with write_transaction(self.engine) as session:
            queries.record_finished_match(
                session, match.id, outcome, seats, rate=rate_match, rating_version=RATING_VERSION
            )

    def _record_failure(self, match: MatchRecord, failed: Failed) -> None:
        """Count a failure; the match is played again, unless it failed too often."""
        guilty = set(blamed_agents(failed.error))
        with write_transaction(self.engine) as session:
            members = {m.agent_spec: m for m in queries.list_members(session)}
            blamed = [members[spec].id for spec in guilty if spec in members]
            log.warning("match %d failed: %s\n%s", match.id, failed.error, failed.traceback)
            status = queries.record_failed(
                session, match.id, f"{failed.error}\n{failed.traceback}".strip(), blamed=blamed
            )
            queries.add_event(
                session,
                "match_failed",
                f"match {match.id}: {failed.error}",
                level="warning",
                match_id=match.id,
            )
            for member_id in blamed:
                self._suspend_if_broken(session, member_id)
            if status == "planned":
                self._backlog.append(queries.get_match(session, match.id))

    def _suspend_if_broken(self, session: Session, member_id: int) -> None:
        member = queries.get_member(session, member_id)
        if member.failures_in_row < QUARANTINE_AFTER or member.status != "active":
            return
        status = "quarantined" if member.snapshot_sha256 else "suspended"
        queries.set_status(session, member_id, status)
        queries.add_event(
            session,
            status,
            f"{member.name} failed {member.failures_in_row} matches in a row and is {status}; "
            f"`league members resume {member.name}` lets it play again",
            level="alarm",
            member_id=member_id,
        )

    # --- learners ---------------------------------------------------------------------------------

    def _hear(self, message: LearnerMessage) -> None:
        learner_id = self._learner_ids[message.learner]
        if message.kind == "progress":
            self._record_progress(learner_id, message.value)
        elif message.kind == "offered":
            offered: Offered = message.value
            self._admit(message.learner, offered.sha256, offered.reason)
        elif message.kind == "ready":
            with write_transaction(self.engine) as session:
                learner = queries.learner_by_name(session, message.learner)
                assert learner is not None
                queries.upsert_learner(
                    session,
                    name=learner.name,
                    family=learner.family,
                    role=learner.role,
                    pid=self.learners.pids.get(message.learner),
                    status="running",
                )
            self._rosters_at = -ROSTER_EVERY_S
        elif message.kind in ("died", "given_up"):
            log.error("%s", message.value)
            with write_transaction(self.engine) as session:
                status = "stopped" if message.kind == "given_up" else "starting"
                queries.record_progress(session, learner_id, status=status)
                queries.add_event(session, "learner_died", message.value, level="alarm")

    def _record_progress(self, learner_id: int, progress: Progress) -> None:
        with write_transaction(self.engine) as session:
            queries.record_progress(
                session,
                learner_id,
                trained_decisions=progress.trained_decisions,
                progress=progress.numbers,
                status="running",
            )
            by_spec = {m.agent_spec: m.id for m in queries.list_members(session)}
            results = {
                by_spec[spec]: total for spec, total in progress.results.items() if spec in by_spec
            }
            queries.add_training_results(session, learner_id, results)

    def _admit(self, name: str, sha256: str, reason: str) -> None:
        """Make an offered snapshot a member, or refuse it with a sentence in the journal."""
        try:
            description = pool.check_offer(self.store, sha256, self.config)
        except (AgentError, OSError) as error:
            log.error("offered snapshot %s is refused: %s", sha256[:12], error)
            with write_transaction(self.engine) as session:
                queries.add_event(
                    session, "offer_refused", f"{name}: {sha256[:12]}: {error}", level="alarm"
                )
            self.store.discard(sha256)
            self._tell(name, Settled(sha256, None, str(error)))
            return
        with write_transaction(self.engine) as session:
            learner = queries.learner_by_name(session, name)
            assert learner is not None
            member = pool.admit_snapshot(session, learner, sha256, description, self.season)
            queries.add_event(
                session,
                "promotion",
                f"{member.name} joined the pool: {reason}",
                member_id=member.id,
                details={"trained_decisions": description.trained_decisions},
            )
        self.store.discard(sha256)
        log.info("%s joined the pool (%s): %s", member.name, sha256[:12], reason)
        self._tell(name, Settled(sha256, member.name, reason))
        self._rosters_at = -ROSTER_EVERY_S

    def _tell(self, name: str, order: object) -> None:
        if hasattr(self, "learners"):
            self.learners.send(name, order)

    def _send_rosters(self) -> None:
        with read_transaction(self.engine) as session:
            rows = queries.common_placements(
                session, self.season.rules_sha256, after_seq=self._payoff_seq
            )
            self.payoff.add_rows(rows)
            if rows:
                self._payoff_seq = max(row.seq for row in rows)
            rosters = {}
            for name, lineage in self._lineages.items():
                learner = queries.learner_by_name(session, name)
                assert learner is not None
                rosters[name] = pool.make_roster(
                    session, lineage, learner, self.payoff, self.season
                )
        for name, roster in rosters.items():
            self.learners.send(name, roster)

    # --- stopping ---------------------------------------------------------------------------------

    def close(self, grace_s: float) -> None:
        """End arena and learners; running matches are planned again, checkpoints are written."""
        self.arena.close(min(2.0, grace_s))
        for message in self.learners.stop(grace_s):
            self._hear(message)
        with write_transaction(self.engine) as session:
            queries.requeue_interrupted(session, purposes=("rating",))
            for learner_id in self._learner_ids.values():
                queries.record_progress(session, learner_id, status="stopped")

    def kill(self) -> None:
        """End arena and learners at once."""
        self.arena.close(0.0)
        self.learners.kill()
