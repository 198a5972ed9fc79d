"""The views standings, results and payoff: the same numbers on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.migrate import upgrade
from db.session import open_writer, read_transaction, write_transaction
from tests.db.conftest import RULES
from tests.db.hand_made import admit, finish, plan

OLD_RULES = "d" * 64


def rows(engine: Engine, query: str) -> list[dict[str, Any]]:
    with read_transaction(engine) as session:
        return [dict(row._mapping) for row in session.execute(text(query))]


def played(engine: Engine) -> list[int]:
    """Two matches of tribe, expander and turtle; turtle and expander tie in the second."""
    with write_transaction(engine) as session:
        ids = admit(session, "tribe", "expander", "turtle", "idle")
        for placements in ((2, 1, 3), (1, 2, 2)):
            match_id = queries.plan_match(session, plan(ids[:3]))
            queries.mark_started(session, match_id)
            finish(session, match_id, *placements)
        queries.plan_match(session, plan(ids[:3]))
    return ids


def test_the_table_is_on_the_reported_scale_and_counts_rated_matches(writer: Engine) -> None:
    played(writer)
    found = rows(writer, "SELECT * FROM standings ORDER BY rank")
    # Each match takes the placement from mu (hand_made): tribe 25 - 2 - 1 = 22, expander 25 - 1 - 2
    # = 22, turtle 25 - 3 - 2 = 20, idle 25. Tribe stands at 25: all go up by 3.
    assert [(row["rank"], row["name"], row["mu"]) for row in found] == [
        (1, "idle", 28.0),
        (2, "tribe", 25.0),
        (3, "expander", 25.0),
        (4, "turtle", 23.0),
    ]
    by_name = {row["name"]: row for row in found}
    tribe = by_name["tribe"]
    assert (tribe["matches"], tribe["wins"], tribe["mean_place"]) == (2, 1, 1.5)
    assert tribe["conservative"] == pytest.approx(25.0 - 3.0 * 8.0 * 0.9 * 0.9)
    assert (by_name["idle"]["matches"], by_name["idle"]["mean_place"]) == (0, None)


def test_who_beats_whom_counts_ties_half(writer: Engine) -> None:
    played(writer)
    found = rows(writer, "SELECT * FROM payoff")
    rates = {(row["member"], row["opponent"]): float(row["beat_rate"]) for row in found}
    assert rates == {
        ("expander", "tribe"): 0.5,  # above, then below
        ("tribe", "expander"): 0.5,
        ("tribe", "turtle"): 1.0,
        ("turtle", "tribe"): 0.0,
        ("expander", "turtle"): 0.75,  # above, then equal
        ("turtle", "expander"): 0.25,
    }
    assert {row["matches"] for row in found} == {2}


def test_the_results_are_those_of_finished_matches(writer: Engine) -> None:
    played(writer)
    found = rows(writer, "SELECT * FROM results ORDER BY match_id, place, member")
    assert [(row["member"], row["place"]) for row in found] == [
        ("expander", 1),
        ("tribe", 2),
        ("turtle", 3),
        ("tribe", 1),
        ("expander", 2),
        ("turtle", 2),
    ]
    assert {row["replay_path"] for row in found} == {"replays/1"}


def test_another_season_is_neither_rated_nor_counted(writer: Engine) -> None:
    ids = played(writer)
    with write_transaction(writer) as session:
        for member_id in ids[:2]:
            queries.append_rating(
                session, member_id, 30.0, 1.0, rules_sha256=OLD_RULES, rating_version="t"
            )
    # The season of the newest change: two members, who have not played in it.
    assert {row["name"]: row["matches"] for row in rows(writer, "SELECT * FROM standings")} == {
        "tribe": 0,
        "expander": 0,
    }
    assert rows(writer, "SELECT * FROM payoff") == []


def test_a_league_without_ratings_has_empty_views(writer: Engine) -> None:
    for view in ("standings", "results", "payoff"):
        assert rows(writer, f"SELECT * FROM {view}") == []


def test_a_league_of_revision_2_gets_the_views_and_keeps_its_rows(tmp_path: Any) -> None:
    engine = open_writer(tmp_path / "league.db")
    assert upgrade(engine, "0002") == "0002"
    played(engine)
    assert rows(engine, "SELECT name FROM sqlite_master WHERE type = 'view'") == []
    upgrade(engine)
    views = rows(engine, "SELECT name FROM sqlite_master WHERE type = 'view'")
    assert {row["name"] for row in views} == {"standings", "results", "payoff"}
    assert len(rows(engine, "SELECT * FROM results")) == 6
    engine.dispose()


def test_the_views_agree_with_the_queries(writer: Engine) -> None:
    played(writer)
    with read_transaction(writer) as session:
        totals = queries.member_totals(session, RULES)
    found = rows(writer, "SELECT member_id, matches, wins, mean_place FROM standings")
    for row in found:
        if row["member_id"] in totals:
            expected = totals[row["member_id"]]
            assert (row["matches"], row["wins"]) == (expected.games, expected.wins)
            assert row["mean_place"] == pytest.approx(expected.mean_placement)
