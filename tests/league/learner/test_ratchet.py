"""The ratchet: which snapshot is the best, how it holds the policy, how a resumed one goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from league.learner.ratchet import MIN_MATCHES, both, is_worse, mean_scores
from league.learner.trainer import Trainer
from tests.league.learner.test_lessons import taught_with, weights
from tests.league.learner.test_trainer import trainer_with

ON = "learner.ratchet_kl=0.5"


def snapshot(trainer: Trainer, score: float) -> str:
    """Offer a snapshot after so good a time against two scripts; return its hash."""
    n = MIN_MATCHES
    trainer.since.scores = {"scripted:tribe": [score] * n, "scripted:turtle": [score + 0.2] * n}
    return trainer.offer()


def test_a_snapshot_becomes_the_best_unless_it_did_worse(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, ON)
    trainer.update()
    assert trainer.ratchet.best is None and trainer.ppo.extra_loss is None
    snapshot(trainer, 0.5)
    first = trainer.ratchet.best
    assert first is not None
    trainer.update()
    snapshot(trainer, 0.4)
    assert trainer.ratchet.best == first  # it fell: the reference stays
    assert trainer.ratchet.scores["scripted:tribe"] == pytest.approx(0.5)
    trainer.update()
    snapshot(trainer, 0.55)
    assert trainer.ratchet.best not in (None, first)
    assert trainer.ratchet.scores["scripted:tribe"] == pytest.approx(0.55)


def test_only_opponents_that_both_met_often_enough_are_compared() -> None:
    few = {"a": [0.9] * MIN_MATCHES, "b": [0.0] * (MIN_MATCHES - 1)}
    assert mean_scores(few) == pytest.approx({"a": 0.9})
    assert is_worse({"a": 0.4, "b": 0.9}, {"a": 0.5})  # b is not common
    assert not is_worse({"a": 0.5}, {"a": 0.5})
    assert not is_worse({"b": 0.1}, {"a": 0.9})  # nothing to go by
    # 0.6 and 0.2 have the mean 0.4, 0.3 and 0.45 have 0.375.
    assert not is_worse({"a": 0.6, "b": 0.2}, {"a": 0.3, "b": 0.45})


def moved(folder: Path, weight: float) -> float:
    """Return how far some updates took the policy from its snapshot, in nats."""
    trainer = trainer_with(
        folder, f"learner.ratchet_kl={weight}", "learner.target_kl=off", "learner.n_epochs=8"
    )
    trainer.update()
    snapshot(trainer, 0.5)
    reference = trainer._reference
    assert reference is not None
    for _ in range(3):
        numbers, _ = trainer.update()
    assert ("ratchet_kl" in numbers) is (weight > 0.0)
    return reference.kl(trainer.ppo)


def test_the_policy_is_held_near_its_best_and_by_default_is_not(tmp_path: Path) -> None:
    free, held = moved(tmp_path / "free", 0.0), moved(tmp_path / "held", 100.0)
    assert free > 0.0
    assert held < 0.5 * free


def test_a_resumed_learner_is_held_near_the_same_policy(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, ON)
    trainer.update()
    snapshot(trainer, 0.5)
    trainer.update()
    trainer.checkpoint(force=True)
    again = Trainer(trainer.orders)
    again.roster = trainer.roster
    assert again.ratchet.best == trainer.ratchet.best
    assert again.ratchet.scores == trainer.ratchet.scores
    numbers, resumed = trainer.update()[0], again.update()[0]
    assert numbers["ratchet_kl"] == resumed["ratchet_kl"] > 0.0
    for key, value in weights(trainer).items():
        assert torch.equal(value, weights(again)[key]), key


def test_without_its_file_a_resumed_learner_begins_anew_at_its_next_snapshot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = trainer_with(tmp_path, ON)
    trainer.update()
    snapshot(trainer, 0.9)
    trainer.checkpoint(force=True)
    folder = trainer.folder.checkpoints / trainer.orders.name
    next(folder.glob("best-*.safetensors")).write_bytes(b"damaged")
    again = Trainer(trainer.orders)
    again.roster = trainer.roster
    assert again.ratchet.best is None
    assert "the ratchet begins anew at the next snapshot" in caplog.text
    assert "ratchet_kl" not in again.update()[0]
    snapshot(again, 0.1)  # nothing to compare it with
    assert again.ratchet.best is not None


def test_files_of_the_best_do_not_pile_up(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, ON)
    for score in (0.1, 0.2, 0.3, 0.4, 0.5):
        trainer.update()
        snapshot(trainer, score)
    folder = trainer.folder.checkpoints / trainer.orders.name
    assert len(list(folder.glob("best-*.safetensors"))) == 3


def test_an_exploiter_that_begins_again_is_free(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, ON)
    trainer.update()
    snapshot(trainer, 0.5)
    trainer.ratchet.forget()
    trainer.update()
    assert trainer.ppo.extra_loss is None and trainer.ratchet.state() is None


def test_a_taught_lineage_is_held_near_both_and_not_while_its_critic_warms(tmp_path: Path) -> None:
    trainer = taught_with(tmp_path, ON)
    trainer.lessons.teach()
    snapshot(trainer, 0.5)
    trainer.update()
    assert trainer.ppo.extra_loss is None  # the critic alone
    while trainer.lessons.phase:
        trainer.update()
    numbers, _ = trainer.update()
    assert numbers["taught_kl"] > 0.0 and numbers["ratchet_kl"] > 0.0


def test_two_terms_are_added() -> None:
    def term(value: float) -> Any:
        return lambda observations, masks, log_probs: torch.tensor(value)

    nothing = torch.zeros(1)
    assert float(both(term(1.5), term(2.0))({}, nothing, nothing)) == 3.5
