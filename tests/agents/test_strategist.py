"""The strategist strikes far weaker players alone, from a full home, and keeps a reserve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from agents.orders import INTENSITIES, WAIT
from agents.strategist import EAGER, PATIENT, Plan, Strategist
from arena.agent import SeatBatch

PLAN = Plan(prey=0.5, strike_from=0.6, strike=0.75, reserve=0.5)


def seat(
    troops: int,
    cap: int,
    neighbours: dict[int, tuple[int, int]],
    *,
    attacks_on_me: int = 0,
    sent: int = 0,
) -> SeatBatch:
    """One seat; `neighbours` holds (owner, home troops) by direction, owner 0 is neutral land."""
    mask = np.zeros((1, 45), np.bool_)
    mask[0, WAIT:] = True
    directions = np.zeros((1, 8, 7), np.int64)
    directions[0, :, 0] = -1
    for direction, (owner, theirs) in neighbours.items():
        mask[0, direction * 5 : direction * 5 + 5] = True
        directions[0, direction] = (owner, 10, 100, theirs, attacks_on_me, sent, 0)
    own = np.array([[500, 1500, 100, troops, cap, 10]], np.int64)
    one = np.zeros(1, np.int64)

    def no_views() -> dict[str, Any]:
        raise AssertionError("a strategist looks at no view")

    return SeatBatch(one, mask, own, directions, one, one, one, no_views)


def order(batch: SeatBatch, plan: Plan = PLAN) -> tuple[int, float] | None:
    """Return (direction, share) of the order, or None for WAIT."""
    action = int(Strategist(plan).act(batch, default_rng(0))[0])
    return None if action >= WAIT else (action // 5, float(INTENSITIES[action % 5]))


def test_it_attacks_only_players_far_weaker_than_itself() -> None:
    assert order(seat(1000, 1200, {2: (3, 499)})) is not None
    assert order(seat(1000, 1200, {2: (3, 501)})) is None


def test_it_attacks_only_from_a_full_home() -> None:
    assert order(seat(1000, 1660, {2: (3, 100)})) is not None  # fullness .602
    assert order(seat(1000, 1680, {2: (3, 100)})) is None  # .595


def test_of_several_preys_it_takes_the_most_land_for_the_fewest_troops() -> None:
    found = order(seat(1000, 1200, {1: (3, 400), 5: (4, 100)}))
    assert found is not None
    assert found[0] == 5


@pytest.mark.parametrize(("strongest", "share"), [(0, 0.75), (800, 0.60), (1100, 0.45)])
def test_half_of_its_strongest_neighbours_troops_stay_at_home(strongest: int, share: float) -> None:
    found = order(seat(1000, 1200, {1: (3, 100), 5: (4, strongest)}))
    assert found is not None
    assert found[1] == share


def test_it_takes_neutral_land_first_and_not_twice_at_a_time() -> None:
    assert order(seat(1000, 1200, {1: (3, 100), 6: (0, 0)})) == (6, 0.30)
    assert order(seat(1000, 6000, {6: (0, 0)})) == (6, 0.30)  # fullness .17
    assert order(seat(1000, 9000, {6: (0, 0)})) is None  # .11
    assert order(seat(1000, 6000, {6: (0, 0)}, sent=200)) is None


def test_only_a_plan_that_answers_strikes_back_before_it_is_full() -> None:
    attacked = seat(1000, 5000, {4: (7, 900)}, attacks_on_me=50)
    assert order(attacked) is None
    assert order(attacked, PATIENT) == (4, 0.30)


def test_the_variants_are_different_characters() -> None:
    assert len({Plan(), EAGER, PATIENT}) == 3
    half_full = seat(1000, 1900, {2: (3, 400)})
    assert order(half_full, Plan()) is None
    assert order(half_full, EAGER) is not None
