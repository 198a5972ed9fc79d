"""`league report --html`: the file it says, the browser it opens, the options it refuses."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from league.cli.main import main
from league.folder.layout import LeagueFolder
from tests.league.page.known import make_known_league


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> LeagueFolder:
    return make_known_league(tmp_path_factory.mktemp("command") / "my-league", n_matches=4)


def test_the_page_is_written_and_named(
    folder: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.html"
    there = ["--league", str(folder.root)]
    assert main(["report", "--html", str(path), "--quick", *there]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    text = path.read_text(encoding="utf-8")
    assert "<h1>League my-league</h1>" in text
    assert "Attention was not looked at for this page." in text


def test_open_opens_that_page_and_says_where_there_is_no_browser(
    folder: LeagueFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    answers = [True, False]

    def opened(address: str) -> bool:
        asked.append(address)
        return answers.pop(0)

    monkeypatch.setattr(webbrowser, "open", opened)
    path = tmp_path / "my report.html"
    command = ["report", "--html", str(path), "--open", "--quick", "--league", str(folder.root)]
    assert main(command) == 0
    assert asked == [path.as_uri()] and capsys.readouterr().err == ""
    assert main(command) == 0
    assert "expected a browser" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--html", "x.html", "--json"],
        ["--html", "x.html", "--svg", "x.svg"],
        ["--html", "x.html", "--live"],
        ["--html", "x.html", "--payoff"],
        ["--html", "x.html", "--next"],
        ["--open"],
        ["--quick"],
    ],
)
def test_options_that_do_not_fit_are_refused(
    folder: LeagueFolder, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *arguments, "--league", str(folder.root)]) == 2
    found = capsys.readouterr()
    assert not found.out and found.err.startswith("league: ") and "--" in found.err


def test_a_folder_that_cannot_be_written_is_a_sentence(
    folder: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    path = tmp_path / "file" / "report.html"
    assert main(["report", "--html", str(path), "--quick", "--league", str(folder.root)]) == 2
    assert "expected to write a page" in capsys.readouterr().err
