"""A lineage that is taught: rows on disk, imitation, the held actor, the fading divergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.description import describe
from league.learner.lessons import WARMING
from league.learner.trainer import Trainer
from tests.league.learner.test_trainer import trainer_with

LESSON = (
    "learner.teacher_rows=250",
    "learner.teacher_epochs=2",
    "learner.teacher_value_decisions=100",
    "learner.teacher_kl_decisions=1000",
    "learner.n_matches=2",
    "rules.max_ticks=400",
)


def taught_with(folder: Path, *sets: str, teacher: str = "scripted:strategist") -> Trainer:
    trainer = trainer_with(folder, *LESSON, *sets)
    trainer.orders = replace(trainer.orders, teacher=teacher, teacher_name="me")
    trainer.lessons._orders = trainer.orders
    return trainer


def epochs(told: list[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """What was told after each epoch; while matches are played, the clock decides."""
    return [numbers for numbers in told if numbers["imitation_epoch"]]


def weights(trainer: Trainer, prefix: str = "") -> dict[str, torch.Tensor]:
    state = trainer.ppo.policy.state_dict()
    return {key: value.clone() for key, value in state.items() if key.startswith(prefix)}


def test_a_lineage_is_taught_before_it_trains_and_says_so(tmp_path: Path) -> None:
    trainer = taught_with(tmp_path)
    before = weights(trainer, "action_net")
    assert trainer.lessons.is_due
    told: list[Mapping[str, float]] = []
    signs: list[int] = []  # of life, by how much had been told
    trainer.env.before_step = lambda: signs.append(len(epochs(told)))
    found = trainer.lessons.teach(told.append)
    assert not trainer.lessons.is_due
    assert set(signs) == {0, 1}  # in matches and the first epoch, and in the second
    assert [numbers["imitation_epoch"] for numbers in epochs(told)] == [1.0, 2.0]
    assert told[-1]["imitation_rows"] >= 250
    assert 0.0 <= found.agreement <= 1.0
    assert 0 < found.rows < told[-1]["imitation_rows"]  # held out
    after = weights(trainer, "action_net")
    assert any(not torch.equal(before[key], after[key]) for key in before)
    sha256 = trainer.offer()
    extra = describe(trainer.store.offered / f"{sha256}.safetensors").extra
    assert extra["taught"]["by"] == "me"
    assert extra["taught"]["lineage"] == trainer.orders.name
    assert not list(trainer.lessons._folder.glob("lesson-*"))  # learnt: the rows are gone


def test_an_untaught_lineage_says_nothing(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path)
    assert not trainer.lessons.is_due
    sha256 = trainer.offer()
    assert describe(trainer.store.offered / f"{sha256}.safetensors").extra == {"role": "main"}


def test_the_critic_trains_alone_before_the_actor_does(tmp_path: Path) -> None:
    trainer = taught_with(tmp_path)
    trainer.lessons.teach()
    before = weights(trainer)
    assert trainer.lessons.phase == WARMING
    trainer.update()  # the first decisions, of 100
    held = weights(trainer)
    critic = {"value_net.weight", "value_net.bias"}
    assert {key for key in held if not torch.equal(before[key], held[key])} <= critic
    assert not torch.equal(before["value_net.weight"], held["value_net.weight"])
    while trainer.lessons.phase:
        trainer.update()
    at = trainer.ppo.num_timesteps
    numbers, _ = trainer.update()
    free = weights(trainer)
    assert not torch.equal(held["action_net.weight"], free["action_net.weight"])
    # 0.1 on a straight line to 0 over the 1,000 decisions after the first 100.
    assert numbers["taught_kl_weight"] == pytest.approx(0.1 * (1 - (at - 100) / 1000))
    assert numbers["taught_kl"] >= 0.0
    trainer.ppo.num_timesteps = 1_100
    assert "taught_kl" not in trainer.update()[0]
    assert trainer.ppo.extra_loss is None


class StoppedError(Exception):
    """Stands for a learner that is killed."""


def stop_after(trainer: Trainer, n_steps: int) -> None:
    left = iter(range(n_steps))

    def before_step() -> None:
        if next(left, None) is None:
            raise StoppedError

    trainer.env.before_step = before_step


def test_a_killed_lesson_goes_on_from_what_the_teacher_showed(tmp_path: Path) -> None:
    trainer = taught_with(tmp_path, "learner.teacher_rows=500")
    # A wave of matches of 400 ticks takes 16 decisions at most.
    stop_after(trainer, 16 + 3)
    with pytest.raises(StoppedError):
        trainer.lessons.teach()
    kept = sorted(path.name for path in trainer.lessons._folder.rglob("wave-*.npz"))
    assert kept == ["wave-00000.npz"]
    again = Trainer(trainer.orders)
    again.roster = trainer.roster
    assert again.is_fresh
    assert again.lessons.is_due  # nothing was skipped
    played: list[int] = []
    again.env.before_step = lambda: played.append(1)
    again.lessons.teach()
    whole = taught_with(tmp_path / "whole", "learner.teacher_rows=500")
    steps: list[int] = []
    whole.env.before_step = lambda: steps.append(1)
    whole.lessons.teach()
    assert len(played) < len(steps)  # the first wave was not played again
    assert again.lessons.taught == whole.lessons.taught
    for key, value in weights(whole).items():
        assert torch.equal(value, weights(again)[key]), key


def test_a_taught_lineage_is_not_taught_again(tmp_path: Path) -> None:
    trainer = taught_with(tmp_path)
    trainer.lessons.teach()
    trainer.checkpoint(force=True)
    resumed = Trainer(trainer.orders)
    assert resumed.ppo.num_timesteps == 0
    assert not resumed.lessons.is_due
    assert resumed.lessons.taught == trainer.lessons.taught
    # One that lost its checkpoint goes on from the taught snapshot.
    sha256 = trainer.offer()
    trainer.store.admit(sha256)
    for path in trainer.checkpoints.list():
        path.unlink()
    bare = Trainer(replace(trainer.orders, snapshot=sha256))
    assert not bare.lessons.is_due
    assert bare.lessons.taught == trainer.lessons.taught


def test_a_child_of_a_taught_lineage_says_who_was_taught(tmp_path: Path) -> None:
    trainer = taught_with(tmp_path)
    trainer.lessons.teach()
    sha256 = trainer.offer()
    trainer.store.admit(sha256)
    child = Trainer(replace(trainer.orders, name="child", snapshot=sha256, teacher=None))
    assert child.lessons.phase == ""  # its critic is trained, and its actor is not held
    offered = describe(child.store.offered / f"{child.offer()}.safetensors")
    assert offered.extra["taught"]["lineage"] == trainer.orders.name


def test_in_a_round_the_learner_plays_and_the_teacher_labels(tmp_path: Path) -> None:
    rounds = ("learner.teacher_rounds=1", "learner.teacher_round_rows=100")
    trainer = taught_with(
        tmp_path,
        *rounds,
        "learner.teacher_rows=100",
        teacher="planner:decisions=1,copies=1,candidates=2",
    )
    told: list[Mapping[str, float]] = []
    trainer.lessons.teach(told.append)
    after = epochs(told)
    assert [(n["imitation_round"], n["imitation_epoch"]) for n in after] == [(0, 1), (0, 2), (1, 1)]
    assert after[-1]["imitation_rows"] >= after[0]["imitation_rows"] + 100


def test_an_exploiter_that_begins_untrained_is_from_nothing(tmp_path: Path) -> None:
    trainer = taught_with(tmp_path)
    trainer.lessons.teach()
    trainer.orders = replace(trainer.orders, role="main_exploiter")
    trainer.env.rng = Certain(0.0)  # type: ignore[assignment]
    assert trainer.after_snapshot()
    assert trainer.parent is None
    assert trainer.lessons.extra == {}


class Certain:
    """A generator that always draws the same number."""

    def __init__(self, number: float) -> None:
        self.number = number

    def random(self) -> Any:
        return self.number
