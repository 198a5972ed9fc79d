"""`league curves --what`: pictures and pages of training, payoff and placements."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from league.cli.main import main
from league.folder.layout import LeagueFolder
from league.page.facts import read_facts
from league.page.plots import PLOTS
from tests.league.hand_made import NOON
from tests.league.page.known import make_known_league


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> LeagueFolder:
    return make_known_league(tmp_path_factory.mktemp("plots") / "my-league")


@pytest.mark.parametrize("axis", ["decisions", "minutes"])
@pytest.mark.parametrize("what", list(PLOTS))
def test_each_picture_is_a_png_with_something_in_it(
    folder: LeagueFolder, tmp_path: Path, what: str, axis: str
) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    path = PLOTS[what](read_facts(folder, at=NOON), tmp_path / "deep" / "x.png", axis)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(100_000) or []) > 8


def test_a_league_without_training_and_matches_has_pictures_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    facts = read_facts(make_known_league(tmp_path / "new", n_matches=0), at=NOON)
    for what, draw in PLOTS.items():
        assert draw(facts, tmp_path / f"{what}.png", "decisions").is_file()


@pytest.mark.parametrize("what", ["rating", *PLOTS])
def test_each_page_has_its_own_section_alone(
    folder: LeagueFolder, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(folder.root)]
    path = tmp_path / f"{what}.html"
    assert main(["curves", "--what", what, "--html", str(path), *there]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    text = path.read_text(encoding="utf-8")
    section = {"rating": "progress", "payoff": "beats", "placements": "places"}.get(what, what)
    assert f'<section id="{section}">' in text and '<section id="standings">' not in text


def test_the_updates_of_learners_are_a_table_and_json(
    folder: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--what", "training", "--league", str(folder.root)]
    assert main(["curves", *there]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (rows,) = [[line for line in lines if len(line) == 10 and line[0][0].isdigit()]]
    # 60 updates in 12 groups of five; the last ends at 9,000 decisions, 590 s after the start.
    assert len(rows) == 12
    assert rows[-1][:3] == ["9,000", "9.8", "1.50"] and rows[0][2] == "3.00"
    assert main(["curves", "--json", *there]) == 0
    (learner,) = json.loads(capsys.readouterr().out)["learners"]
    assert len(learner["updates"]) == 60
    assert learner["updates"][-1]["trained_decisions"] == 9_000
    assert learner["updates"][-1]["numbers"]["entropy"] == 2.0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--what", "payoff"],
        ["--what", "placements", "--json", "--html", "x.html"],
        ["--what", "training", "other-league"],
        ["--html", "x.html", "other-league"],
    ],
)
def test_what_cannot_be_shown_is_refused(
    folder: LeagueFolder, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curves", *arguments, "--league", str(folder.root)]) == 2
    assert "--what" in capsys.readouterr().err


def test_without_matplotlib_pages_are_written_and_pictures_say_how_to_get_it(
    folder: LeagueFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    there = ["--league", str(folder.root)]
    for what in ("rating", *PLOTS):
        png = tmp_path / f"{what}.png"
        assert main(["curves", "--what", what, "--png", str(png), *there]) == 2
        assert "pip install 'matplotlib" in capsys.readouterr().err
        assert main(["curves", "--what", what, "--html", str(tmp_path / "x.html"), *there]) == 0
        capsys.readouterr()
