"""What the tests of arenas share: waiting for outcomes, and looking at processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from arena.processes.jobs import Done, Failed
from arena.processes.supervised import SupervisedArena

PATIENCE_S = 60.0  # for a busy machine; nothing waits so long when all is well


def collect(arena: SupervisedArena, n: int) -> dict[int, Done | Failed]:
    outcomes: dict[int, Done | Failed] = {}
    ends = time.monotonic() + PATIENCE_S
    while len(outcomes) < n and time.monotonic() < ends:
        for outcome in arena.poll(0.5):
            assert outcome.job_id not in outcomes
            outcomes[outcome.job_id] = outcome
    assert len(outcomes) == n
    return outcomes


def failed(outcome: Done | Failed) -> Failed:
    assert isinstance(outcome, Failed)
    return outcome


def done(outcome: Done | Failed) -> Done:
    assert isinstance(outcome, Done)
    return outcome


def wait_until(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> float:
    """Return the seconds that it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < patience_s
        time.sleep(0.02)
    return time.monotonic() - started


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
