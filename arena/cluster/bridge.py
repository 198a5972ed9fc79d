"""Owns the driver as the league's process sees it, and the handles on workers somewhere.

Promises: this process never imports Ray; a driver that exits, which the loss of a head node makes
it do, is named and costs its workers, as trouble of the machine; the next worker that is started
brings a new driver; nothing here waits for the cluster: only `join`, `close` and the end of a
driver take time, each with a limit.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import connection
from pathlib import Path
from typing import Any

from arena.cluster.driver import run_driver
from arena.cluster.messages import (
    RUN_WORKER,
    DriverOrders,
    FromWorker,
    Joined,
    LaunchWorker,
    Leave,
    Refused,
    Room,
    Signal,
    SignalWorker,
    ToWorker,
    WorkerExited,
    WorkerLost,
    WorkerPlaced,
)
from arena.import_path import import_variables
from arena.processes.jobs import News
from arena.processes.launch import ChildProcess, Launcher, name_exit
from arena.processes.messages import Crashed, Placed, Record
from arena.processes.supervisor import log_record

logger = logging.getLogger(__name__)
_LEAVING_S = 5.0  # a driver that was told to leave has this long beyond the grace
_KILL_LIMIT_S = 5.0
_POLL_S = 0.2
_LONGEST_FOLDER = 24  # Ray's sockets lie 70 bytes deeper, and a socket's path has at most 107


def folder_for_ray(path: Path) -> str | None:
    """Return where a Ray that is started here keeps its files: in a folder of ours, if it can."""
    return str(path) if len(str(path)) <= _LONGEST_FOLDER else None


class Bridge:
    """The driver of one cluster, started with the first worker.

    Args:
        orders: what the driver is told.
        folder: where its output goes.
        start_limit_s: a driver that has not joined by then is ended.

    Attributes:
        refusal: why the cluster is not used, once that is known; it does not pass.
    """

    def __init__(self, orders: DriverOrders, folder: Path, start_limit_s: float) -> None:
        self._orders, self._folder = orders, folder
        self._start_limit_s = start_limit_s
        self._launcher = Launcher(run_driver)
        self._driver: ChildProcess | None = None
        self._has_joined = False
        self._joins_by = 0.0
        self._crashed: Crashed | None = None
        self._keys, self._groups = itertools.count(1), itertools.count(1)
        self._workers: dict[int, RemoteProcess] = {}
        self._news: list[News] = []
        self.is_deaf = False  # it did not answer to a kill, and has said nothing since
        self.refusal: str | None = None

    @property
    def handles(self) -> list[Any]:
        """Handles for `multiprocessing.connection.wait`; none without a driver."""
        return [] if self._driver is None else self._driver.handles

    @property
    def pid(self) -> int | None:
        """Process id of the driver, or None."""
        return None if self._driver is None else self._driver.pid

    @property
    def has_unread(self) -> bool:
        """Whether something has come for a worker that was not asked since."""
        return any(worker.has_unread for worker in self._workers.values())

    def take_news(self) -> list[News]:
        """Return what happened to the cluster since the last call."""
        news, self._news = self._news, []
        return news

    def new_group(self) -> int:
        """Return the key of a new group of processes (`Room.group`)."""
        return next(self._groups)

    def launch(
        self,
        name: str,
        orders: object,
        *,
        target: str = RUN_WORKER,
        preload: Sequence[str] = (),
        room: Room | None = None,
    ) -> RemoteProcess:
        """Start a worker, or another child, somewhere; the arguments are those of LaunchWorker.

        Raises:
            OSError, EOFError: the driver cannot be started.
        """
        if self._driver is None:
            imports = import_variables()
            self._crashed, self._has_joined = None, False
            orders_here = replace(self._orders, imports=imports)
            self._driver = self._launcher.launch(
                "ray-driver", orders_here, self._folder / "driver.txt"
            )
            self._joins_by = time.monotonic() + self._start_limit_s
        worker = RemoteProcess(self, next(self._keys), name)
        self._workers[worker.key] = worker
        level = logging.getLogger().getEffectiveLevel()
        self._driver.send(
            LaunchWorker(worker.key, name, orders, level, target, tuple(preload), room)
        )
        return worker

    def send(self, message: object) -> bool:
        """Send a message to the driver; return False when it is gone."""
        return self._driver is not None and self._driver.send(message)

    def forget(self, key: int) -> None:
        """Drop a worker that is over."""
        self._workers.pop(key, None)

    def pump(self) -> None:
        """Take in what the driver has sent, and notice when it is gone."""
        driver = self._driver
        if driver is None:
            return
        has_ended = driver.has_ended
        for message in driver.poll(None if has_ended else 1000):
            self._take(message)
        if has_ended:
            self._lose_driver(driver)
        elif not self._has_joined and time.monotonic() > self._joins_by:
            said = f"did not join the Ray cluster within {self._start_limit_s:g} s"
            address = self._orders.address
            if address is not None and not self._orders.is_known:
                self.refusal = (
                    f"ray.address = {address!r}: the driver {said}; expected a running Ray "
                    "cluster, see `ray status --address` there"
                )
            self._crashed = Crashed(said, "", True)
            driver.kill()

    def _take(self, message: object) -> None:
        self.is_deaf = False
        match message:
            case Record():
                log_record("Ray driver", message)
            case Joined(text):
                self._has_joined = True
                self._orders = replace(self._orders, is_known=True)
                self._tell(News(text))
            case Refused(why):
                self.refusal = why
            case Crashed():
                self._crashed = message
            case News():
                self._tell(message)
            case FromWorker(key, messages) if key in self._workers:
                self._workers[key].inbox += messages
            case WorkerPlaced(key, pid, node) if key in self._workers:
                self._workers[key].placed(pid, node)
            case WorkerExited(key, exit_code, output) if key in self._workers:
                self._workers[key].exited(exit_code, output)
            case WorkerLost(key, reason) if key in self._workers:
                self._tell(News(f"a worker {reason}", "warning"))
                self._workers[key].lost(reason)

    def _tell(self, news: News) -> None:
        level = logging.WARNING if news.level == "warning" else logging.INFO
        logger.log(level, "%s", news.text)
        self._news.append(news)

    def _lose_driver(self, driver: ChildProcess) -> None:
        exit_code = driver.close(1.0)
        self._driver = None
        said = name_exit(exit_code) if self._crashed is None else self._crashed.reason
        output = driver.last_output()
        if self._crashed is None and output:  # a stack of addresses: nothing for a sentence
            logger.info("last output of the Ray driver:\n%s", output)
        if self.refusal is None:
            self._tell(News(f"the Ray cluster is lost: the driver {said}", "warning"))
        for worker in list(self._workers.values()):
            worker.lost(f"was lost with the Ray cluster: the driver {said}")

    def close(self, grace_s: float) -> None:
        """Leave the cluster; one that was started here has ended when this returns."""
        driver, self._driver = self._driver, None
        self._workers.clear()
        if driver is None:
            return
        driver.send(Leave())
        driver.close(grace_s + _LEAVING_S if self._has_joined else grace_s)


class RemoteProcess:
    """The handle on a worker somewhere (an `arena.processes.supervisor.Process`).

    Attributes:
        key: its name between bridge and driver.
        name: as its process is called.
        node: where it runs; "" while it waits for a place.
        inbox: messages that were not read yet.
    """

    def __init__(self, bridge: Bridge, key: int, name: str) -> None:
        self._bridge = bridge
        self.key, self.name = key, name
        self.pid = 0  # known once it is placed
        self.node = ""
        self.inbox: list[object] = []
        self._has_ended = False
        self._exit_code: int | None = None
        self._output = ""

    @property
    def handles(self) -> Sequence[Any]:
        """The bridge's handles, which all its workers share."""
        return self._bridge.handles

    @property
    def has_unread(self) -> bool:
        """Whether messages, or the exit, were not read yet."""
        return bool(self.inbox) or self._has_ended

    @property
    def is_placed(self) -> bool:
        """Whether it has found room on a node, which may take as long as it takes."""
        return bool(self.node) or self._has_ended

    @property
    def has_ended(self) -> bool:
        """Whether it has exited, or is lost."""
        return self._has_ended

    def placed(self, pid: int, node: str) -> None:
        """Record where it starts."""
        self.pid, self.node = pid, node
        logger.info("%s runs on node %s, PID %d", self.name, node, pid)
        self.inbox.append(Placed())

    def exited(self, exit_code: int | None, output: str) -> None:
        """Record its exit."""
        self._has_ended, self._exit_code, self._output = True, exit_code, output

    def lost(self, reason: str) -> None:
        """Record that it is gone with its host: by trouble of the machine, which passes."""
        if not self._has_ended:
            self._has_ended = True
            self.inbox.append(Crashed(reason, "", of_machine=True))

    def send(self, message: object) -> bool:
        """Have a message sent; return False when the driver is gone."""
        return self._bridge.send(ToWorker(self.key, message))

    def poll(self, limit: int | None = 1000) -> list[object]:
        """Return the messages that have arrived, at most `limit`, without blocking."""
        self._bridge.pump()
        n = len(self.inbox) if limit is None else limit
        messages, self.inbox = self.inbox[:n], self.inbox[n:]
        return messages

    def hang_up(self) -> None:
        """Have its pipe closed, which tells a worker to exit."""
        self._signal("hang_up")

    def terminate(self) -> None:
        """Have SIGTERM sent."""
        self._signal("terminate")

    def kill(self) -> None:
        """Have SIGKILL sent."""
        self._signal("kill")

    def _signal(self, signal: Signal) -> None:
        self._bridge.send(SignalWorker(self.key, signal))

    def join(self, timeout_s: float) -> bool:
        """Wait for the exit; return False when it still runs."""
        ends = time.monotonic() + timeout_s
        while True:
            self._bridge.pump()
            left = ends - time.monotonic()
            if self._has_ended:
                self._bridge.forget(self.key)
            if self._has_ended or left <= 0:
                return self._has_ended
            handles = self._bridge.handles
            if not handles:  # the bridge is closed
                return True
            connection.wait(handles, min(left, _POLL_S))

    def close(self, grace_s: float) -> int | None:
        """Wait for the exit, kill after `grace_s`; return the exit code, None when it is lost."""
        if not self.join(grace_s):
            self.kill()
            # A driver whose cluster is away answers nobody: it is waited for once, not by each.
            self._bridge.is_deaf = not self.join(0.0 if self._bridge.is_deaf else _KILL_LIMIT_S)
        self._bridge.forget(self.key)
        return self._exit_code

    def last_output(self) -> str:
        """Return the end of what it wrote."""
        return self._output
