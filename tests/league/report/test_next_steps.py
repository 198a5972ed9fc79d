"""The three lines after a report: commands that exist, with members that exist."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from league.cli.main import main
from league.cli.options import program_name
from league.folder.layout import LeagueFolder
from league.report.next_steps import next_steps
from league.report.state import ArenaRow, MemberRow, ReportState
from tests.test_docs import command_errors

ROW = MemberRow(
    id=1,
    name="tribe",
    family="scripted",
    role="anchor",
    status="active",
    mu=25.0,
    sigma=1.0,
    conservative=22.0,
    rank=1,
    rank_low=1,
    rank_high=1,
    tier=1,
    matches=1,
    wins=0,
    mean_placement=5.0,
    trained_decisions=0,
    snapshot=None,
    agent_spec="scripted:tribe",
    generation=0,
    parent_id=None,
    created_at=datetime(2026, 11, 25, tzinfo=UTC),
)


def state(*members: MemberRow) -> ReportState:
    arena = ArenaRow(0, 0, 0, 0, 60.0, 0.0, 0.0)
    return ReportState("lg", ROW.created_at, None, members, (), (), arena)


def network(name: str, trained: int, conservative: float | None) -> MemberRow:
    return replace(
        ROW, name=name, family="attention", trained_decisions=trained, conservative=conservative
    )


def test_the_best_trained_network_meets_the_best_script() -> None:
    members = (
        replace(ROW, name="expander", conservative=26.0),
        ROW,
        network("attention-0000", 0, 30.0),  # untrained, whatever luck it had
        network("attention-0001", 10_000, 20.0),
        network("attention-0002", 20_000, None),  # not rated yet
    )
    lines = next_steps(state(*members), ".venv/bin/league", "my league")
    assert len(lines) == 3
    assert lines[1].startswith(
        ".venv/bin/league pit attention-0001 expander --league 'my league'  "
    )
    assert lines[2].startswith(".venv/bin/league start --for 30m --league 'my league'  ")


@pytest.mark.parametrize(
    "members", [(), (ROW,), (network("a", 5, None),), (ROW, network("a", 5, 1.0))]
)
def test_every_line_is_a_command_whoever_plays(members: tuple[MemberRow, ...]) -> None:
    lines = next_steps(state(*members), "league", None)
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
