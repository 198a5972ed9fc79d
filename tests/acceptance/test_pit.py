"""`league pit` as a subprocess: stopped by a signal, killed, and run again to the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.league.pit.conftest import make_quick_league

pytestmark = pytest.mark.acceptance
N_MATCHES = 160


def pit(root: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "league", "pit", "tribe", "scripted:idle", "--workers", "1"]
    return subprocess.Popen(
        [*command, "--matches", str(N_MATCHES), "--league", str(root), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def numbers(root: Path) -> dict[str, Any]:
    out, _ = pit(root, "--json").communicate(timeout=240)
    report: dict[str, Any] = json.loads(out)
    del report["matches_per_s"]
    return report


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The numbers of a pit that nobody stops."""
    return numbers(make_quick_league(tmp_path_factory.mktemp("undisturbed") / "league").root)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_pit_says_how_to_go_on_and_ends_with_the_numbers_of_an_undisturbed_one(
    tmp_path: Path, number: signal.Signals, undisturbed: dict[str, Any]
) -> None:
    league = make_quick_league(tmp_path / "league").root
    running = pit(league)
    assert running.stderr is not None
    assert "pairs, A scores" in running.stderr.readline()  # the first pair is stored
    running.send_signal(number)
    out, errors = running.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert running.returncode == -9
    else:
        assert running.returncode == 130
        assert "no verdict yet   (interrupted after " in out.splitlines()[0]
        assert "(95 % at any stop)" in out
        assert "to go on from here: league pit tribe scripted:idle" in errors
    assert numbers(league) == undisturbed
