"""The three lines after a report: commands that exist, with members that exist."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from league.cli.main import main
from league.cli.options import program_name
from league.folder.layout import LeagueFolder
from league.report.next_steps import next_steps
from league.report.state import MemberRow, ReportState, StateReader
from tests.test_docs import command_errors


@pytest.fixture
def read(hand_made_league: LeagueFolder) -> ReportState:
    """The state of a league, whose members a test replaces."""
    with StateReader(hand_made_league) as reader:
        return reader.read()


def script(read: ReportState, name: str, conservative: float) -> MemberRow:
    row = next(row for row in read.members if row.family == "scripted")
    return replace(row, name=name, conservative=conservative)


def network(read: ReportState, name: str, trained: int, conservative: float | None) -> MemberRow:
    row = next(row for row in read.members if row.family == "attention")
    return replace(row, name=name, trained_decisions=trained, conservative=conservative)


def test_the_best_trained_network_meets_the_best_script(read: ReportState) -> None:
    members = (
        script(read, "expander", 26.0),
        script(read, "tribe", 22.0),
        network(read, "attention-0000", 0, 30.0),  # untrained, whatever luck it had
        network(read, "attention-0001", 10_000, 20.0),
        network(read, "attention-0002", 20_000, None),  # not rated yet
    )
    lines = next_steps(replace(read, members=members), ".venv/bin/league", "my league")
    assert len(lines) == 3
    assert lines[1].startswith(
        ".venv/bin/league pit attention-0001 expander --league 'my league'  "
    )
    assert lines[2].startswith(".venv/bin/league start --for 30m --league 'my league'  ")


@pytest.mark.parametrize("n_scripts", [0, 1])
@pytest.mark.parametrize("n_networks", [0, 1])
def test_every_line_is_a_command_whoever_plays(
    n_scripts: int, n_networks: int, read: ReportState
) -> None:
    members = [script(read, "tribe", 22.0)] * n_scripts + [network(read, "a", 5, 1.0)] * n_networks
    lines = next_steps(replace(read, members=tuple(members)), "league", None)
    assert len(lines) == 3
    for line in lines:
        assert command_errors(line.partition("  ")[0]) == []


def test_the_report_ends_with_them(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--league", str(hand_made_league.root), "report", "--next"]) == 0
    *_, heading, first, second, third = capsys.readouterr().out.splitlines()
    assert heading == "What to look at next:"
    assert all(shlex.quote(str(hand_made_league.root)) in line for line in (first, second, third))
    assert main(["--league", str(hand_made_league.root), "report", "--next", "--json"]) == 2


def test_a_command_is_printed_as_the_user_would_call_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = tmp_path / "bin" / "league"
    called.parent.mkdir()
    called.write_text("#!/bin/sh\n")
    called.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(called)])
    assert program_name() == "bin/league"
    monkeypatch.setenv("PATH", str(called.parent))
    assert program_name() == "league"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "league" / "__main__.py")])
    assert program_name().endswith(" -m league")


def test_make_league_ends_with_them() -> None:
    root = Path(__file__).resolve().parents[3]
    dry = subprocess.run(
        ["make", "--dry-run", "--always-make", "league", "FOR=5m"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    commands = [line for line in dry.stdout.splitlines() if "/league " in line]
    assert "start --preset small --for 5m" in commands[0]
    assert "report --next" in commands[-1]
