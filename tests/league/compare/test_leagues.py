"""Which leagues a comparison finds, and what it reads in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import queries
from db.session import write_transaction
from league.compare.leagues import Snapshot, different_settings, league_folders, read_leagues
from league.errors import CompareError, FolderError
from league.folder.connect import writer
from tests.league.compare.conftest import MakeSeed

A = [(0, 0.1), (1_000, 2.0), (2_000, 4.0)]
B = [(0, 0.1), (1_100, 1.5)]


def test_a_folder_stands_for_the_leagues_in_it_in_the_order_of_their_numbers(
    seed_league: MakeSeed, tmp_path: Path
) -> None:
    for seed in (10, 9, 1):
        seed_league(seed, A, B)
    (tmp_path / "notes").mkdir()
    found = [folder.root.name for folder in league_folders([tmp_path, tmp_path / "seed-9"])]
    assert found == ["seed-1", "seed-9", "seed-10"]


def test_a_folder_without_leagues_is_refused_with_the_command_that_trains_them(
    tmp_path: Path,
) -> None:
    with pytest.raises(CompareError, match=r"found neither; `league compare --run small"):
        league_folders([tmp_path])
    with pytest.raises(FolderError, match="no such folder"):
        league_folders([tmp_path / "nowhere"])


def test_snapshots_carry_decisions_and_the_running_time_at_which_they_joined(
    seed_league: MakeSeed,
) -> None:
    (league,) = read_leagues([seed_league(4, A, B)], "attention", "baseline")
    assert (league.name, league.seed) == ("seed-4", 4)
    assert league.a == (
        Snapshot("attention-0001", 1_000, 2.0),
        Snapshot("attention-0002", 2_000, 4.0),
    )  # the untrained one is left out
    assert league.b == (Snapshot("baseline-0001", 1_100, 1.5),)


def test_a_league_that_did_not_count_its_running_time_gives_minutes_since_its_start(
    seed_league: MakeSeed,
) -> None:
    (league,) = read_leagues([seed_league(4, A, B, counted=False)], "attention", "baseline")
    assert [row.minutes for row in league.a] == [2.0, 4.0]


def test_a_quarantined_snapshot_is_left_out(seed_league: MakeSeed) -> None:
    folder = seed_league(4, A, B)
    with writer(folder) as engine, write_transaction(engine) as session:
        member = queries.member_by_name(session, "attention-0002")
        assert member is not None
        queries.set_status(session, member.id, "quarantined")
    (league,) = read_leagues([folder], "attention", "baseline")
    assert [row.name for row in league.a] == ["attention-0001"]


def test_two_leagues_of_one_seed_are_no_two_training_seeds(
    seed_league: MakeSeed, tmp_path: Path
) -> None:
    first, second = seed_league(1, A, B), seed_league(2, A, B, "seed=1")
    with pytest.raises(CompareError, match=r"found seed 1 in seed-1 and seed-2"):
        read_leagues([first, second], "attention", "baseline")


def test_an_unknown_family_is_refused_with_those_that_are_there(seed_league: MakeSeed) -> None:
    folder = seed_league(1, A, B)
    with pytest.raises(CompareError, match=r"found attention \(attention\) and baseline"):
        read_leagues([folder], "attention", "transformer")
    with pytest.raises(CompareError, match="twice"):
        read_leagues([folder], "attention", "attention")


def test_settings_that_differ_between_seeds_are_named(seed_league: MakeSeed) -> None:
    folders = [seed_league(1, A, B), seed_league(2, A, B, "learner.n_epochs=7")]
    leagues = read_leagues(folders, "attention", "baseline")
    assert different_settings(leagues) == ["learner"]
    assert different_settings(leagues[:1]) == []


def test_networks_of_equal_widths_are_the_same_however_they_were_named(
    seed_league: MakeSeed,
) -> None:
    leagues = read_leagues(
        [
            seed_league(1, A, B),
            seed_league(2, A, B, "network.views=off", "keep.replays=7"),
            seed_league(3, A, B, "network.views=gated"),
        ],
        "attention",
        "baseline",
    )
    assert different_settings(leagues[:2]) == []
    assert different_settings(leagues) == ["network"]
