"""Rated matches in trouble: a full disk, a contradiction, arithmetic, files that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from db import queries
from db.errors import DatabaseFullError, DatabaseUnreachableError
from db.session import read_transaction, write_transaction
from tests.league.daemon.rated import matches, rated_matches, season
from tests.league.daemon.scripted import Clock, League, ScriptedArena


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
        patch.setattr("league.daemon.matches.rate_function", lambda version: broken_rating)
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
