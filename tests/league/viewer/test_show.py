"""`league replay show`: a page, a table on a pipe, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena.match import MatchResult
from arena.replay import Label, write_replay
from arena.territory.engine.rules import STRUCTURES
from db import queries
from db.session import open_writer, write_transaction
from league.cli.options import run
from league.cli.replay import replay
from league.viewer.found import FoundMatch, find_match
from league.viewer.table import film_json, film_lines, shown_frames
from tests.arena.viewer.of_2026 import film_2026, film_with_railway
from tests.league.hand_made import add_rated, make_league


@pytest.fixture(autouse=True)
def _no_league_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where no league lies at the default path, whatever folder pytest was started in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEAGUE_DIR", raising=False)


def show(*arguments: str) -> int:
    return run(replay, ["show", *arguments])


def about_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="film">(.*?)</script>', text, re.S)
    assert found is not None
    about: dict[str, Any] = json.loads(found[1])
    return about


def test_a_page_of_a_file_names_its_members_and_follows_a_seat(
    replay_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "m.html"
    assert show(str(replay_file), "--html", str(page), "--seat", "1") == 0
    assert re.search(rf"{page}: final, \d+ kB; open it in a browser", capsys.readouterr().out)
    about = about_of(page)
    assert about["title"] == "final" and about["follow"] == 1
    assert [seat["name"] for seat in about["seats"]][:3] == [
        "attention-0001", "baseline-0001", "attention-0001",
    ]  # fmt: skip
    assert "--league DIR" in about["seats"][0]["silent"]
    assert page.stat().st_size < 100_000


def test_a_table_says_who_held_how_much_land_when(
    replay_file: Path, played: MatchResult, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(str(replay_file), "--every", "100") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "final   generated:lakes:64x64:3   300 ticks   30 decisions"
    # ticks 0, 100, 200 and the end
    ticks = [line.split()[0] for line in lines[3:7]]
    assert ticks == ["0", "100", "200", "300"]
    assert all(line.split()[1] == "10" for line in lines[3:4])
    winner = played.placements.index(1)
    assert lines[9].split()[:3] == ["1", str(winner), f"{played.tiles[winner]:,}"]
    assert len(lines) == 9 + 10


def test_the_same_numbers_are_json(
    replay_file: Path, played: MatchResult, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(str(replay_file), "--json", "--every", "300") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["frames"][-1] == {
        "tick": 300,
        "tiles": list(played.tiles),
        "troops": list(played.troops),
    }
    assert [seat["placement"] for seat in found["seats"]] == list(played.placements)
    assert [frame["tick"] for frame in found["frames"]] == [0, 300]


def test_rows_of_a_table_are_evenly_apart_and_hold_both_ends() -> None:
    class Ticks:
        ticks = np.arange(0, 1501, 25)

        def __len__(self) -> int:
            return 61

    # 20 steps of 75 ticks are 3 frames each, and the end
    assert shown_frames(Ticks(), None) == [*range(0, 60, 3), 60]  # type: ignore[arg-type]
    assert shown_frames(Ticks(), 2000) == [0, 60]  # type: ignore[arg-type]


def test_what_cannot_be_shown_is_refused_with_a_sentence(
    replay_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(str(replay_file), "--seat", "10", "--html", str(tmp_path / "m.html")) == 2
    assert "--seat: expected 0 to 9, found 10" in capsys.readouterr().err
    assert show(str(replay_file), "--attention") == 2
    assert "expected --html FILE with --attention" in capsys.readouterr().err
    assert show(str(replay_file), "--attention", "--html", str(tmp_path / "m.html")) == 2
    assert "expected a match with a seat of the attention family" in capsys.readouterr().err
    assert not (tmp_path / "m.html").exists()


def test_a_match_of_a_league_has_its_members_names_and_ratings(
    played: MatchResult, tmp_path: Path
) -> None:
    folder = make_league(tmp_path / "league")
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        match_id = 1
        write_replay(played, folder.replays / "one.replay", Label())
        seats = queries.match_seats(session, match_id)
        session.connection().exec_driver_sql(
            "UPDATE matches SET replay_path = 'replays/one.replay' WHERE id = 1"
        )
        add_rated(session, "late")
    engine.dispose()
    found = find_match("1", folder)
    assert found.title == "Match 1" and found.rated
    # as recorded in the table of seats, where the league knows them; else by the agents' specs
    names = ("tribe", "random", "idle", "attention-0001")
    assert found.names[: len(seats)] == names
    # before the first match everybody is where the admission put them: mu - 3 sigma is 0
    assert found.ratings[:4] == pytest.approx((0.0,) * 4, abs=1e-9)
    assert found.ratings[4:] == (None,) * 6


def test_numbers_of_2026_are_in_the_table_and_in_the_json() -> None:
    film = film_2026()
    found = FoundMatch(film.replay, "A match", tuple("abcdefghi"), (None,) * 9)
    marks = film.marks[-1]
    shown = film_json(film, found, every=500)["frames"][-1]
    assert shown["gold"] == marks.gold.tolist() and shown["city_levels"] == marks.levels.tolist()
    assert shown["allies"] == marks.allies.tolist()
    first = shown["structures"][0]
    tile, kind, seat, level, is_finished = marks.structures[0].tolist()
    assert (first["y"] * 96 + first["x"], first["seat"], first["level"]) == (tile, seat, level)
    assert first["kind"] == STRUCTURES[kind - 1] and first["is_finished"] == bool(is_finished)
    json.dumps(shown)
    film_3 = film_with_railway()
    shown = film_json(film_3, found, every=25)["frames"][3]
    assert shown["tick"] == 75
    assert shown["rails"][2] == {"stations": [[40, 0], [40, 60]], "tiles": 61}
    train = {"seat": 0, "start": [40, 0], "goal": [40, 60], "arrives_at": 96}
    assert shown["trains"][0] == train
    json.dumps(shown)
    lines = film_lines(film, found)
    head = next(line for line in lines if "troops" in line)
    assert head.split() == [
        "place",
        "seat",
        "tiles",
        "troops",
        "gold",
        "cities",
        "out",
        "at",
        "name",
    ]
    winner = film.placements.index(1)
    row = lines[lines.index(head) + 1].split()
    assert row[4:6] == [f"{marks.gold[winner]:,}", str(marks.levels[winner])]
