"""LocalArena: what only processes of this machine have, such as a parent that is killed.

What it shares with other arenas is in test_arena_contract.py.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from arena.errors import ArenaStopped
from arena.processes.jobs import Done, RestartLimits, WorkerLimits
from arena.processes.launch import Launcher
from arena.processes.local_arena import LocalArena
from tests.arena.processes import worker_toys
from tests.arena.processes.arenas import PATIENCE_S, collect, done, is_running, wait_until

HERE = Path(__file__).resolve().parent


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server")
def test_a_terminal_that_closes_leaves_the_end_of_the_workers_to_their_parent(
    make_local: Any,
) -> None:
    arena = make_local(1)
    arena.submit(1, ("who",))
    before = done(collect(arena, 1)[1]).result[0]
    for pid in (forkserver._forkserver._forkserver_pid, before):
        os.kill(pid, signal.SIGHUP)  # as the kernel sends it to all of the terminal's group
    arena.submit(2, ("who",))
    assert done(collect(arena, 1)[2]).result[0] == before


@pytest.fixture
def own_fork_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fork server of this test alone: the session's Ray driver would be lost with the usual one.

    Multiprocessing calls it by these names of its module.
    """
    server = forkserver.ForkServer()
    monkeypatch.setattr(forkserver, "_forkserver", server)
    for name in (
        "ensure_running",
        "get_inherited_fds",
        "connect_to_new_process",
        "set_forkserver_preload",
    ):
        monkeypatch.setattr(forkserver, name, getattr(server, name))
    yield
    server._stop()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server")
def test_a_killed_fork_server_costs_its_workers_which_come_back(
    own_fork_server: None, make_local: Any
) -> None:
    arena = make_local(1)
    arena.submit(1, ("who",))
    before = done(collect(arena, 1)[1]).result[0]
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    wait_until(lambda: not is_running(before))
    arena.poll(0.1)
    arena.submit(2, ("who",))
    assert done(collect(arena, 1)[2]).result[0] != before


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server")
def test_the_fork_server_loads_what_all_launchers_of_a_process_named() -> None:
    named = ["tests.arena.processes.worker_toys", "tests.league.daemon.learner_toys"]
    for module in named:
        Launcher(worker_toys.sleep_without_reading, [module])
    assert set(named) <= set(forkserver._forkserver._preload_modules)


def test_a_child_that_does_not_read_its_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    others = set(threading.enumerate())  # a Ray driver of the session has an outbox too
    launcher = Launcher(worker_toys.sleep_without_reading)
    child = launcher.launch("deaf", None, tmp_path / "out.txt")
    assert child.send(b"x" * 4_000_000)  # no pipe holds as much
    assert child.send("and more")
    assert child.close(0.0) == -signal.SIGKILL
    wait_until(lambda: all(t.name != "outbox" for t in set(threading.enumerate()) - others))
    assert not child.send("too late")


def test_workers_that_the_machine_keeps_from_starting_stop_the_pool_only_after_its_limit(
    make_local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []
    launch = Launcher.launch

    def refuse(self: Launcher, name: str, orders: object, output_path: Path) -> Any:
        launched.append(name)
        if len(launched) <= 12:  # ten deaths are allowed, three before any worker was ready
            raise OSError(errno.EMFILE, "Too many open files")
        return launch(self, name, orders, output_path)

    monkeypatch.setattr(Launcher, "launch", refuse)
    arena = make_local(1)
    assert not arena.is_ready
    arena.poll(0.0)
    assert "Too many open files" in arena.start_trouble
    arena.submit(1, ("add", 1))
    assert collect(arena, 1)[1] == Done(1, 101)
    assert arena.start_trouble is None and arena.is_ready
    launched.clear()
    limits = WorkerLimits(restart=RestartLimits(0.05, 0.1, trouble_limit_s=0.2))
    other = LocalArena("tests.arena.processes.worker_toys:play", 1, limits=limits)
    with other, pytest.raises(ArenaStopped, match=r"kept a worker from starting for 0.2 s.*Too m"):
        other.poll(PATIENCE_S)


def test_workers_leave_within_two_seconds_when_the_parent_is_killed(tmp_path: Path) -> None:
    program = f"""
        import pathlib, sys
        sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[2])!r}]
        from arena.processes.local_arena import LocalArena
        if __name__ == "__main__":
            toys = "tests.arena.processes.worker_toys"
            arena = LocalArena(toys + ":play", 2, {{"base": 1}}, setup=toys + ":set_up")
            file = pathlib.Path({str(tmp_path / "pid")!r})
            arena.submit(1, ("grip", str(file)))
            while arena.n_idle == 0 or not file.exists():
                arena.poll(0.1)
            print(*arena.pids, flush=True)
            while True:
                arena.poll(1.0)
    """
    (tmp_path / "parent.py").write_text(textwrap.dedent(program))
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2  # one never lets go of the interpreter, one is idle
        assert all(is_running(pid) for pid in pids)
        parent.kill()
        took_s = wait_until(lambda: not any(is_running(pid) for pid in pids))
    assert took_s < 2.0
