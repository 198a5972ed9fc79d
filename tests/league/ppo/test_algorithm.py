"""The update: Stable-Baselines3's numbers, undone when broken, and it learns."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.logger import Logger

from league.ppo.algorithm import LeaguePPO
from league.ppo.errors import LearnerError
from league.ppo.safety import policy_tensors
from league.ppo.schedules import Schedule
from tests.league.ppo.learner_toys import ToyEnv, learner

NUMBERS = (
    "loss",
    "policy_loss",
    "value_loss",
    "entropy",
    "kl",
    "clip_share",
    "explained_variance",
    "grad_norm",
    "learning_rate",
    "clip_range",
    "ent_coef",
    "reward_mean",
    "placement_mean",
    "n_episodes",
    "n_decisions",
    "seconds_env",
    "seconds_observation",
    "seconds_opponents",
    "seconds_policy",
    "seconds_update",
    "seconds_other",
    "decisions_per_s",
)


def tensors(ppo: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in policy_tensors(ppo.policy)}


def collected(**settings: Any) -> LeaguePPO:
    ppo = learner(**settings)
    ppo._last_obs = ppo.env.reset()
    ppo.collect_rollouts(ppo.env, None, ppo.rollout_buffer, ppo.n_steps)
    return ppo


class Noisy(ToyEnv):
    """Images of noise: on the toy's constant ones normalisation blows rounding up."""

    def _show(self) -> Any:
        observations = super()._show()
        for image in (observations["global"], observations["local"], observations["tactical"]):
            image[:] = self.rng.integers(0, 256, image.shape)
        return observations


