"""A league in the background: started in a session of its own, and waited for until it plays.

Promises: `league start --detach` returns 0 once the first worker is ready, or once the league
pauses for a reason that it says; otherwise its error ends with the last line of the process that
failed. The two talk over a pipe, which works on a full disk too.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from arena.import_path import import_variables
from league.daemon.say import say
from league.errors import LeagueError
from league.folder.layout import LeagueFolder
from league.plain_text import visible

if TYPE_CHECKING:
    from league.config.tree import LeagueConfig

START_LIMIT_S = 300.0  # the first start on a machine compiles
_LAST_BYTES = 3_000  # of the output, for its last lines
_MAX_TOLD = 60_000  # characters: what a pipe takes in without a reader

State = Literal["ready", "paused", "failed"]


class DetachError(LeagueError):
    """The league in the background has ended, or does not begin."""

    def __init__(self, text: str, exit_code: int = 2) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Herald:
    """Tells whoever started this league in the background, once, what has become of the start.

    Args:
        descriptor: of the pipe's end for writing; None tells nobody.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        if descriptor is not None:
            os.set_inheritable(descriptor, False)  # a worker would keep the pipe open

    def tell(self, state: State, text: str = "") -> None:
        """Tell it, the first time."""
        if self._descriptor is None:
            return
        line = json.dumps({"state": state, "text": text[:_MAX_TOLD]}) + "\n"
        with suppress(OSError):  # whoever asked has gone
            os.write(self._descriptor, line.encode())
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = None


class Launched:
    """A league that was started in a session of its own, and what it has said since.

    Attributes:
        process: its process.
        told: what its herald told, {} before it did.
    """

    def __init__(
        self, folder: LeagueFolder, process: subprocess.Popen[bytes], reads: int, start: int
    ) -> None:
        self.process = process
        self.told: dict[str, Any] = {}
        self._folder, self._reads, self._start = folder, reads, start

    @property
    def output(self) -> Path:
        """The file that it writes its output to."""
        return self._folder.logs / "daemon.out"

    def hear(self, limit_s: float) -> None:
        """Wait until the herald tells something, has ended, or is silent for too long."""
        if not self.told:
            self.told = _hear(self._reads, limit_s)

    def lines(self) -> list[str]:
        """Return the last lines that it wrote, without control characters."""
        return _lines(self.output, self._start)

    def error(self) -> DetachError:
        """Return why a process that has ended never played."""
        self.process.wait()
        code = self.process.returncode
        said = visible(str(self.told.get("text", "")))
        said = said or next(reversed(self.lines()), "") or f"it exited with code {code}"
        return DetachError(
            f"{self._folder.root}: the league ended in the background before it played: {said}",
            code if code > 0 else 2,
        )

    def close(self) -> None:
        """Close the pipe; the league goes on."""
        if self._reads >= 0:
            os.close(self._reads)
            self._reads = -1


def launch(folder: LeagueFolder, config: LeagueConfig, for_s: float | None) -> Launched:
    """Start this program again in its own session; close what is returned."""
    variables = import_variables()
    reads, writes = os.pipe()
    try:
        with (folder.logs / "daemon.out").open("ab") as stream:
            start = stream.tell()
            order = {
                "config": config.to_json(),
                "for_s": for_s,
                "environment": {name: os.environ.get(name) for name in variables},
                "herald": writes,
            }
            process = subprocess.Popen(
                [sys.executable, "-m", "league.daemon.detached", str(folder.root)],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                pass_fds=(writes,),
                env=os.environ | variables,
            )
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: its last line says why
            process.stdin.write(json.dumps(order).encode())
            process.stdin.close()
    except BaseException:
        os.close(reads)
        raise
    finally:
        os.close(writes)
    return Launched(folder, process, reads, start)


def start_detached(
    folder: LeagueFolder, config: LeagueConfig, for_s: float | None, limit_s: float = START_LIMIT_S
) -> int:
    """Start this program again in its own session, and wait until the league plays; return 0.

    Raises:
        DetachError: it ended before; with its last line, and its exit code if that is documented.
    """
    with closing(launch(folder, config, for_s)) as launched:
        launched.hear(limit_s)
    process, told = launched.process, launched.told
    state, text = told.get("state"), visible(str(told.get("text", "")))
    if state in ("ready", "paused"):
        sys.stdout.write(f"{process.pid}\n")
        if state == "paused":
            say(f"the league runs and is paused: {text}")
        return 0
    if state is None and process.poll() is None and not _ends_soon(process):
        raise DetachError(
            f"{folder.root}: no worker was ready within {limit_s:.0f} s; process {process.pid} "
            f"goes on trying; see {launched.output}, or stop it with `league stop`"
        )
    raise launched.error()


def _hear(reads: int, limit_s: float) -> dict[str, Any]:
    """Return what the herald tells; {} when it is silent for too long, or has ended."""
    ends = time.monotonic() + limit_s
    raw = b""
    while not raw.endswith(b"\n"):
        ready, _, _ = select.select([reads], [], [], max(0.0, ends - time.monotonic()))
        part = os.read(reads, 65_536) if ready else b""
        if not part:
            return {}
        raw += part
    told = json.loads(raw)
    return told if isinstance(told, dict) else {}


def _ends_soon(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(1.0)  # the pipe closes a moment before the process has ended
    except subprocess.TimeoutExpired:
        return False
    return True


def _lines(output: Path, start: int) -> list[str]:
    """Return the last lines that a process wrote from there on, without control characters."""
    with suppress(OSError), output.open("rb") as stream:
        stream.seek(max(start, output.stat().st_size - _LAST_BYTES))
        lines = stream.read().decode("utf-8", "replace").split("\n")
        return [visible(line) for line in lines if line.strip()]
    return []
