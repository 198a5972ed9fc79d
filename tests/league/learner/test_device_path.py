"""What goes to a learner's device in which way: the numbers are those without, and it says so."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.forwards import SharedForwards
from agents.policy import PolicyAgent
from arena.lockstep import Lockstep
from arena.territory.engine.rules import MAX_SEATS
from league.bench.learner import make_orders
from league.config.layers import resolve
from league.config.toml import write_toml
from league.folder.layout import create_folder
from league.learner import device_path
from league.learner.device_path import DevicePath
from league.learner.drawn import DrawnViews, probe_drawing
from league.learner.messages import Roster
from league.learner.ranks import digest
from league.learner.settings import learner_settings
from league.learner.trainer import Trainer
from league.matches.worker import cached_maps
from league.matchmaking.opponents import Foe
from msattn.actor_critic import ActorCritic
from msattn.config import SCALES

CPU = torch.device("cpu")
SETS = (
    "views.global_size=16",
    "views.local_size=16",
    "network.views=gated",
    "maps.train=['generated:continents:64x64:1']",
    "rules.max_ticks=300",
    "learner.n_steps=32",
    "learner.batch_size=16",
    "learner.n_matches=2",
    "learner.self_play_share=0.5",
)
ROSTER = Roster((Foe(0, 0.5),), {0: "scripted:tribe"}, ())


def _trainer(root: Path, family: str = "attention") -> Trainer:
    config = resolve("small", None, SETS)
    folder = create_folder(root, write_toml(config))
    trainer = Trainer(make_orders(folder.root, config, family))
    trainer.roster = ROSTER
    return trainer


def test_a_learner_on_a_cpu_stays_as_it_was_and_says_so_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "league.learner.device_path"):
        trainer = _trainer(tmp_path / "league")
    (line,) = [record.getMessage() for record in caplog.records if "copies" in record.getMessage()]
    assert line == (
        "on cpu: copies plain; graphs of frozen members off: cpu has no CUDA graphs; views written "
        "by the game; update not compiled: not tried on cpu; convolutions channels first: no large "
        "views"
    )
    assert trainer.env.drawn is None and trainer.path.forwards is None


def test_a_learner_whose_views_are_drawn_learns_the_same_to_the_last_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _trainer(tmp_path / "written")
    monkeypatch.setattr(device_path, "_draws", lambda *a: (True, "drawn"))
    drawn = _trainer(tmp_path / "drawn")
    assert drawn.env.drawn is not None
    for _ in range(2):
        numbers = [trainer.update()[0] for trainer in (written, drawn)]
        assert numbers[0]["loss"] == numbers[1]["loss"]
    assert digest(written.ppo) == digest(drawn.ppo)
    for key in SCALES:
        seen = drawn.env.observations()[key]
        assert isinstance(seen, torch.Tensor)
        at = np.flatnonzero(drawn.env.active)
        assert np.array_equal(seen.numpy()[at], written.env.observations()[key][at])


def test_policies_on_the_device_are_offered_the_views_that_are_drawn(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path / "league")
    env = trainer.env
    env.reset()
    rows = np.flatnonzero(env.lockstep.alive)
    assert env.lockstep.batch(rows).drawn_observation is None
    DrawnViews(env.lockstep, env.num_envs, env.settings.views, CPU)
    batch = env.lockstep.batch(rows)
    drawn, written = batch.drawn_observation, batch.observation
    assert drawn is not None and drawn.keys() == written.keys()
    for key, values in written.items():
        assert np.array_equal(np.asarray(drawn[key]), values)
    # What an agent on a GPU would read: the same logits.
    agent = trainer._mirror
    assert isinstance(agent, PolicyAgent)
    assert np.array_equal(agent.logits(drawn), agent.logits(written))
    shared = PolicyAgent(agent.network, agent.shapes, forwards=SharedForwards(CPU, capture=False))
    np.testing.assert_allclose(shared.logits(drawn), agent.logits(written), rtol=1e-4, atol=1e-5)


def test_the_probe_of_views_compares_bytes_and_times(tmp_path: Path) -> None:
    config = resolve("small", None, SETS)
    gain, are_equal = probe_drawing(
        CPU,
        config.rules.to_rules(),
        config.views.to_views(),
        "generated:plains:64x64:1",
        cached_maps(None),
    )
    assert are_equal and gain > 0.0


def test_views_that_differ_are_not_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = _trainer(tmp_path / "league")
    network, env = trainer._mirror.network, trainer.settings.env
    load_map = cached_maps(None)

    class Cuda:
        type = "cuda"

    for found, draws, sentence in (
        ((3.0, True), True, "drawn on the device: 3.00 times as fast"),
        ((3.0, False), False, "written by the game: those that were drawn differ"),
        ((0.9, True), False, "written by the game: drawn 0.90 times as fast"),
    ):
        monkeypatch.setattr(device_path, "probe_drawing", lambda *a, found=found: found)
        assert device_path._draws(Cuda(), network, env, load_map) == (draws, sentence)  # type: ignore[arg-type]
    assert "differ from the game's" in caplog.text

    def broken(*arguments: object) -> tuple[float, bool]:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(device_path, "probe_drawing", broken)
    found = device_path._draws(Cuda(), network, env, load_map)  # type: ignore[arg-type]
    assert found == (False, "written by the game: out of memory")


def test_the_device_path_of_a_network_without_views_draws_none() -> None:
    config = resolve("small", None, ("network.views=off",))
    settings = learner_settings(config)
    network = ActorCritic("baseline", settings.env.views.shapes(), settings.torso)
    path = DevicePath.of(CPU, network, settings.env, cached_maps(None))
    assert not path.draws and "views not read" in path.said


def test_a_lockstep_has_room_for_all_seats_of_a_slot() -> None:
    assert len(Lockstep(2, resolve("small").views.to_views()).alive) == 2 * MAX_SEATS
