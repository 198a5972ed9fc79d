"""Owns what every child process, worker or learner, does when it starts.

Promises: a child writes nothing to the terminal (its output goes to a file that the parent reads
after an unexpected exit, its log records to the parent through the pipe), ignores SIGINT and SIGHUP
(a terminal sends both to the whole group, and the parent decides), exits on SIGTERM, and exits
immediately when the parent is gone.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, cast

from arena.import_path import set_variables
from arena.processes.messages import Birth, Record

if sys.platform == "linux":
    import fcntl

EXIT_CRASHED = 3  # the child's own code raised; the parent was told the reason
EXIT_ORPHANED = 4  # the parent is gone
EXIT_LOST = 5  # another process of its group is gone (arena.processes.group), which is the reason
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
_BLAS_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ONE_THREAD = dict.fromkeys(_BLAS_THREADS, "1")


def begin(pipe: connection.Connection, birth: Birth) -> Link:
    """Set this process up as a child; return its end of the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":  # both are blocked at the start
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGHUP})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _follow_parent(birth.die_with_server)
    _write_to_file(birth.output_path)
    os.environ.update(ONE_THREAD)
    set_variables(birth.environment)
    link = Link(pipe)
    _log_to_parent(link, birth.log_level)
    return link


class Link:
    """The child's end of the pipe; any thread may send, hence the lock."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()  # guards the pipe: one message at a time

    def send(self, message: object) -> None:
        """Send a message to the parent; exit if it is gone."""
        try:
            with self._lock:
                self._pipe.send(message)
        except OSError:
            os._exit(EXIT_ORPHANED)  # there is nobody left to tell

    def poll(self) -> bool:
        """Return whether an order is waiting, or the parent has closed its end."""
        try:
            return self._pipe.poll()
        except OSError:
            return True

    def receive(self) -> object | None:
        """Return the next order, or None when the parent has closed its end."""
        try:
            return cast(object, self._pipe.recv())
        except (EOFError, OSError):
            return None


class _PipeHandler(logging.Handler):
    """Sends log records to the parent."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        self._link.send(Record(record.name, record.levelno, text, record.pathname, record.lineno))


def find_function(name: str) -> Callable[..., Any]:
    """Import "module:function".

    Raises:
        ImportError, AttributeError, ValueError: it cannot be imported.
    """
    module_name, _, function_name = name.partition(":")
    function = getattr(importlib.import_module(module_name), function_name)
    return cast(Callable[..., Any], function)


def describe(error: BaseException) -> str:
    """Return the type and message of an exception on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _follow_parent(die_with_server: bool) -> None:
    """Make sure that this process does not outlive the parent.

    A thread waits for the parent's sentinel, on every platform. It cannot run while compiled code
    holds the interpreter lock, so on Linux the kernel is asked to send SIGIO, which ends a process
    that does not handle it, when the parent's end of that pipe is closed. PDEATHSIG alone is not
    enough: below a fork server it reports the exit of the server, which lives as long as any of its
    children. It covers the case that the server itself is killed.
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
    """Send stdout and stderr, those of compiled code too, to a file; crashes leave a trace."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable(file=2)


def _log_to_parent(link: Link, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [_PipeHandler(link)]
    root.setLevel(level)
    logging.captureWarnings(True)
