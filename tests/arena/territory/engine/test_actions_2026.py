"""The layout of the 71 actions of edition 2026, and of the 45 of 2025 that come first."""

from __future__ import annotations

import pytest

from arena.territory.engine import actions
from arena.territory.engine.actions import describe, direction_of, kind_of
from arena.territory.engine.rules import EDITIONS, MatchRules


@pytest.mark.parametrize(
    ("action", "name", "kind", "direction"),
    [
        (0, "N 15 %", "attack", 0),
        (39, "NW 75 %", "attack", 7),
        (40, "WAIT", "wait", None),
        (44, "WAIT", "wait", None),
        (45, "BUILD", "build", None),
        (46, "UPGRADE", "upgrade", None),
        (47, "BOAT N", "boat", 0),
        (54, "BOAT NW", "boat", 7),
        (55, "ALLY N", "ally", 0),
        (62, "ALLY NW", "ally", 7),
        (63, "BREAK N", "break", 0),
        (70, "BREAK NW", "break", 7),
    ],
)
def test_an_action_has_a_name_a_kind_and_perhaps_a_direction(
    action: int, name: str, kind: str, direction: int | None
) -> None:
    assert (describe(action), kind_of(action), direction_of(action)) == (name, kind, direction)


def test_the_number_of_actions_follows_from_the_edition() -> None:
    assert MatchRules().n_actions == actions.BUILD == 45
    assert MatchRules(edition="2026").n_actions == actions.BREAK + 8 == 71
    versions = [edition.action_version for edition in EDITIONS.values()]
    assert versions == sorted(set(versions)) == [1, 2]
