"""How the screen reads a league: complete, incremental, cheap, and never in the league's way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from db import queries
from db.records import MatchOutcome, MatchPlan, RatingPoint, SeatOutcome
from db.session import open_writer, write_transaction
from league.daemon.lock import add_to_note, hold_lock
from league.daemon.stage import note_stage
from league.folder.layout import LeagueFolder, create_folder
from league.rating.engines import CHAIN_VERSION, rate_by_chain
from league.screen.history import History
from league.screen.pace import Pace
from league.screen.page import page
from league.screen.reading import ScreenReader
from league.screen.state import Look, ScreenState
from tests.league.hand_made import MAP_SHA, NOON, STATE_SHA

LATER = NOON + timedelta(seconds=30)


def read(folder: LeagueFolder) -> ScreenState:
    """The state after the second reading, in which all parts are."""
    with ScreenReader(folder) as reader:
        reader.read(at=LATER)
        return reader.read(at=LATER)


def play(folder: LeagueFolder, seconds: float, *places: int) -> int:
    """One more match of the four anchors and the network, finished so long after noon."""
    engine = open_writer(folder.sqlite)
    at = NOON + timedelta(seconds=seconds)
    with write_transaction(engine) as session:
        first = queries.get_match(session, 1)
        plan = MatchPlan(
            purpose="rating",
            seed=99,
            map="generated:lakes:128x128:7",
            map_sha256=MAP_SHA,
            rules_sha256=first.rules_sha256,
            spec={},
            line_up=first.line_up,
        )
        match_id = queries.plan_match(session, plan, at=at)
        queries.mark_started(session, match_id, at=at)
        queries.record_finished_match(
            session,
            match_id,
            MatchOutcome(900, STATE_SHA, 1.5, "replays/x.replay"),
            [SeatOutcome(place, 100, 1000) for place in places],
            rate=rate_by_chain,
            rating_version=CHAIN_VERSION,
            at=at,
        )
    engine.dispose()
    return match_id


def test_everything_of_a_league_is_read(hand_made_league: LeagueFolder) -> None:
    found = read(hand_made_league)
    assert found.report is not None and found.phase == "stopped"
    names = {row.id: row.name for row in found.report.members}
    by_name = {name: i for i, name in names.items()}
    # every match: attention first, random second, tribe third, idle last
    assert found.places[by_name["attention-0001"]] == (3, 0, 0, 0)
    assert found.places[by_name["idle"]] == (0, 0, 0, 3)
    assert [row.id for row in found.matches] == [3, 2, 1]
    assert found.matches[0].podium == ("attention-0001", "random", "tribe")
    assert not found.matches[0].has_replay
    assert found.beating is not None and found.beating.names[0] == "attention-0001"
    assert found.beating.rates[0][1:] == (1.0, 1.0, 1.0) and found.beating.games[0][1] == 3
    assert [event.kind for event in found.events] == ["start", "canary"]
    # tribe is the anchor of the scale: its line is at 25
    line = found.history[by_name["tribe"]]
    assert line[-1] == pytest.approx(25.0)
    best = found.history[by_name["attention-0001"]]
    (row,) = (row for row in found.report.members if row.name == "attention-0001")
    assert best[-1] == pytest.approx(row.mu)
    assert "attention-0001" in "\n".join(line.plain for line in page(found, Look(), 120, 40))


def test_a_new_match_is_read_alone(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScreenReader(hand_made_league) as reader:
        reader.read(at=LATER)
        match_id = play(hand_made_league, 20.0, 1, 2, 3, 4)
        monkeypatch.setattr("league.screen.pace.Pace.is_due", True)
        asked: list[object] = []
        points, results = queries.rating_points, queries.recent_results
        monkeypatch.setattr(
            queries,
            "rating_points",
            lambda *a, **k: asked.append(k["after_seq"]) or points(*a, **k),
        )
        monkeypatch.setattr(
            queries, "recent_results", lambda *a, **k: asked.append(k["after"]) or results(*a, **k)
        )
        found = reader.read(at=LATER)
    assert [row.id for row in found.matches] == [match_id, 3, 2, 1]
    assert found.matches[0].podium[0] == "tribe" and found.matches[0].has_replay
    # 4 admissions and 3 matches of 4 seats were read before; the newest match ended 2 s after noon
    assert asked == [NOON + timedelta(seconds=2), 16]
    (tribe,) = (row.id for row in found.report.members if row.name == "tribe")  # type: ignore[union-attr]
    assert found.places[tribe] == (1, 0, 3, 0)


def test_a_league_without_a_database_is_no_error_and_is_read_once_it_has_one(
    hand_made_league: LeagueFolder,
) -> None:
    away = hand_made_league.sqlite.rename(hand_made_league.root / "away.db")
    with ScreenReader(hand_made_league) as reader:
        assert reader.read(at=LATER).report is None
        away.rename(hand_made_league.sqlite)
        assert reader.read(at=LATER).report is not None


def test_a_start_is_shown_with_what_it_waits_for(hand_made_league: LeagueFolder) -> None:
    with hold_lock(hand_made_league):
        note_stage(hand_made_league, "workers and learners load")
        found = read(hand_made_league)
        assert (found.phase, found.says) == ("starting", "workers and learners load, 30 s") or (
            found.phase == "starting" and found.says.startswith("workers and learners load")
        )
        note_stage(hand_made_league, None)
        add_to_note(hand_made_league, turning=True)
        found = read(hand_made_league)
        assert found.phase == "running" and found.pid is not None
    assert read(hand_made_league).phase == "stopped"


def test_the_log_is_read_when_it_is_shown(hand_made_league: LeagueFolder) -> None:
    path = hand_made_league.logs / "league.log"
    path.write_text("".join(f"line {n}\n" for n in range(20_000)), encoding="utf-8")
    with ScreenReader(hand_made_league) as reader:
        assert reader.read(at=LATER).log == ()
        log = reader.read(with_log=True, at=LATER).log
        assert (len(log), log[-1]) == (400, "line 19999")


def test_reading_changes_nothing(hand_made_league: LeagueFolder) -> None:
    before = hand_made_league.sqlite.read_bytes()
    read(hand_made_league)
    assert hand_made_league.sqlite.read_bytes() == before


def test_a_folder_that_is_a_league_and_nothing_else_is_shown(tmp_path: object) -> None:
    folder = create_folder(tmp_path / "league", "seed = 1\n")  # type: ignore[operator]
    found = read(folder)
    assert found.report is None and found.phase == "stopped"
    assert "expected a league database" in "".join(
        line.plain for line in page(found, Look(), 120, 40)
    )


def test_a_part_takes_at_most_its_share_of_a_core() -> None:
    now, cpu = [0.0], [0.0]
    pace = Pace(0.01, 2.0, clock=lambda: now[0], cpu_clock=lambda: cpu[0])
    assert pace.is_due
    with pace.spending():
        cpu[0] += 0.05  # a hundredth of a core: again after 5 s
    now[0] = 4.9
    assert not pace.is_due
    now[0] = 5.0
    assert pace.is_due
    with pace.spending():
        cpu[0] += 0.001  # would be 0.1 s
    now[0] = 6.9
    assert not pace.is_due


def point(seq: int, member_id: int, mu: float, seconds: float) -> RatingPoint:
    return RatingPoint(seq, member_id, mu, NOON + timedelta(seconds=seconds))


def test_a_line_is_relative_to_the_anchor_at_the_same_moment() -> None:
    history = History()
    history.add([point(1, 7, 30.0, 0.0), point(2, 1, 26.0, 0.0)], anchor_id=1)
    history.add([point(3, 1, 28.0, 60.0), point(4, 7, 30.0, 120.0)], anchor_id=1)
    end = NOON + timedelta(seconds=120)
    # 30 - 26 + 25 at first, 30 - 28 + 25 after the anchor has risen
    present = {7: (27.0, NOON), 1: (25.0, NOON), 9: (24.0, NOON + timedelta(seconds=50))}
    lines = history.series(present, end, n=3)
    assert lines[7] == (29.0, 29.0, 27.0)
    assert lines[1] == (25.0, 25.0, 25.0)
    assert lines[9] == (None, 24.0, 24.0)  # it has not played: what it is now, since it joined
    assert (history.last_seq, history.span_s(end)) == (4, 120.0)


def test_a_line_begins_where_its_member_does_and_spans_half_an_hour_at_most() -> None:
    history = History()
    history.add([point(n, 1, 25.0, 600.0 * n) for n in range(1, 11)], anchor_id=1)
    history.add([point(11, 7, 20.0, 6_000.0)], anchor_id=1)
    end = NOON + timedelta(seconds=6_000)
    assert history.span_s(end) == 1_800.0
    assert history.series({7: (20.0, NOON)}, end, n=3)[7] == (None, None, 20.0)
