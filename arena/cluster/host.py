"""Owns the inside of a host: an actor on some node that starts one worker after the other.

Promises: knows nothing of the game; a host holds at most one worker, whose messages and exit
are kept until they are read; a worker leaves when its host is gone, since it is the host's child.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import connection

from arena.cluster.messages import LaunchWorker, Signal
from arena.cluster.nodes import difference, facts
from arena.processes.child import find_function
from arena.processes.launch import ChildProcess, Launcher
from arena.processes.scratch import ScratchFolder

_MAX_MESSAGES = 1000  # at once
_CLOSING_S = 1.0


class Host:
    """One place for a worker on this node.

    Args:
        expected: what `facts` must be here.
        check, settings: see `arena.cluster.nodes.facts`.
    """

    def __init__(
        self, expected: Mapping[str, str], check: str | None, settings: Mapping[str, object]
    ) -> None:
        # Children would import the main module, which is Ray's own here.
        with suppress(AttributeError):
            del sys.modules["__main__"].__file__
        import ray

        self._node_id = ray.get_runtime_context().get_node_id()
        self._address = str(ray.util.get_node_ip_address())
        self._trouble = difference(self._address, expected, facts(check, settings))
        self._folder: ScratchFolder | None = None
        self._child: ChildProcess | None = None
        self._is_leaving = False  # its pipe is closed, and it exits by itself
        self._lock = threading.Lock()  # guards the child: reads and orders come on several threads

    def look(self) -> tuple[str, str | None]:
        """Return the id of this node, and a sentence when it cannot play, else None."""
        return self._node_id, self._trouble

    def start(self, order: LaunchWorker) -> int:
        """Start a worker; return its process id.

        Raises:
            OSError, EOFError, MemoryError: it cannot be started.
            ImportError, AttributeError: this node has no such target.
        """
        if self._folder is None:
            self._folder = ScratchFolder("league-host-")
        launcher = Launcher(find_function(order.target), order.preload)
        output = self._folder.path / "worker.txt"
        child = launcher.launch(
            order.name, order.orders, output, log_level=order.log_level, address=self._address
        )
        with self._lock:
            self._child, self._is_leaving = child, False
        return child.pid

    def read(self, timeout_s: float) -> tuple[list[object], tuple[int | None, str] | None]:
        """Wait for messages of the worker, or its exit.

        Returns:
            The messages; and exit code and last output once the worker is gone, which is when the
            host is free for the next one.
        """
        child = self._child
        if child is None:
            return [], (None, "")
        handles = child.handles[1:] if self._is_leaving else child.handles
        with suppress(OSError):  # its pipe was closed on another thread
            connection.wait(handles, timeout_s)
        with self._lock:
            if not (child.join(0.0) if self._is_leaving else child.has_ended):
                return [] if self._is_leaving else child.poll(_MAX_MESSAGES), None
            messages = child.poll(None)
            exit_code = child.close(_CLOSING_S)
            output = child.last_output()
            self._child = None
        return messages, (exit_code, output)

    def send(self, message: object) -> None:
        """Send a message to the worker, if there is one."""
        with self._lock:
            if self._child is not None and not self._is_leaving:
                self._child.send(message)

    def signal(self, signal: Signal) -> None:
        """Close the worker's pipe, or send it a signal, if there is one."""
        with self._lock:
            if self._child is not None:
                self._is_leaving = self._is_leaving or signal == "hang_up"
                getattr(self._child, signal)()
