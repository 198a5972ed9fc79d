"""Checkpoints: resuming changes nothing, damage is survived, nothing is executed."""

from __future__ import annotations

import logging
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from league.learner.checkpoints import CheckpointStore, restore
from league.ppo.algorithm import LeaguePPO
from league.ppo.errors import CheckpointError
from league.ppo.safety import policy_tensors
from tests.league.ppo.learner_toys import ToyEnv, learner


def tensors(ppo: LeaguePPO) -> dict[str, torch.Tensor]:
    found = {name: tensor.detach().clone() for name, tensor in policy_tensors(ppo.policy)}
    for index, state in ppo.policy.optimizer.state_dict()["state"].items():
        found |= {f"{index}/{key}": value.clone() for key, value in state.items()}
    return found


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_a_resumed_learner_equals_an_unbroken_one_bit_for_bit(tmp_path: Path, norm: str) -> None:
    unbroken = learner(ToyEnv(seed=7), seed=5, norm=norm)
    for _ in range(4):
        expected = unbroken.update()

    first = learner(ToyEnv(seed=7), seed=5, norm=norm)
    first.update()
    first.update()
    CheckpointStore(tmp_path).save(first, {"env": first.env.state()})
    del first

    torch.manual_seed(999)
    np.random.seed(999)
    random.seed(999)
    env = ToyEnv(seed=1)
    second = learner(env, seed=11, norm=norm)
    checkpoint = CheckpointStore(tmp_path).load()
    assert checkpoint is not None
    restore(second, checkpoint, env.set_state(checkpoint.extra["env"]))
    second.update()
    found = second.update()

    theirs = tensors(unbroken)
    for name, tensor in tensors(second).items():
        assert torch.equal(tensor, theirs[name]), name
    assert second.num_timesteps == unbroken.num_timesteps
    for name, value in expected.items():
        if "second" not in name and name != "decisions_per_s":
            assert found[name] == value, name


def test_random_streams_of_the_process_are_restored(tmp_path: Path) -> None:
    ppo = learner()
    ppo.update()
    store = CheckpointStore(tmp_path)
    np.random.standard_normal()  # leaves a second Gaussian in waiting
    store.save(ppo)
    drawn = (torch.rand(3).tolist(), np.random.standard_normal(3).tolist(), random.random())
    torch.rand(5)
    checkpoint = store.load()
    assert checkpoint is not None
    restore(ppo, checkpoint)
    again = (torch.rand(3).tolist(), np.random.standard_normal(3).tolist(), random.random())
    assert drawn == again


def test_an_undone_update_and_the_halved_rate_survive_a_restart(tmp_path: Path) -> None:
    ppo = learner()
    ppo.rollbacks, ppo.learning_rate_scale = [4, 9], 0.25
    CheckpointStore(tmp_path).save(ppo)
    other = learner()
    checkpoint = CheckpointStore(tmp_path).load()
    assert checkpoint is not None
    restore(other, checkpoint)
    assert (other.rollbacks, other.learning_rate_scale) == ([4, 9], 0.25)
    assert other._last_obs is None
    other.update()


def test_the_last_three_are_kept(tmp_path: Path) -> None:
    ppo, store = learner(), CheckpointStore(tmp_path)
    paths = []
    for i in range(5):
        ppo.num_timesteps = i
        paths.append(store.save(ppo))
    assert store.list() == paths[2:]
    assert sorted(tmp_path.iterdir()) == paths[2:]
    checkpoint = store.load()
    assert checkpoint is not None and checkpoint.n_decisions == 4


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_it(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    ppo, store = learner(), CheckpointStore(tmp_path)
    ppo.num_timesteps = 100
    store.save(ppo)
    ppo.num_timesteps = 200
    newest = store.save(ppo)
    raw = bytearray(newest.read_bytes())
    if damage == "flip":
        raw[len(raw) // 2] ^= 1
    newest.write_bytes({"cut": raw[:-100], "flip": raw, "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        checkpoint = store.load()
    assert checkpoint is not None and checkpoint.n_decisions == 100
    assert newest.name in caplog.text and "falling back" in caplog.text
    # It is set aside, and the next one does not take its number's place in the order.
    assert not newest.exists() and (tmp_path / f"damaged-{newest.name}").exists()
    ppo.num_timesteps = 300
    store.save(ppo)
    checkpoint = store.load()
    assert checkpoint is not None and checkpoint.n_decisions == 300


def test_no_checkpoint_is_none_and_only_damaged_ones_are_an_error(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    assert store.load() is None
    store.save(learner()).write_bytes(b"\x80\x04pickle")
    with pytest.raises(CheckpointError, match="none of the 1 checkpoints"):
        store.load()


def test_another_networks_checkpoint_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(learner(family="baseline"))
    checkpoint = store.load()
    assert checkpoint is not None
    ppo = learner(family="attention")
    before = tensors(ppo)
    with pytest.raises(CheckpointError, match="another network"):
        restore(ppo, checkpoint)
    assert all(torch.equal(tensor, before[name]) for name, tensor in tensors(ppo).items())


def test_a_full_disk_leaves_the_older_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, ppo = CheckpointStore(tmp_path), learner()
    path = store.save(ppo)

    def full(_: int) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("arena.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.save(ppo)
    assert list(tmp_path.iterdir()) == [path]


def test_an_extra_that_is_not_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="JSON"):
        CheckpointStore(tmp_path).save(learner(), {"env": object()})
