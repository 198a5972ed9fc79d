"""An arena that plays in this process, with fake_peer.py at the other end of the pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arena.processes.jobs import Done, Failed, JobError, News
from league.bridge.checkout import Bundle, Checkout
from league.bridge.worker import play, setup
from tests.league.bridge.conftest import PEER


class InProcess:
    """Plays what was submitted at the next poll, `size` matches in a call of the worker."""

    def __init__(self, settings: dict[str, Any], size: int = 4) -> None:
        self.context = setup(settings)
        self._size, self._waiting = size, []

    is_ready, start_trouble = True, None

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        self._waiting.append((job_id, spec))

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        jobs, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
        outcomes = play(self.context, [spec for _, spec in jobs], lambda ticks: None)
        return [
            Failed(job, out.error, out.traceback, out.fault, out.blamed)
            if isinstance(out, JobError)
            else Done(job, out)
            for (job, _), out in zip(jobs, outcomes, strict=True)
        ]

    def take_news(self) -> list[News]:
        return []

    def close(self, grace_s: float) -> None:
        self.context.drop()


def peer_arena(mode: str, made: list[InProcess] | None = None) -> Callable[..., InProcess]:
    """Return what makes such an arena, whose peer behaves as its mode says."""

    def make(n_workers: int, settings: object = None) -> InProcess:
        command = (sys.executable, str(PEER), mode)
        arena = InProcess({"snapshots": None, "bridge": {"command": command, "edition": "2026"}})
        if made is not None:
            made.append(arena)
        return arena

    return make


NO_BUNDLE = Bundle(Checkout(Path("of"), "2026", "a" * 40), "node", "v20", Path("bundle.mjs"))
