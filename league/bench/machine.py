"""Owns what every benchmark says about its machine, and fresh processes to measure in.

A number without the machine's load is worth little: other work on the machine can halve it.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from league.errors import BenchError


def load() -> float | None:
    """Return the mean number of runnable processes in the last minute, None if unknown."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def describe() -> dict[str, Any]:
    """Return the cores, load and versions that a benchmark's numbers belong to."""
    return {
        "cores": os.cpu_count(),
        "load": load(),
        "processor": platform.machine(),
        "python": platform.python_version(),
    }


def sentence(machine: dict[str, Any]) -> str:
    """Return cores and load as the end of a line of text."""
    return f"{machine['cores']} cores ({machine['processor']}), load {machine['load']}"


def resident_bytes() -> int:
    """Return the bytes of this process in RAM now, or their peak if only that is known."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_fresh_process(
    code: str, *arguments: str, environment: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run Python code in a new process and return the JSON object that it prints last.

    Raises:
        BenchError: the process failed; the message holds its last line on stderr.
    """
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | (environment or {}),
    )
    if ran.returncode != 0:
        last = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        raise BenchError(f"a process of the benchmark failed with code {ran.returncode}: {last}")
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def middle(values: list[float]) -> float:
    """Return the median, which one disturbed run does not change."""
    return float(median(values))
