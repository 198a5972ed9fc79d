"""Owns the original engine as a process: started, asked, and ended when it hangs or crashes.

Promises: every wait has a limit; a process that died or hung becomes one sentence (with the last
line it wrote) and is ended, with nothing left behind; a process whose parent dies ends by itself,
because its input ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from league.bridge.protocol import (
    BOARD,
    FAULT,
    HEAD,
    MAX_FRAME_BYTES,
    OWNERS,
    PROTOCOL,
    TEXT,
    Board,
    read_board,
    read_text,
    request_line,
)
from league.errors import BridgeEngineError, BridgeError

# A step of ten ticks takes milliseconds, a map of 4 M tiles a minute to load.
ANSWER_LIMIT_S = 300.0
_END_LIMIT_S = 2.0
_CHUNK = 1 << 20
_SLICE_S = 0.5


class EngineProcess:
    """A running process of the original engine, which holds many games by slot.

    Args:
        command: the program and its arguments: `Bundle.command` (league.bridge.checkout).
        answer_limit_s: longest wait for an answer.

    Raises:
        BridgeError: the program cannot be started.
        BridgeEngineError: it does not answer as an adapter of ours.
    """

    def __init__(self, command: Sequence[str], answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._limit_s = answer_limit_s
        # Held open while the process lives; nobody reads it but a failure.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        except OSError as error:
            self._said.close()
            raise BridgeError(
                f"expected a program {command[0]} that starts, found: {error.strerror}; install "
                "Node.js 20 or newer, or put it on the PATH"
            ) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        try:
            self.about = self.ask({"op": "hello"})
            if self.about.get("protocol") != PROTOCOL:
                raise BridgeEngineError(
                    f"expected an adapter of protocol {PROTOCOL}, found "
                    f"{self.about.get('protocol')}; run `league bridge check --rebuild`"
                )
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request whose answer is a text; return it.

        Raises:
            BridgeError: the engine refuses it, with its reason.
            BridgeEngineError: the process died, hung or answered otherwise; it has been ended.
        """
        self._send(request)
        return read_text(self._expect(TEXT))

    def board(self, request: dict[str, Any]) -> Board:
        """Send a request whose answer is a board; raise as `ask`."""
        self._send(request)
        return read_board(self._expect(BOARD))

    def begin(self, request: dict[str, Any]) -> tuple[dict[str, Any], Board]:
        """Start a game; return what it says of its players, and its first board."""
        self._send(request)
        return read_text(self._expect(TEXT)), read_board(self._expect(BOARD))

    def owners(self, slot: int) -> bytes:
        """Return uint16 owners of all tiles, row by row, straight from the engine: for checks."""
        self._send({"op": "owners", "slot": slot})
        return self._expect(OWNERS)

    def close(self) -> None:
        """End the process; it may be called again."""
        with contextlib.suppress(OSError):
            self._in.close()
        try:
            self._process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()
        self._said.close()

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- bytes ------------------------------------------------------------------------------------

    def _send(self, request: dict[str, Any]) -> None:
        self._deadline = time.monotonic() + self._limit_s
        self._asked = str(request["op"])
        waiting = memoryview(request_line(request))
        while waiting:
            if not self._ready(writing=True):
                self._hung()
            try:
                waiting = waiting[os.write(self._in.fileno(), waiting[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except (BrokenPipeError, ValueError):
                self._died()

    def _expect(self, wanted: int) -> bytes:
        length, kind = HEAD.unpack(self._read(HEAD.size))
        if length > MAX_FRAME_BYTES or kind not in (BOARD, TEXT, FAULT, OWNERS):
            self.close()
            raise BridgeEngineError(
                f"expected a frame after {self._asked!r}, found other bytes: something else writes "
                "to the output of the engine's process"
            )
        body = self._read(length)
        if kind == FAULT:
            reason = read_text(body).get("error")
            raise BridgeError(f"the original engine refuses {self._asked!r}: {reason}")
        if kind != wanted:
            self.close()
            raise BridgeEngineError(
                f"expected a frame of kind {wanted} after {self._asked!r}, found kind {kind}"
            )
        return body

    def _read(self, n: int) -> bytes:
        parts = []
        while n:
            if not self._ready(writing=False):
                self._hung()
            part = os.read(self._out.fileno(), min(n, _CHUNK))
            if not part:
                self._died()
            parts.append(part)
            n -= len(part)
        return b"".join(parts)

    def _ready(self, *, writing: bool) -> bool:
        """Wait until the pipe can be used; return False when the time is up."""
        while (left := self._deadline - time.monotonic()) > 0:
            given = select.poll()
            end = self._in if writing else self._out
            try:
                given.register(end.fileno(), select.POLLOUT if writing else select.POLLIN)
            except ValueError:
                self._died()
            if given.poll(1000 * min(left, _SLICE_S)):
                return True
        return False

    def _hung(self) -> None:
        self._process.kill()
        self.close()
        raise BridgeEngineError(
            f"the original engine's process gave no answer to {self._asked!r} within "
            f"{self._limit_s:g} s and was ended; a smaller map or fewer players take less"
        )

    def _died(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_LIMIT_S)
        last = self._last_line()
        code = self._process.poll()
        self.close()
        raise BridgeEngineError(
            f"the original engine's process ended while it was asked for {self._asked!r} "
            f"(exit code {code}){f': {last}' if last else ''}"
        )

    def _last_line(self) -> str:
        """Return the line of stderr that says most: the last that names an error."""
        if self._said.closed:
            return ""
        self._said.seek(0)
        lines = self._said.read(1 << 16).decode(errors="replace").splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        named = [line for line in lines if "rror" in line]
        return (named or lines or [""])[-1][:300]
