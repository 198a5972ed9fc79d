"""Joins a Ray cluster or starts one on this machine, and looks at its nodes; imports Ray.

Promises: only a driver calls this; an address where nobody answers, another version of Ray or
Python, and a node that has another program are told in one sentence (`ClusterRefusedError`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from arena.cluster.host import Host
from arena.cluster.messages import DriverOrders, Room
from arena.cluster.nodes import PROGRAM, difference, facts
from arena.errors import WorkerError

NAMESPACE = "territory-league"
_CLIENT = "ray://"
_CHECK_S = 300.0  # a node's first process may have to import from a slow disk
_KNOCK_S = 10.0
_CALLS = 4  # of a host at once: one that waits for messages, and orders
_TOKEN = (
    "set RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token or RAY_AUTH_TOKEN, for "
    "`league start` and for each `ray start`"
)
# Ray 2.60 tells its client server that the agent of environments listens on port 0, unless it is
# given a port, and then no process for a client can be started.
_CLIENT_SERVER = (
    "start its head with `ray start --head --runtime-env-agent-port PORT`, any free one, or run "
    'the league on a node of the cluster, with ray.address = "auto"'
)
# Set before Ray is imported: no report to its authors, no processes before they are needed.
_VARIABLES = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_worker_prestart": "false"}
# Nobody else needs to reach a Ray that is started here. Ray turns the address 127.0.0.1 into that
# of the machine, unless it may have no other nodes, which this says on every system.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


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
    if orders.address is None:
        os.environ.update(_ALONE)
    elif orders.address.startswith(_CLIENT):
        _show_token()
    import ray

    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "warning"}
    if orders.address is None:
        if orders.folder is not None:
            common["_temp_dir"] = orders.folder
        ray.init(address="local", num_cpus=orders.n_cpus, include_dashboard=False, **common)
        return ray
    said = f"ray.address = {orders.address!r}: expected"
    has_answered = False
    try:
        knock(orders.address)
        has_answered = orders.address != "auto"
        ray.init(address=orders.address, namespace=NAMESPACE, **common)
    except (OSError, ValueError) as error:  # ConnectionError and TimeoutError among them
        if orders.is_known:
            raise
        if "Starting Ray client server failed" in str(error):
            raise ClusterRefusedError(
                f"{said} a Ray cluster that takes clients, found one that cannot start the process "
                f"for this one; {_CLIENT_SERVER}"
            ) from error
        # Who comes without the token that a cluster wants is told only that it cannot be reached.
        hint = f"; if it asks for a token, {_TOKEN}" if has_answered else ""
        raise ClusterRefusedError(
            f"{said} a running Ray cluster, found none ({words(error)}); start one with "
            f'`ray start --head`, or set ray.address to "off" for one of this machine{hint}'
        ) from error
    except (RuntimeError, ray.exceptions.RayError) as error:
        if "uthentication" in f"{error!r}":
            raise ClusterRefusedError(
                f"{said} a Ray cluster that lets this machine in, found one that asks for its "
                f"token ({words(error)}); {_TOKEN}"
            ) from error
        if "ersion mismatch" not in str(error):
            raise
        raise ClusterRefusedError(
            f"{said} the Ray and Python of this machine, found others ({words(error)}); install "
            "the same versions on every node"
        ) from error
    return ray


def _show_token() -> None:
    """Let Ray's client show this machine's token, as Ray does by itself in a cluster's machines."""
    there = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if there or Path("~/.ray/auth_token").expanduser().is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def knock(address: str) -> None:
    """Raise OSError when nobody listens at a Ray address; "auto" and names alone are left to Ray.

    Ray itself tries on for many minutes there, and cannot be interrupted meanwhile.
    """
    host, _, port = address.removeprefix(_CLIENT).rpartition(":")
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
        said = difference(address, expected, found, all_known=not orders.is_known)
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


class Hosts:
    """Makes hosts on the nodes of a cluster that was joined; Ray does not restart them.

    Args:
        expected: what a node must be like; {} where there is nothing to compare.
    """

    def __init__(self, ray: Any, orders: DriverOrders, expected: Mapping[str, str]) -> None:
        self._ray = ray
        check = orders.check if expected else None
        self._arguments = (dict(expected), check, dict(orders.settings))
        self._kind = ray.remote(num_cpus=1, max_restarts=0, max_concurrency=_CALLS)(Host)
        self._rooms: dict[int, tuple[Any, dict[str, float]]] = {}  # a group's place, its bundles

    def make(self, unfit: Collection[str]) -> Any:
        """Make a host that takes one CPU, on a node whose id is not among the given ones.

        They are spread over the nodes.
        """
        options: dict[str, Any] = {"scheduling_strategy": "SPREAD"}
        if unfit:  # Ray takes either a strategy or labels
            options = {"label_selector": _other_than(unfit)}
        return self._kind.options(**options).remote(*self._arguments)

    def make_in(self, room: Room, unfit: Collection[str]) -> Any:
        """Make a host in its bundle of a group's place, which is made for the first of them."""
        from ray.util import placement_group
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        if room.group not in self._rooms:
            bundle = self.bundle(room)
            labels = {"bundle_label_selector": [_other_than(unfit)] * room.size} if unfit else {}
            place = placement_group([bundle] * room.size, strategy=room.strategy, **labels)
            self._rooms[room.group] = place, bundle
        place, bundle = self._rooms[room.group]
        return self._kind.options(
            num_cpus=bundle["CPU"],
            num_gpus=bundle.get("GPU", 0),
            scheduling_strategy=PlacementGroupSchedulingStrategy(
                place, placement_group_bundle_index=room.index
            ),
        ).remote(*self._arguments)

    def bundle(self, room: Room) -> dict[str, float]:
        """Return what each process of a group takes of Ray's resources."""
        bundle: dict[str, float] = {"CPU": room.n_cpus}
        n_gpus = int(self._ray.cluster_resources().get("GPU", 0))
        if room.gpus == "on" or (room.gpus == "auto" and n_gpus >= room.n_sharing):
            bundle["GPU"] = 1
        elif room.gpus == "auto" and n_gpus > 0:
            bundle["GPU"] = 1 / -(-room.n_sharing // n_gpus)  # Ray rounds down, to a 10,000th
        return bundle

    def is_waiting(self, group: int) -> bool:
        """Return whether the cluster has had no room yet for a group's place."""
        from ray.util import placement_group_table

        place, _ = self._rooms[group]
        return str(placement_group_table(place)["state"]) == "PENDING"

    def give_up(self, group: int) -> None:
        """Give a group's place back, if it has one."""
        from ray.util import remove_placement_group

        place, _ = self._rooms.pop(group, (None, {}))
        if place is not None:
            remove_placement_group(place)


def _other_than(unfit: Collection[str]) -> dict[str, str]:
    """Return what Ray selects all nodes by but those with the given ids."""
    return {"ray.io/node-id": f"!in({','.join(sorted(unfit))})"}


def words(error: BaseException) -> str:
    """Return the first line of what Ray says, on which it does not go on at length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
