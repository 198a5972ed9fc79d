"""How far a policy has moved from what it said before."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from league.ppo.reference import N_ROWS, Reference
from tests.league.ppo.learner_toys import learner


def test_there_is_no_reference_before_the_first_rollout() -> None:
    assert Reference.of(learner()) is None


def test_a_policy_that_stands_still_has_no_divergence_and_one_that_learned_has() -> None:
    ppo = learner()
    ppo.update()
    reference = Reference.of(ppo)
    assert reference is not None
    assert reference.kl(ppo) == pytest.approx(0.0, abs=1e-7)
    ppo.update()
    assert 1e-6 < reference.kl(ppo) < 1.0


def test_the_divergence_is_the_mean_over_rows_of_legal_actions() -> None:
    ppo = learner()
    ppo.update()
    reference = Reference.of(ppo)
    assert reference is not None
    # Two legal actions; then 3/4 and 1/4, now even: 3/4 ln(3/2) + 1/4 ln(1/2) = 0.1308.
    masks = torch.zeros(2, 45, dtype=torch.bool)
    masks[:, :2] = True
    then, now = (torch.full((2, 45), -1e9) for _ in range(2))
    then[:, 0], then[:, 1] = torch.tensor(0.75).log(), torch.tensor(0.25).log()
    now[:, :2] = torch.tensor(0.5).log()
    now[1] = then[1]  # the second row has not moved

    def evaluate(*_: Any) -> Any:
        return now, torch.zeros(2)

    ppo.evaluate = evaluate  # type: ignore[method-assign]
    assert Reference({}, masks, then).kl(ppo) == pytest.approx(0.1308 / 2, abs=1e-4)


def test_a_reference_asks_about_rows_spread_over_the_whole_rollout() -> None:
    ppo = learner(n_steps=2 * N_ROWS)
    ppo.update()
    reference = Reference.of(ppo)
    assert reference is not None
    size = ppo.rollout_buffer.size()
    # 512 to 517 transitions in steps of 2
    assert len(reference.masks) == (size + 1) // 2
    last = {
        key: x[2 * (len(reference.masks) - 1)] for key, x in ppo.rollout_buffer.observations.items()
    }
    assert all(torch.equal(reference.observations[key][-1], x) for key, x in last.items())
