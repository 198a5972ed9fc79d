"""What every arena promises, whether its workers run on this machine or on a Ray cluster.

Real processes that raise, hang, are killed, and are told to leave.
"""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from arena.errors import ArenaStopped, WorkerError
from arena.processes.jobs import Done, Failed, RestartLimits, WorkerLimits
from tests.arena.processes.arenas import PATIENCE_S, collect, done, failed, is_running, wait_until


def test_jobs_come_back_once_each_with_their_results(make_arena: Any) -> None:
    arena = make_arena(2, matches_per_worker=3)
    for job_id in range(20):
        arena.submit(job_id, ("add", job_id))
    assert (arena.n_waiting, arena.n_running) == (20, 0)
    outcomes = collect(arena, 20)
    assert outcomes == {job_id: Done(job_id, 100 + job_id) for job_id in range(20)}
    assert (arena.n_waiting, arena.n_running) == (0, 0)
    assert arena.poll(0.0) == []


def test_jobs_are_shared_out_evenly_up_to_the_limit_unless_alone(make_arena: Any) -> None:
    arena = make_arena(1, matches_per_worker=3)
    for job_id in range(5):
        arena.submit(job_id, ("who",), alone=job_id == 4)
    sizes = {job_id: done(played).result[1] for job_id, played in collect(arena, 5).items()}
    assert sizes == {0: 3, 1: 3, 2: 3, 3: 1, 4: 1}  # 0-2 together, 3 left over, 4 alone
    arena.submit(9, ("who",))
    assert done(collect(arena, 1)[9]).result[2] == "1"  # threads for numeric libraries
    assert os.environ.get("OMP_NUM_THREADS") == THREADS_BEFORE


THREADS_BEFORE = os.environ.get("OMP_NUM_THREADS")


def test_only_the_match_that_raises_fails_and_its_worker_lives_on(make_arena: Any) -> None:
    arena = make_arena(1, matches_per_worker=8)
    orders = [("add", 1), ("raise", 5), ("fail",), ("leave",), ("lock",), ("unreadable",)]
    for job_id, order in enumerate(orders):
        arena.submit(job_id, order)
    outcomes = collect(arena, 6)
    pids = arena.pids
    assert outcomes[0] == Done(0, 101)
    assert failed(outcomes[1]).error == "ValueError: bad move 5"
    assert "in _play_one" in failed(outcomes[1]).traceback
    assert outcomes[2] == Failed(2, "a rule was broken", "line 1\nline 2", "match", ("toy",))
    assert failed(outcomes[3]).error == "SystemExit: 7"
    assert "cannot be sent" in failed(outcomes[4]).error
    assert "cannot be read" in failed(outcomes[5]).error
    assert {failed(outcomes[job_id]).fault for job_id in range(1, 6)} == {"match"}
    arena.submit(9, ("who",))
    assert done(collect(arena, 1)[9]).result[0] == pids[0]  # the same process all along


def test_a_worker_killed_in_a_match_is_named_and_replaced(make_arena: Any, tmp_path: Path) -> None:
    arena = make_arena(2, matches_per_worker=1)
    arena.submit(1, ("hang", str(tmp_path / "pid")))
    arena.submit(2, ("add", 2))
    outcomes = collect(arena, 1)
    assert outcomes == {2: Done(2, 102)}
    wait_until((tmp_path / "pid").exists)
    wait_until(lambda: (tmp_path / "pid").read_text() != "")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    lost = failed(collect(arena, 1)[1])
    assert lost.fault == "worker"
    assert "was killed by SIGKILL (from outside, or out of memory)" in lost.error
    arena.submit(1, ("add", 1), alone=True)
    arena.submit(3, ("add", 3))
    assert collect(arena, 2) == {1: Done(1, 101), 3: Done(3, 103)}


def test_a_crash_in_compiled_code_leaves_its_last_words(make_arena: Any) -> None:
    arena = make_arena(1)
    arena.submit(1, ("segfault",))
    arena.submit(2, ("exit", 9), alone=True)
    outcomes = collect(arena, 2)
    assert "was killed by SIGSEGV" in failed(outcomes[1]).error
    assert "Segmentation fault" in failed(outcomes[1]).traceback
    assert "worker_toys.py" in failed(outcomes[1]).traceback
    assert "exited with code 9" in failed(outcomes[2]).error
    codes = [failed(outcomes[job_id]).exit_code for job_id in (1, 2)]
    assert codes == [-signal.SIGSEGV, 9]


def test_ticks_keep_a_slow_match_alive_and_messages_without_ticks_do_not(make_arena: Any) -> None:
    arena = make_arena(2, matches_per_worker=1, lease_s=1.2)
    arena.submit(1, ("slow", 20))  # 2 s, with a new tick told every 0.5 s
    arena.submit(2, ("stuck",))
    outcomes = collect(arena, 2)
    assert outcomes[1] == Done(1, "slow but sure")
    assert failed(outcomes[2]).fault == "timeout"
    assert "made no progress for 1.2 s after tick 5 and was killed" in failed(outcomes[2]).error
    arena.submit(3, ("add", 3))
    assert collect(arena, 1)[3] == Done(3, 103)


def test_a_match_that_plays_on_for_ever_meets_the_wall_limit(make_arena: Any) -> None:
    arena = make_arena(1, match_limit_s=1.0)
    arena.submit(1, ("slow", 6000))
    lost = failed(collect(arena, 1)[1])
    assert lost.fault == "timeout"
    assert "longer than the limit of 1 s" in lost.error


