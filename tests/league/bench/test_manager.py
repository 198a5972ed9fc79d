"""`league bench manager`: a real manager in a long league, and the work of its statements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from db import queries
from db.session import read_transaction
from league.bench import full_league
from league.bench.full_league import FullLeague
from league.bench.manager import growing, lines, run


def test_no_statement_of_a_managers_turn_grows_with_the_log() -> None:
    found = run(n_members=20, n_matches=2_000, n_recorded=32)
    assert list(found["sizes"]) == ["200", "2000"]  # ten times as long
    assert found["growing"] == []
    for size in found["sizes"].values():
        assert size["matches_per_cpu_s"] > 0 and size["line_up_ms"] > 0
        # Of what a recorded match needs, some is there: its seats, and its ratings.
        once = [s for s, each in size["statements"].items() if 0.5 < each["per_match"] < 1.5]
        assert any(s.startswith("INSERT INTO seats") for s in once)
        assert any(s.startswith("INSERT INTO ratings") for s in once)
        assert any("pair_key" in s for s in size["statements"])  # a canary is planned, too
    assert "no statement of a turn grows with the log" in lines(found)


def test_a_statement_grows_if_its_work_rises_by_half_and_by_more_than_noise() -> None:
    short = {
        "scan": {"per_match": 0.1, "work": 1_000.0},
        "costly": {"per_match": 2.0, "work": 900.0},
        "noise": {"per_match": 1.0, "work": 20.0},
        "steady": {"per_match": 1.0, "work": 5_000.0},
        "new": {"per_match": 1.0, "work": 0.0},
    }
    long = {
        "scan": {"per_match": 0.1, "work": 9_000.0},
        "costly": {"per_match": 2.0, "work": 1_400.0},  # 500 more, 1.56 times
        "noise": {"per_match": 1.0, "work": 100.0},  # five times, of nothing
        "steady": {"per_match": 1.0, "work": 7_000.0},  # 1.4 times
    }
    found = growing(short, long)
    assert [each["statement"] for each in found] == ["costly", "scan"]  # 2,800 and 900 a match


def test_a_full_league_has_the_rows_of_one_that_was_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_league, "BLOCK", 10)
    league = FullLeague(tmp_path / "league", 20, Generator(PCG64(1)))
    try:
        league.fill(45)
        with read_transaction(league.engine) as session:
            log = queries.rating_columns(session, league.season.rules_sha256)
            counts = queries.matches_by_status(session)
            seats = queries.match_seats(session, 45)
            match = queries.get_match(session, 45)
    finally:
        league.close()
    assert counts == {"finished": 45}
    assert len(log.seq) == 20 + 45 * 10  # admissions, and ten changes a match
    assert np.array_equal(log.seq, np.arange(1, 471))  # without a gap
    assert sorted(seat.placement for seat in seats) == list(range(1, 11))
    assert [seat.member_id for seat in seats] == [member for member, _ in match.line_up]
    assert league.config.rules.n_seats == 10
