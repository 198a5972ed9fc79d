"""Compiling in two processes: the second one does not outlive an interruption of the first."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from arena.territory.observation import warm_up


def test_the_helper_ends_when_compiling_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
        options.pop("env")
        process = popen([sys.executable, "-c", "import time; time.sleep(600)"], **options)
        started.append(process)
        return process

    def interrupted(state: object, n: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(warm_up.subprocess, "Popen", start)
    monkeypatch.setattr(warm_up, "is_compiled", lambda: False)
    monkeypatch.setattr(warm_up, "_n_cores", lambda: 2)
    monkeypatch.setattr(warm_up, "run_ticks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        warm_up.warm_up()
    assert [process.returncode for process in started] == [-9]
