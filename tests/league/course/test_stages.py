"""Three sequential tests say whether a lineage climbs, stands still or falls."""

from __future__ import annotations

import numpy as np
import pytest

from league.course.stages import Stage, match_value, share_above


def test_the_value_of_a_match_compares_both_snapshots_with_the_held_out_members() -> None:
    assert share_above(2, [1, 3]) == 0.5
    assert share_above(1, [1, 3]) == 0.75  # a tie counts half
    # The newest above both (1), the reference above neither (0): (1 + 1 - 0) / 2.
    assert match_value(1, 9, [4, 6]) == 1.0
    assert match_value(9, 1, [4, 6]) == 0.0
    assert match_value(5, 5, [4, 6]) == 0.5
    assert match_value(5, 9, [4, 6]) == 0.75  # (1 + 0.5 - 0) / 2


def values(mean: float, n: int, seed: int = 0) -> list[float]:
    """Values of 0, 1/4, .. 1 with this mean."""
    found: list[float] = (np.random.default_rng(seed).binomial(4, mean, n) / 4).tolist()
    return found


def verdict_of(mean: float, n: int, *, is_far: bool = True, seed: int = 0) -> str | None:
    stage, found = Stage(0.05), None
    for value in values(mean, n, seed):
        verdict = stage.add(value, is_far=is_far)
        found = verdict or found
        if verdict == "plateau":
            stage.rest()
        elif verdict:
            break
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_is_true_is_found(seed: int) -> None:
    # A gain of 20 points moves the mean by 10.
    assert verdict_of(0.6, 600, seed=seed) == "progress"
    assert verdict_of(0.4, 600, seed=seed) == "drift"
    assert verdict_of(0.5, 3_000, seed=seed) == "plateau"


def test_matches_of_a_snapshot_with_little_training_show_no_plateau() -> None:
    assert verdict_of(0.5, 3_000, is_far=False) is None


def test_a_stage_says_how_much_was_gained() -> None:
    stage = Stage(0.05)
    assert stage.standing.n_matches == 0 and stage.standing.gain == 0.0
    for value in (0.75, 0.5, 1.0):
        stage.add(value, is_far=True)
    # Mean 0.75 is a gain of 2 * 0.75 - 1.
    assert stage.standing.n_matches == 3 and stage.standing.gain == pytest.approx(0.5)
