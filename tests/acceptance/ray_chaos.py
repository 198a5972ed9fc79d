"""Disturb a league that plays and trains on a Ray cluster, and check its books.

    PYTHONPATH=. python tests/acceptance/ray_chaos.py [--kills 20] [--seed 0] [--limit-s 900]

A cluster of a head and two nodes of two CPUs each runs on this machine (ray.cluster_utils.Cluster);
the league of chaos.py joins it, with two workers and one learner of two ranks, spread over the
nodes where there is room. At random moments a worker, a rank of the learner, the host of a
worker or of a rank (a Ray actor), the driver or the daemon gets SIGKILL, a node is taken away with
all its processes and another one comes, or the head dies, its nodes with it, and comes back at the
same address. The daemon must go on by itself, unless it is the one that is killed, matches and
training must go on, and the cluster must not end with the league. Checked is what chaos.py checks
(tests/acceptance/disturbed_league.py). With --store the league's files lie in a store, and nodes
use nothing else of its folder than a cache; with --no-learners it only plays, on nodes of one CPU.

Exit code: 0 nothing was lost, 1 something was, 77 nothing was tried since Ray is not installed;
pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from arena.import_path import import_variables
from tests.acceptance.disturbed_league import DisturbedLeague, command, descendants, is_forked

EXIT_SKIPPED = 77
N_NODES = 2
FAR_LEAVE_S = 20.0  # Ray ends the actors of a driver that is gone
LEARNER = "learners=[{name='attention',family='attention',role='main'}]"
_PLACED = re.compile(r"(learner-\S+|arena-\d+) runs on node \S+, PID (\d+)$", re.MULTILINE)


class NodesOfThisMachine:
    """A Ray cluster of several nodes on this machine, whose address stays the same.

    Args:
        n_cpus: of each node but the head.
    """

    def __init__(self, n_cpus: int = 1) -> None:
        self._n_cpus = n_cpus
        os.environ.update(import_variables(), RAY_USAGE_STATS_ENABLED="0")
        from ray.cluster_utils import Cluster

        self._make = Cluster
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._cluster: Any = None

    @property
    def address(self) -> str:
        """Where a driver joins."""
        return str(self._cluster.address)

    def start(self) -> None:
        """Start the head, without CPUs, and the nodes."""
        head = {"num_cpus": 0, "gcs_server_port": self._port, "include_dashboard": False}
        self._cluster = None
        self._cluster = self._patiently(
            lambda: self._make(initialize_head=True, head_node_args=head)
        )
        for _ in range(N_NODES):
            self.add_node()

    def add_node(self) -> None:
        """Add a node."""
        self._patiently(lambda: self._cluster.add_node(num_cpus=self._n_cpus))

    def _patiently(self, start: Callable[[], Any]) -> Any:
        """Start a node; Ray gives each 30 s, which a busy machine may exceed."""
        for left in range(8, 0, -1):
            try:
                return start()
            except Exception as error:
                if left == 1:
                    raise
                print(f"       a node did not start: {error}", flush=True)
                self._sweep()
        raise AssertionError

    def _sweep(self) -> None:
        """End what a node that did not start has left: Ray's processes of no known node."""
        known = set() if self._cluster is None else set(self.pids())
        for pid in set(descendants([os.getpid()])) - known:
            if "/site-packages/ray/" in command(pid) or command(pid).startswith("ray::"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self._cluster is not None:
            self._cluster.worker_nodes = {
                node for node in self._cluster.worker_nodes if node.any_processes_alive()
            }
        time.sleep(2.0)

    def nodes(self) -> list[Any]:
        """The nodes but the head, oldest first."""
        return sorted(self._cluster.worker_nodes, key=lambda node: str(node.node_id))

    def kill_node(self, node: Any) -> None:
        """Kill all processes of a node."""
        self._cluster.remove_node(node, allow_graceful=False)

    def kill_head(self) -> None:
        """Kill the head and all nodes."""
        self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)
        for node in self.nodes():
            self._cluster.remove_node(node, allow_graceful=False)

    def pids(self) -> list[int]:
        """Return the cluster's processes on this machine, with their children."""
        own = [
            info.process.pid
            for node in self._cluster.list_all_nodes()
            for infos in node.all_processes.values()
            for info in infos
        ]
        return own + descendants(own)

    def close(self) -> None:
        """End everything."""
        with suppress(Exception):
            self._cluster.shutdown()


