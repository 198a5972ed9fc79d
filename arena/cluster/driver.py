"""Owns the inside of the driver: joins a Ray cluster or starts one, and keeps hosts on its nodes.

Promises: those of every child (arena.processes.child); a cluster that was started here ends with
the driver, however that ends; one that was joined is left as it was. A worker that is lost with its
host is reported once. Ray's interface is called on the main thread, and once every two seconds on
another one that looks at the nodes.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing import connection
from typing import Any

from arena.cluster.joining import ClusterRefusedError, Hosts, check_nodes, join, words
from arena.cluster.messages import (
    DriverOrders,
    FromWorker,
    Joined,
    LaunchWorker,
    Leave,
    Refused,
    SignalWorker,
    ToWorker,
    WorkerExited,
    WorkerLost,
    WorkerPlaced,
)
from arena.processes.child import EXIT_CRASHED, Link, begin
from arena.processes.jobs import News
from arena.processes.messages import Birth, Crashed

logger = logging.getLogger(__name__)
_READ_S = 30.0  # a host answers earlier when its worker sends something
_NODES_S = 2.0
_PENDING_S = 20.0  # report a host that has waited this long for room


def run_driver(pipe: connection.Connection, birth: Birth, orders: DriverOrders) -> None:
    """Serve the parent until it says `Leave` or is gone; this is the target of the process."""
    link = begin(pipe, birth)
    os.environ.update(orders.imports)  # for the processes of a cluster that is started here
    try:
        ray = join(orders)
        expected = check_nodes(ray, orders)
    except ClusterRefusedError as error:
        link.send(Refused(str(error)))
        return
    except (Exception, SystemExit) as error:
        link.send(Crashed.of("could not join the Ray cluster", error))
        sys.exit(EXIT_CRASHED)
    try:
        _Driver(ray, link, orders, expected).run()
    except Exception as error:  # a client whose head is gone: Ray's interface raises
        link.send(Crashed.of("could not go on", error))
        sys.exit(EXIT_CRASHED)


class _Host:
    """A host as the driver sees it.

    Attributes:
        order: what its worker was started by; the host of a group's process has no other one.
        waiting: what its worker is to be sent once it has been started.
    """

    def __init__(self, actor: Any, order: LaunchWorker) -> None:
        self.actor, self.order = actor, order
        self.waiting: list[object] = []
        self.key: int | None = None  # of its worker
        self.node = ""
        self.since = time.monotonic()
        self.is_leaving = False  # its worker was told to leave, and another one may follow


class _Driver:
    def __init__(
        self, ray: Any, link: Link, orders: DriverOrders, expected: dict[str, str]
    ) -> None:
        self._ray, self._link, self._orders = ray, link, orders
        self._makes = Hosts(ray, orders, expected)
        self._events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._hosts: dict[int, _Host] = {}  # by the key of its worker
        self._free: list[_Host] = []
        # Workers that follow one that leaves: a new host would wait for the CPU that it has.
        self._following: deque[LaunchWorker] = deque()
        self._unfit: set[str] = set()  # ids of nodes where no host is wanted
        self._alive: dict[str, str] = {}  # id of a node -> its address
        self._told_pending = False

    def run(self) -> None:
        """Serve until the parent hangs up."""
        self._alive = _alive(self._ray)
        where = self._orders.address
        cpus = self._ray.cluster_resources().get("CPU", 0)
        place = "a Ray cluster of this machine" if where is None else f"the Ray cluster {where}"
        n_nodes = len(self._alive)
        nodes = "1 node" if n_nodes == 1 else f"{n_nodes} nodes"
        gpus = self._ray.cluster_resources().get("GPU", 0)
        room = f"{cpus:g} CPUs" + (f", {gpus:g} GPUs" if gpus else "")
        self._link.send(
            Joined(f"the league uses {place}: Ray {self._ray.__version__}, {nodes}, {room}")
        )
        for target in (self._listen, self._watch):
            threading.Thread(target=target, daemon=True).start()
        while True:
            kind, *values = self._events.get()
            if kind == "leave":
                break
            getattr(self, f"_on_{kind}")(*values)
        for host in (*self._hosts.values(), *self._free):
            self._end(host)
        self._ray.shutdown()

    def _listen(self) -> None:
        while True:
            order = self._link.receive()
            if order is None or isinstance(order, Leave):
                self._events.put(("leave",))
                return
            self._events.put(("order", order))

    def _watch(self) -> None:
        while True:
            time.sleep(_NODES_S)
            try:
                self._events.put(("nodes", _alive(self._ray)))
            except Exception as error:  # the head is away: Ray ends this process when it stays so
                logger.warning("the nodes of the Ray cluster cannot be told: %s", words(error))

    # --- orders -----------------------------------------------------------------------------------

    def _on_order(self, order: object) -> None:
        match order:
            case LaunchWorker():
                self._launch(order)
            case ToWorker(key, message) if key in self._hosts:
                host = self._hosts[key]
                if host.node:
                    host.actor.send.remote(message)
                else:
                    host.waiting.append(message)
            case SignalWorker(key) if any(order.key == key for order in self._following):
                self._following = deque(o for o in self._following if o.key != key)
                self._link.send(WorkerExited(key, None, ""))
            case SignalWorker(key, signal) if key in self._hosts:
                host = self._hosts[key]
                if host.node:
                    host.is_leaving = host.is_leaving or signal == "hang_up"
                    host.actor.signal.remote(signal)
                else:  # it waits for room, or is starting
                    self._forget(host)
                    self._end(host)
                    self._link.send(WorkerExited(key, None, ""))

    def _launch(self, order: LaunchWorker) -> None:
        """Start a worker on a host that is free or about to be, else on a new one."""
        if order.room is not None:
            actor = self._makes.make_in(order.room, self._unfit)
            self._begin(_Host(actor, order), order)
        elif self._free:
            self._begin(self._free.pop(), order)
        elif self._n_leaving() > len(self._following):
            self._following.append(order)
        else:
            self._begin(_Host(self._makes.make(self._unfit), order), order)

    def _n_leaving(self) -> int:
        """Return how many workers were told to leave whose hosts are for any other one."""
        return sum(h.is_leaving and h.order.room is None for h in self._hosts.values())

    def _begin(self, host: _Host, order: LaunchWorker) -> None:
        host.key, host.since, host.node, host.is_leaving = order.key, time.monotonic(), "", False
        host.order, host.waiting = order, []
        self._hosts[order.key] = host
        self._when(host.actor.look.remote(), "looked", host, order)

    def _on_looked(self, host: _Host, order: LaunchWorker, future: Any) -> None:
        """Start the worker on a host that has a place; on an unfit node, look for another."""
        if host.key != order.key:
            return
        try:
            node_id, unfit = future.result()
        except Exception as error:
            self._lose(host, error)
            return
        if unfit is None:
            call = host.actor.start.remote(order)
            self._when(call, "started", host, order.key, self._alive.get(node_id, node_id))
            return
        if node_id not in self._unfit:
            self._unfit.add(node_id)
            self._link.send(News(f"a node of the cluster is left out: {unfit}", "warning"))
        if order.room is not None:  # the place of its group is there: the next one is elsewhere
            self._part(host, f"found its place on a node that is left out: {unfit}")
            return
        self._forget(host)
        self._end(host)
        self._launch(order)

    def _when(self, reference: Any, kind: str, *values: object) -> None:
        """Have an event made of a call's outcome; Ray calls back on a thread of its own."""
        reference.future().add_done_callback(
            lambda future: self._events.put((kind, *values, future))
        )

    def _read(self, host: _Host) -> None:
        self._when(host.actor.read.remote(_READ_S), "read", host, host.key)

    # --- outcomes ---------------------------------------------------------------------------------

    def _on_started(self, host: _Host, key: int, node: str, future: Any) -> None:
        if host.key != key:
            return
        try:
            pid = future.result()
        except Exception as error:
            self._lose(host, error)
            return
        host.node = node
        self._link.send(WorkerPlaced(key, pid, host.node))
        for message in host.waiting:
            host.actor.send.remote(message)
        self._read(host)

    def _on_read(self, host: _Host, key: int, future: Any) -> None:
        if host.key != key:
            return
        try:
            messages, exited = future.result()
        except Exception as error:
            self._lose(host, error)
            return
        if messages:
            self._link.send(FromWorker(key, tuple(messages)))
        if exited is None:
            self._read(host)
        else:
            self._forget(host)
            if host.order.room is None:
                self._free.append(host)
            else:
                self._end(host)
            self._link.send(WorkerExited(key, *exited))
            if self._following:
                self._launch(self._following.popleft())

    def _lose(self, host: _Host, error: Exception) -> None:
        where = f" on node {host.node}" if host.node else ""
        self._part(host, f"was lost{where}: {words(error)}")

    def _part(self, host: _Host, reason: str) -> None:
        """Give a host up, whose worker is lost with it."""
        key = host.key
        assert key is not None  # only called for hosts that have a worker
        self._forget(host)
        self._end(host)
        self._link.send(WorkerLost(key, reason))
        if self._following:  # it may have been the one that was to make room
            self._launch(self._following.popleft())

    def _on_nodes(self, alive: dict[str, str]) -> None:
        for node_id in self._alive.keys() - alive.keys():
            self._link.send(
                News(f"node {self._alive[node_id]} has left the Ray cluster", "warning")
            )
        for node_id in alive.keys() - self._alive.keys():
            self._link.send(News(f"node {alive[node_id]} has joined the Ray cluster"))
        self._alive = alive
        now = time.monotonic()
        pending = [h for h in self._hosts.values() if not h.node and now - h.since > _PENDING_S]
        text = self._lack(pending) if pending and not self._told_pending else None
        if text is not None:
            self._link.send(News(text, "warning"))
        self._told_pending = bool(pending) and (self._told_pending or text is not None)

    def _lack(self, pending: Sequence[_Host]) -> str | None:
        """Return what is said of hosts that have waited long for room, or None."""
        has = self._ray.cluster_resources()
        n_cpus, n_gpus = has.get("CPU", 0), has.get("GPU", 0)
        for host in pending:
            room = host.order.room
            if room is None or not self._makes.is_waiting(room.group):
                continue
            bundle = self._makes.bundle(room)
            each = ", ".join(f"{number:g} {name}" for name, number in bundle.items())
            return (
                f"{host.order.name} waits for room on the Ray cluster: {room.size} x {each} "
                f"({room.strategy}); the cluster has {n_cpus:g} CPU and {n_gpus:g} GPU on "
                f"{len(self._alive)} nodes; set learner.n_ranks or arena.n_workers lower, or add "
                "nodes"
            )
        rooms = [host.order.room for host in self._hosts.values()]
        if n_cpus >= sum(1 if room is None else room.n_cpus for room in rooms):
            return None
        return (
            f"{len(pending)} of {len(self._hosts)} processes wait for a CPU of the Ray cluster, "
            f"which has {n_cpus:g}; set arena.n_workers lower, or add nodes"
        )

    def _forget(self, host: _Host) -> None:
        if host.key is not None:
            del self._hosts[host.key]
        host.key = None
        room = host.order.room
        others = [h.order.room for h in self._hosts.values() if h.order.room is not None]
        if room is not None and room.group not in {other.group for other in others}:
            try:
                self._makes.give_up(room.group)
            except Exception as error:  # the head is away, and with it the place
                logger.debug("the place of a group could not be given back: %s", words(error))

    def _end(self, host: _Host) -> None:
        try:
            self._ray.kill(host.actor)
        except Exception as error:  # it is gone already, or the head is
            logger.debug("a host could not be ended: %s", words(error))


def _alive(ray: Any) -> dict[str, str]:
    """Return the address of each node that lives, by its id."""
    return {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