def sb3_twin(ppo: LeaguePPO) -> MaskablePPO:
    """SB3's own learner with the same weights, settings and transitions.

    Its buffer is filled as one environment whose time runs through our transitions.
    """
    size = ppo.rollout_buffer.size()
    policy_kwargs = {**ppo.policy_kwargs, "optimizer_kwargs": {"eps": 1e-5}}
    twin = MaskablePPO(
        "MultiInputPolicy",
        ToyEnv(n=1, k=1),
        learning_rate=ppo.learning_rate,
        n_steps=size,
        batch_size=ppo.batch_size,
        n_epochs=ppo.n_epochs,
        ent_coef=ppo.ent_coef,
        clip_range_vf=None if ppo.clip_range_vf is None else ppo.clip_range_vf(1.0),
        target_kl=ppo.target_kl,
        policy_kwargs=policy_kwargs,
        device="cpu",
    )
    twin.set_logger(Logger(folder=None, output_formats=[]))
    twin.policy.load_state_dict(ppo.policy.state_dict())
    theirs, ours = twin.rollout_buffer, ppo.rollout_buffer
    for key, tensor in ours.observations.items():
        theirs.observations[key][:, 0] = tensor[:size].numpy()
    theirs.actions[:, 0, 0] = ours.actions[:size].numpy()
    for name in ("values", "log_probs", "advantages", "returns"):
        getattr(theirs, name)[:, 0] = getattr(ours, name)[:size].numpy()
    theirs.action_masks[:, 0] = ours.action_masks[:size].numpy()
    theirs.full = True
    return twin


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"micro_batch": 7},
        {"clip_range_vf": 0.1, "family": "baseline"},
        {"norm": "batch", "family": "baseline"},
        {"target_kl": 2e-7},
    ],
    ids=["plain", "in parts", "value clipped", "batch norm", "early stop"],
)
def test_an_update_computes_the_numbers_of_stable_baselines3(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ppo = collected(env=Noisy(), ent_coef=0.02, **settings)
    twin = sb3_twin(ppo)
    size = ppo.rollout_buffer.size()
    # 64 to 69 transitions in minibatches of 32: never a single one left over in SB3's either.
    assert size % 32 != 1
    orders = [np.random.default_rng(i).permutation(size) for i in range(ppo.n_epochs)]
    ours, theirs = iter(orders), iter(orders)
    monkeypatch.setattr(ppo.rollout_buffer, "permutation", lambda _: torch.tensor(next(ours)))
    monkeypatch.setattr(np.random, "permutation", lambda _: next(theirs))
    before = tensors(ppo)
    ppo.train()
    twin.train()
    found, expected = tensors(ppo), tensors(twin)
    moved = max(float((found[n] - before[n]).abs().max()) for n in found)
    assert moved > 1e-4
    for name, tensor in expected.items():
        # Adam divides by the size of the gradient: where that is near zero, the rounding of images
        # divided by 255 before or inside the network moves a weight by a part of a step (3e-4).
        np.testing.assert_allclose(found[name], tensor, atol=5e-5, rtol=1e-5, err_msg=name)
        assert float((found[name] - tensor).abs().double().mean()) < 2e-6, name
    logged = twin.logger.name_to_value
    assert ppo.last_log["kl"] == pytest.approx(logged["train/approx_kl"], abs=1e-6)
    if not settings.get("target_kl"):
        assert ppo.last_log["entropy"] == pytest.approx(-logged["train/entropy_loss"], abs=1e-5)
        assert ppo.last_log["value_loss"] == pytest.approx(logged["train/value_loss"], rel=1e-4)
    else:
        # Stopped in the first epoch, after at least one step.
        assert ppo.last_log["n_epochs"] == 1.0 and ppo.last_log["loss"] != 0.0


@pytest.mark.parametrize("family", ["attention", "baseline"])
def test_the_ratio_is_one_on_the_first_minibatch(family: str) -> None:
    assert learner(family=family).update()["first_ratio_error"] < 1e-5


def test_actions_are_legal_and_drawn_from_the_learners_stream_with_their_probabilities() -> None:
    ppo = learner()
    ppo._last_obs = ppo.env.reset()
    n = 4000
    observations = {
        key: torch.from_numpy(array[:1]).repeat(n, *[1] * (array.ndim - 1))
        for key, array in ppo._last_obs.items()
    }
    masks = torch.zeros(n, 45, dtype=torch.bool)
    masks[:, [1, 5, 9]] = True
    state = torch.get_rng_state()
    actions, log_probs, _ = ppo._act(observations, masks)
    assert torch.equal(torch.get_rng_state(), state)
    shares = torch.bincount(actions, minlength=45) / n
    assert shares.sum() == shares[[1, 5, 9]].sum()
    # Deviation of a share of 1/3 in 4000 draws: 0.0075.
    for action in (1, 5, 9):
        expected = float(log_probs[actions == action][0].exp())
        assert abs(float(shares[action]) - expected) < 0.03


def test_the_numbers_of_an_update_are_complete_and_finite() -> None:
    ppo = learner(ToyEnv(p_death=0.3))
    numbers = ppo.update()
    for key in NUMBERS:
        assert np.isfinite(numbers[key]), key
    assert numbers["n_episodes"] == len(ppo.episodes) > 0
    assert numbers["reward_mean"] == np.mean([e["episode_reward"] for e in ppo.episodes])


def test_it_says_before_every_minibatch_that_it_is_alive() -> None:
    ppo = learner(ToyEnv(p_death=0.3))
    signs: list[int] = []
    ppo.alive = lambda: signs.append(ppo.rollout_buffer.size())
    ppo.update()
    n_minibatches = -(-ppo.rollout_buffer.size() // ppo.settings.batch_size)
    assert len(signs) == ppo.settings.n_epochs * n_minibatches > 1


def test_an_update_learns_from_a_share_of_its_transitions_and_by_default_from_all() -> None:
    ppo = learner(ToyEnv(p_death=0.3), top_advantage_share=0.25, batch_size=8)
    signs: list[int] = []
    ppo.alive = lambda: signs.append(ppo.rollout_buffer.size())
    numbers = ppo.update()
    size = ppo.rollout_buffer.size()
    # A quarter of 64 to 69, eight at a time (a single one joins): 2 or 3 minibatches, not 8.
    assert 64 <= size < 70
    assert ppo.settings.n_epochs * 2 <= len(signs) <= ppo.settings.n_epochs * 3
    assert numbers["n_transitions"] == size and np.isfinite(numbers["loss"])
    whole = [learner(ToyEnv(p_death=0.3), **share) for share in ({}, {"top_advantage_share": 1.0})]
    one, other = (policy.update() for policy in whole)
    assert one["loss"] == other["loss"] and one["kl"] == other["kl"]
    with pytest.raises(LearnerError, match="top_advantage_share must be above 0"):
        learner(top_advantage_share=0.0)


def test_schedules_run_in_absolute_decisions() -> None:
    schedule = Schedule(1.0, 0.0, 100)
    assert [schedule.at(n) for n in (0, 25, 100, 500)] == [1.0, 0.75, 0.0, 0.0]
    assert Schedule.of(0.3).at(10**9) == 0.3
    with pytest.raises(LearnerError, match="both"):
        Schedule(1.0, 0.5)
    ppo = learner(learning_rate=Schedule(1e-3, 0.0, 1000))
    numbers = ppo.update()
    assert numbers["learning_rate"] == pytest.approx(1e-3 * (1 - numbers["n_decisions"] / 1000))


def test_a_broken_update_is_undone_and_halves_the_rate(caplog: pytest.LogCaptureFixture) -> None:
    ppo = learner()
    ppo.update()
    before = tensors(ppo)
    steps = copy.deepcopy(ppo.policy.optimizer.state_dict()["state"][0])
    ppo.collect_rollouts(ppo.env, None, ppo.rollout_buffer, 64)
    ppo.rollout_buffer.advantages[3] = float("nan")
    with caplog.at_level(logging.WARNING):
        ppo.train()
    assert "undone" in caplog.text and "loss" in caplog.text
    assert ppo.last_log["rolled_back"] == 1.0
    assert all(torch.equal(a, before[n]) for n, a in tensors(ppo).items())
    after = ppo.policy.optimizer.state_dict()["state"][0]
    assert all(torch.equal(after[key], steps[key]) for key in steps)
    assert ppo.update()["learning_rate"] == pytest.approx(1.5e-4)
    assert not all(torch.equal(a, before[n]) for n, a in tensors(ppo).items())


def test_three_broken_updates_stop_the_learner_with_the_last_good_policy() -> None:
    class Poisoned(ToyEnv):
        def step_wait(self) -> Any:
            observations, rewards, dones, infos = super().step_wait()
            return observations, rewards * np.float32("nan"), dones, infos

    env = Poisoned(p_death=0.0)
    ppo = learner(env)
    before = tensors(ppo)
    ppo.update()
    ppo.update()
    with pytest.raises(LearnerError, match=r"3 of the last 100 updates"):
        ppo.update()
    assert all(torch.equal(a, before[n]) for n, a in tensors(ppo).items())
    assert ppo.learning_rate_scale == 0.125


def test_an_undone_update_before_the_first_step_leaves_a_fresh_optimizer() -> None:
    ppo = collected()
    ppo.rollout_buffer.returns[0] = float("inf")
    ppo.train()
    assert ppo.policy.optimizer.state_dict()["state"] == {}
    assert ppo.update()["rolled_back"] == 0.0


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_out_of_memory_names_the_settings_to_lower(error: Exception) -> None:
    ppo = collected()
    before = tensors(ppo)

    def fail(*_: Any) -> Any:
        raise error

    ppo.evaluate = fail  # type: ignore[method-assign]
    with pytest.raises(LearnerError) as found:
        ppo.train()
    for name in ("learner.n_matches", "learner.batch_size", "views.", "network"):
        assert name in str(found.value)
    assert all(torch.equal(a, before[n]) for n, a in tensors(ppo).items())


def test_other_runtime_errors_stay_what_they_are() -> None:
    ppo = collected()

    def fail(*_: Any) -> Any:
        raise RuntimeError("shapes do not match")

    ppo.evaluate = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="shapes do not match"):
        ppo.train()


def test_sb3s_own_learn_runs_leaves_no_folder_and_its_save_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SB3_LOGDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ppo = learner()
    ppo.learn(130)
    assert list(tmp_path.glob("SB3*")) == []  # a league of many nights must not fill /tmp
    assert ppo.num_timesteps >= 130
    with pytest.raises(LearnerError, match="CheckpointStore"):
        ppo.save("anywhere")


@pytest.mark.parametrize("family", ["attention", "baseline"])
def test_it_learns_which_action_pays(family: str) -> None:
    env = ToyEnv(n=8, k=4, seed=1)
    settings = {"n_steps": 256, "batch_size": 64, "n_epochs": 6, "learning_rate": 6e-3}
    ppo = learner(env, family=family, gamma=0.0, **settings)
    rewards = []
    for _ in range(12):
        ppo.update()
        size = ppo.rollout_buffer.size()
        rewards.append(float(ppo.rollout_buffer._rewards[:size].mean()))
    # Blind play pays 1 in 40; always the same action 1 in 4; knowing the context 1.
    assert rewards[0] < 0.08
    assert np.mean(rewards[-4:]) > 0.5, rewards


@pytest.mark.parametrize("wrong", [{"batch_size": 1}, {"micro_batch": 0}])
def test_batches_that_cannot_be_learned_from_are_refused(wrong: dict[str, int]) -> None:
    # The deviation of a single advantage is NaN; a pass over no rows has no gradient.
    with pytest.raises(LearnerError, match=r"learner.batch_size must be >= 2"):
        learner(**wrong)
