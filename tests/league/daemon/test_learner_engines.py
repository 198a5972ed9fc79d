"""What carries learners promises alike, whether on this machine or on a Ray cluster.

Real processes, which train nothing (learner_toys); tests/league/daemon/test_ranks.py trains.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from arena.cluster.bridge import Bridge
from arena.cluster.messages import Room
from arena.processes.launch import Launcher
from arena.processes.supervisor import Process
from league.daemon.cluster import launch_far
from league.daemon.learners import Died, Learners, launch_ranks
from league.learner.messages import Finished, Progress, Ready, Roster, Stop
from league.matchmaking.opponents import Foe
from tests.arena.processes.arenas import is_running, wait_until
from tests.league.daemon import learner_toys
from tests.league.daemon.learner_toys import ToyOrders

ROSTER = Roster((Foe(0, 0.5),), {0: "scripted:tribe"}, ())
RUN = "tests.league.daemon.learner_toys:run"
LIMIT_S = 60.0


class Carried:
    """A learner of two ranks under the daemon's own hand."""

    def __init__(self, folder: Path, start: Callable[[], Process], lease_s: float = 600.0) -> None:
        self.folder = folder
        self.learners = Learners(
            ["toy"],
            lambda name: None,  # type: ignore[arg-type,return-value]
            lambda name, given: start(),
            lease_s=lease_s,
        )

    def until(self, kind: type) -> Any:
        """Return the first message of a kind; the others are passed over."""
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends:
            for message in self.learners.poll():
                if isinstance(message.message, kind):
                    return message.message
            time.sleep(0.02)
        raise AssertionError(f"expected {kind.__name__} within {LIMIT_S:g} s")

    def pid(self, rank: int) -> int:
        path = self.folder / f"rank{rank}.pid"
        wait_until(lambda: path.exists() and path.read_text() != "")
        return int(path.read_text())


def far(bridge: Bridge, folder: Path, n: int = 2, n_cpus: int = 1) -> Callable[[], Process]:
    def start() -> Process:
        room = Room(bridge.new_group(), size=n, n_cpus=n_cpus)
        orders = ToyOrders(str(folder))
        return launch_far(
            bridge,
            "toy",
            room,
            lambda place: ToyOrders(orders.folder, place),
            is_here=False,
            target=RUN,
        )

    return start


def near(folder: Path, n: int = 2) -> Callable[[], Process]:
    launcher = Launcher(learner_toys.run, ["tests.league.daemon.learner_toys"])
    return lambda: launch_ranks(
        launcher, "toy", n, lambda place: ToyOrders(str(folder), place), folder
    )


def listening(process: psutil.Process) -> list[str]:
    ports = process.net_connections("inet")
    return [port.laddr.ip for port in ports if port.status == psutil.CONN_LISTEN]


@pytest.fixture(params=["local", "ray"])
def carried(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Carried]:
    if request.param == "ray":
        made = Carried(tmp_path, far(request.getfixturevalue("ray_bridge"), tmp_path))
    else:
        made = Carried(tmp_path, near(tmp_path))
    yield made
    made.learners.kill()


def test_it_learns_its_ranks_meet_and_a_stop_ends_all_of_them(carried: Carried) -> None:
    assert carried.until(Ready) == Ready(0)
    carried.learners.send("toy", ROSTER)
    assert carried.until(Progress) == Progress(1)
    assert carried.learners.pids == {"toy": carried.pid(0)}
    met = carried.folder / "rank1.met"
    wait_until(met.exists)  # the first has said where, and the others have heard
    assert met.read_text().endswith(":7") and not (carried.folder / "rank0.met").exists()
    pids = [carried.pid(rank) for rank in (0, 1)]

    said = [message.message for message in carried.learners.stop(Stop(), LIMIT_S)]

    assert said[-1] == Finished() and carried.learners.pids == {}
    wait_until(lambda: not any(map(is_running, pids)))


def test_a_killed_rank_ends_the_group_which_goes_on_from_its_checkpoint(carried: Carried) -> None:
    carried.until(Ready)
    carried.learners.send("toy", ROSTER)
    carried.until(Progress)
    first, other = carried.pid(0), carried.pid(1)
    os.kill(other, signal.SIGKILL)

    died = carried.until(Died)

    assert not died.given_up and not died.of_machine
    assert died.text.startswith("learner toy lost its rank 1, which was killed by SIGKILL")
    assert carried.until(Ready) == Ready(1)  # what it had learned is there
    assert not is_running(first)
    carried.learners.send("toy", ROSTER)
    assert carried.until(Progress) == Progress(2)
    carried.learners.send("toy", Roster((), {}, ()))
    died = carried.until(Died)
    assert died.text.startswith("learner toy failed: ValueError: nobody to meet; starting again")
    assert not died.of_machine  # it is counted
    wait_until(lambda: not is_running(carried.pid(0)) and not is_running(carried.pid(1)))


def test_an_actor_that_is_killed_is_trouble_of_the_machine_and_its_place_is_given_back(
    ray_bridge: Bridge, tmp_path: Path
) -> None:
    # Its bundle is more than half of the cluster: the second must have the first's place.
    carried = Carried(tmp_path, far(ray_bridge, tmp_path, n=1, n_cpus=3))
    for count in range(2):
        assert carried.until(Ready) == Ready(count)
        carried.learners.send("toy", ROSTER)
        carried.until(Progress)
        pid = carried.pid(0)
        hosts = [p for p in psutil.Process(pid).parents() if p.name().startswith("ray::Host")]
        ports = [port for p in hosts[0].parents()[:1] + hosts for port in listening(p)]
        assert ports and {port.removeprefix("::ffff:") for port in ports} == {"127.0.0.1"}
        hosts[0].kill()

        died = carried.until(Died)

        assert died.of_machine and not died.given_up
        assert died.text.startswith("learner toy was lost on node 127.0.0.1: ")
        wait_until(lambda: not is_running(carried.pid(0)))
    carried.learners.kill()


def test_a_learner_waits_for_room_without_an_end_and_can_be_stopped_meanwhile(
    ray_bridge: Bridge, tmp_path: Path
) -> None:
    carried = Carried(tmp_path, far(ray_bridge, tmp_path, n=9), lease_s=0.2)
    ends = time.monotonic() + 1.0
    while time.monotonic() < ends:  # far longer than the lease
        assert not list(carried.learners.poll())
        time.sleep(0.05)
    assert not (tmp_path / "rank0.pid").exists()
    began = time.monotonic()
    list(carried.learners.stop(Stop(), LIMIT_S))
    assert carried.learners.pids == {} and time.monotonic() - began < LIMIT_S / 2
