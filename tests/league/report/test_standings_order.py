"""Who stands above whom: by mu, the unrated last, guests nowhere."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from db import queries
from league.config.layers import resolve
from league.folder.opening import remember_config
from league.rating.standings import standings
from league.report.state import MemberRow, read_state
from tests.league.hand_made import add_rated

CONFIG = resolve("small")
RULES = CONFIG.rules.to_rules().sha256()


def _rows(session: Session) -> list[MemberRow]:
    remember_config(session, CONFIG)
    return list(read_state(session, "test").members)


def test_the_table_is_ordered_by_the_number_that_the_rank_intervals_compare() -> None:
    # By mu - 3 sigma (16, 27, 24.5) the first would be third, outside of its interval.
    table = standings({1: (40.0, 8.0), 2: (30.0, 1.0), 3: (26.0, 0.5)})
    assert [(s.member_id, s.rank, s.conservative) for s in table] == [
        (1, 1, 16.0),
        (2, 2, 27.0),
        (3, 3, 24.5),
    ]
    assert all(s.rank_low <= s.rank <= s.rank_high for s in table)


def test_a_new_snapshot_stands_just_below_the_parent_whose_mu_it_has(session: Session) -> None:
    add_rated(session, "solid", 26.0, 1.0, rules_sha256=RULES)
    child = add_rated(session, "a-child", 30.0, 4.0, rules_sha256=RULES)  # the lower id
    add_rated(session, "a-parent", 30.0, 1.0, rules_sha256=RULES)
    rows = _rows(session)
    assert [row.name for row in rows] == ["a-parent", "a-child", "solid"]
    assert [row.rank for row in rows] == [1, 2, 3] and rows[1].id == child
    # It has not played: nothing sets it apart from either of them.
    assert (rows[1].rank_low, rows[1].rank_high) == (1, 3)


def test_the_scale_is_shifted_as_a_whole_and_keeps_the_order(session: Session) -> None:
    add_rated(session, "tribe", 22.0, 1.0, rules_sha256=RULES, role="anchor")
    add_rated(session, "lucky", 33.0, 7.0, rules_sha256=RULES)
    rows = _rows(session)
    # The anchor moves from 22 to 25: everybody gets 3 more. 36 - 21 = 15, 25 - 3 = 22.
    assert [(row.name, row.mu, row.conservative) for row in rows] == [
        ("lucky", pytest.approx(36.0), pytest.approx(15.0)),
        ("tribe", pytest.approx(25.0), pytest.approx(22.0)),
    ]


def test_only_the_anchor_of_that_spec_sets_the_scale(session: Session) -> None:
    # Somebody who plays the same script under a name of their own is not the anchor.
    add_rated(session, "copy", 30.0, 1.0, rules_sha256=RULES, agent_spec="scripted:tribe")
    assert [row.mu for row in _rows(session)] == [30.0]


def test_equal_members_stand_in_the_order_in_which_they_joined(session: Session) -> None:
    for name in ("zoe", "abe"):
        add_rated(session, name, 30.0, 1.0, rules_sha256=RULES)
    assert [row.name for row in _rows(session)] == ["zoe", "abe"]


def test_who_is_not_rated_in_this_season_stands_last_and_guests_nowhere(session: Session) -> None:
    add_rated(session, "b-unrated", None)
    add_rated(session, "a-former", 50.0, 1.0, rules_sha256="e" * 64)
    add_rated(session, "visitor", None, status="guest")
    add_rated(session, "retired", 10.0, 3.0, rules_sha256=RULES, status="retired")
    rows = _rows(session)
    assert [(row.name, row.rank) for row in rows] == [
        ("retired", 1),
        ("a-former", None),
        ("b-unrated", None),
    ]
    assert rows[1].mu is None and rows[1].matches == 0


def test_before_the_first_start_nobody_is_ranked(session: Session) -> None:
    add_rated(session, "tribe", 30.0, 1.0, rules_sha256=RULES)
    state = read_state(session, "test")
    assert state.rules_sha256 is None and [row.rank for row in state.members] == [None]
    assert queries.get_league_value(session, "config") is None
