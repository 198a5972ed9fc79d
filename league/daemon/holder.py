"""Which process holds a lock: the kernel's answer, else a note that is checked.

Promises: the PID that is returned belongs to the process that holds the lock, and not to one that
was given the same number later: on Linux the kernel's table of locks names it; elsewhere the start
of the process must be the one in the note.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LOCKS = Path("/proc/locks")


def find_holder(paths: Sequence[Path], note: Mapping[str, object]) -> int | None:
    """Return the PID of the process that holds a `flock` on one of the paths; None if unknown.

    Args:
        note: what the holder wrote: `pid`, and `started`, the `start_mark` of that process.
    """
    holders = _holders(paths)
    if len(holders) == 1:
        return holders[0]
    noted = note.get("pid")
    pid = noted if isinstance(noted, int) and not isinstance(noted, bool) else None
    if pid is not None and 1 < pid < 2**31:
        mark = start_mark(pid)
        if mark is not None and mark == note.get("started"):
            return pid
    return None


def start_mark(pid: int) -> str | None:
    """Return a text that tells the process from any other that has this PID at another time."""
    try:
        # The command in brackets may hold spaces; the start in clock ticks is the 22nd field.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[19]
    except (OSError, IndexError):
        pass
    if LOCKS.exists():
        return None  # Linux, and there is no such process
    try:
        found = subprocess.run(
            ["ps", "-p", str(pid), "-o", "lstart="], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def _holders(paths: Iterable[Path]) -> list[int]:
    """Return the PIDs that hold a lock on one of the paths, as the kernel's table says (Linux)."""
    try:
        table = LOCKS.read_text()
    except OSError:
        return []
    wanted = set()
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        device = found.st_dev
        wanted.add(f"{os.major(device):02x}:{os.minor(device):02x}:{found.st_ino}")
    pids = set()
    for line in table.splitlines():
        # "3: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF"; one who waits has "->" in front
        fields = line.split()
        if len(fields) < 6 or fields[1::2][:2] != ["FLOCK", "WRITE"] or fields[5] not in wanted:
            continue
        # The PID of a process of another container means nothing here: it is 0.
        if fields[4].isdigit() and int(fields[4]) > 1:
            pids.add(int(fields[4]))
    return sorted(pids)
