"""Owns the inside of one worker process: import, play what comes down the pipe, send up results.

Promises: the worker writes nothing to the terminal (its output goes to a file that the parent
reads when the worker dies, its log records go up the pipe), ignores SIGINT, leaves on SIGTERM,
and leaves at once when the parent is gone. An exception in a match is a result, not a death.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any, cast

from arena.jobs import JobError

if sys.platform == "linux":
    import fcntl

EXIT_UNFIT = 3  # the player could not be imported or set up; the reason went up the pipe
EXIT_ORPHANED = 4  # the parent is gone
PROGRESS_INTERVAL_S = 0.5  # a pipe holds minutes of such messages while the parent is busy
MAX_OUTPUT_BYTES = 2**20
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
_BLAS_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ONE_THREAD = dict.fromkeys(_BLAS_THREADS, "1")

Player = Callable[[Any, Sequence[Any], Callable[[int], None]], Sequence[object]]


@dataclass(frozen=True)
class WorkerOrders:
    """What a worker is told at its birth.

    Attributes:
        play, setup: "module:function"; without a setup the context is `settings` itself.
        settings: the argument of setup.
        output_path: file that stdout and stderr go to.
        log_level: records below it stay in the worker.
        die_with_server: have the kernel send SIGKILL when the process that forked this one dies.
            Only right below a fork server: the kernel watches the forking *thread*, which
            elsewhere may just end.
    """

    play: str
    setup: str | None
    settings: Mapping[str, object]
    output_path: str
    log_level: int
    die_with_server: bool


class _Link:
    """The worker's end of the pipe; any thread may send, hence the lock."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()  # guards the pipe: one message at a time

    def send(self, kind: str, *values: object) -> None:
        try:
            with self._lock:
                self._pipe.send((kind, *values))
        except OSError:
            os._exit(EXIT_ORPHANED)  # nobody is left to tell

    def receive(self) -> tuple[Any, ...] | None:
        """Return the next order, None when the parent has closed its end."""
        try:
            return cast(tuple[Any, ...], self._pipe.recv())
        except (EOFError, OSError):
            return None


class _PipeHandler(logging.Handler):
    """Sends log records to the parent, formatted, so that nothing in them must be importable."""

    def __init__(self, link: _Link) -> None:
        super().__init__()
        self._link = link

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        self._link.send("log", record.name, record.levelno, text, record.pathname, record.lineno)


def run_worker(pipe: connection.Connection, orders: WorkerOrders) -> None:
    """Play batches until the parent closes the pipe; the target of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":  # born with it blocked
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _follow_parent(orders.die_with_server)
    _write_to_file(orders.output_path)
    os.environ.update(ONE_THREAD)
    link = _Link(pipe)
    _log_to_parent(link, orders.log_level)
    try:
        play = cast(Player, find_function(orders.play))
        context: Any = orders.settings
        if orders.setup is not None:
            context = find_function(orders.setup)(orders.settings)
    except (Exception, SystemExit) as error:
        link.send("unfit", describe(error), traceback.format_exc())
        sys.exit(EXIT_UNFIT)
    link.send("ready")
    while (order := link.receive()) is not None:
        _limit_output()
        _play_batch(play, context, order[1], link)


def find_function(name: str) -> Callable[..., Any]:
    """Import "module:function".

    Raises:
        ImportError, AttributeError, ValueError: as importing gives them.
    """
    module_name, _, function_name = name.partition(":")
    function = getattr(importlib.import_module(module_name), function_name)
    return cast(Callable[..., Any], function)


def describe(error: BaseException) -> str:
    """Return the type and message of an exception on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _play_batch(play: Player, context: Any, jobs: Sequence[tuple[int, bytes]], link: _Link) -> None:
    """Play jobs together; if that raises, one by one, so that only the guilty one fails."""
    outcomes = _try_to_play(play, context, jobs, link)
    if isinstance(outcomes, JobError) and len(jobs) > 1:
        logging.getLogger(__name__).warning(
            "a batch of %d matches raised %s; playing them one by one", len(jobs), outcomes.error
        )
        for job in jobs:
            alone = _try_to_play(play, context, [job], link)
            link.send("outcomes", [(job[0], alone if isinstance(alone, JobError) else alone[0])])
    elif isinstance(outcomes, JobError):
        link.send("outcomes", [(jobs[0][0], outcomes)])
    else:
        link.send(
            "outcomes", [(job[0], outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
        )
    link.send("idle")


def _try_to_play(
    play: Player, context: Any, jobs: Sequence[tuple[int, bytes]], link: _Link
) -> list[bytes | JobError] | JobError:
    """Return a pickled result or an error for each job, or one error for the whole call."""
    link.send("playing", len(jobs))
    try:
        specs = [pickle.loads(pickled) for _, pickled in jobs]
        results = list(play(context, specs, _Progress(link)))
        if len(results) != len(jobs):
            raise ValueError(f"the player returned {len(results)} results for {len(jobs)} jobs")
    except (Exception, SystemExit) as error:
        return JobError(describe(error), traceback.format_exc())
    return [_pack(result) for result in results]


def _pack(result: object) -> bytes | JobError:
    if isinstance(result, JobError):
        return result
    if isinstance(result, BaseException):
        return JobError(describe(result), "".join(traceback.format_exception(result)))
    try:
        return pickle.dumps(result)
    except Exception as error:
        return JobError(f"the result cannot be sent: {describe(error)}", traceback.format_exc())


class _Progress:
    """Tells the parent, not too often, how many ticks of the running call have been played."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._sent_at = -PROGRESS_INTERVAL_S

    def __call__(self, ticks: int) -> None:
        now = time.monotonic()
        if now - self._sent_at >= PROGRESS_INTERVAL_S:
            self._sent_at = now
            self._link.send("progress", int(ticks))


def _follow_parent(die_with_server: bool) -> None:
    """Make sure that this process does not outlive the parent.

    A thread waits for the parent's sentinel, on every platform. It cannot run while compiled code
    holds the interpreter lock, so on Linux the kernel is asked to send SIGIO, which ends a process
    that does not handle it, when the parent's end of that pipe is closed. PDEATHSIG alone would
    not do: below a fork server it tells of the server's death, and the server lives as long as
    one of its children. It is for the case that the server itself is killed.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
        if die_with_server:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    threading.Thread(
        target=_leave_with, args=(parent.sentinel,), name="follow-parent", daemon=True
    ).start()


def _leave_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(EXIT_ORPHANED)


def _write_to_file(path: str) -> None:
    """Point stdout and stderr, also those of compiled code, at a file; crashes leave a trace."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable(file=2)


def _limit_output() -> None:
    if os.fstat(2).st_size > MAX_OUTPUT_BYTES:
        os.ftruncate(2, 0)


def _log_to_parent(link: _Link, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [_PipeHandler(link)]
    root.setLevel(level)
    logging.captureWarnings(True)
