"""The critic's second task: what its targets are, what it shapes, and who is spared it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from league.learner.trainer import Trainer
from league.ppo.buffer import RaggedRolloutBuffer
from tests.league.learner.test_lessons import weights
from tests.league.learner.test_trainer import trainer_with

ON = "learner.survival_coef=0.5"


def test_the_target_is_what_became_of_a_row_or_what_is_thought_of_its_rest() -> None:
    space = spaces.Dict({"x": spaces.Box(-1, 1, (1,), np.float32)})
    buffer = RaggedRolloutBuffer(6, space, spaces.Discrete(2), n_envs=3)
    buffer.reset()
    # Row 0 dies in the second decision and begins anew; row 1 lives to its match's end in the
    # third; row 2 goes on.
    for rows, dones, survived in (
        ([0, 1, 2], [0, 0, 0], [0, 0, 0]),
        ([0, 1, 2], [1, 0, 0], [0, 0, 0]),
        ([0, 1, 2], [0, 1, 0], [0, 1, 0]),
    ):
        n = len(rows)
        buffer.add(
            np.array(rows), {"x": np.zeros((3, 1), np.float32)}, torch.zeros(n, dtype=torch.int64),
            np.zeros(n, np.float32), torch.zeros(n), torch.zeros(n), np.ones((3, 2), np.bool_),
            np.array(dones, np.bool_),
        )  # fmt: skip
        buffer._survived[buffer.pos - n : buffer.pos] = survived
    buffer.compute_fates(np.array([0.25, 0.9, 0.75], np.float32))
    fates = buffer.fates[:9].reshape(3, 3)
    # Row 1 would be 0.9 if its end were not seen.
    assert fates.T.tolist() == [[0.0, 0.0, 0.25], [1.0, 1.0, 1.0], [0.75, 0.75, 0.75]]
    (batch,) = buffer.minibatches(9)
    assert sorted(batch.fates.tolist()) == sorted(fates.flatten().tolist())


def test_it_learns_who_survives_and_shapes_what_policy_and_value_share(tmp_path: Path) -> None:
    trainer = trainer_with(
        tmp_path, "learner.survival_coef=1", "learner.target_kl=off", "rules.max_ticks=400",
        "learner.n_epochs=4", "learner.n_steps=256", "learner.learning_rate=3e-3",
    )  # fmt: skip
    first = trainer.update()[0]["survival_loss"]
    assert first < math.log(2.0) + 0.05  # one half for everybody is the beginning
    for _ in range(5):
        last = trainer.update()[0]["survival_loss"]
    assert last < first
    task, ppo = trainer.ppo.survival, trainer.ppo
    assert task is not None
    buffer: Any = ppo.rollout_buffer
    batch = next(buffer.minibatches(64))
    ppo.policy.zero_grad()
    ppo.evaluate(batch.observations, batch.action_masks)
    task.loss(batch.fates).backward()
    reached = {
        name.split(".")[0] for name, p in ppo.policy.named_parameters() if p.grad is not None
    }
    assert reached == {"features_extractor", "survival_net"}  # neither the actor's nor the value's


def test_by_default_there_is_no_such_layer(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path)
    assert trainer.ppo.survival is None
    assert not weights(trainer, "survival_net")
    assert "survival_loss" not in trainer.update()[0]


def test_a_snapshot_does_not_hold_it_and_a_lineage_goes_on_from_one(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, ON)
    trainer.update()
    sha256 = trainer.offer()
    trainer.store.admit(sha256)
    held = trainer.store.load(sha256).network.state_dict()
    assert not any("survival" in name for name in held)
    child = Trainer(replace(trainer.orders, name="child", snapshot=sha256))
    assert torch.equal(weights(child)["value_net.weight"], weights(trainer)["value_net.weight"])


def test_a_resumed_learner_goes_on_with_its_layer(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, ON)
    trainer.update()
    trainer.checkpoint(force=True)
    again = Trainer(trainer.orders)
    again.roster = trainer.roster
    assert weights(again, "survival_net")["survival_net.weight"].abs().sum() > 0.0
    assert trainer.update()[0]["survival_loss"] == again.update()[0]["survival_loss"]
    for key, value in weights(trainer).items():
        assert torch.equal(value, weights(again)[key]), key


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.5), (0.5, 0.0)])
def test_a_checkpoint_is_read_after_the_setting_was_changed(
    tmp_path: Path, before: float, after: float
) -> None:
    trainer = trainer_with(tmp_path, f"learner.survival_coef={before}")
    trainer.update()
    trainer.checkpoint(force=True)
    settings = trainer.settings
    ppo = replace(settings.ppo, survival_coef=after)
    again = Trainer(replace(trainer.orders, settings=replace(settings, ppo=ppo)))
    again.roster = trainer.roster
    assert again.ppo.num_timesteps == trainer.ppo.num_timesteps > 0
    assert torch.equal(weights(again)["action_net.weight"], weights(trainer)["action_net.weight"])
    assert ("survival_loss" in again.update()[0]) is (after > 0.0)
    again.checkpoint(force=True)
    assert Trainer(again.orders).ppo.num_timesteps == again.ppo.num_timesteps


def test_the_environment_says_who_was_alive_at_the_end() -> None:
    from tests.league.learner.test_environment import act, make_env

    env = make_env(2, max_ticks=600)
    env.reset()
    rng = np.random.default_rng(2)
    said = set()
    for _ in range(80):
        _, _, dones, infos = act(env, rng)
        for i in np.flatnonzero(dones):
            said.add(infos[i]["survived"])
            # The dead are placed below all who live, and of ten somebody is alive.
            assert infos[i]["survived"] or infos[i]["placement"] > 1
    assert said == {True, False}
