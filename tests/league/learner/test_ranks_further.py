"""Ranks with a ratchet, with the critic's second task, with matches that begin in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from league.bench.learner import make_orders
from league.config.layers import resolve
from league.config.toml import write_toml
from league.folder.layout import create_folder
from league.learner.messages import LearnerOrders
from league.learner.ranks import digest
from league.learner.ratchet import MIN_MATCHES
from league.learner.trainer import Trainer
from tests.league.learner.test_ranks import SETS, as_group, lead, no_streams_leave_the_test

__all__ = ("no_streams_leave_the_test",)  # a fixture that all tests here use

SHORT = ("learner.n_steps=32", "learner.batch_size=16", "learner.n_epochs=1")
LOSSES = ("loss", "policy_loss", "value_loss", "kl", "grad_norm")


def _orders(root: Path, *sets: str) -> LearnerOrders:
    config = resolve("small", None, (*SETS, *SHORT, *sets))
    folder = create_folder(root, write_toml(config))
    return make_orders(folder.root, config, "baseline")


def _updates(trainer: Trainer, n: int = 2) -> list[dict[str, float]]:
    found = [trainer.update()[0] for _ in range(n)]
    trainer.checkpoint(force=True)
    return found


def test_all_ranks_are_held_near_the_same_best_snapshot_also_after_a_resume(
    tmp_path: Path,
) -> None:
    orders = _orders(tmp_path / "league", "learner.ratchet_kl=0.5")

    def hold(trainer: Trainer) -> list[dict[str, float]]:
        trainer.update()
        assert trainer.ratchet.best is None
        trainer.since.scores = {"scripted:tribe": [0.5] * MIN_MATCHES}
        trainer.offer()
        first = trainer.ratchet.best
        trainer.update()
        trainer.since.scores = {"scripted:tribe": [0.2] * MIN_MATCHES}  # it fell
        trainer.offer()
        assert trainer.ratchet.best == first is not None
        return _updates(trainer)

    found, (first, other) = as_group(orders, hold)
    assert first.ratchet.best == other.ratchet.best is not None
    assert digest(first.ppo) == digest(other.ppo)
    assert all(numbers["ratchet_kl"] > 0.0 for numbers in found)
    assert [rank.ppo.extra_loss is not None for rank in (first, other)] == [True, True]

    _, (again, beside) = as_group(orders, lambda trainer: trainer.update()[0]["ratchet_kl"])
    assert again.ratchet.best == beside.ratchet.best == first.ratchet.best
    assert digest(again.ppo) == digest(beside.ppo)


def test_an_exploiter_that_begins_again_frees_all_ranks_of_the_ratchet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.learner.trainer.reset_after_snapshot", lambda role, rng: "fresh")
    orders = _orders(tmp_path / "league", "learner.ratchet_kl=0.5")

    def restart(trainer: Trainer) -> dict[str, float]:
        trainer.update()
        trainer.offer()
        trainer.update()  # held
        assert trainer.after_snapshot()
        return trainer.update()[0]

    numbers, (first, other) = as_group(orders, restart)
    assert "ratchet_kl" not in numbers
    for rank in (first, other):
        assert rank.ratchet.best is None and rank.ppo.extra_loss is None
    assert digest(first.ppo) == digest(other.ppo)


def test_the_survivors_layer_is_learned_by_all_ranks_together_and_goes_on(tmp_path: Path) -> None:
    orders = _orders(tmp_path / "league", "learner.survival_coef=0.5", "rules.max_ticks=400")
    found, (first, other) = as_group(orders, _updates)
    assert all(numbers["survival_loss"] > 0.0 for numbers in found)
    assert digest(first.ppo) == digest(other.ppo)
    layers = [dict(rank.ppo.policy.named_parameters()) for rank in (first, other)]
    weight = layers[0]["survival_net.weight"]
    assert weight.abs().sum() > 0.0  # it began at zero

    unbroken, _ = as_group(_orders(tmp_path / "whole", *_of(orders)), lambda t: _updates(t, 3))
    resumed, (again, beside) = as_group(orders, lambda t: _updates(t, 1))
    assert digest(again.ppo) == digest(beside.ppo)
    for numbers, expected in zip(resumed, unbroken[2:], strict=True):
        for name in (*LOSSES, "survival_loss"):
            assert numbers[name] == expected[name], name


def _of(orders: LearnerOrders) -> tuple[str, ...]:
    return (
        f"learner.survival_coef={orders.settings.ppo.survival_coef}",
        f"rules.max_ticks={orders.settings.env.rules.max_ticks}",
        f"learner.reset_share={orders.settings.env.reset_share}",
    )


def test_matches_that_began_in_the_middle_go_on_with_as_many_ranks_and_with_one(
    tmp_path: Path,
) -> None:
    sets = ("learner.reset_share=0.9", "rules.max_ticks=250", "learner.n_steps=64")
    orders = _orders(tmp_path / "league", *sets)
    _, (first, other) = as_group(orders, lambda trainer: _updates(trainer, 3))
    middles = [_n_middles(rank) for rank in (first, other)]
    assert min(middles) > 0  # each rank has some of its own
    assert digest(first.ppo) == digest(other.ppo)

    unbroken, _ = as_group(_orders(tmp_path / "whole", *sets), lambda t: _updates(t, 4))
    resumed, (again, beside) = as_group(orders, lambda trainer: _updates(trainer, 1))
    for numbers, expected in zip(resumed, unbroken[3:], strict=True):
        for name in LOSSES:
            assert numbers[name] == expected[name], name

    alone = Trainer(orders)
    assert alone.env.specs == [spec for rank in (again, beside) for spec in rank.env.specs]
    assert _n_middles(alone) == _n_middles(again) + _n_middles(beside)
    lead(alone, lambda trainer: trainer.update())


def _n_middles(trainer: Trainer) -> int:
    return sum(origin is not None for origin in trainer.env._origins)
