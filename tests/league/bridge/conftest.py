"""Fixtures of the bridge's tests: a peer without Node, and the user's checkout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from league.bridge.checkout import ENGINE_VARIABLE
from league.bridge.process import EngineProcess

PEER = Path(__file__).with_name("fake_peer.py")
Start = Callable[..., EngineProcess]


@pytest.fixture
def start_peer() -> Iterator[Start]:
    """Start fake_peer.py in a mode."""
    started: list[EngineProcess] = []

    def start(mode: str, answer_limit_s: float = 300.0) -> EngineProcess:
        started.append(EngineProcess((sys.executable, str(PEER), mode), answer_limit_s))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture
def original() -> Path:
    """The user's checkout; without one the test is skipped."""
    path = os.environ.get(ENGINE_VARIABLE)
    if not path:
        pytest.skip(f"{ENGINE_VARIABLE} names no checkout of the original engine")
    return Path(path)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one map, all land."""
    from tests.league.bridge.lobby import write_checkout

    return write_checkout(tmp_path)