def test_workers_are_recycled_after_their_share_of_matches(make_arena: Any) -> None:
    arena = make_arena(1, matches_per_worker=2, recycle_after=4)
    for job_id in range(10):
        arena.submit(job_id, ("who",))
    pids = [done(played).result[0] for _, played in sorted(collect(arena, 10).items())]
    assert len(set(pids)) == 3  # 4 + 4 + 2
    wait_until(lambda: not is_running(pids[0]))


def test_all_workers_are_recycled_where_there_is_room_for_no_more_of_them(make_arena: Any) -> None:
    arena = make_arena(2, matches_per_worker=1, recycle_after=1)  # Ray's fixture has two CPUs
    for job_id in range(8):
        arena.submit(job_id, ("who",))
    pids = [done(played).result[0] for played in collect(arena, 8).values()]
    assert len(set(pids)) == 8

    def are_idle() -> bool:
        arena.poll(0.1)
        return bool(arena.n_idle == 2)

    wait_until(are_idle)


def test_too_many_deaths_stop_the_pool_and_say_why(make_arena: Any) -> None:
    arena = make_arena(1, matches_per_worker=1, max_deaths=3)
    for job_id in range(5):
        arena.submit(job_id, ("exit", 9))
    lost = collect(arena, 3)
    assert {failed(outcome).fault for outcome in lost.values()} == {"worker"}
    with pytest.raises(ArenaStopped, match=r"unexpectedly 3 times within 300 s.*code 9"):
        arena.poll(5.0)
    with pytest.raises(ArenaStopped):
        arena.submit(9, ("add", 1))
    assert arena.n_waiting == 2


def test_workers_that_are_never_ready_stop_the_pool_after_the_third(make_arena: Any) -> None:
    arena = make_arena(1, settings={"broken": True})  # ten deaths are allowed
    arena.submit(1, ("add", 1))
    with pytest.raises(ArenaStopped, match=r"no worker was ever ready, 3 .*no such network"):
        collect(arena, 1)


def test_a_player_that_cannot_be_set_up_stops_the_pool_with_its_own_words(
    make_arena: Any, engine: Any
) -> None:
    arena = make_arena(1, settings={"broken": True}, max_deaths=2)
    arena.submit(1, ("add", 1))
    with pytest.raises(ArenaStopped, match="set up its player: RuntimeError: no such network"):
        collect(arena, 1)
    limits = WorkerLimits(restart=RestartLimits(max_deaths=1))
    missing = engine("tests.arena.processes.worker_toys:nothing", 1, limits=limits)
    with missing, pytest.raises(ArenaStopped, match="has no attribute 'nothing'"):
        missing.poll(PATIENCE_S)


def test_records_and_warnings_of_workers_reach_the_parents_log_and_nothing_else(
    make_arena: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    arena = make_arena(1)
    arena.submit(1, ("talk",))
    assert collect(arena, 1)[1] == Done(1, "talked")
    records = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert ("toys", "WARNING", "[worker 0] the toy said 5") in records
    assert any("a toy warning" in text for name, _, text in records if name == "py.warnings")
    assert not any("never sent" in text for _, _, text in records)
    captured = capfd.readouterr()
    assert "printed" not in captured.out + captured.err
    assert "written" not in captured.out + captured.err


def test_sigint_is_ignored_and_sigterm_is_obeyed(make_arena: Any) -> None:
    arena = make_arena(1)
    arena.submit(1, ("who",))
    pid = done(collect(arena, 1)[1]).result[0]
    os.kill(pid, signal.SIGINT)
    arena.submit(2, ("who",))
    assert done(collect(arena, 1)[2]).result[0] == pid
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_running(pid))
    arena.submit(3, ("who",))
    arena.submit(4, ("who",))
    outcomes = collect(arena, 2)  # a job sent just before the death was seen may be lost
    for job_id in (3, 4):
        outcome = outcomes[job_id]
        assert isinstance(outcome, Done) or "SIGTERM" in outcome.error


def test_closing_ends_playing_workers_within_the_grace(make_arena: Any, tmp_path: Path) -> None:
    arena = make_arena(2)
    arena.submit(1, ("hang", str(tmp_path / "pid")))
    while not (tmp_path / "pid").exists():
        arena.poll(0.05)
    pids = arena.pids
    arena.close(grace_s=5.0)
    assert not any(is_running(pid) for pid in pids)
    arena.close()  # twice is fine
    with pytest.raises(WorkerError, match="is closed"):
        arena.poll(0.0)


def test_misuse_is_refused_with_what_was_expected(make_arena: Any, engine: Any) -> None:
    with pytest.raises(WorkerError, match="'module:function', found 'toys'"):
        engine("toys", 1)
    with pytest.raises(WorkerError, match="at least 1, found 0"):
        engine("tests.arena.processes.worker_toys:play", 0)
    with pytest.raises(WorkerError, match="lease_s above 0, found 0"):
        WorkerLimits(lease_s=0)
    with pytest.raises(WorkerError, match="settings cannot be sent"):
        engine("tests.arena.processes.worker_toys:play", 1, {"base": lambda: None})
    arena = make_arena(1)
    arena.submit(1, ("add", 1))
    with pytest.raises(WorkerError, match="job 1: expected a new job id"):
        arena.submit(1, ("add", 1))
    with pytest.raises(WorkerError, match="job 2: cannot be sent"):
        arena.submit(2, lambda: None)
    assert arena.n_waiting == 1
