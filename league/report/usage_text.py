"""What a league uses of its machine in words, as screens and plain lines show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def size(n_bytes: float) -> str:
    """Return a number of bytes with a unit, such as `24 MB` or `2.6 GB`."""
    amount, unit = float(n_bytes) / 1e3, "kB"
    for larger in ("MB", "GB", "TB"):
        if abs(amount) < 999.5:
            break
        amount, unit = amount / 1e3, larger
    return f"{amount:.0f} {unit}" if abs(amount) >= 9.95 or unit == "kB" else f"{amount:.1f} {unit}"


def usage_words(usage: Mapping[str, Any]) -> list[str]:
    """Return the use of processors, memory, GPUs and disk (league.daemon.usage), as far as known.

    Processors are in per cent of one core; the disk is the league's folder, and its growth.
    """
    words = []
    cpu, cores = usage.get("cpu_percent"), usage.get("cores")
    if cpu is not None:
        words.append(f"cpu {cpu:>3.0f} % of {cores or '?'} cores")
    used, total = usage.get("memory_bytes"), usage.get("memory_total")
    if used is not None and total:
        words.append(f"ram {size(used)} of {size(total)}")
    words += [_gpu(number, gpu) for number, gpu in enumerate(usage.get("gpus") or ())]
    disk, growth = usage.get("disk_bytes"), usage.get("disk_bytes_per_h")
    if disk is not None:
        words.append(f"disk {size(disk)}" + ("" if growth is None else f", {_signed(growth)}/h"))
    return words


def _gpu(number: int, gpu: Mapping[str, Any]) -> str:
    busy, used, total = (gpu.get(key) for key in ("used_percent", "memory_bytes", "memory_total"))
    share = "-" if busy is None else f"{busy:.0f} %"
    memory = "" if used is None or total is None else f", {size(used)} of {size(total)}"
    return f"gpu {number} {share}{memory}"


def _signed(n_bytes: float) -> str:
    return f"{'+' if n_bytes >= 0 else '-'}{size(abs(n_bytes))}"
