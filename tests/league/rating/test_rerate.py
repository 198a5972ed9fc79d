"""Replaying the rating log: what is stored is what the matches say, season by season."""

from __future__ import annotations

import sqlite3

import pytest

from arena.territory.engine.rules import MatchRules
from db import queries
from db.session import open_writer, write_transaction
from league.config.layers import resolve
from league.errors import ConfigError, FolderError, RatingError
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.folder.memory import stored_season, stored_settings
from league.folder.opening import open_for_start
from league.folder.rerate import change_engine, rerate
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


# --- engines --------------------------------------------------------------------------------------


def _make_old(folder: LeagueFolder) -> None:
    """Make it a league of a version that knew no engines: the package's ratings, no setting."""
    change_engine(_without_engine(folder), "trueskill")
    with sqlite3.connect(folder.sqlite) as connection:
        connection.execute(
            "UPDATE league SET value = json_remove(value, '$.rating.engine') WHERE key = 'config'"
        )
        connection.execute("DELETE FROM events WHERE kind = 'rerated'")
    connection.close()


def _without_engine(folder: LeagueFolder) -> LeagueFolder:
    lines = folder.toml.read_text(encoding="utf-8").splitlines(keepends=True)
    folder.toml.write_text(
        "".join(line for line in lines if not line.startswith("engine =")), encoding="utf-8"
    )
    return folder


def _versions(folder: LeagueFolder) -> set[str]:
    with sqlite3.connect(folder.sqlite) as connection:
        found = connection.execute("SELECT DISTINCT rating_version FROM ratings").fetchall()
    connection.close()
    return {version for (version,) in found}


def test_an_old_league_keeps_its_engine_at_every_start(hand_made_league: LeagueFolder) -> None:
    _make_old(hand_made_league)
    found = rerate(hand_made_league)
    assert found.versions == ("trueskill-1",) and found.first_difference_seq is None
    with reading(hand_made_league) as session:
        season = stored_season(session)
    assert season is not None and season.rating_version == "trueskill-1"
    assert open_for_start(hand_made_league.root).config.rating.engine == "trueskill"
    with pytest.raises(ConfigError, match="league rerate --engine"):
        open_for_start(hand_made_league.root, sets=["rating.engine=compiled"])


def test_a_new_league_is_rated_by_the_compiled_engine(hand_made_league: LeagueFolder) -> None:
    assert resolve("small").rating.engine == "compiled"
    assert rerate(hand_made_league).versions == ("chain-1",) == tuple(_versions(hand_made_league))


def test_an_old_league_can_be_rated_anew_and_back_again(hand_made_league: LeagueFolder) -> None:
    _make_old(hand_made_league)
    old = rerate(hand_made_league)
    changed = change_engine(hand_made_league, "compiled")
    assert (changed.versions, changed.version) == (("trueskill-1",), "chain-1")
    assert changed.n_changes == old.n_changes and 0.0 < changed.largest_move < 1e-6
    new = rerate(hand_made_league)
    assert new.first_difference_seq is None and new.versions == ("chain-1",)
    # The setting went with the ratings, so that the next start goes on with the same engine.
    assert open_for_start(hand_made_league.root).config.rating.engine == "compiled"
    with reading(hand_made_league) as session:
        (event,) = queries.list_events(session, kind="rerated")
    assert event.details["from"] == ["trueskill-1"] and event.details["to"] == "chain-1"
    change_engine(hand_made_league, "trueskill")
    assert rerate(hand_made_league).online == old.online  # bit for bit


def test_ratings_that_are_not_those_of_the_log_are_not_replaced(
    hand_made_league: LeagueFolder,
) -> None:
    _without_engine(hand_made_league)
    with sqlite3.connect(hand_made_league.sqlite) as connection:
        connection.execute("UPDATE ratings SET mu = mu + 1 WHERE seq = 6")
    connection.close()
    with pytest.raises(RatingError, match="difference at seq 6"):
        change_engine(hand_made_league, "trueskill")
    assert _versions(hand_made_league) == {"chain-1"}


def test_a_file_that_names_another_engine_is_changed_first(hand_made_league: LeagueFolder) -> None:
    with pytest.raises(FolderError, match=r"expected rating.engine = 'trueskill' there first"):
        change_engine(hand_made_league, "trueskill")
    assert _versions(hand_made_league) == {"chain-1"}
    with reading(hand_made_league) as session:
        settings = stored_settings(session)
    assert settings is not None and settings["rating"]["engine"] == "compiled"
