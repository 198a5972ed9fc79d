"""`league watch`, and what the live screen leaves on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from league.cli import watch as module
from league.cli.main import main
from league.daemon.lock import hold_lock
from league.folder.layout import LeagueFolder


def test_one_page_is_printed_of_the_size_that_was_asked_for(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--league", str(hand_made_league.root)]
    assert main(["watch", "--once", *place]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [len(line) for line in lines] == [120] * 40
    assert "─ 1 Standings" in lines[2] and "attention-0001" in lines[4]
    assert main(["watch", "--once", "--size", "80x24", *place]) == 0
    assert [len(line) for line in capsys.readouterr().out.splitlines()] == [80] * 24


def test_a_picture_of_the_page_is_written(
    hand_made_league: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "screen.svg"
    asked = ["watch", "--once", "--svg", str(path), "--league", str(hand_made_league.root)]
    assert main(asked) == 0
    drawn = path.read_text(encoding="utf-8")
    assert drawn.startswith("<svg") and "attention-0001" in drawn and "@font-face" not in drawn


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--once", "--size", "tall"], "expected columns x lines such as 120x40, found 'tall'"),
        (["--once", "--size", "9999x2"], "expected columns x lines"),
        (["--size", "80x24"], "--svg and --size go with --once"),
        (["1", "--once"], "expected a match with a replay, found none of match 1"),
    ],
)
def test_bad_input_is_one_sentence(
    hand_made_league: LeagueFolder,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    assert main(["watch", *arguments, "--league", str(hand_made_league.root)]) == 2
    assert says in capsys.readouterr().err


def test_without_a_terminal_there_are_plain_lines(
    hand_made_league: LeagueFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = "league.report.live.run_live"
    from league.report.live import run_live

    monkeypatch.setattr(before, lambda read, console: run_live(read, console, stop=lambda: True))
    for command in (["watch"], ["report", "--live"]):
        assert main([*command, "--league", str(hand_made_league.root)]) == 0
        assert "3 matches" in capsys.readouterr().out


def screen(monkeypatch: pytest.MonkeyPatch, *answer: object) -> None:
    """Let the screen of `league start` end like this."""
    monkeypatch.setattr(
        "league.screen.attach.start_with_screen", lambda *a, **k: answer, raising=True
    )
    monkeypatch.setattr("league.screen.attach.can_show", lambda: True)


def test_after_q_the_terminal_says_how_to_come_back_and_how_to_stop(
    hand_made_league: LeagueFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen(monkeypatch, 0, 4_711)
    place = str(hand_made_league.root)
    assert main(["start", "--league", place]) == 0
    out = capsys.readouterr().out
    assert "The league goes on, PID 4711." in out and "attention-0001" in out
    assert f"watch --league {place}" in out and f"stop --league {place}" in out


def test_after_the_end_the_standings_stay_with_what_to_look_at_next(
    hand_made_league: LeagueFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen(monkeypatch, 75, None)
    assert main(["start", "--league", str(hand_made_league.root)]) == 75
    out = capsys.readouterr().out
    assert "attention-0001" in out and "3 matches" in out
    assert all(command in out for command in ("report --next", "curves", "start --for 30m"))
    assert "watch " not in out  # no match keeps a replay here


def test_a_terminal_that_is_gone_changes_no_exit_code(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen(monkeypatch, 0, None)

    def gone(*rest: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module, "_print_end", gone)
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: True))
    assert main(["start", "--league", str(hand_made_league.root)]) == 0
    sys.stdout.close()  # it leads nowhere now


def test_plain_and_detach_show_no_screen(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen(monkeypatch, 99, None)
    asked: list[bool] = []
    monkeypatch.setattr(
        "league.daemon.process.start",
        lambda root, config, for_s, detach: asked.append(detach) or 0,
    )
    for option in ("--plain", "--detach"):
        assert main(["start", option, "--league", str(hand_made_league.root)]) == 0
    assert asked == [False, True]


def test_the_report_is_written_by_its_command_where_there_is_one(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [SimpleNamespace(opts=["--json"])]
    monkeypatch.setattr("league.cli.report.report", SimpleNamespace(params=options))
    assert module.report_writer(hand_made_league) is None
    options.append(SimpleNamespace(opts=["--html"]))
    called: list[list[str]] = []
    codes = [0, 2]

    def run(command: list[str], **how: object) -> object:
        called.append(command)
        return SimpleNamespace(returncode=codes.pop(0), stderr="league: no room")

    monkeypatch.setattr("subprocess.run", run)
    write = module.report_writer(hand_made_league)
    assert write is not None
    assert write() == f"written: {hand_made_league.root / 'report.html'}"
    assert write() == "report.html could not be written: league: no room"
    assert called[0][3:6] == ["report", "--html", str(hand_made_league.root / "report.html")]


def test_a_league_that_runs_is_not_started_again(
    hand_made_league: LeagueFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("league.screen.attach.can_show", lambda: True)
    with hold_lock(hand_made_league):
        assert main(["start", "--league", str(hand_made_league.root)]) == 2
    assert "already running" in capsys.readouterr().err
