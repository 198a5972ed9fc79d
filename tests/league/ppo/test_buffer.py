"""Ragged rollouts: what is stored, whose advantages, which minibatches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer

from league.ppo.buffer import RaggedRolloutBuffer
from league.ppo.errors import LearnerError
from league.ppo.loss import normalised
from msattn.staging import Staging
from tests.league.ppo.learner_toys import ToyEnv, learner

SPACE = spaces.Dict(
    {
        "local": spaces.Box(0, 255, (2, 2, 2), np.uint8),
        "scalars": spaces.Box(-9, 9, (3,), np.float32),
    }
)


def buffer(size: int = 8, n_envs: int = 3, **settings: Any) -> RaggedRolloutBuffer:
    return RaggedRolloutBuffer(size, SPACE, spaces.Discrete(5), "cpu", n_envs=n_envs, **settings)


def add(
    target: RaggedRolloutBuffer,
    rows: list[int],
    rewards: list[float],
    values: list[float],
    dones: list[bool],
) -> None:
    n_envs = target.n_envs
    observations = {
        "local": np.full((n_envs, 2, 2, 2), 1, np.uint8)
        * np.arange(n_envs, dtype=np.uint8)[:, None, None, None],
        "scalars": np.tile(np.arange(n_envs, dtype=np.float32)[:, None], (1, 3)),
    }
    target.add(
        np.array(rows),
        observations,
        torch.tensor(rows),
        np.array(rewards, np.float32),
        torch.tensor(values),
        torch.zeros(len(rows)),
        np.ones((n_envs, 5), np.bool_),
        np.array(dones),
    )


def test_only_the_rows_that_acted_are_stored_with_their_own_observations() -> None:
    b = buffer()
    add(b, [0, 2], [0, 0], [0, 0], [False, False])
    add(b, [1], [0], [0], [False])
    add(b, [0, 1, 2], [0, 0, 0], [0, 0, 0], [False] * 3)
    assert b.size() == 6
    assert b.observations["scalars"][:6, 0].tolist() == [0, 2, 1, 0, 1, 2]
    assert b.observations["local"][:6, 0, 0, 0].tolist() == [0, 2, 1, 0, 1, 2]
    assert b.observations["local"].dtype == torch.uint8
    assert b.action_masks.dtype == torch.bool


def test_advantages_follow_each_rows_chain_and_stop_at_its_end() -> None:
    b = buffer(gamma=0.5, gae_lambda=0.5)
    add(b, [0, 1], [1.0, 2.0], [4.0, 8.0], [False, True])
    add(b, [0], [1.0], [2.0], [False])
    b.compute_returns_and_advantage(np.array([6.0, 100.0, 100.0], np.float32))
    # Row 1 died: 2 - 8 = -6. Row 0, last: 1 + 0.5 * 6 - 2 = 2; first: 1 + 0.5 * 2 - 4 = -2, plus
    # 0.25 * 2 = -1.5.
    assert b.advantages[:3].tolist() == [-1.5, -6.0, 2.0]
    assert b.returns[:3].tolist() == [2.5, 2.0, 4.0]
    assert b.going_on().tolist() == [0]


def test_a_new_episode_of_a_row_does_not_leak_into_the_one_before_it() -> None:
    b = buffer(gamma=1.0, gae_lambda=1.0)
    add(b, [0], [1.0], [0.0], [True])
    add(b, [1], [0.0], [0.0], [False])
    add(b, [0], [50.0], [0.0], [False])
    b.compute_returns_and_advantage(np.array([7.0, 3.0, np.nan], np.float32))
    assert b.advantages[:3].tolist() == [1.0, 3.0, 57.0]


def test_without_idle_rows_the_advantages_are_those_of_stable_baselines3() -> None:
    rng = np.random.default_rng(5)
    steps, n = 20, 4
    rewards, values = rng.normal(size=(2, steps, n)).astype(np.float32)
    dones = rng.random((steps, n)) < 0.2
    last = rng.normal(size=n).astype(np.float32)
    theirs = RolloutBuffer(
        steps, spaces.Box(0, 1, (1,)), spaces.Discrete(5), "cpu", 0.9, 0.97, n_envs=n
    )
    starts = np.ones(n, bool)
    ours = buffer(steps * n, n, gamma=0.97, gae_lambda=0.9)
    for t in range(steps):
        theirs.add(
            np.zeros((n, 1)),
            np.zeros(n),
            rewards[t],
            starts,
            torch.tensor(values[t]),
            torch.zeros(n),
        )
        add(ours, [0, 1, 2, 3], rewards[t].tolist(), values[t].tolist(), dones[t].tolist())
        starts = dones[t]
    theirs.compute_returns_and_advantage(torch.tensor(last), dones[-1])
    ours.compute_returns_and_advantage(last)
    size = steps * n
    np.testing.assert_allclose(ours.advantages[:size], theirs.advantages.ravel(), atol=2e-6)
    np.testing.assert_allclose(ours.returns[:size], theirs.returns.ravel(), atol=2e-6)


@pytest.mark.parametrize(("size", "expected"), [(8, [4, 4]), (9, [4, 5]), (10, [4, 4, 2])])
def test_minibatches_hold_every_transition_once_and_never_one_alone(
    size: int, expected: list[int]
) -> None:
    b = buffer(size, 1)
    for i in range(size):
        add(b, [0], [i], [i], [False])
    batches = list(b.minibatches(4, torch.Generator().manual_seed(1)))
    assert [len(batch.actions) for batch in batches] == expected
    seen = torch.cat([batch.old_values for batch in batches])
    assert sorted(seen.tolist()) == list(range(size))
    again = torch.cat([x.old_values for x in b.minibatches(4, torch.Generator().manual_seed(1))])
    assert seen.tolist() == again.tolist() != list(range(size))


def test_the_transitions_whose_advantages_are_farthest_from_the_mean_are_chosen() -> None:
    b = buffer(8, 1)
    for i in range(8):
        add(b, [0], [0], [i], [False])
    b.advantages[:8] = torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0, -7.0])
    # The mean is 8 / 8 = 1: distances 0 but for 8 and 8.
    assert b.centre() == 1.0
    assert sorted(b.top(0.25).tolist()) == [6, 7]
    assert len(b.top(0.3)) == 3 and len(b.top(0.01)) == 2 and len(b.top(1.0)) == 8
    batches = list(b.minibatches(4, torch.Generator().manual_seed(1), b.top(0.25)))
    assert [sorted(batch.old_values.tolist()) for batch in batches] == [[6.0, 7.0]]


def test_a_choice_of_advantages_keeps_its_signs() -> None:
    # Mostly losses: the mean of the choice, -2, would make a gain of the loss of 1.
    chosen = torch.tensor([-1.0, -1.0, -4.0])
    assert normalised(chosen)[0] > 0.0
    scaled = normalised(chosen, torch.tensor(0.0))
    # root of the mean square: sqrt((1 + 1 + 16) / 3) = sqrt(6)
    assert scaled.tolist() == pytest.approx([-1 / 6**0.5, -1 / 6**0.5, -4 / 6**0.5])


def test_a_rollout_of_one_transition_or_minibatches_of_one_are_refused() -> None:
    with pytest.raises(LearnerError, match="at least 2"):
        buffer(1)
    with pytest.raises(LearnerError, match="at least 2"):
        list(buffer().minibatches(1))


def test_idle_rows_enter_no_forward_pass_no_transition_and_no_counter() -> None:
    ppo = learner(ToyEnv(p_death=0.4))
    n_seen = 0
    evaluate = ppo.evaluate

    def counted(observations: Any, masks: Any) -> Any:
        nonlocal n_seen
        n_seen += len(masks)
        # Idle rows show NaN.
        assert torch.isfinite(observations["scalars"]).all()
        assert int(observations["local"].max()) < 255
        return evaluate(observations, masks)

    ppo.evaluate = counted  # type: ignore[method-assign]
    ppo._last_obs = ppo.env.reset()
    ppo.collect_rollouts(ppo.env, None, ppo.rollout_buffer, 64)
    size = ppo.rollout_buffer.size()
    assert 64 <= size < 64 + ppo.n_envs
    assert ppo.num_timesteps == size
    # Every stored transition, and the rows whose value is bootstrapped.
    assert n_seen == size + len(ppo.rollout_buffer.going_on())
    # The decision of each transition is in its tactical view; 0.4 die: fewer than 6 per decision.
    decisions = ppo.rollout_buffer.observations["tactical"][:size, 0, 0, 0]
    assert len(decisions.unique()) > size / 5
    rows = ppo.rollout_buffer.observations["local"][:size, 0, 0, 0]
    assert rows.tolist() == ppo.rollout_buffer._rows[:size].tolist()


def test_a_reward_for_an_idle_row_is_an_error_and_not_lost() -> None:
    class Generous(ToyEnv):
        def step_wait(self) -> Any:
            idle = ~self.active
            observations, rewards, dones, infos = super().step_wait()
            return observations, rewards + idle, dones, infos

    with pytest.raises(LearnerError, match="no action to choose"):
        learner(Generous(p_death=0.5)).update()


def test_staged_rows_are_stored_as_copied_ones_are() -> None:
    plain, staged = buffer(), buffer()
    staged.staging = Staging(torch.device("cpu"))
    for b in (plain, staged):
        b.reset()
        add(b, [0, 2], [0, 0], [0, 0], [False, False])
        add(b, [0, 1, 2], [0, 0, 0], [0, 0, 0], [False] * 3)
    for key, stored in plain.observations.items():
        assert torch.equal(staged.observations[key][:5], stored[:5])
    assert staged.staging._buffers.keys() == plain.observations.keys()
