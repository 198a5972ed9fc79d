"""Every setting of the learners reaches them, and under its own name."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from league.config.layers import resolve
from league.config.training import LearnerConfig, RewardConfig
from league.config.tree import LeagueConfig
from league.learner.rewards import RewardWeights
from league.learner.settings import OpponentSettings, SnapshotSettings, learner_settings
from league.ppo.schedules import Schedule

DEFAULT = resolve("small")
NOT_NUMBERS = {
    "device": "cpu",
    "tensorboard": True,
    "wandb": True,
    "trackio": True,
    "micro_batch": 64,
    "relation_mask": "off",
    "ent_coef_end": 0.5,
    "top_advantage_share": 0.5,
    "teacher_rows": 500,
    "precision": "float32",
    "compile": "on",
    "teacher_round_rows": 500,
    "averaging_window": 64,
}


def changed(section: LearnerConfig | RewardConfig, name: str) -> Any:
    """The section with one setting halved, or changed otherwise where half says nothing."""
    value = getattr(section, name)
    if name in NOT_NUMBERS:
        other: Any = NOT_NUMBERS[name]
    elif value in (0, 1):
        other = value + 2
    else:
        other = value // 2 if isinstance(value, int) else value / 2
    return section.model_copy(update={name: other})


def with_learner(section: LearnerConfig) -> LeagueConfig:
    return DEFAULT.model_copy(update={"learner": section})


# The manager's own, which starts and watches the learners by them; the teacher is in their orders.
OF_THE_MANAGER = {"engine", "lease_s", "plateau_gain", "plateau_response", "teacher"}


@pytest.mark.parametrize(
    "name", sorted(LearnerConfig.model_fields.keys() - {"reward", *OF_THE_MANAGER})
)
def test_no_setting_of_the_learner_is_lost_on_the_way(name: str) -> None:
    config = with_learner(changed(DEFAULT.learner, name))
    assert learner_settings(config) != learner_settings(DEFAULT)


@pytest.mark.parametrize("name", sorted(RewardConfig.model_fields))
def test_no_weight_of_the_reward_is_lost_on_the_way(name: str) -> None:
    reward = changed(DEFAULT.learner.reward, name)
    config = with_learner(DEFAULT.learner.model_copy(update={"reward": reward}))
    assert learner_settings(config).env.reward != learner_settings(DEFAULT).env.reward


def test_game_threads_reach_the_learner() -> None:
    arena = DEFAULT.arena.model_copy(update={"n_threads": 3})
    config = DEFAULT.model_copy(update={"arena": arena})
    assert learner_settings(config).env.n_threads == 3


def test_settings_keep_their_meaning() -> None:
    sets = (
        "learner.n_opponents=3",
        "learner.one_opponent_share=0.25",
        "learner.self_play_share=0.125",
        "learner.plateau_after=5000",
        "learner.first_snapshot=900",
        "learner.snapshot_every=7000",
        "learner.snapshot_win_rate=0.6",
        "learner.snapshot_min_games=11",
        "learner.snapshot_min_kl=0.02",
        "learner.learning_rate=8e-4",
        "learner.learning_rate_end=2e-4",
        "learner.ent_coef=0.002",
        "learner.ent_coef_end=off",
        "learner.schedule_decisions=1000",
        "learner.reward.potential_land=1.5",
        "learner.reward.potential_strength=1.25",
        "learner.reward.placement=0.75",
        "learner.reward.first=0.25",
        "learner.reward.death=0.5",
        "maps.train=['generated:continents:64x64:1-3']",
    )
    settings = learner_settings(resolve("small", None, sets))
    assert settings.opponents == OpponentSettings(3, 0.25, 0.125, stirred_decisions=5_000)
    assert settings.snapshots == SnapshotSettings(
        900, 7000, win_rate=0.6, min_games=11, min_kl=0.02
    )
    assert settings.ppo.learning_rate == Schedule(8e-4, 2e-4, 1000)
    assert settings.ppo.ent_coef == Schedule(0.002)
    assert settings.ppo.clip_range == Schedule(0.2)
    assert settings.env.reward == RewardWeights(
        land=1.5, strength=1.25, placement=0.75, first=0.25, death=0.5, team_share=0.5
    )
    assert settings.env.maps == tuple(f"generated:continents:64x64:{seed}" for seed in (1, 2, 3))
    assert settings.env.gamma == settings.ppo.gamma == 0.99


def test_settings_travel_to_a_learners_process() -> None:
    settings = learner_settings(DEFAULT)
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("sets", "views", "reads_neighbours"),
    [
        ((), "off", True),
        (("network.views=gated",), "gated", True),
        (("network.views=off",), "off", True),
        (("network.views=on",), "on", True),
        (("views.observation_version=1", "network.views=preset"), "on", False),
        (("network.token_features=0", "network.views=on"), "on", False),
    ],
)
def test_the_network_follows_the_observation_and_the_setting(
    sets: tuple[str, ...], views: str, reads_neighbours: bool
) -> None:
    settings = learner_settings(resolve("small", None, sets))
    assert settings.torso.views == views
    assert (settings.torso.token_features > 0) == reads_neighbours
    assert settings.env.reads is not None
    assert ("neighbours" in settings.env.reads) == reads_neighbours
    assert ("global" in settings.env.reads) == (views != "off")
