"""What `--roles` stands for, in a new league, in one that exists, and where memory is short."""

from __future__ import annotations

from pathlib import Path

import pytest

from league.cli import start
from league.config.roles import LEARNER_BYTES, OTHER_BYTES, ROLES, lineages_of
from league.config.tree import LeagueConfig
from league.folder import opening
from league.folder.opening import open_for_start

GB = 1_000_000_000


def roles_of(config: LeagueConfig) -> dict[str, str]:
    return {lineage.name: lineage.role for lineage in config.learners}


MAINS = {"attention": "main", "baseline": "main"}
LEAGUE = {**MAINS, "exploiter": "main_exploiter", "league-exploiter": "league_exploiter"}


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "available_memory", lambda: 64 * GB)


def test_a_new_league_trains_the_mains_unless_told_otherwise(tmp_path: Path) -> None:
    assert roles_of(open_for_start(tmp_path / "one").config) == MAINS
    assert roles_of(open_for_start(tmp_path / "two", roles="mains").config) == MAINS
    assert roles_of(open_for_start(tmp_path / "three", roles="league").config) == LEAGUE


def test_a_league_remembers_its_roles_and_a_later_start_may_change_them(tmp_path: Path) -> None:
    open_for_start(tmp_path / "league", roles="league")
    assert roles_of(open_for_start(tmp_path / "league").config) == LEAGUE
    assert roles_of(open_for_start(tmp_path / "league", roles="mains").config) == MAINS
    open_for_start(tmp_path / "old")
    assert roles_of(open_for_start(tmp_path / "old", roles="league").config) == LEAGUE


@pytest.mark.parametrize(
    ("n_bytes", "left_out"),
    [
        (OTHER_BYTES + 4 * LEARNER_BYTES["small"], []),
        (OTHER_BYTES + 4 * LEARNER_BYTES["small"] - 1, ["league-exploiter"]),
        (OTHER_BYTES + 2 * LEARNER_BYTES["small"], ["exploiter", "league-exploiter"]),
        (0, ["exploiter", "league-exploiter"]),  # the mains stay
        (None, []),  # nobody knows
    ],
)
def test_exploiters_are_left_out_where_memory_is_short(
    n_bytes: int | None, left_out: list[str]
) -> None:
    found, without = lineages_of("league", "small", n_bytes)
    assert without == left_out
    assert [each["name"] for each in found] == [name for name in LEAGUE if name not in left_out]


def test_a_start_says_whom_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "available_memory", lambda: 2 * GB)
    opened = open_for_start(tmp_path / "league", roles="league")
    assert opened.left_out == ("exploiter", "league-exploiter")
    assert roles_of(opened.config) == MAINS


def test_the_help_names_the_roles_that_there_are() -> None:
    assert start.ROLES == ROLES
