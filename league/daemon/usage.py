"""What a running league uses: processors, memory, disk and GPUs, measured beside the daemon's loop.

Promises: measuring never holds up a round of work, and its failure ends nothing: a number that
cannot be had is None. A thread measures every ten seconds; the heartbeat writes what it found last.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from arena.machine import usable_cores
from league.daemon.nvml import read_gpus

log = logging.getLogger(__name__)

EVERY_S = 10.0  # a measurement takes about 10 ms: a thousandth of a core
FOLDER_EVERY_S = 60.0
FOLDER_SHARE = 200.0  # a folder of so many files that a look takes a second is seen every 200 s
GROWTH_WINDOW_S = 3600.0
LEAST_WINDOW_S = 60.0  # below it a growth per hour is a guess


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder; what vanishes meanwhile does not count."""
    total, todo = 0, [str(folder)]
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


class UsageMeter:
    """Measures the use of this process and all its children.

    Args:
        folder: of the league.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._times: dict[int, float] = {}  # CPU seconds by PID
        self._at = clock()
        self._sizes: deque[tuple[float, int]] = deque()
        self._folder_due = clock()

    def measure(self) -> dict[str, Any]:
        """Return the use since the last call as JSON values.

        Percents of processors are of one core: `cpu_percent` of the whole league, of which
        `daemon_percent` is this process's. Memory counts pages that processes share once.
        """
        import psutil

        now = self._clock()
        elapsed, self._at = max(now - self._at, 1e-9), now
        me = psutil.Process()
        times: dict[int, float] = {}
        private, shared = 0, 0
        for process in (me, *me.children(recursive=True)):
            with suppress(psutil.Error), process.oneshot():
                spent, memory = process.cpu_times(), process.memory_info()
                times[process.pid] = spent.user + spent.system
                common = getattr(memory, "shared", 0)
                private += memory.rss - common
                shared = max(shared, common)
        used = {pid: t - self._times[pid] for pid, t in times.items() if pid in self._times}
        first = not self._times
        self._times = times
        machine = psutil.virtual_memory()
        return {
            "cores": usable_cores(),
            "cpu_percent": None if first else _percent(sum(used.values()), elapsed),
            "daemon_percent": None if first else _percent(used.get(me.pid, 0.0), elapsed),
            "n_processes": len(times),
            "memory_bytes": private + shared,
            "memory_total": machine.total,
            "memory_available": machine.available,
            **self._disk(now),
            "gpus": [asdict(gpu) for gpu in read_gpus()],
        }

    def _disk(self, now: float) -> dict[str, Any]:
        if now >= self._folder_due:
            began = time.monotonic()
            self._sizes.append((now, folder_bytes(self._folder)))
            took = time.monotonic() - began
            self._folder_due = now + max(FOLDER_EVERY_S, FOLDER_SHARE * took)
            while now - self._sizes[0][0] > GROWTH_WINDOW_S and len(self._sizes) > 2:
                self._sizes.popleft()
        (began_at, before), (ended_at, size) = self._sizes[0], self._sizes[-1]
        seconds = ended_at - began_at
        growth = None if seconds < LEAST_WINDOW_S else round((size - before) * 3600.0 / seconds)
        free = None
        with suppress(OSError):
            free = shutil.disk_usage(self._folder).free
        return {"disk_bytes": size, "disk_bytes_per_h": growth, "disk_free": free}


def _percent(cpu_s: float, elapsed_s: float) -> float:
    return round(100.0 * max(0.0, cpu_s) / elapsed_s, 1)


class UsageWatch:
    """Measures in a thread while it is open; a context manager.

    Attributes:
        latest: the newest measurement, empty before the first.
    """

    def __init__(self, measure: Callable[[], Mapping[str, Any]], every_s: float = EVERY_S) -> None:
        self._measure, self._every_s = measure, every_s
        self.latest: Mapping[str, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="usage", daemon=True)

    def _watch(self) -> None:
        while True:
            try:
                self.latest = self._measure()
            except Exception as error:  # a screen without these numbers is a screen
                log.info("the use of the machine could not be measured: %r", error)
            if self._stop.wait(self._every_s):
                return

    def __enter__(self) -> UsageWatch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)
