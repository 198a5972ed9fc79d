"""What others met with their environments in the usual libraries, tried on ours.

Each test names the public report whose kind it tries; docs/compatibility.md is the list.
"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from pettingzoo.test import api_test
from pettingzoo.utils.conversions import parallel_to_aec
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    SubprocVecEnv,
    VecFrameStack,
    VecNormalize,
)

import arena  # noqa: F401  # registers Territory-v0
from arena.env import SoloEnv, TerritoryEnv
from arena.territory.engine.rules import MatchRules

torch.set_num_threads(1)
MAP = "generated:continents:64x64:1"
SHORT: dict[str, Any] = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "device": "cpu"}


def make() -> gymnasium.Env[Any, Any]:
    """At the head of the module, because child processes import it by name."""
    return gymnasium.make("Territory-v0", map=MAP)


@pytest.mark.parametrize("algorithm", [PPO, MaskablePPO])
def test_the_registered_environment_trains_with_default_networks(algorithm: Any) -> None:
    """DLR-RM/stable-baselines3#809: images that the default network is too large for."""
    assert algorithm("MultiInputPolicy", make(), **SHORT).learn(16).num_timesteps == 16


def test_it_trains_with_other_algorithms() -> None:
    assert A2C("MultiInputPolicy", make(), n_steps=8, device="cpu").learn(8).num_timesteps == 8
    model = DQN("MultiInputPolicy", make(), buffer_size=64, learning_starts=8, device="cpu")
    assert model.learn(12).num_timesteps == 12


def test_a_model_is_saved_and_loaded_with_the_environment(tmp_path: Path) -> None:
    """DLR-RM/stable-baselines3#202, #1861: "Observation spaces do not match" after saving."""
    MaskablePPO("MultiInputPolicy", make(), **SHORT).save(tmp_path / "m.zip")
    again = MaskablePPO.load(tmp_path / "m.zip", env=make(), device="cpu")
    assert again.learn(16).num_timesteps == 16
    later = MaskablePPO.load(tmp_path / "m.zip", device="cpu")
    later.set_env(make())
    assert later.learn(16).num_timesteps == 16


def test_stacked_frames_and_normalised_scalars_train() -> None:
    """DLR-RM/stable-baselines3#1861: VecFrameStack around observations of several keys."""
    stacked = VecFrameStack(DummyVecEnv([make]), 3)
    space: Any = stacked.observation_space
    assert space["tactical"].shape == (36, 36, 36)  # 3 times 12 channels
    assert PPO("MultiInputPolicy", stacked, **SHORT).learn(16).num_timesteps == 16
    normal = VecNormalize(DummyVecEnv([make]), norm_obs_keys=["scalars"])
    assert PPO("MultiInputPolicy", normal, **SHORT).learn(16).num_timesteps == 16


@pytest.mark.slow
def test_masks_reach_maskable_ppo_from_other_processes() -> None:
    """Stable-Baselines-Team/stable-baselines3-contrib#49: masks behind SubprocVecEnv."""
    envs = SubprocVecEnv([make, make], start_method="forkserver")
    try:
        assert MaskablePPO("MultiInputPolicy", envs, **SHORT).learn(32).num_timesteps == 32
    finally:
        envs.close()


def test_a_masked_policy_is_evaluated_with_changing_masks() -> None:
    """stable-baselines3-contrib#81, #322: a mask that changes with every step, best action."""
    env = Monitor(SoloEnv(MAP, MatchRules(max_ticks=500)))
    model = MaskablePPO("MultiInputPolicy", env, **SHORT)
    mean, spread = evaluate_policy(model, env, n_eval_episodes=1, warn=False)
    assert -1.0 <= float(mean) <= 1.0 and spread == 0.0


def test_there_is_a_legal_action_in_every_observation() -> None:
    """stable-baselines3-contrib#221: no legal action at all gives NaN."""
    env = TerritoryEnv(MAP, MatchRules(max_ticks=1_500))
    seen, _ = env.reset(seed=2)
    generator = np.random.default_rng(2)
    while env.agents:
        masks = {agent: each["action_mask"] for agent, each in seen.items()}
        assert all(mask.any() for mask in masks.values())
        assert all(np.isfinite(each["scalars"]).all() for each in seen.values())
        seen, *_ = env.step(
            {a: int(generator.choice(np.flatnonzero(masks[a]))) for a in env.agents}
        )


def test_processes_give_batched_observations_and_know_the_environment() -> None:
    """Farama-Foundation/Gymnasium#1164 (no batches), #222 (the id is unknown in the children)."""
    envs = gymnasium.make_vec(
        "Territory-v0",
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"context": "forkserver"},
        map=MAP,
    )
    try:
        seen, _ = envs.reset(seed=1)
        assert isinstance(seen, dict) and seen["tactical"].shape == (2, 12, 36, 36)
        seen, *_ = envs.step(np.array([40, 40]))
        assert seen["scalars"].shape == (2, 104) and seen["action_mask"].dtype == np.int8
    finally:
        envs.close()


def test_environments_side_by_side_play_different_matches_and_the_same_again() -> None:
    """openai/gym#2004: the same observation from all environments of a vector."""
    envs = gymnasium.make_vec("Territory-v0", num_envs=3, vectorization_mode="sync", map=MAP)

    def seen(seed: int | None) -> list[bytes]:
        found, _ = envs.reset(seed=seed)
        return [found["global"][i].tobytes() + found["local"][i].tobytes() for i in range(3)]

    assert len(set(seen(None))) == 3
    first = seen(5)
    assert len(set(first)) == 3 and seen(5) == first


def test_dead_seats_leave_the_turn_based_form_too() -> None:
    """Farama-Foundation/PettingZoo#881, #1244: who is dead must be gone from `agents`."""
    with warnings.catch_warnings():
        # Its own remarks on observations of several keys.
        warnings.filterwarnings("ignore", category=UserWarning, module="pettingzoo")
        api_test(parallel_to_aec(TerritoryEnv(MAP, MatchRules(max_ticks=300))), num_cycles=200)


def test_a_seat_without_an_action_waits() -> None:
    """PettingZoo#209: a living agent that is missing from the actions."""
    env = TerritoryEnv(MAP)
    env.reset(seed=1)
    seen, *_ = env.step({"seat_3": 40})
    assert len(seen) == 10 and env.agents == env.possible_agents


def test_a_copy_of_a_running_environment_goes_on_alike() -> None:
    """openai/gym#2883: environments that cannot be copied or pickled."""
    env = make()
    env.reset(seed=1)
    env.step(40)
    twin = copy.deepcopy(env)
    for action in (3, 40, 8):
        ours, theirs = env.step(action)[0], twin.step(action)[0]
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key])
