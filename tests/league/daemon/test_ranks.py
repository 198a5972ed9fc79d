"""A learner of two ranks as real processes: they train, outlive Ctrl-C, and end as one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from arena.processes.group import ProcessGroup
from arena.processes.supervisor import Process
from league.bench.learner import make_orders
from league.config.layers import resolve
from league.config.toml import write_toml
from league.daemon.learners import Died, LearnerMessage, Learners, launch_learner
from league.folder.layout import LeagueFolder, create_folder
from league.learner.checkpoints import CheckpointStore
from league.learner.messages import Finished, LearnerOrders, Progress, Ready, Roster, Stop
from league.matchmaking.opponents import Foe

SETS = (
    "views.global_size=16",
    "views.local_size=16",
    "maps.train=['generated:continents:64x64:1']",
    "learner.n_steps=64",
    "learner.batch_size=32",
    "learner.n_epochs=1",
    "learner.n_matches=2",
    "learner.n_ranks=2",
    "learner.checkpoint_every_s=0.001",
    "learner.device=cpu",
)
ROSTER = Roster((Foe(0, 0.5),), {0: "scripted:tribe"}, ())
LIMIT_S = 300.0  # imports of torch on a busy machine


class Group:
    """The learner's processes under the daemon's own hand."""

    def __init__(self, root: Path) -> None:
        config = resolve("small", None, SETS)
        self.folder: LeagueFolder = create_folder(root, write_toml(config))
        self.folder.logs.mkdir(exist_ok=True)
        orders = make_orders(self.folder.root, config, "baseline")
        launch = launch_learner(self.folder.logs)
        self.groups: list[ProcessGroup] = []

        def start(name: str, given: LearnerOrders) -> Process:
            group = launch(name, given)
            assert isinstance(group, ProcessGroup)
            self.groups.append(group)
            return group

        self.learners = Learners(["bench"], lambda name: orders, start)

    def until(self, *kinds: type) -> list[object]:
        """Return what it says up to the first message of one of these kinds."""
        said: list[object] = []
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends:
            for message in self.learners.poll():
                assert isinstance(message, LearnerMessage)
                said.append(message.message)
                if isinstance(message.message, kinds):
                    return said
            time.sleep(0.02)
        raise AssertionError(f"expected one of {kinds} within {LIMIT_S:g} s, heard {said}")


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    made = Group(tmp_path / "league")
    yield made
    made.learners.kill()


def test_two_ranks_train_outlive_ctrl_c_and_end_as_one(group: Group) -> None:
    assert group.until(Ready) == [Ready(0)]
    group.learners.send("bench", ROSTER)
    (first,) = [m for m in group.until(Progress) if isinstance(m, Progress)]
    assert 64 <= first.trained_decisions == first.numbers["n_transitions"]
    members = group.groups[0].members
    assert len({member.pid for member in members}) == 2
    for member in members:  # nobody outside this machine can reach them
        ports = psutil.Process(member.pid).net_connections("inet")
        assert ports and {port.laddr.ip for port in ports} <= {"127.0.0.1", "::1"}
    for member in members:  # what a terminal sends to all at Ctrl-C: the daemon decides
        os.kill(member.pid, signal.SIGINT)
    group.until(Progress)
    second = group.until(Progress)[-1]
    assert isinstance(second, Progress) and second.trained_decisions > first.trained_decisions

    killed_at = time.monotonic()
    os.kill(members[1].pid, signal.SIGKILL)
    died = group.until(Died)[-1]
    assert isinstance(died, Died) and not died.given_up
    assert died.text.startswith("learner bench lost its rank 1, which was killed by SIGKILL")
    assert "starting again in 1 s" in died.text
    assert all(member.join(0.0) for member in members)  # the first did not outlive it
    assert time.monotonic() - killed_at < 60.0

    (ready,) = [m for m in group.until(Ready) if isinstance(m, Ready)]
    assert ready.trained_decisions > first.trained_decisions  # from the newest checkpoint
    group.learners.send("bench", ROSTER)
    group.until(Progress)
    last = [message.message for message in group.learners.stop(Stop(), LIMIT_S)]
    assert last[-1] == Finished()
    assert group.learners.pids == {}
    found = CheckpointStore(group.folder.checkpoints / "bench").load()
    assert found is not None and found.n_decisions > ready.trained_decisions
    assert [len(found.extra["env"]["matches"]), len(found.extra["ranks"])] == [1, 1]
