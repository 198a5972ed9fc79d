"""A trainer: what its schedules say, how it begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.description import describe
from league.bench.learner import make_trainer
from league.config.layers import resolve
from league.learner.environment import SELF_PLAY
from league.learner.messages import Roster
from league.learner.trainer import Trainer

SETS = (
    "views.global_size=16",
    "views.local_size=16",
    "maps.train=['generated:continents:64x64:1']",
    "learner.n_steps=64",
    "learner.batch_size=32",
    "learner.n_matches=2",
)


def trainer_with(folder: Path, *sets: str) -> Trainer:
    trainer = make_trainer(folder / "league", resolve("small", None, (*SETS, *sets)), "baseline")
    trainer.wave = ["scripted:tribe", "scripted:turtle", "scripted:expander"]
    return trainer


def test_schedules_follow_the_decisions_of_the_lineage(tmp_path: Path) -> None:
    trainer = trainer_with(
        tmp_path,
        "learner.learning_rate=8e-4",
        "learner.learning_rate_end=2e-4",
        "learner.ent_coef=0.002",
        "learner.ent_coef_end=off",
        "learner.schedule_decisions=1000",
    )
    trainer.ppo.num_timesteps = 500 - 64
    numbers, _ = trainer.update()
    # The update begins when its rollout of 64 or a few more decisions is collected: near halfway.
    at = trainer.ppo.num_timesteps / 1000
    assert numbers["learning_rate"] == pytest.approx(8e-4 + at * (2e-4 - 8e-4))
    assert numbers["ent_coef"] == pytest.approx(0.002)


def test_a_run_that_ends_soon_is_a_reason_for_a_snapshot(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path)
    trainer.update()
    specs = {**trainer.roster.specs, None: SELF_PLAY}
    assert [specs[member] for member in trainer.meets.wave] == trainer.wave
    assert not trainer.snapshot_due().take  # some 64 of 10,000 decisions
    trainer.roster = Roster((), {}, (), seconds_left=3_600.0)
    assert not trainer.snapshot_due().take
    trainer.roster = Roster((), {}, (), seconds_left=1.0)
    assert trainer.snapshot_due().reason.startswith("the league stops soon")
    trainer.offer()
    assert not trainer.snapshot_due().take  # nothing was learned since
    trainer.update()
    assert not trainer.snapshot_due().take  # the last call was answered
    trainer.roster = Roster((), {}, ())  # nobody says any more that it ends
    trainer.update()
    assert not trainer.snapshot_due().take


def test_the_first_trained_snapshot_comes_early(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, "learner.first_snapshot=100", "learner.snapshot_min_kl=0")
    trainer.since.decisions = trainer.ppo.num_timesteps = 99
    assert not trainer.snapshot_due().take
    trainer.since.decisions = trainer.ppo.num_timesteps = 100
    assert trainer.snapshot_due().take
    trainer.ppo.num_timesteps = 199  # the first came at 100: twice as many are due
    trainer.since.decisions = 99
    assert not trainer.snapshot_due().take


def test_an_untrained_learner_mostly_waits(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, "learner.wait_bias=6.0")
    trainer.update()
    buffer: Any = trainer.ppo.rollout_buffer
    waits = (buffer.actions[: buffer.size()] == 40).float().mean().item()
    # e^6 = 403 against at most 40 orders.
    assert waits > 0.8
    assert (buffer.actions[: buffer.size()] <= 40).all()


def test_an_update_gives_signs_of_life_also_after_an_exploiter_began_again(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path)
    signs: list[str] = []
    trainer.alive = lambda: signs.append("alive")
    trainer.ppo = trainer._make_ppo()
    trainer.update()
    assert len(signs) >= 4  # two epochs of at least two minibatches of 32


def exploiter_with(folder: Path, role: str = "main_exploiter") -> Trainer:
    """An exploiter that has trained, and has taken a snapshot."""
    trainer = trainer_with(folder)
    trainer.orders = replace(trainer.orders, role=role)
    trainer.update()
    trainer.offer()
    return trainer


class Certain:
    """A generator that always draws the same number."""

    def __init__(self, number: float) -> None:
        self.number = number

    def random(self) -> float:
        return self.number


def test_an_exploiter_that_begins_untrained_has_no_parent_and_new_schedules(
    tmp_path: Path,
) -> None:
    trainer = exploiter_with(tmp_path)
    before, decisions = trainer.parent, trainer.ppo.num_timesteps
    assert before is not None and not trainer.has_restarted
    trainer.env.rng = Certain(0.1)  # type: ignore[assignment]
    assert trainer.after_snapshot()
    assert trainer.parent is None and trainer.has_restarted
    assert (trainer.ppo.num_timesteps, trainer.ppo.schedules_from) == (decisions, decisions)
    sha256 = trainer.offer()
    assert describe(trainer.folder.snapshots / "offered" / f"{sha256}.safetensors").parent is None
    assert trainer.parent == sha256 and not trainer.has_restarted


def test_an_exploiter_that_begins_from_an_early_ancestor_descends_from_it(tmp_path: Path) -> None:
    trainer = exploiter_with(tmp_path)
    early = trainer.parent
    assert early is not None
    trainer.store.admit(early)
    weights = {name: w.clone() for name, w in trainer.ppo.policy.state_dict().items()}
    trainer.update()
    trainer.offer()
    trainer.roster = Roster((), {}, (), early_ancestors=(f"snapshot:{early}", "snapshot:later"))
    trainer.env.rng = Certain(0.9)  # type: ignore[assignment]
    assert trainer.after_snapshot()
    assert trainer.parent == early
    assert all((weights[name] == w).all() for name, w in trainer.ppo.policy.state_dict().items())


def test_a_main_goes_on_with_its_weights(tmp_path: Path) -> None:
    trainer = exploiter_with(tmp_path, "main")
    ppo, parent = trainer.ppo, trainer.parent
    assert not trainer.after_snapshot()
    assert trainer.ppo is ppo and trainer.parent == parent


def test_a_resumed_exploiter_knows_that_it_began_again(tmp_path: Path) -> None:
    trainer = exploiter_with(tmp_path)
    trainer.env.rng.bit_generator.state = np.random.default_rng(1).bit_generator.state
    assert trainer.after_snapshot()
    trainer.checkpoint(force=True)
    again = Trainer(trainer.orders)
    assert again.has_restarted and again.parent is None
    assert again.ppo.schedules_from == trainer.ppo.schedules_from > 0


def test_an_exploiters_snapshots_are_not_early_ones(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, "learner.first_snapshot=100", "learner.snapshot_min_kl=0")
    trainer.since.decisions = trainer.ppo.num_timesteps = 100
    assert trainer.snapshot_due().take
    trainer.orders = replace(trainer.orders, role="main_exploiter")
    assert not trainer.snapshot_due().take  # it waits for snapshot_every


MASK = "learner.relation_mask"


def _child_of(trainer: Trainer, choice: str) -> Trainer:
    """A lineage elsewhere that goes on from the newest snapshot of `trainer`."""
    orders = trainer.orders
    return Trainer(
        replace(
            orders,
            name=f"child-{choice}",
            snapshot=trainer.parent,
            settings=replace(orders.settings, relation_mask=choice),
        )
    )


def test_a_relation_mask_goes_from_the_setting_into_the_snapshot_and_to_its_children(
    tmp_path: Path,
) -> None:
    trainer = trainer_with(tmp_path, f"{MASK}=on")
    trainer.update()
    sha256 = trainer.offer()
    trainer.store.admit(sha256)
    assert describe(trainer.store.path(sha256)).relation_mask
    for choice, expected in (("inherit", True), ("off", False), ("on", True)):
        child = _child_of(trainer, choice)
        assert child.env.relation_mask is child._mirror.relation_mask is expected
    trainer.checkpoint(force=True)
    settings = replace(trainer.settings, relation_mask="inherit")
    again = Trainer(replace(trainer.orders, settings=settings))
    assert again.env.relation_mask  # the checkpoint remembers


def test_without_a_word_on_it_a_new_learner_is_free(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, "learner.relation_mask=inherit")
    assert not trainer.env.relation_mask
    trainer.update()
    sha256 = trainer.offer()
    offered = trainer.folder.snapshots / "offered" / f"{sha256}.safetensors"
    assert not describe(offered).relation_mask


def test_a_plateau_begins_the_schedules_anew_and_widens_the_draws_for_a_while(
    tmp_path: Path,
) -> None:
    trainer = trainer_with(
        tmp_path,
        "learner.learning_rate=8e-4",
        "learner.learning_rate_end=2e-4",
        "learner.schedule_decisions=1000",
        "learner.plateau_after=500",
        "learner.n_opponents=2",
    )
    trainer.ppo.num_timesteps = 2_000
    roster = replace(trainer.roster, stirred_at=2_000)
    numbers, _ = trainer.update()
    assert numbers["learning_rate"] == pytest.approx(2e-4) and len(trainer.wave) == 2
    before = trainer.ppo.num_timesteps  # some 64 decisions after the plateau
    trainer.roster = roster
    numbers, _ = trainer.update()
    # Counted from the plateau on, at the end of the rollout: 1,000 decisions lead to the end.
    at = (trainer.ppo.num_timesteps - 2_000) / 1000
    assert before < trainer.ppo.num_timesteps and at < 0.5
    assert numbers["learning_rate"] == pytest.approx(8e-4 + at * (2e-4 - 8e-4))
    assert len(trainer.wave) == 4
    trainer.ppo.num_timesteps = 2_500  # 500 decisions after it the draws are as before
    trainer.update()
    assert len(trainer.wave) == 2 and trainer.ppo.schedules_from == 2_000
