"""Rated matches: planned, recorded once, rated once, played again, or taken out of play."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event

from arena.processes.jobs import Done
from arena.replay import SUFFIX, Label, read_replay
from db import queries
from db.session import read_transaction, write_transaction
from league.daemon.failures import QUARANTINE_AFTER
from league.members import admission
from league.rating.replay import replay
from league.rating.trueskill import MU, SIGMA
from tests.league.daemon.rated import matches, rated_matches, season
from tests.league.daemon.scripted import League, ScriptedArena


def test_it_keeps_two_batches_per_worker_in_play(league: League) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    # 1 worker x 2 matches, twice: one batch in play, one waiting
    assert len(arena.submitted) == rated.n_playing == 4
    rated.turn(0.0)
    assert len(arena.submitted) == 4
    arena.finish(*[job_id for job_id, _, _ in arena.submitted[:2]])
    rated.turn(0.0)  # records two
    assert rated.n_playing == 2
    rated.turn(0.0)  # plans a batch of two
    assert rated.n_playing == 4 and len(arena.submitted) == 6
    assert {match.status for match in matches(league)} == {"finished", "running"}


def test_replays_are_on_disk_before_the_rows_that_name_them(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    job_ids = [job_id for job_id, _, _ in arena.submitted]
    steps: list[str] = []
    sync = os.fsync

    def fsync(handle: int) -> None:
        is_folder = os.fstat(handle).st_ino == league.folder.replays.stat().st_ino
        steps.append("folder" if is_folder else "file")
        sync(handle)

    monkeypatch.setattr("arena.files.os.fsync", fsync)
    levels = {1: "commit", 2: "commit and wait"}

    def committed(connection: Connection) -> None:
        steps.append(levels[connection.exec_driver_sql("PRAGMA synchronous").scalar_one()])

    event.listen(league.engine, "commit", committed)
    arena.finish(*job_ids)
    arena.outcomes.append(Done(999_999, None))  # of no match in play: it commits nothing
    rated.turn(0.0)
    # 4 replays and their folder, then 4 rows, of which the last waits for all before it
    assert steps == ["file"] * 4 + ["folder"] + ["commit"] * 3 + ["commit and wait"]
    assert all(read_replay(league.folder.replays / f"{i:08d}.replay") for i in job_ids)


@pytest.mark.parametrize(("outlives", "level"), [(False, 1), (True, 2)])
def test_a_plan_waits_for_the_disk_where_the_daemon_may_outlive_its_database(
    league: League, monkeypatch: pytest.MonkeyPatch, outlives: bool, level: int
) -> None:
    monkeypatch.setattr("league.daemon.matches.may_outlive", lambda engine: outlives)
    levels: list[int] = []

    def committed(connection: Connection) -> None:
        levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    rated = rated_matches(league, ScriptedArena())
    event.listen(league.engine, "commit", committed)
    rated.turn(0.0)
    assert rated.n_playing == 4 and levels[-1] == level  # 1: NORMAL, 2: FULL


def test_a_planned_match_is_what_the_league_says(league: League) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    arena.finish(*[job_id for job_id, _, _ in arena.submitted])
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        active = {m.id: m.agent_spec for m in queries.list_members(session, statuses=("active",))}
        for job_id, spec, alone in arena.submitted:
            seats = queries.match_seats(session, job_id)
            assert spec.agents == tuple(active[seat.member_id] for seat in seats)
            assert spec.rules == league.config.rules.to_rules()
            assert spec.views == league.config.views.to_views()
            assert spec.map == "generated:plains:64x64:2" and len(spec.map_sha256) == 64
            assert not alone


def test_a_retired_or_quarantined_member_is_not_matched(league: League) -> None:
    out = {"tribe": "retired", "turtle": "quarantined"}
    staying = set(league.config.rating.scripted_members) - set(out)
    with write_transaction(league.engine) as session:
        for name, status in out.items():
            member = queries.member_by_name(session, name)
            assert member is not None
            queries.set_status(session, member.id, status)
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    for _ in range(10):  # 40 matches of 4 seats among the members that are left
        rated.turn(0.0)
        arena.finish(*[job_id for job_id, _, _ in arena.submitted[-4:]])
        rated.turn(0.0)
    seated = {agent for _, spec, _ in arena.submitted for agent in spec.agents}
    assert seated == {f"scripted:{name}" for name in staying}


def test_a_result_is_stored_with_its_replay_and_rated_exactly_once(league: League) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    job_id, spec, _ = arena.submitted[0]
    arena.finish(job_id)
    rated.turn(0.0)
    arena.finish(job_id)  # the same outcome again
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        match = queries.get_match(session, job_id)
        seats = queries.match_seats(session, job_id)
        log = queries.rating_log(session, season(league).rules_sha256)
        ratings = queries.latest_ratings(session, season(league).rules_sha256)
    assert (match.status, match.ticks, match.wall_s) == ("finished", 1_500, 0.25)
    assert [seat.placement for seat in seats] == [1, 2, 3, 4]
    assert [row.match_id for row in log].count(job_id) == 4  # a row per seat, once
    assert {i: (r.mu, r.sigma) for i, r in ratings.items()} == replay(log)
    assert match.replay_path is not None
    recorded = read_replay(league.folder.inside(match.replay_path))
    assert recorded.spec == spec
    with read_transaction(league.engine) as session:
        names = tuple(queries.get_member(session, member).name for member, _ in match.line_up)
    assert recorded.label == Label(names, match.rules_sha256, match.map_sha256, match.id)


def test_interrupted_matches_are_played_first_and_alone(league: League) -> None:
    first = ScriptedArena()
    rated_matches(league, first).turn(0.0)  # and then the process died
    with write_transaction(league.engine) as session:
        queries.requeue_interrupted(session)
        queries.requeue_interrupted(session)
    backlog = matches(league, "planned")
    arena = ScriptedArena()
    rated_matches(league, arena, backlog).turn(0.0)
    again = [(job_id, spec) for job_id, spec, _ in arena.submitted]
    assert again == [(job_id, spec) for job_id, spec, _ in first.submitted]
    # One attempt was interrupted, so any one of them may be what killed the process, or none:
    # they share a call; from the second attempt on each is played alone.
    assert not any(alone for _, _, alone in arena.submitted)
    with write_transaction(league.engine) as session:
        queries.requeue_interrupted(session)
    last = ScriptedArena()
    rated_matches(league, last, matches(league, "planned")).turn(0.0)
    assert all(alone for _, _, alone in last.submitted)


def test_a_failed_match_is_played_again_alone_and_then_given_up(league: League) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    job_id = arena.submitted[0][0]
    for failures in (1, 2, 3):
        arena.fail(job_id)
        rated.turn(0.0)
        with read_transaction(league.engine) as session:
            match = queries.get_match(session, job_id)
        assert match.failures == failures
        # it failed 3 times (db.queries.matches.MAX_FAILURES): given up
        assert match.status == ("failed" if failures == 3 else "planned")
        assert match.error == "ValueError: bad move\nline 7"
        others = [job for job, _, _ in arena.submitted if job != job_id]
        arena.finish(*others)
        rated.turn(0.0)
        rated.turn(0.0)
    tries = [alone for job, _, alone in arena.submitted if job == job_id]
    assert tries == [False, True, True]
    with read_transaction(league.engine) as session:
        assert len(queries.list_events(session, kind="match_failed")) == 3


def test_a_failure_rates_nobody_and_counts_against_the_blamed_alone(league: League) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    arena.fail(arena.submitted[0][0], "scripted:tribe", "scripted:not-here")
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        failures = {m.name: m.failures for m in queries.list_members(session)}
        ratings = queries.latest_ratings(session, season(league).rules_sha256).values()
    assert {name for name, n in failures.items() if n} == {"tribe"}
    assert {(rating.mu, rating.sigma) for rating in ratings} == {(MU, SIGMA)}


@pytest.mark.parametrize(("snapshot", "status"), [("a" * 64, "quarantined"), (None, "suspended")])
def test_a_member_that_keeps_failing_is_taken_out_of_play(
    league: League, snapshot: str | None, status: str
) -> None:
    with write_transaction(league.engine) as session:
        spec = f"snapshot:{snapshot}" if snapshot else "plugin:mybots:make"
        member_id = queries.add_member(
            session,
            name="broken",
            family="plugin",
            role="main",
            agent_spec=spec,
            snapshot_sha256=snapshot,
        )
        admission.admit_rating(session, queries.get_member(session, member_id), season(league))
    arena = ScriptedArena()
    rated = rated_matches(league, arena)

    def status_of_broken() -> str:
        with read_transaction(league.engine) as session:
            return queries.get_member(session, member_id).status

    for n_failures in range(1, QUARANTINE_AFTER + 1):
        assert status_of_broken() == "active"
        rated.turn(0.0)
        waiting = [job for job, _, _ in arena.submitted if job in rated._playing]
        arena.fail(waiting[0], spec)
        rated.turn(0.0)
        assert (status_of_broken() == status) is (n_failures == QUARANTINE_AFTER)
    with read_transaction(league.engine) as session:
        (event,) = queries.list_events(session, kind=status)
    assert event.level == "alarm" and "league members resume broken" in event.message
    assert ("checks its snapshot" in event.message) is (status == "quarantined")


def test_a_result_of_other_weights_than_the_line_ups_is_refused_and_played_again(
    league: League,
) -> None:
    sha256 = "a" * 64
    with write_transaction(league.engine) as session:
        member_id = queries.add_member(
            session,
            name="attention-0001",
            family="attention",
            role="main",
            agent_spec=f"snapshot:{sha256}",
            snapshot_sha256=sha256,
        )
        admission.admit_rating(session, queries.get_member(session, member_id), season(league))
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    seated = [i for i, spec, _ in arena.submitted if f"snapshot:{sha256}" in spec.agents]
    stale, fresh = seated[:2]
    arena.finish(stale, fresh)
    old = replace(arena.outcomes[0].result, weights=("b" * 64,) * 4)
    arena.outcomes[0] = Done(stale, old)
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        found = {i: queries.get_match(session, i) for i in (stale, fresh)}
        counts = queries.match_counts(session, season(league).rules_sha256)
    assert found[fresh].status == "finished"
    assert (found[stale].status, found[stale].failures) == ("planned", 1)
    assert counts[member_id] == 1
    assert not (league.folder.replays / f"{stale:08d}{SUFFIX}").exists()
    rated.turn(0.0)
    again = [(spec, alone) for i, spec, alone in arena.submitted if i == stale]
    assert len(again) == 2 and again[1][1]  # the second time alone
    arena.finish(stale)
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        assert queries.get_match(session, stale).status == "finished"


def test_a_success_ends_a_row_of_failures(league: League) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    with read_transaction(league.engine) as session:
        tribe = queries.member_by_name(session, "tribe")
    assert tribe is not None
    for _ in range(QUARANTINE_AFTER - 1):
        rated.turn(0.0)
        waiting = [job for job, _, _ in arena.submitted if job in rated._playing]
        arena.fail(waiting[0], "scripted:tribe")
        rated.turn(0.0)
    with_tribe = [
        job
        for job, spec, _ in arena.submitted
        if job in rated._playing and "scripted:tribe" in spec.agents
    ]
    arena.finish(with_tribe[0])
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        now = queries.get_member(session, tribe.id)
    assert (now.failures, now.failures_in_row) == (QUARANTINE_AFTER - 1, 0)


def test_with_fewer_than_two_active_members_nothing_is_planned(league: League) -> None:
    with write_transaction(league.engine) as session:
        for member in queries.list_members(session)[1:]:
            queries.set_status(session, member.id, "retired")
    arena = ScriptedArena()
    rated_matches(league, arena).turn(0.0)
    assert arena.submitted == [] and matches(league) == []


def test_closing_closes_the_arena_within_the_grace(league: League) -> None:
    arena = ScriptedArena()
    rated_matches(league, arena).close(1.5)
    assert arena.closed_with == [1.5]
