"""`league compare --run` as a user runs it: interrupted, killed, finished by the same command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from league.compare.training import running_s
from league.folder.layout import LeagueFolder
from tests.acceptance.conftest import end, quick_settings, report, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]


def _arguments(root: Path, for_s: str) -> list[str]:
    return [
        *(sys.executable, "-m", "league.cli", "compare", "--run", "small"),
        *("--training-seeds", "1", "--for", for_s, "--seeds", str(root), "--matches", "4"),
        *("--json", *quick_settings()),
    ]


def _interrupt(root: Path, how: signal.Signals, when: Callable[[], bool], what: str) -> int:
    """Run the command until `when`, send it a signal; return its exit code."""
    process = subprocess.Popen(
        _arguments(root, "1h"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    try:
        wait_until(lambda: process.poll() is None and when(), 400, what)
        process.send_signal(how)
        return process.wait(60)
    finally:
        end(process)


def _trained(folder: LeagueFolder) -> bool:
    if running_s(folder) == 0.0:
        return False
    members = report(folder.root)["members"]
    return {"attention", "baseline"} == {m["family"] for m in members if m["trained_decisions"]}


def test_a_comparison_goes_on_after_an_interruption_and_a_kill(tmp_path: Path) -> None:
    seed = LeagueFolder(tmp_path / "seed-1")
    trained = "a trained snapshot of each family"
    assert _interrupt(tmp_path, signal.SIGINT, lambda: _trained(seed), trained) == 130
    before = running_s(seed)
    further = "more running time"
    killed = _interrupt(tmp_path, signal.SIGKILL, lambda: running_s(seed) > before + 1.0, further)
    assert killed == -signal.SIGKILL
    after = running_s(seed)
    # What has been trained is enough for this: it plays, and answers for one seed alone.
    done = subprocess.run(
        _arguments(tmp_path, "1s"), capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 4, done.stderr
    document = json.loads(done.stdout)
    assert running_s(seed) == after > before
    assert [row["seed"] for row in document["leagues"]] == [1]
    assert {(row["measure"], row["company"]) for row in document["answers"]} == {
        (measure, company) for measure in ("decisions", "minutes") for company in ("five", "mixed")
    }
    for row in document["pairings"]["decisions"]:
        assert row["a"]["trained_decisions"] > 0 and row["b"]["trained_decisions"] > 0
