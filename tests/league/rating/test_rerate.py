"""Replaying the rating log: what is stored is what the matches say, season by season."""

from __future__ import annotations

import sqlite3

import pytest

from arena.territory.engine.rules import MatchRules
from db import queries
from db.session import open_writer, write_transaction
from league.folder.layout import LeagueFolder
from league.folder.rerate import rerate
from league.members.admission import admit_rating
from league.rating.season import Season
from league.rating.trueskill import MU, SIGMA
from tests.league.hand_made import add_rated


def _add_child_and_a_stranger_of_another_season(folder: LeagueFolder) -> None:
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        config = queries.get_league_value(session, "config")
        assert config is not None
        rules_sha256 = MatchRules.from_json(config["rules"]).sha256()
        parent = queries.resolve_member(session, "attention-0001").id
        child = add_rated(session, "child", None, parent_id=parent)
        admit_rating(session, queries.get_member(session, child), Season(rules_sha256, 4.0))
        add_rated(session, "stranger", 99.0, 1.0, rules_sha256="e" * 64)
    engine.dispose()


def test_the_replay_gives_the_stored_ratings_of_the_present_season(
    hand_made_league: LeagueFolder,
) -> None:
    _add_child_and_a_stranger_of_another_season(hand_made_league)
    found = rerate(hand_made_league)
    # 4 admissions, 3 matches of 4 seats, 1 child; the stranger's admission is another season's
    assert (found.n_changes, found.first_difference_seq) == (4 + 3 * 4 + 1, None)
    assert "stranger" not in found.online and "visitor" not in found.online
    assert found.smoothed == {}


def test_members_are_named_best_first_on_the_scale_where_tribe_stands_at_25(
    hand_made_league: LeagueFolder,
) -> None:
    found = rerate(hand_made_league, with_smooth=True)
    for ratings in (found.online, found.smoothed):
        assert list(ratings) == ["attention-0001", "random", "tribe", "idle"]
        assert ratings["tribe"][0] == pytest.approx(25.0)
        assert all(sigma < SIGMA for _, sigma in ratings.values())


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        ("UPDATE ratings SET mu = mu + 1e-9 WHERE seq = 5", 5),
        # attention-0001 (seat 3) was first of four: with another place its row is the first to
        # differ or one before it, all of the first match.
        ("UPDATE seats SET placement = 2 WHERE match_id = 1 AND seat = 3", 5),
        # The allowance of the child: its start is recomputed from the parent.
        ("UPDATE ratings SET allowance = 1 WHERE seq = 17", 17),
    ],
    ids=["rating", "placement", "allowance"],
)
def test_a_change_of_what_the_ratings_rest_on_is_found(
    hand_made_league: LeagueFolder, change: str, seq: int
) -> None:
    _add_child_and_a_stranger_of_another_season(hand_made_league)
    with sqlite3.connect(hand_made_league.sqlite) as connection:
        connection.execute(change)
    connection.close()
    assert rerate(hand_made_league).first_difference_seq == seq


def test_a_child_stands_on_its_parent_in_the_replay(hand_made_league: LeagueFolder) -> None:
    _add_child_and_a_stranger_of_another_season(hand_made_league)
    online = rerate(hand_made_league).online
    (mu, sigma), (child_mu, child_sigma) = online["attention-0001"], online["child"]
    assert child_mu == mu > MU
    assert child_sigma == pytest.approx(min(SIGMA, (sigma**2 + 4.0**2) ** 0.5))
