"""Rated matches: planned, recorded once, rated once, played again, or taken out of play."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from arena.replay import read_replay
from db import queries
from db.errors import DatabaseFullError, DatabaseUnreachableError
from db.records import MatchRecord
from db.session import read_transaction, write_transaction
from league.daemon.failures import QUARANTINE_AFTER
from league.daemon.matches import MatchSettings, RatedMatches
from league.members import admission
from league.rating.season import Season
from league.rating.trueskill import MU, SIGMA, replay
from tests.league.daemon.scripted import Clock, League, ScriptedArena, new_league


@pytest.fixture
def league(tmp_path: Path) -> Iterator[League]:
    with new_league(tmp_path / "league") as made:
        with write_transaction(made.engine) as session:
            admission.admit_scripted(session, made.config.rating.anchors, season(made))
        yield made


def season(league: League) -> Season:
    return Season.of(league.config.to_json())


def rated_matches(
    league: League,
    arena: ScriptedArena,
    backlog: list[MatchRecord] | None = None,
    clock: Clock | None = None,
) -> RatedMatches:
    config = league.config
    settings = MatchSettings(
        rules=config.rules.to_rules(),
        views=config.views.to_views(),
        maps=config.maps.rate,
        seed=config.seed,
        n_workers=1,
        matches_per_worker=2,
        floor_share=config.rating.floor_share,
    )
    return RatedMatches(
        league.folder,
        settings,
        league.engine,
        season(league),
        arena,
        backlog or [],
        clock=clock or Clock(),
    )


def matches(league: League, status: str | None = None) -> list[MatchRecord]:
    with read_transaction(league.engine) as session:
        return queries.list_matches(session, status=status)


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
    rated.turn(0.0)
    # 4 replays and their folder, then 4 rows, of which the last waits for all before it
    assert steps == ["file"] * 4 + ["folder"] + ["commit"] * 3 + ["commit and wait"]
    assert all(read_replay(league.folder.replays / f"{i:08d}.replay") for i in job_ids)


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
    with write_transaction(league.engine) as session:
        for name, status in out.items():
            member = queries.member_by_name(session, name)
            assert member is not None
            queries.set_status(session, member.id, status)
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    for _ in range(10):  # 40 matches of 4 seats among the 4 members that are left
        rated.turn(0.0)
        arena.finish(*[job_id for job_id, _, _ in arena.submitted[-4:]])
        rated.turn(0.0)
    seated = {agent for _, spec, _ in arena.submitted for agent in spec.agents}
    assert seated == {f"scripted:{n}" for n in ("idle", "random", "expander", "opportunist")}


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
    assert read_replay(league.folder.inside(match.replay_path)).spec == spec


def test_a_result_that_could_not_be_stored_is_kept_until_it_is(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    arena.finish(*[job_id for job_id, _, _ in arena.submitted])

    def full(*_: object, **__: object) -> None:
        raise DatabaseFullError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("db.queries.record_finished_match", full)
        with pytest.raises(DatabaseFullError):
            rated.turn(0.0)
        with pytest.raises(DatabaseFullError):
            rated.turn(0.0)
    rated.turn(0.0)
    assert [match.status for match in matches(league)[:4]] == ["finished"] * 4


def broken_rating(*_: object) -> list[tuple[float, float]]:
    raise ZeroDivisionError("float division by zero")


def test_a_match_whose_arithmetic_fails_is_set_aside_and_the_league_goes_on(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    first, *others = [job_id for job_id, _, _ in arena.submitted]
    with monkeypatch.context() as patch:
        patch.setattr("league.daemon.matches.rate_match", broken_rating)
        arena.finish(first)
        rated.turn(0.0)
    arena.finish(*others)
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        match = queries.get_match(session, first)
        (event,) = queries.list_events(session, kind="match_set_aside")
        assert queries.match_seats(session, first) == []
        assert queries.rating_log_is_gap_free(session)
    assert match.status == "failed" and match.error is not None
    assert match.error.startswith("ZeroDivisionError: float division by zero\nTraceback")
    assert (event.level, event.match_id) == ("alarm", first)
    assert len(matches(league, "finished")) == len(others)


def test_a_result_that_contradicts_the_stored_one_is_set_aside_and_can_be_healed(
    league: League,
) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    first = arena.submitted[0][0]
    arena.finish(first)
    rated.turn(0.0)
    with write_transaction(league.engine) as session:  # what a second daemon did
        session.execute(text("UPDATE matches SET status = 'planned' WHERE id = :i"), {"i": first})
    again = ScriptedArena()
    second_run = rated_matches(league, again, matches(league, "planned"))
    second_run.turn(0.0)
    assert again.submitted[0][0] == first
    again.finish(first)
    second_run.turn(0.0)  # pk_seats refuses it
    with read_transaction(league.engine) as session:
        assert queries.get_match(session, first).status == "failed"
        assert len(queries.list_events(session, kind="match_set_aside")) == 1
        log = queries.rating_log(session, season(league).rules_sha256)
    with write_transaction(league.engine) as session:
        assert [r.cure for r in queries.heal_unfinished_results(session)] == ["finish"]
        healed = queries.get_match(session, first)
        assert (healed.status, healed.error) == ("finished", None)
        assert queries.rating_log(session, season(league).rules_sha256) == log


def test_a_match_that_was_removed_meanwhile_is_an_event(league: League) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    first = arena.submitted[0][0]
    with write_transaction(league.engine) as session:
        session.execute(text("DELETE FROM matches WHERE id = :i"), {"i": first})
    arena.finish(first)
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        (event,) = queries.list_events(session, kind="match_set_aside")
    assert event.match_id is None and f"match {first} " in event.message


def test_a_planned_match_that_another_process_took_is_not_played(league: League) -> None:
    first = ScriptedArena()
    rated_matches(league, first).turn(0.0)
    with write_transaction(league.engine) as session:
        queries.requeue_interrupted(session)
    backlog = matches(league, "planned")
    with write_transaction(league.engine) as session:
        queries.mark_started(session, backlog[0].id)
    arena = ScriptedArena()
    rated_matches(league, arena, backlog).turn(0.0)
    assert [job_id for job_id, _, _ in arena.submitted] == [match.id for match in backlog[1:]]


def test_a_failure_whose_commit_failed_is_played_again_once(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)
    first = arena.submitted[0][0]
    arena.fail(first)

    @contextmanager
    def breaks_at_the_commit(engine: Engine) -> Iterator[Session]:
        with Session(engine) as session:
            yield session
            session.rollback()
            raise DatabaseUnreachableError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr("league.daemon.failures.write_transaction", breaks_at_the_commit)
        rated.listen(0.0)
        with pytest.raises(DatabaseUnreachableError):
            rated.settle()
    rated.turn(0.0)
    for _ in range(3):
        arena.finish(*[i for i, _, _ in arena.submitted if i != first])
        rated.turn(0.0)
    assert [job_id for job_id, _, _ in arena.submitted].count(first) == 2


def test_a_plan_that_could_not_be_stored_is_not_lost(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ScriptedArena()
    rated_matches(league, first).turn(0.0)
    with write_transaction(league.engine) as session:
        queries.requeue_interrupted(session)
    backlog = matches(league, "planned")
    arena = ScriptedArena()
    rated = rated_matches(league, arena, backlog)

    def full(*_: object, **__: object) -> None:
        raise DatabaseFullError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("db.queries.mark_started", full)
        with pytest.raises(DatabaseFullError):
            rated.turn(0.0)
    assert arena.submitted == []
    rated.turn(0.0)
    assert [job_id for job_id, _, _ in arena.submitted] == [match.id for match in backlog]


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


def test_a_planned_match_that_cannot_be_read_is_set_aside(league: League) -> None:
    first = ScriptedArena()
    rated_matches(league, first).turn(0.0)
    with write_transaction(league.engine) as session:
        queries.requeue_interrupted(session)
    damaged, *whole = matches(league, "planned")
    arena = ScriptedArena()
    rated_matches(league, arena, [replace(damaged, spec={"seed": "x"}), *whole]).turn(0.0)
    assert damaged.id not in [job_id for job_id, _, _ in arena.submitted]
    assert [match.id for match in matches(league, "failed")] == [damaged.id]
    assert len(arena.submitted) == len(whole)


def test_trouble_of_the_machine_blames_nobody_and_the_match_waits_longer_each_time(
    league: League,
) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = rated_matches(league, arena, clock=clock)
    rated.turn(0.0)
    job_id = arena.submitted[0][0]
    pauses = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]
    for pause_s in pauses:
        arena.trouble(job_id, "scripted:tribe")
        rated.turn(0.0)
        n_tries = [job for job, _, _ in arena.submitted].count(job_id)
        clock.now += pause_s - 0.5
        arena.finish(*[job for job, _, _ in arena.submitted if job != job_id])
        rated.turn(0.0)
        rated.turn(0.0)
        assert [job for job, _, _ in arena.submitted].count(job_id) == n_tries
        arena.finish(*[job for job, _, _ in arena.submitted if job != job_id])
        rated.turn(0.0)
        clock.now += 0.5
        rated.turn(0.0)
        assert [job for job, _, _ in arena.submitted].count(job_id) == n_tries + 1
    with read_transaction(league.engine) as session:
        match = queries.get_match(session, job_id)
        assert (match.status, match.failures, match.error) == ("running", 0, None)
        assert all(m.failures == 0 for m in queries.list_members(session))
        events = queries.list_events(session, kind="machine_trouble")
        assert len(events) == 7  # one each time that the pause grows: 1, 2, 4, 8, 16, 32, 60
        assert all(event.level == "alarm" and "Permission" in event.message for event in events)
        assert queries.list_events(session, kind="machine_recovered") == []
    arena.finish(job_id)
    rated.turn(0.0)
    with read_transaction(league.engine) as session:
        assert queries.get_match(session, job_id).status == "finished"
        assert len(queries.list_events(session, kind="machine_recovered")) == 1


def test_others_play_on_while_an_agent_cannot_be_read(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = rated_matches(league, arena, clock=clock)
    rated.turn(0.0)
    first = [job for job, _, _ in arena.submitted]
    arena.trouble(first[0], "scripted:tribe")
    arena.finish(*first[1:])
    rated.turn(0.0)
    for _ in range(10):
        rated.turn(0.0)
        arena.finish(*[job for job, _, _ in arena.submitted[-3:]])
        rated.turn(0.0)
    new = [spec.agents for job, spec, _ in arena.submitted if job not in first]
    assert len(new) > 10 and not any("scripted:tribe" in agents for agents in new)


def test_when_nothing_can_be_read_no_more_is_planned_than_usual(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = rated_matches(league, arena, clock=clock)
    for _ in range(10):
        rated.turn(0.0)
        for job in rated._playing:
            arena.trouble(job)
    assert len(matches(league)) == 4  # two batches of two, as ever


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
