"""Freed memory stays in the process where glibc allows it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_TOUCH = """
import resource, sys
import torch
from msattn.memory import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == "keep" else False
def touch():
    torch.zeros(2_000_000).add_(1.0)  # 8 MB
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    a, b = torch.ones(2_000_000), torch.ones(5_000_000)
    del a, b
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(mode: str) -> tuple[int, int]:
    run = subprocess.run(
        [sys.executable, "-c", _TOUCH, mode], capture_output=True, text=True, check=True
    )
    kept, faults = run.stdout.split()
    return int(kept), int(faults)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_that_was_freed_is_not_faulted_in_again() -> None:
    kept, faults = _faults("keep")
    # 20 rounds of 28 MB are 137,000 pages of 4 KiB; kept memory faults in once, 7,000 pages.
    assert kept == 1
    assert faults < 20_000
