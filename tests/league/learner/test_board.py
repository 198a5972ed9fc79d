"""The viewers get a learner's numbers and where it looks, and training does not notice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from arena.territory.observation.views import CHANNEL_NAMES, N_CHANNELS
from league.bench.learner import make_trainer
from league.config.layers import resolve
from league.learner.board import Board, regions, summary, tag
from league.learner.sinks import Curve, TensorBoardSink, read_curve
from msattn.inspect import AttentionRecord

SETS = (
    "learner.n_steps=64",
    "learner.batch_size=32",
    "learner.n_matches=2",
    "learner.n_epochs=1",
    "learner.device=cpu",
    "rules.max_ticks=300",
    "maps.train=['generated:continents:64x64:0-3']",
)


def test_regions_are_shares_and_water_counts_fully() -> None:
    image = np.zeros((1, N_CHANNELS, 16, 16), np.uint8)
    image[0, CHANNEL_NAMES.index("barrier"), 0, :3] = [255, 128, 0]
    image[0, CHANNEL_NAMES.index("rival"), 1, 0] = 51  # 51 / 255 = 0.2
    found = regions(image)
    assert found["water"][0, 0, :3].tolist() == [1.0, 1.0, 0.0]
    assert found["rivals"][0, 1, 0] == pytest.approx(0.2)


def test_even_attention_gets_each_part_its_area_and_phases_their_own_rows() -> None:
    image = np.zeros((2, N_CHANNELS, 16, 16), np.uint8)
    image[:, CHANNEL_NAMES.index("neutral"), :4] = 255  # a quarter of the view
    record = AttentionRecord(
        spatial={"global": [np.ones((2, 8, 8), np.float32)]},
        head_weights=np.array([[[1, 0, 0]], [[0, 0, 1]]], np.float32),
        scale_weights=np.array([0.5, 0.25, 0.25], np.float32),
    )
    # time 0.1 is in the first third, 0.9 in the last
    found = summary(record, {"global": image, "scalars": np.array([[0.1], [0.9]], np.float32)})
    assert found["attention/global/neutral"] == pytest.approx(0.25)
    assert found["attention/global/neutral_over_area"] == pytest.approx(1.0)
    assert found["attention/global/evenness"] == pytest.approx(1.0)
    assert found["scales/global"] == 0.5
    assert (found["scales_early/global"], found["scales_late/tactical"]) == (1.0, 1.0)
    assert "scales_middle/global" not in found and "attention/local/neutral" not in found


def test_gates_and_the_attention_to_neighbours_have_curves_without_any_view() -> None:
    # Two heads; the seat looks at two rows evenly, then at one of two; one neighbour is no choice.
    shares = np.zeros((2, 2, 4, 3), np.float32)
    shares[0, 0, 0] = [0.5, 0.5, 0.0]
    shares[0, 1, 0] = [1.0, 0.0, 0.0]
    shares[1, :, 0] = [0.0, 0.0, 1.0]
    used = np.array([[True, True, False], [False, False, True]])
    record = AttentionRecord(
        token_weights=shares, used=used, gates=np.array([0.0, 0.25, 0.5], np.float32)
    )
    found = summary(record, {"scalars": np.zeros((2, 1), np.float32)})
    assert found.pop("neighbours/evenness") == pytest.approx(0.5)
    assert found == {"gates/global": 0.0, "gates/local": 0.25, "gates/tactical": 0.5}


def test_every_number_of_an_update_has_its_place() -> None:
    assert tag("placement_mean") == "play/placement_mean"
    assert tag("seconds_env") == "speed/seconds_env"
    assert tag("kl") == "train/kl"


def test_a_real_update_is_written_and_the_streams_are_left_alone(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = resolve("small", None, (*SETS, "network.views=gated"))
    trainer = make_trainer(tmp_path / "league", config, "attention")
    numbers, _ = trainer.update()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    board = Board([TensorBoardSink(Curve(tmp_path, "lg", "attention", 0, {}))])
    board.write(trainer.ppo.num_timesteps, numbers, trainer.ppo.policy, trainer.ppo.rollout_buffer)
    board.close()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    # The table that every learner has holds the same under the same tags.
    (table,) = (tmp_path / "league" / "logs" / "curves").glob("*.csv")
    written = {name: value for _, _, name, value in read_curve(table)}
    events = EventAccumulator(str(tmp_path / "tensorboard" / "attention"))
    events.Reload()
    tags = set(events.Tags()["scalars"])
    learned = ("loss", "kl", "clip_share", "explained_variance", "entropy")
    assert {f"train/{name}" for name in learned} <= tags
    assert {"attention/global/own_border", "attention/tactical/rivals", "scales/local"} <= tags
    assert events.Scalars("train/kl")[0].step == trainer.ppo.num_timesteps
    assert written.keys() == tags
    assert all(written[name] == pytest.approx(events.Scalars(name)[0].value) for name in tags)
    assert all(layer._forward_hooks == {} for layer in trainer.ppo.policy.modules())