class RayChaos(DisturbedLeague):
    """A league on a cluster, with what is done to both.

    Args:
        store: where its files lie; None for its folder, which all nodes see.
    """

    progress_s = 900.0  # each actor is a process that imports Ray, and on a busy machine slowly
    leave_s = FAR_LEAVE_S  # the driver leaves the cluster first

    def __init__(
        self,
        root: Path,
        seed: int,
        cluster: NodesOfThisMachine,
        *,
        trains: bool,
        store: Path | None = None,
    ) -> None:
        settings = [
            "arena.engine=ray",
            f"ray.address={cluster.address}",
            f"arena.n_workers={N_NODES}",
            "database.patience_s=600.0",
        ]
        if trains:
            settings += [
                LEARNER,
                "learner.engine=ray",
                f"learner.n_ranks={N_NODES}",
                "ray.placement=spread",  # strict: workers that stay on one node would keep it out
            ]
        if store is not None:
            settings.append(f"store.url={store}")
        super().__init__(root, seed, trains=trains, settings=settings)
        self.cluster = cluster

    def placed(self, kind: str) -> list[int]:
        """Return the PIDs of the running workers ("arena-") or ranks of learners ("learner-")."""
        log = (self.folder.logs / "league.log").read_text(errors="replace")
        there = {pid for pid in self.cluster.pids() if is_forked(pid)}
        named = {int(pid): name for name, pid in _PLACED.findall(log)}
        return sorted(pid for pid in there if named.get(pid, "").startswith(kind))

    def hosts_of(self, pids: Sequence[int]) -> list[int]:
        """Return the actors above these processes."""
        actors = [pid for pid in self.cluster.pids() if command(pid).startswith("ray::Host")]
        return [pid for pid in actors if set(descendants([pid])) & set(pids)]

    def kill_driver(self) -> None:
        """SIGKILL the process that has joined the cluster."""
        self.kill_one("driver", [pid for pid in self.descendants() if is_forked(pid)])
        self.go_on("SIGKILL of the driver")

    def kill_host(self) -> None:
        """SIGKILL the actor above a worker."""
        self.kill_one("host", self.hosts_of(self.placed("arena-")))

    def kill_worker(self) -> None:
        """SIGKILL a worker, which is below an actor."""
        self.kill_few("worker", self.placed("arena-"))

    def kill_rank(self) -> None:
        """SIGKILL a rank of the learner, which is below an actor."""
        self.kill_few("learner's rank", self.placed("learner-"))

    def kill_host_of_rank(self) -> None:
        """SIGKILL the actor above a rank of the learner."""
        self.kill_one("learner's host", self.hosts_of(self.placed("learner-")))

    def kill_node(self) -> None:
        """Take a node away; another one comes."""
        self.cluster.kill_node(self.random.choice(self.cluster.nodes()))
        self.cluster.add_node()
        self.go_on("the end of a node")

    def kill_head(self) -> None:
        """Kill the whole cluster; after a while it is back."""
        self.cluster.kill_head()
        time.sleep(self.random.uniform(0.0, 5.0))
        self.cluster.start()
        self.go_on("the end of the head")

    def go_on(self, after: str) -> None:
        """Wait until a match finishes, and the learner has learned."""
        self.look()
        self.wait_for_progress(after)
        if self.trains:
            self.wait_for_training(after)

    def start(self) -> None:
        """Start the daemon, and wait until it plays and trains."""
        super().start()
        if self.trains:
            self.wait_for_training(f"start {self.n_starts}")

    def end(self, number: int) -> int | None:
        """Send the daemon a signal that ends it; what it has on the cluster must end with it."""
        there = [*self.placed("arena-"), *self.placed("learner-")]
        code = super().end(number)
        self.check_gone(there, FAR_LEAVE_S)
        return code

    def run(self, n_kills: int, limit_s: float) -> None:
        """Disturb the league `n_kills` times, each kind equally often, or until the time is up."""
        kinds: list[Callable[[], None]] = [
            self.kill_node,
            self.kill_host,
            self.kill_head,
            self.kill_worker,
            self.kill_driver,
            self.kill_daemon,
        ]
        if self.trains:
            kinds += [self.kill_rank, self.kill_host_of_rank]
        self.disturb(kinds, n_kills, limit_s)
        if not any("raylet" in command(pid) for pid in self.cluster.pids()):
            self.problems.append("the cluster that was joined has ended with the league")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Disturb a league on a Ray cluster.")
    parser.add_argument("--kills", type=int, default=20, help="number of disturbances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit-s", type=float, default=900.0, help="none begins later")
    parser.add_argument("--no-learners", action="store_true", help="matches alone")
    parser.add_argument(
        "--store", action="store_true", help="files in a store: a folder of its own"
    )
    options = parser.parse_args(arguments)
    if find_spec("ray") is None:
        print("skipped: Ray is not installed")
        return EXIT_SKIPPED
    began = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="league-chaos-"))
    cluster = NodesOfThisMachine(n_cpus=1 if options.no_learners else 2)
    chaos: RayChaos | None = None
    try:
        cluster.start()
        chaos = RayChaos(
            place / "league",
            options.seed,
            cluster,
            trains=not options.no_learners,
            store=place / "store" if options.store else None,
        )
        chaos.run(options.kills, options.limit_s)
        how = (
            f"seed {options.seed}, Ray{', store' * options.store}"
            f"{', no learners' * options.no_learners}"
        )
        line = chaos.totals(how, time.monotonic() - began)
    finally:
        if chaos is not None:
            chaos.close()
        cluster.close()
        shutil.rmtree(place, ignore_errors=True)
    for problem in chaos.problems:
        print(f"PROBLEM  {problem}")
    print(line)
    return 1 if chaos.problems else 0


if __name__ == "__main__":
    sys.exit(main())
