"""The season's matches in the league folder: used, grown, and thrown away where they are wrong."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import queries
from db.records import MatchOutcome, MatchPlan, SeatOutcome
from league.folder import match_columns
from league.folder.layout import LeagueFolder
from league.folder.match_columns import MatchMemory
from league.rating.columns import MatchColumns
from league.rating.trueskill import RATING_VERSION
from tests.league.hand_made import MAP_SHA, RULES_SHA, add_rated


def _play(session: Session, members: list[int], seed: int) -> None:
    line_up = tuple((member, True) for member in members)
    plan = MatchPlan("rating", seed, "plains", MAP_SHA, RULES_SHA, {}, line_up)
    match_id = queries.plan_match(session, plan)
    queries.mark_started(session, match_id)
    queries.record_finished_match(
        session,
        match_id,
        MatchOutcome(10, f"{seed:064d}", 1.0),
        [SeatOutcome(place, 1, 1) for place in range(1, len(members) + 1)],
        rate=lambda ratings, placements: [(mu + 1, sigma) for mu, sigma in ratings],
        rating_version=RATING_VERSION,
    )


@pytest.fixture
def folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> LeagueFolder:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(match_columns, "WORTH_WRITING", 1)
    return LeagueFolder(tmp_path)


@pytest.fixture
def members(session: Session) -> list[int]:
    return [add_rated(session, name) for name in ("one", "two", "three")]


def _placements(folder: LeagueFolder | None, session: Session) -> list[int]:
    return MatchMemory(folder).read(session, RULES_SHA).placements.tolist()


def test_what_was_kept_is_read_and_only_newer_matches_come_from_the_log(
    session: Session, folder: LeagueFolder, members: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _play(session, members, 1)
    assert _placements(folder, session) == [1, 2, 3]
    _play(session, members[:2], 2)
    asked: list[int] = []
    rows = queries.placement_rows

    def watched(session: Session, rules: str, *, after_seq: int):  # type: ignore[no-untyped-def]
        asked.append(after_seq)
        return rows(session, rules, after_seq=after_seq)

    monkeypatch.setattr(queries, "placement_rows", watched)
    assert _placements(folder, session) == [1, 2, 3, 1, 2]
    assert asked == [6]  # three admissions, three changes


def test_one_that_stays_open_reads_on_where_it_was(
    session: Session, folder: LeagueFolder, members: list[int]
) -> None:
    memory = MatchMemory(folder)
    assert memory.read(session, RULES_SHA).n_matches == 0
    for seed in (1, 2, 3):
        _play(session, members, seed)
        assert memory.read(session, RULES_SHA).n_matches == seed
    assert memory.read(session, "f" * 64).n_matches == 0


def test_columns_of_another_log_are_thrown_away(
    session: Session, folder: LeagueFolder, members: list[int]
) -> None:
    _play(session, members, 1)
    assert _placements(folder, session) == [1, 2, 3]
    # The league was restored and played another match under the same numbers.
    session.execute(text("UPDATE seats SET placement = 4 - placement"))
    session.execute(text(f"UPDATE matches SET final_state_sha256 = '{2:064d}'"))
    assert _placements(folder, session) == [3, 2, 1]


def test_an_admission_that_is_removed_moves_the_log_under_the_columns(
    session: Session, folder: LeagueFolder, members: list[int]
) -> None:
    idle = add_rated(session, "idle")
    _play(session, members, 1)
    assert _placements(folder, session) == [1, 2, 3]
    queries.remove_member(session, idle)
    _play(session, members, 2)
    assert _placements(folder, session) == [1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", b"\0" * 5000])
def test_a_damaged_file_is_computed_anew(
    session: Session, folder: LeagueFolder, members: list[int], damage: bytes
) -> None:
    _play(session, members, 1)
    assert _placements(folder, session) == [1, 2, 3]
    (path,) = folder.cache.iterdir()
    path.write_bytes(damage)
    assert _placements(folder, session) == [1, 2, 3]
    path.unlink()
    assert _placements(folder, session) == [1, 2, 3]


def test_a_folder_that_cannot_be_written_is_no_trouble(
    session: Session, folder: LeagueFolder, members: list[int]
) -> None:
    folder.cache.write_bytes(b"a file in the way")
    _play(session, members, 1)
    assert _placements(folder, session) == [1, 2, 3] == _placements(None, session)


def test_a_file_that_would_fill_the_memory_is_not_unpacked(
    session: Session, folder: LeagueFolder, members: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _play(session, members, 1)
    assert _placements(folder, session) == [1, 2, 3]
    (path,) = folder.cache.iterdir()
    monkeypatch.setattr("league.rating.columns._MAX_BYTES", 100)
    with pytest.raises(ValueError, match="more than a league has"):
        MatchColumns.from_bytes(path.read_bytes())
