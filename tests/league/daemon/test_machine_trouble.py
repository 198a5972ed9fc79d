"""What the manager tells of learners and workers that wait for the machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from arena.processes.messages import Crashed
from db import queries
from db.errors import DatabaseUnreachableError
from db.session import read_transaction, write_transaction
from league.learner.messages import Progress, Ready, Waits
from tests.league.daemon.scripted import League, ScriptedProcess
from tests.league.daemon.test_manager import Run

FULL = "cannot write a checkpoint: disk full, needs 7 MB on /disk"


@pytest.fixture
def run(league: League) -> Run:
    started = Run(league)
    started.turn()
    return started


def waiting(run: Run) -> Any:
    run.manager._heartbeat._due = -100.0
    run.turn()
    with read_transaction(run.league.engine) as session:
        beat = queries.get_league_value(session, "daemon")
    assert beat is not None
    return beat["waiting"]


def test_a_learner_that_waits_is_one_alarm_and_stands_in_the_heartbeat(run: Run) -> None:
    run.say(Ready(0))
    for _ in range(5):
        run.say(Waits(FULL))
    assert run.events("machine_trouble") == [f"learner attention waits for the machine: it {FULL}"]
    assert waiting(run) == {"attention": FULL}
    run.say(Waits(None))
    assert run.events("machine_recovered") == ["learner attention goes on"]
    assert waiting(run) == {}
    assert run.learner().status == "running"


def test_a_learner_that_the_machine_ends_again_and_again_is_never_given_up(run: Run) -> None:
    crashed = Crashed("failed: OSError: No space left", "Traceback", of_machine=True)
    for _ in range(12):
        run.processes["attention"].messages.append(crashed)
        run.processes["attention"].exit_code = 3
        run.turn()
        run.manager.learners._places["attention"].start_at = 0.0
        run.turn()  # starts it
    assert run.learner().status == "starting"
    assert run.events("learner_died") == []
    assert len(run.events("machine_trouble")) == 7  # 1, 2, 4, .. 60 s
    assert waiting(run)["attention"].startswith("learner attention failed: OSError: No space left")
    run.say(Ready(0))
    assert waiting(run) == {}
    assert isinstance(run.processes["attention"], ScriptedProcess)


def test_workers_that_the_machine_keeps_from_starting_are_an_alarm(run: Run) -> None:
    assert waiting(run) == {}
    run.arena.start_trouble = "could not be started: OSError(24, 'Too many open files')"
    assert waiting(run) == waiting(run) == {"workers": run.arena.start_trouble}
    (event,) = run.events("machine_trouble")
    assert "no worker can be started" in event and "Too many open files" in event
    run.arena.start_trouble = None
    assert waiting(run) == {}
    assert run.events("machine_recovered") == ["the workers run again"]


def test_results_whose_commit_the_daemon_did_not_hear_of_count_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = {"scripted:tribe": (3, 1.5)}
    broken: list[str] = []

    def end(engine: Any, **how: Any) -> Any:
        @contextmanager
        def transaction() -> Any:
            with write_transaction(engine, **how) as session:
                yield session
            if not how.get("durable", True) and not broken:
                broken.append("after its commit")
                raise DatabaseUnreachableError("the connection broke")

        return transaction()

    monkeypatch.setattr("league.daemon.manager.write_transaction", end)
    with pytest.raises(DatabaseUnreachableError):
        run.say(Progress(64, {}, results, "ab", 1))
    run.turn()  # the daemon tries again
    run.say(Progress(128, {}, results, "ab", 2))
    run.say(Progress(192, {}, results, "cd", 1))  # a process that was started again
    learner = run.learner()
    with read_transaction(run.league.engine) as session:
        totals = queries.training_totals(session, learner.id)
    (total,) = totals.values()
    assert (total.games, total.beats) == (9, 4.5)
    assert learner.trained_decisions == 192 and broken == ["after its commit"]
