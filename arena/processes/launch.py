"""Owns how a child process is started, and the parent's handle on it.

Promises: children are never forked from a process with threads; each imports from where its parent
does, and not from the current folder; each starts with one numeric thread and cannot print a
traceback on Ctrl-C; a handle makes no decisions (arena.processes.supervisor makes them), and
sending to a child never blocks.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker, util
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from arena.import_path import import_variables, set_variables
from arena.processes.child import ONE_THREAD
from arena.processes.messages import Birth
from arena.processes.outbox import Outbox
from arena.processes.scratch import own_folder

Target = Callable[[connection.Connection, Birth, Any], None]

_LAST_OUTPUT_BYTES = 3000
_KILL_LIMIT_S = 5.0  # a process that waits for a device or a server outlives SIGKILL until then
_MAX_MESSAGES = 1000  # read from one child per poll, so that a busy one does not starve the others


class ChildProcess:
    """The parent's handle on a running child: the process and the parent's end of its pipe.

    Attributes:
        output_path: the file of the child's stdout and stderr, from byte `output_start` on.
    """

    def __init__(
        self,
        process: BaseProcess,
        pipe: connection.Connection,
        output_path: Path,
        output_start: int,
    ) -> None:
        self._process, self._pipe = process, pipe
        self._pipe_ended = False
        self._outbox = Outbox(pipe)
        self.output_path, self.output_start = output_path, output_start

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process.pid is not None  # it was started
        return self._process.pid

    @property
    def handles(self) -> list[Any]:
        """Handles for `multiprocessing.connection.wait`: ready on a message or on exit."""
        return [self._pipe, self._process.sentinel]

    @property
    def is_placed(self) -> bool:
        """True: it runs on this machine."""
        return True

    @property
    def has_ended(self) -> bool:
        """Whether the process has exited, or closed its pipe and is about to."""
        return self._pipe_ended or self._process.exitcode is not None

    def send(self, message: object) -> bool:
        """Have a message sent, without blocking; return False when the child is gone.

        A message of a class with `supersedes = True` replaces those of its class that wait.
        """
        try:
            return self._outbox.put(message)
        except OSError:
            return False

    def poll(self, limit: int | None = _MAX_MESSAGES) -> list[object]:
        """Return the messages that have arrived, at most `limit`, without blocking."""
        messages: list[object] = []
        try:
            while (limit is None or len(messages) < limit) and self._pipe.poll(0):
                messages.append(self._pipe.recv())
        except (EOFError, OSError):
            self._pipe_ended = True
        return messages

    def hang_up(self) -> None:
        """Close the parent's end of the pipe, which tells a worker to exit."""
        self._hang_up()

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def join(self, timeout_s: float) -> bool:
        """Wait for the exit; return False when the process still runs after `timeout_s`."""
        self._process.join(max(timeout_s, 0.0))
        return self._process.exitcode is not None

    def close(self, grace_s: float) -> int | None:
        """Wait for the exit, kill after `grace_s`, close the pipe; return the exit code.

        None: the kernel has not ended the killed process within seconds; it is left to itself.
        """
        if not self.join(grace_s):
            self.kill()
            self.join(_KILL_LIMIT_S)
        self._hang_up()
        return self._process.exitcode

    def _hang_up(self) -> None:
        self._outbox.close()
        self._pipe.close()

    def last_output(self) -> str:
        """Return the end of what the process wrote to stdout and stderr."""
        with suppress(OSError), self.output_path.open("rb") as stream:
            size = self.output_path.stat().st_size
            start = self.output_start if self.output_start <= size else 0  # it was truncated
            stream.seek(max(size - _LAST_OUTPUT_BYTES, start))
            return stream.read().decode("utf-8", "replace").strip()
        return ""


# A process has one fork server, which imports what the launchers named that were made before it.
_preloaded: dict[str, None] = {}


class Launcher:
    """Starts children of one kind.

    Args:
        target: called in the child as `target(pipe, birth, orders)`.
        preload: modules that the fork server imports once for all children, those of other
            launchers too.
    """

    def __init__(self, target: Target, preload: Sequence[str] = ()) -> None:
        self._target = target
        self._context = _process_context(preload)

    def launch(
        self,
        name: str,
        orders: object,
        output_path: Path,
        *,
        log_level: int | None = None,
        address: str = "",
    ) -> ChildProcess:
        """Start a child.

        Args:
            name: of the process.
            orders: picklable, passed to the target.
            output_path: appended to; made when missing.
            log_level: log records below it stay in the child; None for this process's level.
            address: of this machine in its cluster, where it is a node of one.

        Raises:
            OSError, EOFError: the process cannot be started.
        """
        with output_path.open("ab") as stream:
            output_start = stream.tell()
        birth = Birth(
            str(output_path),
            logging.getLogger().getEffectiveLevel() if log_level is None else log_level,
            isinstance(self._context, ForkServerContext),
            {name: os.environ.get(name) for name in import_variables()},
            address,
        )
        if isinstance(self._context, ForkServerContext):
            # The fork server's socket lies there. On a full disk the folder goes without a mark.
            with suppress(OSError):
                own_folder(Path(util.get_temp_dir()))
        ours, theirs = self._context.Pipe(duplex=True)
        try:
            process = self._context.Process(
                target=self._target, args=(theirs, birth, orders), name=name, daemon=True
            )
            with _birth_environment():
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ChildProcess(process, ours, output_path, output_start)


def name_exit(exit_code: int | None) -> str:
    """Describe an exit code as a predicate for a message; a signal by its name."""
    if exit_code is None or exit_code >= 0:
        return f"exited with code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    hint = " (from outside, or out of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"


def _process_context(preload: Sequence[str]) -> ForkServerContext | SpawnContext:
    """Return the start method of processes; never fork, with which threads would deadlock."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    _preloaded.update(dict.fromkeys(["arena.processes.worker", *preload]))
    context.set_forkserver_preload(list(_preloaded))
    return context


@contextmanager
def _birth_environment() -> Iterator[None]:
    """Start processes with this import path, one numeric thread, SIGINT and SIGHUP blocked.

    All is restored afterwards. The path counts for the fork server and the resource tracker, which
    import modules before any child is told its path; the children get their own environment back
    (`Birth.environment`). They ignore the signals themselves later, but Ctrl-C during their first
    imports would make each of them print a traceback, and a terminal that closes would kill the
    fork server, and the children with it. The tracker's start unblocks SIGINT: it comes before.
    """
    variables = ONE_THREAD | import_variables()
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    if sys.platform != "win32":
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        set_variables(before)
