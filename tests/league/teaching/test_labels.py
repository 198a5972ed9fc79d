"""Equal orders are one label: by another direction to the same owner, and the five WAITs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.same_orders import order_groups
from league.teaching.labels import (
    NO_LABEL,
    chosen_groups,
    label_log_probs,
    labels_of,
)

# N and E border on player 3, NE on neutral land (0), SE on player 2; nothing else.
TARGETS = np.array([[3, 0, 3, 2, -1, -1, -1, -1]])


def test_another_direction_to_the_same_owner_and_another_wait_are_the_same_order() -> None:
    groups = order_groups(TARGETS, 45)[0]
    assert groups[0] == 0  # N 15 %
    assert groups[10] == 0  # E 15 %, to the same owner
    assert groups[12] == 2  # E 45 % is N 45 %
    assert groups[5] == 5  # NE, to neutral land
    assert groups[15] == 15  # SE, to somebody else
    assert set(groups[40:]) == {40}


def test_an_alliance_with_the_same_owner_is_one_order_and_a_boat_is_none_but_its_own() -> None:
    groups = order_groups(TARGETS, 71)[0]
    assert groups[:45].tolist() == order_groups(TARGETS, 45)[0].tolist()
    assert groups[45:47].tolist() == [45, 46]  # build, upgrade
    assert groups[47:55].tolist() == list(range(47, 55))  # across water, whoever borders
    assert (groups[55], groups[57], groups[58]) == (55, 55, 58)  # ally: N and E are one, SE another
    assert (groups[63], groups[65], groups[66]) == (63, 63, 66)  # break


def test_a_label_that_the_learner_may_not_give_is_none() -> None:
    groups = order_groups(np.repeat(TARGETS, 3, axis=0), 45)
    masks = np.zeros((3, 45), np.bool_)
    masks[:, 40:] = True
    masks[1, 10] = True  # E 15 % stands for N 15 % too
    labels = labels_of(np.array([0, 0, 43]), groups, masks)
    assert labels.tolist() == [NO_LABEL, 0, 40]


def test_the_probability_of_an_order_is_that_of_all_its_actions() -> None:
    groups = torch.from_numpy(order_groups(TARGETS, 45).astype(np.int64))
    probabilities = torch.zeros(1, 45)
    probabilities[0, 0], probabilities[0, 10] = 0.2, 0.25  # N and E 15 %: 0.45
    probabilities[0, 15], probabilities[0, 40], probabilities[0, 41] = 0.15, 0.3, 0.1  # WAIT: 0.4
    log_probs = probabilities.clamp(min=1e-38).log()
    found = label_log_probs(log_probs, groups, torch.tensor([0]))
    assert found.exp().item() == pytest.approx(0.45)
    # The single most probable action is WAIT with 0.3; the most probable order is not.
    assert chosen_groups(log_probs, groups).item() == 0
