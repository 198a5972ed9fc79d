"""The warm-up compiles all that matches need, and its helper does not outlive an interruption."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arena.territory.observation import warm_up

# Warms up for an edition, plays by chance, and prints what had to be compiled or loaded only then.
PLAYS = """
import gc, sys
import numpy as np
from numba.core.dispatcher import Dispatcher
from arena.env import TerritoryEnv
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.warm_up import warm_up

def code():
    functions = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
    return {f"{each.py_func.__qualname__}{types}" for each in functions for types in each.overloads}

warm_up(sys.argv[1])
before = code()
rules = MatchRules(max_ticks=300, edition=sys.argv[1])
env = TerritoryEnv(load_map("generated:lakes:64x64:3"), rules)
rng = np.random.default_rng(0)
seen, _ = env.reset(seed=1)
while env.agents:
    actions = {a: int(rng.choice(np.flatnonzero(seen[a]["action_mask"]))) for a in env.agents}
    seen, *_ = env.step(actions)
print(len(before), *sorted(code() - before), sep="\\n")
"""


@pytest.mark.timeout(1200)  # where several processes share the suite, all is compiled here
@pytest.mark.parametrize("edition", ["2025", "2026"])
def test_a_match_compiles_nothing_after_the_warm_up(
    edition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "usable_cores", lambda: 1)  # a helper knows nothing of our locks
    warm_up.warm_up(edition)  # so that the program below has nothing to compile, but to load
    done = subprocess.run(
        [sys.executable, "-c", PLAYS, edition],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[4])},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    n_before, *later = done.stdout.splitlines()
    assert int(n_before) > 5
    assert later == []


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
    monkeypatch.setattr(warm_up, "usable_cores", lambda: 2)
    monkeypatch.setattr(warm_up, "run_ticks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        warm_up.warm_up()
    assert [process.returncode for process in started] == [-9]
