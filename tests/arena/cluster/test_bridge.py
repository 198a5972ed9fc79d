"""What the league's process makes of a cluster that loses workers, nodes and its head.

The driver is a real process that follows a script (scripted_driver); tests with Ray are in
tests/arena/processes/test_arena_contract.py, and tests/acceptance/ray_chaos.py joins a cluster.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.cluster.bridge import RemoteProcess
from arena.cluster.joining import knock
from arena.cluster.ray_arena import RayArena
from arena.errors import ArenaStopped
from arena.processes.jobs import Done, Failed, RestartLimits, WorkerLimits
from arena.processes.workplace import NEVER
from tests.arena.cluster import headless_driver, scripted_driver
from tests.arena.processes.arenas import collect, failed

Make = Callable[..., RayArena]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr("arena.cluster.bridge.run_driver", scripted_driver.run)
    made: list[RayArena] = []

    def make_arena(script: str, n_workers: int = 1, **limits: Any) -> RayArena:
        (tmp_path / "script.txt").write_text(script)
        restart = RestartLimits(0.02, 0.05, max_deaths=3)
        made.append(
            RayArena(
                "toys:play",
                n_workers,
                {"folder": str(tmp_path)},
                limits=WorkerLimits(restart=restart, **limits),
                address="auto",
            )
        )
        return made[-1]

    yield make_arena
    for arena in made:
        arena.close()


def drivers(tmp_path: Path) -> list[list[str]]:
    return [line.split() for line in (tmp_path / "drivers.txt").read_text().splitlines()]


def news(arena: RayArena) -> str:
    return "\n".join(f"{news.level}: {news.text}" for news in arena.take_news())


def test_a_worker_lost_with_its_node_costs_nobody_and_the_next_one_plays(make: Make) -> None:
    arena = make("lose lose lose lose play")  # three deaths of a worker's own would end the arena
    for attempt in range(4):
        arena.submit(attempt, attempt)
        lost = failed(collect(arena, 1)[attempt])
        assert (lost.fault, lost.blamed, lost.exit_code) == ("machine", (), None)
        assert lost.error == "worker 0 was lost on node 10.0.0.3: the node died"
    arena.submit(9, 9)
    assert collect(arena, 1) == {9: Done(9, 10)}
    told = news(arena)
    assert "info: workers run on a script" in told
    assert told.count("warning: node 10.0.0.3 has left the Ray cluster") == 4
    assert told.count("warning: a worker was lost on node 10.0.0.3") == 4
    assert arena.take_news() == []


def test_a_driver_that_is_killed_costs_the_jobs_in_flight_and_a_new_one_joins(
    make: Make, tmp_path: Path
) -> None:
    arena = make("die play play play", n_workers=2, matches_per_worker=1)
    arena.submit(1, 1)
    outcome = collect(arena, 1)[1]
    if isinstance(outcome, Done):  # the worker that plays on took it
        arena.submit(1, 1)
        arena.submit(2, 2)
        lost = [o for o in collect(arena, 2).values() if isinstance(o, Failed)]
    else:
        lost = [outcome]
    assert all(found.fault == "machine" for found in lost) and lost
    assert "was lost with the Ray cluster: the driver was killed by SIGKILL" in lost[0].error
    arena.submit(5, 5)
    assert collect(arena, 1) == {5: Done(5, 6)}
    (first, known_first), (second, known_second) = drivers(tmp_path)
    assert first != second
    assert (known_first, known_second) == ("False", "True")  # that nobody answers now passes
    assert "the Ray cluster is lost: the driver was killed by SIGKILL" in news(arena)


def test_a_cluster_that_is_refused_stops_the_arena_with_the_sentence(
    make: Make, tmp_path: Path
) -> None:
    arena = make("refuse")
    arena.submit(1, 1)
    with pytest.raises(
        ArenaStopped, match=r"^ray\.address = 'auto': expected a running Ray cluster"
    ):
        while True:
            arena.poll(5.0)
    assert len(drivers(tmp_path)) == 1


def test_a_cluster_that_cannot_be_reached_is_tried_again_as_trouble_of_the_machine(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arena = make("crash")
    while len(drivers_or_none(tmp_path)) < 2:
        arena.poll(0.05)
    said = "could not join the Ray cluster: ConnectionError: no head; restarting"
    assert said in caplog.text
    arena.submit(1, 1)
    assert collect(arena, 1) == {1: Done(1, 2)}
    assert arena.start_trouble is None


def test_a_driver_whose_head_is_gone_says_why_it_ends(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arena.cluster.bridge.run_driver", headless_driver.run)
    arena = make("")
    while not (told := news(arena)).count("warning: the Ray cluster is lost"):
        arena.poll(0.05)
    said = "the driver could not go on: ConnectionError: Ray Client is not connected"
    assert f"warning: the Ray cluster is lost: {said}" in told
    assert arena.start_trouble is not None and said in arena.start_trouble


def test_a_driver_that_never_joins_is_ended_after_the_limit_of_a_start(
    make: Make, tmp_path: Path
) -> None:
    first = make("silent", start_limit_s=0.5)
    first.submit(1, 1)
    said = r"ray\.address = 'auto': the driver did not join the Ray cluster within 0.5 s; expected"
    with pytest.raises(ArenaStopped, match=said):
        collect(first, 1)
    # Where the cluster was joined before, its head may come back: it is tried again.
    again = make("die silent play", start_limit_s=5.0)
    again.submit(1, 1)
    assert failed(collect(again, 1)[1]).fault == "machine"
    again.bridge._start_limit_s = 0.5
    (tmp_path / "script.txt").write_text("silent")
    again.submit(1, 1)
    assert collect(again, 1) == {1: Done(1, 2)}
    assert "did not join the Ray cluster within 0.5 s" in news(again)


def test_an_address_where_nobody_listens_is_told_within_seconds() -> None:
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        port = there.getsockname()[1]
        for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
            with pytest.raises(OSError, match="refused"):
                knock(address)
        there.listen()
        knock(f"127.0.0.1:{port}")
    knock("auto")  # Ray finds it, or says that there is none


def test_a_worker_may_wait_for_room_for_as_long_as_it_takes(make: Make) -> None:
    arena = make("play wait", n_workers=2, matches_per_worker=4)
    arena.submit(1, 1)
    collect(arena, 1)
    (waiting,) = [worker for worker in arena._workers if worker.stage == "starting"]
    assert waiting.deadline == NEVER
    for job_id in range(2, 6):
        arena.submit(job_id, job_id)
    # All four in one call: nobody keeps jobs back for a worker that has no place.
    assert collect(arena, 4) == {i: Done(i, i + 1) for i in range(2, 6)}
    assert arena.start_trouble is None and "lost" not in news(arena)


def test_a_cluster_that_is_away_delays_a_stop_once_and_not_for_each_worker(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = make("deaf " * 5, n_workers=5)
    while arena.n_idle < 5:
        arena.poll(0.05)
    waits: list[float] = []
    join = RemoteProcess.join

    def noted(self: RemoteProcess, timeout_s: float) -> bool:
        waits.append(timeout_s)
        return join(self, timeout_s)

    monkeypatch.setattr(RemoteProcess, "join", noted)
    monkeypatch.setattr("arena.cluster.bridge._KILL_LIMIT_S", 0.25)
    arena.close(0.0)
    assert [wait for wait in waits if wait > 0] == [0.25]


def drivers_or_none(tmp_path: Path) -> list[list[str]]:
    return drivers(tmp_path) if (tmp_path / "drivers.txt").exists() else []
