from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from db.errors import DatabaseError
from db.migrate import upgrade
from db.session import open_writer
from league.folder.layout import LeagueFolder, create_folder
from league.report.document import report_document
from league.report.live import run_live
from league.report.picture import write_svg
from league.report.screen import WIDTH, report_screen, summary_line
from league.report.state import ReportState, StateReader
from tests.league.hand_made import NOON

PICTURE = Path(__file__).parent / "report_screen.txt"


def _state(folder: LeagueFolder) -> ReportState:
    with StateReader(folder) as reader:
        return reader.read(at=NOON + timedelta(seconds=30))


def _text(state: ReportState) -> str:
    console = Console(width=WIDTH, file=io.StringIO(), color_system=None, record=True)
    console.print(report_screen(state))
    text = console.export_text()
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def test_the_scale_stands_on_tribe_and_ranks_follow_mu(hand_made_league: LeagueFolder) -> None:
    state = _state(hand_made_league)
    by_name = {row.name: row for row in state.members}
    # every match: attention first, random second, tribe third, wait last
    assert [row.name for row in state.members] == ["attention-0001", "random", "tribe", "idle"]
    assert by_name["tribe"].mu == pytest.approx(25.0)
    best = by_name["attention-0001"]
    assert best.mu is not None and best.sigma is not None
    assert best.conservative == pytest.approx(best.mu - 3 * best.sigma)
    assert (best.rank, best.matches, best.wins, best.mean_placement) == (1, 3, 3, 1.0)
    assert by_name["idle"].status == "retired"


def test_guests_are_not_in_the_standings(hand_made_league: LeagueFolder) -> None:
    assert "visitor" not in {row.name for row in _state(hand_made_league).members}


def test_the_document_has_the_promised_keys(hand_made_league: LeagueFolder) -> None:
    document = json.loads(json.dumps(report_document(_state(hand_made_league)), allow_nan=False))
    assert document["matches"] == 3
    promised = {
        *("name", "family", "role", "status", "mu", "sigma", "conservative", "rank", "matches"),
        *("wins", "mean_placement", "trained_decisions", "snapshot"),
        *("interval", "design_effect", "line_ups", "rank_low", "rank_high", "tier"),
        *("first", "first_interval", "first_matches"),
    }
    assert all(promised <= set(member) for member in document["members"])
    assert document["members"][0]["snapshot"] == "d" * 64
    best = document["members"][0]
    low, high = best["interval"]
    assert (low + high) / 2 == pytest.approx(best["mu"]) and best["line_ups"] == 1
    low, high = best["first_interval"]
    assert low < best["first"] < high and best["first_matches"] == 3
    assert document["rating_version"] == "chain-1"
    (anchor,) = (m for m in document["members"] if m["name"] == "tribe")
    assert anchor["interval"] is None  # 25 by definition
    learner = document["learners"][0]
    assert (learner["name"], learner["decisions_per_s"]) == ("attention", 140.0)


def test_throughput_counts_the_last_minute(hand_made_league: LeagueFolder) -> None:
    arena = _state(hand_made_league).arena
    # 3 matches of 1,500 ticks within 60 s
    assert arena.matches_per_s == pytest.approx(3 / 60)
    assert arena.ticks_per_s == pytest.approx(4_500 / 60)


def test_the_screen_is_the_one_on_file(hand_made_league: LeagueFolder) -> None:
    assert _text(_state(hand_made_league)) == PICTURE.read_text()


def test_a_learner_without_a_sign_of_life_is_silent(hand_made_league: LeagueFolder) -> None:
    with StateReader(hand_made_league) as reader:
        late = reader.read(at=NOON + timedelta(minutes=5))
    assert all(learner.is_silent for learner in late.learners)
    assert "silent" in _text(late)


def test_a_long_table_says_how_many_lines_are_hidden(hand_made_league: LeagueFolder) -> None:
    console = Console(width=WIDTH, file=io.StringIO(), record=True)
    console.print(report_screen(_state(hand_made_league), max_members=1))
    text = console.export_text()
    assert "attention-0001" in text and "and 3 more" in text


def test_the_same_state_gives_the_same_picture(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    state = _state(hand_made_league)
    first = write_svg(state, tmp_path / "a.svg").read_text()
    assert first == write_svg(state, tmp_path / "b.svg").read_text()
    assert first.startswith("<svg") and "attention-0001" in first


def test_a_picture_asks_nothing_of_a_network(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    drawn = write_svg(_state(hand_made_league), tmp_path / "a.svg").read_text()
    assert "@font-face" not in drawn and "font-family: Fira Code, monospace" in drawn
    elsewhere = re.findall(r"(?:url\(|href=|src=)[\"']?(?!#)([^)\"']*)", drawn)
    assert elsewhere == [] and drawn.count("http") == drawn.count("http://www.w3.org/2000/svg") + (
        drawn.count("https://www.textualize.io")  # a comment that names the program's author
    )


def test_live_prints_plain_lines_where_there_is_no_terminal(
    hand_made_league: LeagueFolder,
) -> None:
    state = _state(hand_made_league)
    out = io.StringIO()
    calls: list[int] = []
    run_live(
        lambda: state,
        Console(file=out, width=40),
        stop=lambda: calls.append(1) is None and len(calls) > 3,
        line_every_s=0.01,
    )
    lines = out.getvalue().splitlines()
    assert lines and all(line == summary_line(state) for line in lines)
    assert "3 matches" in lines[0] and "attention 12,345 decisions at 140/s" in lines[0]


def test_a_league_before_its_first_match_has_an_empty_report(tmp_path: Path) -> None:
    folder = create_folder(tmp_path / "league", "seed = 1\n")
    with pytest.raises(DatabaseError, match="found none; start the league"):
        StateReader(folder)
    engine = open_writer(folder.sqlite)
    upgrade(engine)
    engine.dispose()
    state = _state(folder)
    assert report_document(state)["members"] == [] and "0 rated matches" in _text(state)


def test_reading_changes_nothing(hand_made_league: LeagueFolder) -> None:
    before = hand_made_league.sqlite.read_bytes()
    _state(hand_made_league)
    assert hand_made_league.sqlite.read_bytes() == before


def test_what_land_wins_follows_the_edition(hand_made_league: LeagueFolder) -> None:
    state = _state(hand_made_league)
    assert "80 % of the largest land mass of the map; other land is not played on" in _text(state)
    newer = replace(state, edition="2026")
    assert "80 % of all land of the map\n" in _text(newer)
    assert report_document(newer)["win"] == {"share": 0.8, "of": "all land of the map"}
