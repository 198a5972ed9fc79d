"""Averaged weights: over which updates, in which snapshots, and through a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from league.learner.checkpoints import CheckpointStore, restore
from league.learner.trainer import Trainer
from league.ppo.averaging import AveragedWeights, snapshot_weights
from msattn.actor_critic import policy_weights
from tests.league.learner.test_trainer import trainer_with
from tests.league.ppo.learner_toys import ToyEnv, learner

NAME = "value_net.bias"  # of the one weight of `policy`


def policy(value: float) -> torch.nn.Module:
    net = torch.nn.Module()
    net.value_net = torch.nn.Linear(1, 1)
    with torch.no_grad():
        net.value_net.bias.fill_(value)
    return net


def averaged(window: int | None, *values: float) -> AveragedWeights:
    """Return the average after an update of 100 decisions to each of the values."""
    average = AveragedWeights(window)
    for value in values:
        average.add(policy(value), 100)
    return average


def test_the_first_four_updates_are_not_averaged_and_a_window_then_grows() -> None:
    assert float(averaged(10_000, 8.0, 4.0, 2.0, 1.0).weights[NAME]) == 1.0
    # the fifth update is 100 of a window of 500 / 4 decisions
    assert float(averaged(10_000, 0.0, 0.0, 0.0, 0.0, 1.0).weights[NAME]) == pytest.approx(0.8)


def test_an_average_reaches_back_over_its_window_at_most() -> None:
    values = [0.0] * 100 + [1.0]
    assert float(averaged(400, *values).weights[NAME]) == pytest.approx(0.25)
    assert float(averaged(100, *values).weights[NAME]) == 1.0
    assert averaged(None, 1.0, 2.0).weights == {}


def newest(trainer: Trainer) -> dict[str, torch.Tensor]:
    return policy_weights(trainer.ppo.policy.state_dict())


def test_a_snapshot_holds_the_average_and_training_goes_on_from_the_newest(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, "learner.averaging_window=100000")
    for _ in range(6):
        trainer.update()
    before = {name: tensor.clone() for name, tensor in newest(trainer).items()}
    sha256 = trainer.offer()
    trainer.store.admit(sha256)
    frozen = trainer.store.load(sha256).network.state_dict()
    assert any(not torch.equal(frozen[name], before[name]) for name in frozen)
    assert all(torch.equal(frozen[name], trainer.ppo.averaged.weights[name]) for name in frozen)
    assert all(torch.equal(tensor, before[name]) for name, tensor in newest(trainer).items())


def test_by_default_a_snapshot_holds_the_newest_weights(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path)
    for _ in range(6):
        trainer.update()
    frozen = snapshot_weights(trainer.ppo)
    assert all(torch.equal(frozen[name], tensor) for name, tensor in newest(trainer).items())


def test_a_resumed_learner_has_the_average_that_an_unbroken_one_has(tmp_path: Path) -> None:
    unbroken = learner(ToyEnv(seed=7), seed=5, averaging_window=1_000_000, norm="batch")
    for _ in range(6):
        unbroken.update()
    CheckpointStore(tmp_path).save(unbroken, {"env": unbroken.env.state()})
    unbroken.update()

    env = ToyEnv(seed=1)
    resumed = learner(env, seed=11, averaging_window=1_000_000, norm="batch")
    checkpoint = CheckpointStore(tmp_path).load()
    assert checkpoint is not None
    restore(resumed, checkpoint, env.set_state(checkpoint.extra["env"]))
    resumed.update()
    expected, found = snapshot_weights(unbroken), snapshot_weights(resumed)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert not torch.equal(found["action_net.bias"], resumed.policy.state_dict()["action_net.bias"])

    without = learner(ToyEnv(seed=1), seed=11, norm="batch")  # the setting was taken back
    restore(without, checkpoint)
    assert without.averaged.weights == {}
