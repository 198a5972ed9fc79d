"""Tells an error of the machine, which passes, from one of a file, a map or an agent.

Promises: whoever loads files for matches can ask whether a failure is the fault of what was loaded;
nobody is charged with a full disk, missing permissions, too many open files or no memory. What
there is of the machine, cores and memory, is counted here alone.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

# A missing file (ENOENT) is not among them: that is a fault of the folder, and does not pass.
MACHINE_ERRNOS = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EPERM", "EROFS"),  # permissions, a disk mounted read-only after errors
        *("EIO", "ENXIO", "ENODEV", "ESTALE", "ETIMEDOUT", "ENOTCONN"),  # a disk that went away
        *("EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EINTR", "EBUSY"),
        *("ENOSPC", "EDQUOT"),
    )
    if hasattr(errno, name)
)


FIRST_PAUSE_S = 1.0


def growing_pause_s(n_in_a_row: int, longest_s: float) -> float:
    """Return the pause in seconds after this many troubles in a row: 1, 2, 4, .., `longest_s`."""
    return min(longest_s, FIRST_PAUSE_S * 2.0 ** min(n_in_a_row - 1, 60))


def is_machine_trouble(error: BaseException | None) -> bool:
    """Return whether an error, or what it was raised from, is one of the machine."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError) or _is_torch_without_memory(error):
            return True
        if isinstance(error, OSError) and error.errno in MACHINE_ERRNOS:
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_torch_without_memory(error: BaseException) -> bool:
    # torch raises a plain RuntimeError when the CPU's memory is out, by this sentence.
    return isinstance(error, RuntimeError) and (
        type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    )


def usable_cores() -> int:
    """Return the number of cores that this process may use, 1 or more."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of memory that new processes may take; None where the system does not say.

    On Linux, what the kernel counts as available, and no more than what is left of the limit of a
    container (cgroup v2).

    Args:
        root: where `proc` and `sys` are; for tests.
    """
    found: list[int] = []
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024 * int(line.split()[1]))
        group = root / "sys/fs/cgroup"
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            used = int((group / "memory.current").read_text(encoding="ascii"))
            found.append(max(0, int(limit) - used))
    except (OSError, ValueError, IndexError):
        pass  # another system, or no such limit: what was found by then counts
    return min(found) if found else None
