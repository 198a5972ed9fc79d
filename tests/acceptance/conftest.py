"""Run `league` as a user would: as a subprocess, with signals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db.errors import DatabaseError
from league.folder.layout import LeagueFolder
from league.report.document import report_document
from league.report.state import StateReader

# Short matches, tiny updates: everything of a league happens within seconds.
QUICK = (
    "rules.max_ticks=200",
    "maps.train=['generated:continents:64x64:0-3']",
    "maps.rate=['generated:continents:64x64:100-101']",
    "network.channels=[8,8]",
    "network.branch_features=32",
    "learner.n_matches=2",
    "learner.n_steps=128",
    "learner.batch_size=64",
    "learner.n_epochs=1",
    "learner.snapshot_every=300",
    "learner.snapshot_min_kl=0.0",
    "learner.checkpoint_every_s=1.0",
)


def league(*arguments: str, timeout_s: float = 400.0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "league.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def quick_settings() -> list[str]:
    return [part for text in QUICK for part in ("--set", text)]


def reported(root: Path) -> dict[str, Any]:
    """What `league report --json` prints."""
    done = league("report", "--json", "--league", str(root))
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def report(root: Path) -> dict[str, Any]:
    """The same, read in this process: commands asked again and again hold up the league."""
    with StateReader(LeagueFolder.at(root)) as reader:
        return report_document(reader.read())


def n_matches(root: Path) -> int:
    """How many matches are rated; 0 while there is no league, or no database of it."""
    folder = LeagueFolder.at(root)
    if not (folder.is_league() and folder.sqlite.exists()):
        return 0
    try:
        return int(report(root)["matches"])
    except DatabaseError:
        return 0


def wait_until(condition: Callable[[], bool], limit_s: float, what: str) -> None:
    """Poll five times a second."""
    ends = time.monotonic() + limit_s
    while time.monotonic() < ends:
        if condition():
            return
        time.sleep(0.2)
    pytest.fail(f"{what} did not happen within {limit_s:.0f} s")


@pytest.fixture
def running(tmp_path: Path) -> Any:
    """A quick league in the foreground; yields (process, folder) and ends it afterwards."""
    root = tmp_path / "league"
    process = start(root)
    yield process, root
    end(process)


def start(root: Path, *more: str) -> subprocess.Popen[str]:
    """Start a quick league in the foreground."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "league.cli",
            "start",
            "--league",
            str(root),
            *quick_settings(),
            *more,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )


def end(process: subprocess.Popen[str]) -> None:
    """Kill it if it still runs, wait for it, and close its pipe."""
    process.kill()
    process.communicate()
