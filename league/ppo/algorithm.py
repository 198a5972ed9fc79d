"""LeaguePPO: MaskablePPO over matches whose seats die, without SB3's copies and waits.

Promises: a row that needs no action gets no forward pass and enters no buffer, minibatch,
advantage or counter; `num_timesteps` counts decisions of active rows; given the same transitions
and order, an update computes what `MaskablePPO.train` does; after an update everything is finite,
or the update is undone. Actions and minibatches are drawn from `generator` alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from league.ppo.averaging import AveragedWeights
from league.ppo.buffer import RaggedRolloutBuffer
from league.ppo.contract import LearnerEnv, check_going_on, check_idle_rows, check_masks
from league.ppo.errors import LearnerError
from league.ppo.form import choose_form
from league.ppo.halves import HalvedRollout, halved, hidden
from league.ppo.loss import LossSettings
from league.ppo.peers import Peers
from league.ppo.precision import autocast, chooses_bfloat16
from league.ppo.safety import GoodState, explained_variance, memory_advice
from league.ppo.settings import PpoSettings
from league.ppo.survival import SurvivalTask
from league.ppo.update import ExtraLoss, UpdatePass
from msattn.actor_critic import masked_log_softmax

log = logging.getLogger(__name__)

PHASES = ("env", "observation", "opponents", "policy", "update", "other")

# Three undone updates among the last hundred: the run is broken, not unlucky.
MAX_ROLLBACKS = 3
ROLLBACK_WINDOW = 100

# Decisions in a row without an active row; a match of 20,000 ticks has far fewer.
_MAX_IDLE_DECISIONS = 100_000

# Rows per forward and backward pass on a CPU. With 512 rows in one pass the activations are so
# large that the C library returns their memory to the system after each pass and the next one
# faults it in again. Milliseconds per transition, forward and backward, preset small, one x86 core
# (attention, baseline): 64 rows 0.64, 0.52; 128: 0.60, 0.47; 256: 0.53, 0.46; 512: 0.97, 0.70, but
# 0.53, 0.40 where glibc was told to keep its memory (MALLOC_TRIM_THRESHOLD_). Other work ran beside
# it. channels_last: 0.75, 0.55 at 256 rows, slower at every size below 512.
CPU_MICRO_BATCH = 256


class LeaguePPO(MaskablePPO):
    """PPO with masks over ragged rollouts.

    Args:
        env: a VecEnv that is also a `LearnerEnv`.
        settings: the numbers of the algorithm.
        policy_kwargs: of `msattn.sb3.policy_kwargs`.
        seed: of weights and draws.
        device: a device, chosen by `msattn.device.choose_device`; never "auto".

    Raises:
        LearnerError: too little memory.
    """

    env: LearnerEnv  # type: ignore[assignment]
    rollout_buffer: RaggedRolloutBuffer  # type: ignore[assignment]
    _last_obs: Any

    def __init__(
        self,
        env: LearnerEnv,
        settings: PpoSettings,
        *,
        policy_kwargs: dict[str, Any],
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        # Fused Adam: 0.6 to 0.7 ms a step (preset small, one x86 core), against 3.6 to 5.8
        # with SB3's default and 3.5 with foreach (attention; baseline 0.4 to 0.6, 2.2 to 3.6, 1.8).
        optimizer_kwargs: dict[str, Any] = {"eps": 1e-5}
        if torch.device(device).type in ("cpu", "cuda"):
            optimizer_kwargs["fused"] = True
        with memory_advice("while building the learner"):
            super().__init__(
                "MultiInputPolicy",
                cast(VecEnv, env),
                learning_rate=settings.learning_rate.start,
                n_steps=settings.n_steps,
                batch_size=settings.batch_size,
                n_epochs=settings.n_epochs,
                gamma=settings.gamma,
                gae_lambda=settings.gae_lambda,
                clip_range=settings.clip_range.start,
                clip_range_vf=settings.clip_range_vf,
                normalize_advantage=settings.normalize_advantage,
                ent_coef=settings.ent_coef.start,
                vf_coef=settings.vf_coef,
                max_grad_norm=settings.max_grad_norm,
                rollout_buffer_class=RaggedRolloutBuffer,
                target_kl=settings.target_kl,
                policy_kwargs={"optimizer_kwargs": optimizer_kwargs, **policy_kwargs},
                seed=seed,
                device=device,
            )
        self.settings = settings
        self.set_logger(Logger(folder=None, output_formats=[]))
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.learning_rate_scale = 1.0
        self.schedules_from = 0
        self.rollbacks: list[int] = []  # the updates (`_n_updates`) that were undone
        self.episodes: list[dict[str, Any]] = []
        self.last_log: dict[str, float] = {}
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.micro_batch = self._rows_per_pass()
        self.alive: Callable[[], None] = lambda: None  # called before every minibatch
        self.extra_loss: ExtraLoss | None = None
        self.survival = SurvivalTask(self.policy) if settings.survival_coef > 0.0 else None
        self.averaged = AveragedWeights(settings.averaging_window)
        self.peers: Peers | None = None  # the other ranks, which make every update together
        self._actions = np.zeros(self.n_envs, dtype=np.int64)
        self.in_bfloat16 = chooses_bfloat16(
            settings.precision,
            self._evaluate,
            self.policy,
            cast(spaces.Dict, self.observation_space),
            self.device,
        )
        self.form = choose_form(
            settings.compile,
            self._evaluate,
            self.policy,
            cast(spaces.Dict, self.observation_space),
            self.device,
            n_rows=min(self.micro_batch, settings.batch_size // settings.n_ranks),
            in_bfloat16=self.in_bfloat16,
            has_hooks=self.survival is not None,
        )

    def _rows_per_pass(self) -> int:
        """Return how many rows of a minibatch go through the network together."""
        modules = self.policy.modules()
        if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in modules):
            return self.settings.batch_size + 1  # a last single transition joins a minibatch
        if self.settings.micro_batch is not None:
            return self.settings.micro_batch
        on_cpu = self.device.type == "cpu"
        return CPU_MICRO_BATCH if on_cpu else self.settings.batch_size + 1

    def update(self) -> dict[str, float]:
        """Collect one rollout and learn from it; returns the numbers of this update.

        The episodes that ended in the rollout are in `episodes`, as the environment's infos, but
        for those of matches that began in the middle ("whole" is False).

        Raises:
            LearnerError: an environment that breaks its contract, too little memory, or
                MAX_ROLLBACKS undone updates; the policy is then the last good one.
        """
        self.collect()
        self.train()
        return self.last_log

    def collect(self) -> None:
        """Collect one rollout, the first half of `update`; `train` is the second."""
        if self._last_obs is None:
            self._last_obs = self.env.reset()
        if self.settings.n_halves == 2:
            self._collect_in_halves()
        else:
            self.collect_rollouts(self.env, None, self.rollout_buffer, self.settings.n_steps)

    def _collect_in_halves(self) -> None:
        """Collect what `collect_rollouts` would; see league.ppo.halves."""
        env, buffer = halved(self.env), self.rollout_buffer
        began, before = time.perf_counter(), dict(env.phase_seconds)
        self.policy.set_training_mode(False)
        buffer.reset()
        self.episodes = []
        with memory_advice("while collecting a rollout"):
            rollout = HalvedRollout(self, env, _MAX_IDLE_DECISIONS)
            rollout.run(self.settings.n_steps)
            self._last_obs = env.observations()
            started = time.perf_counter()
            last_values = self._last_values(env, buffer)
            ending_s = time.perf_counter() - started
        buffer.compute_returns_and_advantage(last_values)
        phases = {name: seconds - before[name] for name, seconds in env.phase_seconds.items()}
        self.seconds = dict.fromkeys(PHASES, 0.0) | hidden(phases, rollout.waited_s, rollout.busy_s)
        self.seconds["policy"] = rollout.policy_s + ending_s
        self.seconds["other"] = time.perf_counter() - began - sum(self.seconds.values())

    def evaluate(self, observations: dict[str, Tensor], masks: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probabilities float32[n, A] and values float32[n].

        Args:
            observations: per key [n, ...] on the device; images uint8, divided in the network.
            masks: bool[n, A].
        """
        way = self.form.of(len(masks)) or self._evaluate
        return way(self.in_bfloat16, observations, masks)

    def _evaluate(
        self, in_bfloat16: bool, observations: dict[str, Tensor], masks: Tensor
    ) -> tuple[Tensor, Tensor]:
        policy = self.policy
        with autocast(self.device, in_bfloat16):
            features = policy.features_extractor(observations)
            latent_policy, latent_value = policy.mlp_extractor(features)
            logits, values = policy.action_net(latent_policy), policy.value_net(latent_value)
        return masked_log_softmax(logits.float(), masks), values[:, 0].float()

    def _act(
        self, observations: dict[str, Tensor], masks: Tensor, *, n_before: int = 0
    ) -> tuple[Tensor, ...]:
        """Return actions int64[n] drawn from `generator`, their log-probabilities, values.

        Args:
            n_before: rows of the same draw that are decided elsewhere (league.ppo.halves).
        """
        with torch.inference_mode():
            log_probs, values = self.evaluate(observations, masks)
            # The fastest of exponential clocks with the actions' probabilities as rates. A clock
            # of exactly 0 would win for an illegal action too, hence the clamp.
            n, n_actions = log_probs.shape
            clocks = log_probs.new_empty((n_before + n, n_actions))
            clocks = clocks.exponential_(generator=self.generator)[n_before:]
            actions = (log_probs - clocks.clamp_(min=1e-30).log_()).argmax(dim=1)
            return actions, log_probs.gather(1, actions[:, None])[:, 0], values

    def collect_rollouts(  # type: ignore[override]
        self,
        env: LearnerEnv,
        callback: BaseCallback | None,
        rollout_buffer: RaggedRolloutBuffer,
        n_rollout_steps: int,
        use_masking: bool = True,
    ) -> bool:
        """Play until `n_rollout_steps` transitions of active rows are stored.

        Returns False if the callback stopped it. Masks are always used.
        """
        began, phases_before = time.perf_counter(), dict(env.phase_seconds)
        seconds_policy = seconds_env = 0.0
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        self.episodes = []
        if callback is not None:
            callback.on_rollout_start()
        idle = 0
        with memory_advice("while collecting a rollout"):
            while rollout_buffer.size() < n_rollout_steps:
                started = time.perf_counter()
                rows = np.flatnonzero(env.active)
                idle = 0 if len(rows) else idle + 1
                if idle > _MAX_IDLE_DECISIONS:
                    raise LearnerError(
                        f"no seat of the learner needed an action in {idle} decisions: the "
                        "matches do not end; set rules.max_ticks"
                    )
                if len(rows):
                    drawn = self._decide(rows, env.action_masks(), rollout_buffer)
                acted = time.perf_counter()
                env.step_async(self._actions)
                self._last_obs, rewards, dones, infos = env.step_wait()
                seconds_policy += acted - started
                seconds_env += time.perf_counter() - acted
                if len(rows):
                    actions, log_probs, values = drawn
                    survived = None
                    if self.survival is not None:
                        survived = np.array([infos[row].get("survived", False) for row in rows])
                    rollout_buffer.commit(
                        rows, actions, rewards[rows], values, log_probs, dones[rows], survived
                    )
                self._take_ends(rows, rewards, dones, infos)
                self.num_timesteps += len(rows)
                if callback is not None:
                    callback.update_locals(locals())
                    if not callback.on_step():
                        return False
            started = time.perf_counter()
            last_values = self._last_values(env, rollout_buffer)
            seconds_policy += time.perf_counter() - started
        rollout_buffer.compute_returns_and_advantage(last_values)
        if callback is not None:
            callback.on_rollout_end()
        self.seconds = {
            name: env.phase_seconds.get(name, 0.0) - phases_before.get(name, 0.0) for name in PHASES
        }
        self.seconds["policy"] = seconds_policy
        self.seconds["other"] = time.perf_counter() - began - sum(self.seconds.values())
        return True

    def _decide(
        self, rows: NDArray[np.int64], masks: NDArray[np.bool_], buffer: RaggedRolloutBuffer
    ) -> tuple[Tensor, ...]:
        """Stage the rows, choose their actions, and set them in `_actions`."""
        check_masks(rows, masks)
        observations, mask = buffer.stage(rows, self._last_obs, masks)
        drawn = self._act(observations, mask)
        self._actions[:] = 0
        self._actions[rows] = drawn[0].cpu().numpy()
        return drawn

    def _take_ends(
        self,
        rows: NDArray[np.int64],
        rewards: NDArray[np.float32],
        dones: NDArray[np.bool_],
        infos: list[dict[str, Any]],
    ) -> None:
        """Note the episodes that ended, and that nothing happened to rows without an action."""
        check_idle_rows(rows, rewards, dones)
        for row in np.flatnonzero(dones):
            if infos[row].get("whole", True):
                self.episodes.append(infos[row])
        self._episode_num += int(dones.sum())

    def _last_values(self, env: LearnerEnv, buffer: RaggedRolloutBuffer) -> NDArray[np.float32]:
        """Return float32[num_envs]: what episodes that go on are worth, 0 elsewhere."""
        values, chances = np.zeros((2, self.n_envs), dtype=np.float32)
        rows = buffer.going_on()
        check_going_on(rows, env.active)
        if len(rows):
            observations, mask = buffer.stage(rows, self._last_obs, env.action_masks())
            with torch.inference_mode():
                values[rows] = self.evaluate(observations, mask)[1].cpu().numpy()
                if self.survival is not None:
                    chances[rows] = self.survival.chances().cpu().numpy()
        if self.survival is not None:
            buffer.compute_fates(chances)
        return values

    def train(self) -> None:
        """Learn from the rollout buffer; undo it if anything is not finite.

        Raises:
            LearnerError: too little memory, or MAX_ROLLBACKS undone updates.
        """
        began = time.perf_counter()
        good = GoodState(self.policy, self.policy.optimizer)
        try:
            with memory_advice("while training"):
                numbers, broken = self._run_update()
        except LearnerError:
            good.restore(self.policy, self.policy.optimizer)
            raise
        self._n_updates += 1
        if broken:
            good.restore(self.policy, self.policy.optimizer)
        else:
            self.averaged.add(self.policy, self.rollout_buffer.size() * self.settings.n_ranks)
        self.policy.optimizer.zero_grad(set_to_none=True)
        self.seconds["update"] = time.perf_counter() - began
        self._write_log(numbers, rolled_back=bool(broken))
        if broken:
            self._count_rollback(broken)

    def _count_rollback(self, broken: list[str]) -> None:
        self.learning_rate_scale *= 0.5
        oldest = self._n_updates - ROLLBACK_WINDOW
        self.rollbacks = [*(u for u in self.rollbacks if u > oldest), self._n_updates]
        what = ", ".join(broken)
        log.warning(
            "update %d was undone: not finite: %s; the learning rate is now %.3g times its "
            "schedule",
            self._n_updates,
            what,
            self.learning_rate_scale,
        )
        if len(self.rollbacks) >= MAX_ROLLBACKS:
            raise LearnerError(
                f"training stopped: {len(self.rollbacks)} of the last {ROLLBACK_WINDOW} updates "
                f"were undone because numbers were not finite (last: {what}), although the "
                "learning rate was halved each time; the policy is the last good one. Look at "
                "the rewards, lower learner.learning_rate, and start again"
            )

    def _run_update(self) -> tuple[dict[str, float], list[str]]:
        """Run the epochs with the schedules' values; returns the numbers and what broke."""
        policy: Any = self.policy
        policy.set_training_mode(True)
        schedules = self.settings.schedules
        n_decisions = self.num_timesteps - self.schedules_from
        rates = {name: schedule.at(n_decisions) for name, schedule in schedules.items()}
        rates["learning_rate"] *= self.learning_rate_scale
        for group in policy.optimizer.param_groups:
            group["lr"] = rates["learning_rate"]
        numbers, broken = UpdatePass(
            evaluate=self.evaluate,
            parameters=list(policy.parameters()),
            optimizer=policy.optimizer,
            generator=self.generator,
            settings=self.settings,
            loss=LossSettings(
                clip_range=rates["clip_range"],
                clip_range_vf=self.settings.clip_range_vf,
                ent_coef=rates["ent_coef"],
                vf_coef=self.settings.vf_coef,
            ),
            micro_batch=self.micro_batch,
            alive=self.alive,
            extra_loss=self.extra_loss,
            survival=self.survival,
            peers=self.peers,
        ).run(self.rollout_buffer)
        told = None if self.survival is None else self.survival.take_mean()
        if told is not None:
            numbers["survival_loss"] = told
        return {**numbers, **rates}, broken

    def _write_log(self, numbers: dict[str, float], *, rolled_back: bool) -> None:
        """Fill `last_log` and record it with SB3's logger under `train/`."""
        buffer = self.rollout_buffer
        rewards = [float(e["episode_reward"]) for e in self.episodes]
        placements = [float(e["placement"]) for e in self.episodes]
        self.last_log = {
            **numbers,
            "rolled_back": float(rolled_back),
            "explained_variance": explained_variance(buffer.host_values, buffer.host_returns),
            "n_updates": float(self._n_updates),
            "n_decisions": float(self.num_timesteps),
            "n_transitions": float(buffer.size()),
            "n_episodes": float(len(self.episodes)),
            "decisions_per_s": buffer.size() / max(sum(self.seconds.values()), 1e-9),
            **{f"seconds_{name}": self.seconds[name] for name in PHASES},
        }
        # Absent, not 0 or NaN, when no episode ended: the mean of nothing is undefined.
        if rewards:
            self.last_log["reward_mean"] = float(np.mean(rewards))
            self.last_log["placement_mean"] = float(np.mean(placements))
        for name, value in self.last_log.items():
            self.logger.record(f"train/{name}", value)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: SB3 pickles every attribute; use CheckpointStore, or `league export`."""
        raise LearnerError(
            "a learner is not saved as an SB3 zip: use CheckpointStore to resume it, or "
            "`league export MEMBER --format sb3` for the policy alone"
        )
