"""The relation mask leaves the weakest rival, the strongest attacker, the longest free border."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.relations import relation_mask
from arena.agent import ATTACK_ON_ME, CONTACT, LANDING, TARGET, TARGET_TROOPS
from arena.lockstep import LiveMatch, Lockstep
from arena.territory.engine.actions import ALLY, BOAT, BUILD
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import generate_map
from arena.territory.observation.views import Views

WAITS = list(range(40, 45))


def facts(*directions: tuple[int, int, int, int]) -> NDArray[np.int64]:
    """One row from (target, contact, its troops, its attack on me) per direction; the rest none."""
    row = np.zeros((1, 8, 7), np.int64)
    row[:, :, TARGET] = -1
    for d, (target, contact, troops, attack) in enumerate(directions):
        row[0, d, [TARGET, CONTACT, TARGET_TROOPS, ATTACK_ON_ME]] = target, contact, troops, attack
    return row


def kept(mask: NDArray[np.bool_], directions: NDArray[np.int64]) -> list[int]:
    """The directions that stay, after a look at the WAITs."""
    found = relation_mask(mask, directions)
    assert found[0, WAITS].tolist() == mask[0, WAITS].tolist()
    return np.flatnonzero(found[0, :40].reshape(8, 5).any(axis=1)).tolist()


def all_legal() -> NDArray[np.bool_]:
    return np.ones((1, 45), np.bool_)


def test_one_direction_stays_for_each_relation() -> None:
    directions = facts(
        (0, 5, 0, 0),
        (0, 9, 0, 0),  # the longer neutral border
        (3, 4, 100, 0),  # the weakest rival, and its longer border in the next direction
        (3, 7, 100, 0),
        (4, 9, 300, 20),
        (5, 2, 200, 50),  # the strongest attacker, on a short border
        (6, 8, 150, 10),
    )
    assert kept(all_legal(), directions) == [1, 3, 5]


def test_equals_stay_together_so_that_nothing_depends_on_the_order_of_directions() -> None:
    directions = facts((3, 7, 100, 0), (4, 7, 100, 0), (5, 7, 200, 0), (0, 2, 0, 0), (0, 2, 0, 0))
    assert kept(all_legal(), directions) == [0, 1, 3, 4]


def test_what_is_not_legal_is_neither_kept_nor_compared() -> None:
    mask = all_legal()
    mask[0, :5] = False  # the weakest rival cannot be attacked: the next one counts
    directions = facts((3, 7, 100, 0), (4, 7, 200, 0), (5, 7, 300, 0))
    assert kept(mask, directions) == [1]
    mask[0, 5:10] = [True, False, False, False, False]  # its legal intensities alone
    found = relation_mask(mask, directions)
    assert np.flatnonzero(found[0, :40]).tolist() == [5]
    assert kept(np.ones((1, 45), np.bool_), facts()) == []


def test_on_boards_every_kept_action_is_legal_and_waiting_always_stays() -> None:
    rules = MatchRules(max_ticks=400, ticks_per_decision=25)
    match = LiveMatch(
        generate_map("continents", 64, 64, 1), rules, Views(16, 16, 16), 3, 0, [None] * 10
    )
    core = Lockstep(1, Views(16, 16, 16))
    core.begin(0, match)
    rng = np.random.default_rng(0)
    most = 0
    while not match.engine.is_over:
        core.refresh()
        batch = core.batch(np.flatnonzero(core.alive))
        found = relation_mask(batch.action_mask, batch.directions)
        assert not (found & ~batch.action_mask).any() and found[:, WAITS].all()
        has_orders = batch.action_mask[:, :40].any(axis=1)
        assert found[has_orders, :40].any(axis=1).all()
        most = max(most, int(found[:, :40].reshape(-1, 8, 5).any(axis=2).sum(axis=1).max()))
        actions: NDArray[Any] = np.full(core.alive.shape, 40)
        actions[batch.rows] = (rng.random(found.shape) * found).argmax(axis=1)
        core.advance(actions)
    assert 2 <= most <= 4


def test_boats_go_to_neutral_land_or_from_who_can_attack_nobody_over_land() -> None:
    directions = np.zeros((1, 8, 17), np.int64)
    directions[0, :, [TARGET, LANDING]] = -1
    directions[0, 0, [TARGET, CONTACT, TARGET_TROOPS]] = [3, 9, 100]
    directions[0, [2, 5], LANDING] = [0, 4]  # neutral land in the east, a player in the south-west
    mask = np.zeros((1, 71), np.bool_)
    mask[0, [*WAITS, *range(5), BOAT + 2, BOAT + 5, BUILD, ALLY]] = True
    free = [BUILD, BOAT + 2, ALLY]
    assert np.flatnonzero(relation_mask(mask, directions)[0, 45:]).tolist() == [
        k - 45 for k in free
    ]
    mask[0, :5] = False  # an ally in the north: nobody to attack
    assert np.array_equal(relation_mask(mask, directions), mask)
