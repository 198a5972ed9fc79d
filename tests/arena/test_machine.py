"""Which errors are the machine's: by their number, and by what they were raised from."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from arena.errors import MapError
from arena.machine import available_memory, is_machine_trouble, usable_cores


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENFILE, "Too many open files in system"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_the_machines_errors_are_its_own_however_they_are_wrapped(error: Exception) -> None:
    assert is_machine_trouble(error)
    wrapped = MapError("the map cannot be read")
    wrapped.__cause__ = error
    assert is_machine_trouble(wrapped)


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(errno.ENOENT, "No such file"), ValueError("bad"), OSError("no number")],
)
def test_a_missing_or_damaged_file_is_not_the_machines_fault(error: Exception) -> None:
    assert not is_machine_trouble(error)


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert not is_machine_trouble(first)


def test_available_memory_is_what_the_kernel_and_the_container_leave(tmp_path: Path) -> None:
    assert available_memory(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 99 kB\nMemAvailable:   8000 kB\n")
    assert available_memory(tmp_path) == 8_192_000
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    assert available_memory(tmp_path) == 8_192_000
    (group / "memory.max").write_text("5000000\n")
    (group / "memory.current").write_text("2000000\n")
    assert available_memory(tmp_path) == 3_000_000


def test_usable_cores_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5, 6}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
