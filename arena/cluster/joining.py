"""Joins a Ray cluster or starts one on this machine, and looks at its nodes; imports Ray.

Promises: only a driver calls this; an address where nobody answers, another version of Ray or
Python, and a node that has another program are told in one sentence (`ClusterRefusedError`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Mapping
from typing import Any

from arena.cluster.host import Host
from arena.cluster.messages import DriverOrders
from arena.cluster.nodes import PROGRAM, difference, facts
from arena.errors import WorkerError

NAMESPACE = "territory-league"
_CHECK_S = 300.0  # a node's first process may have to import from a slow disk
_KNOCK_S = 10.0
_CALLS = 4  # of a host at once: one that waits for messages, and orders
# Set before Ray is imported: no report to its authors, no processes before they are needed.
_VARIABLES = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_worker_prestart": "false"}


class ClusterRefusedError(WorkerError):
    """The cluster cannot be used as it is; the message says what to do."""


def join(orders: DriverOrders) -> Any:
    """Join the cluster of the address, or start one here; return the module `ray`.

    Raises:
        ClusterRefusedError: nobody answers at an address that was never joined before, or Ray or
            Python are of another version there.
        OSError: nobody answers at one that was.
    """
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    import ray

    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "warning"}
    if orders.address is None:
        if orders.folder is not None:
            common["_temp_dir"] = orders.folder
        # Nobody else needs to reach it: it listens on this machine alone.
        common["_node_ip_address"] = "127.0.0.1"
        ray.init(address="local", num_cpus=orders.n_cpus, include_dashboard=False, **common)
        return ray
    try:
        knock(orders.address)
        ray.init(address=orders.address, namespace=NAMESPACE, **common)
    except (OSError, ValueError) as error:  # ConnectionError and TimeoutError among them
        if orders.is_known:
            raise
        raise ClusterRefusedError(
            f"ray.address = {orders.address!r}: expected a running Ray cluster, found none "
            f'({words(error)}); start one with `ray start --head`, or set ray.address to "off" for '
            "one of this machine"
        ) from error
    except RuntimeError as error:
        if "ersion mismatch" not in str(error):
            raise
        raise ClusterRefusedError(
            f"ray.address = {orders.address!r}: expected the Ray and Python of this machine, found "
            f"others ({words(error)}); install the same versions on every node"
        ) from error
    return ray


def knock(address: str) -> None:
    """Raise OSError when nobody listens at a Ray address; "auto" and names alone are left to Ray.

    Ray itself tries on for many minutes there, and cannot be interrupted meanwhile.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S):
        pass


def check_nodes(ray: Any, orders: DriverOrders) -> dict[str, str]:
    """Check all nodes that have CPUs; return what a node must be like.

    Nodes that join later are looked at by their hosts.

    Raises:
        ClusterRefusedError: a node has another program, or does not see the league's folder.
    """
    if orders.address is None:  # one node, with this environment
        return {}
    expected = facts(orders.check, orders.settings)
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0, max_retries=0)(_look())
    nodes = [n for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU", 0) > 0]
    asked = {
        node["NodeManagerAddress"]: look.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(orders.check, dict(orders.settings))
        for node in nodes
    }
    for address, reference in asked.items():
        try:
            found = ray.get(reference, timeout=_CHECK_S)
        except ray.exceptions.RayTaskError as error:
            found = {PROGRAM: f"one that fails with {words(error)}"}
        said = difference(address, expected, found)
        if said is not None:
            raise ClusterRefusedError(said)
    return expected


def _look() -> Callable[[str | None, Mapping[str, object]], dict[str, str]]:
    """Return what a node runs to tell its facts; Ray sends its code, since ours may be missing."""

    def look(check: str | None, settings: Mapping[str, object]) -> dict[str, str]:
        try:
            from arena.cluster.nodes import facts as facts_there
        except ImportError as error:
            import platform

            version = ".".join(platform.python_version_tuple()[:2])
            return {"Python": version, "program": f"none ({error})"}
        return facts_there(check, settings)

    return look


def host_maker(
    ray: Any, orders: DriverOrders, expected: Mapping[str, str]
) -> Callable[[Collection[str]], Any]:
    """Return what makes a host, on a node whose id is not among the given ones.

    Hosts are spread over the nodes, take one CPU each, and are not restarted by Ray.
    """

    check = orders.check if expected else None
    kind = ray.remote(num_cpus=1, max_restarts=0, max_concurrency=_CALLS)(Host)

    def make(unfit: Collection[str]) -> Any:
        options: dict[str, Any] = {"scheduling_strategy": "SPREAD"}
        if unfit:  # Ray takes either a strategy or labels
            options = {"label_selector": {"ray.io/node-id": f"!in({','.join(sorted(unfit))})"}}
        return kind.options(**options).remote(dict(expected), check, dict(orders.settings))

    return make


def words(error: BaseException) -> str:
    """Return the first line of what Ray says, on which it does not go on at length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
