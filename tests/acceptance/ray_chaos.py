"""Disturb a league whose matches are played on a Ray cluster, and check its books.

    PYTHONPATH=. python tests/acceptance/ray_chaos.py [--kills 20] [--seed 0] [--limit-s 900]

A cluster of a head and two nodes of one CPU each runs on this machine (ray.cluster_utils.Cluster);
the league of chaos.py joins it, without learners. At random moments a worker, the host of a worker
(a Ray actor), the driver or the daemon gets SIGKILL, a node is taken away with all its processes
and another one comes, or the head dies, its nodes with it, and comes back at the same address. The
daemon must go on by itself, unless it is the one that is killed, and must not end the cluster.
Checked is what chaos.py checks (tests/acceptance/disturbed_league.py).

Exit code: 0 nothing was lost, 1 something was, 77 nothing was tried since Ray is not installed;
pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from arena.import_path import import_variables
from tests.acceptance.disturbed_league import DisturbedLeague, command, descendants, is_forked

EXIT_SKIPPED = 77
N_NODES = 2
DEATHS_A_LIFE = 3  # of workers; ten within five minutes end the arena


class NodesOfThisMachine:
    """A Ray cluster of several nodes on this machine, whose address stays the same."""

    def __init__(self) -> None:
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
        """Add a node of one CPU."""
        self._patiently(lambda: self._cluster.add_node(num_cpus=1))

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
    """A league on a cluster, with what is done to both."""

    def __init__(self, root: Path, seed: int, cluster: NodesOfThisMachine) -> None:
        super().__init__(
            root,
            seed,
            trains=False,
            settings=(
                "arena.engine=ray",
                f"ray.address={cluster.address}",
                f"arena.n_workers={N_NODES}",
                "database.patience_s=600.0",
            ),
        )
        self.cluster = cluster

    def kill_daemon(self) -> None:
        """SIGKILL the daemon; the cluster lives on."""
        self.end(signal.SIGKILL)

    def kill_driver(self) -> None:
        """SIGKILL the process that has joined the cluster."""
        self._kill("driver", [pid for pid in self.descendants() if is_forked(pid)])

    def kill_host(self) -> None:
        """SIGKILL the actor above a worker."""
        self._kill("host", [p for p in self.cluster.pids() if command(p).startswith("ray::Host")])

    def kill_worker(self) -> None:
        """SIGKILL a worker, which is below an actor."""
        if self.deaths["worker"] >= DEATHS_A_LIFE:
            self.kill_daemon()
            return
        self.deaths["worker"] += 1
        self._kill("worker", [pid for pid in self.cluster.pids() if is_forked(pid)])

    def kill_node(self) -> None:
        """Take a node away; another one comes."""
        self.cluster.kill_node(self.random.choice(self.cluster.nodes()))
        self.cluster.add_node()
        self.look()
        self.wait_for_progress("the end of a node")

    def kill_head(self) -> None:
        """Kill the whole cluster; after a while it is back."""
        self.cluster.kill_head()
        time.sleep(self.random.uniform(0.0, 5.0))
        self.cluster.start()
        self.look()
        self.wait_for_progress("the end of the head")

    def _kill(self, kind: str, pids: list[int]) -> None:
        if not pids:
            self.problems.append(f"there is no {kind} to be killed")
            return
        with suppress(ProcessLookupError):
            os.kill(self.random.choice(pids), signal.SIGKILL)
        self.look()
        self.wait_for_progress(f"SIGKILL of a {kind}")

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
        deck: list[Callable[[], None]] = []
        self.start()
        ends = time.monotonic() + limit_s
        for _ in range(n_kills):
            if time.monotonic() > ends:
                break
            deck = deck or self.random.sample(kinds, len(kinds))
            disturb = deck.pop()
            time.sleep(self.random.uniform(0.0, 2.0))
            self.look()
            if self.has_ended:
                self.problems.append(f"the daemon had ended before {disturb.__name__}")
                self.check([])
                self.start()
            self.done[disturb.__name__] += 1
            print(f"{len(self.seen):6d} matches seen; {disturb.__name__}", flush=True)
            disturb()
            if self.has_ended:
                self.start()
        if not self.has_ended and self.end(signal.SIGTERM) != 0:
            self.problems.append("SIGTERM: the daemon did not end with exit code 0")
        self.look()
        if not any("raylet" in command(pid) for pid in self.cluster.pids()):
            self.problems.append("the cluster that was joined has ended with the league")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Disturb a league on a Ray cluster.")
    parser.add_argument("--kills", type=int, default=20, help="number of disturbances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit-s", type=float, default=900.0, help="none begins later")
    options = parser.parse_args(arguments)
    if find_spec("ray") is None:
        print("skipped: Ray is not installed")
        return EXIT_SKIPPED
    began = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="league-chaos-"))
    cluster = NodesOfThisMachine()
    chaos: RayChaos | None = None
    try:
        cluster.start()
        chaos = RayChaos(place / "league", options.seed, cluster)
        chaos.run(options.kills, options.limit_s)
    finally:
        if chaos is not None and chaos.daemon is not None and not chaos.has_ended:
            chaos.daemon.kill()
            chaos.daemon.wait()
        cluster.close()
        shutil.rmtree(place, ignore_errors=True)
    for problem in chaos.problems:
        print(f"PROBLEM  {problem}")
    kinds = ", ".join(f"{n} {name}" for name, n in sorted(chaos.done.items()))
    print(
        f"seed {options.seed}, Ray: {sum(chaos.done.values())} disturbances ({kinds}), "
        f"{chaos.n_starts} starts, {time.monotonic() - began:.0f} s; {len(chaos.seen)} matches "
        f"seen finished, {chaos.n_lost} lost, {chaos.n_twice} rated twice, "
        f"{chaos.n_tracebacks} tracebacks, {chaos.n_left} processes left, "
        f"{len(chaos.problems)} problems"
    )
    return 1 if chaos.problems else 0


if __name__ == "__main__":
    sys.exit(main())
