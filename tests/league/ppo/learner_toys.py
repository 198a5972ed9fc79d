"""A toy environment of the learner's contract: a bandit with contexts, on seats that die.

Idle rows show garbage (NaN scalars), so that one forward pass over them spoils everything.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from league.ppo.algorithm import LeaguePPO
from league.ppo.schedules import Schedule
from league.ppo.settings import PpoSettings
from msattn.config import TorsoConfig
from msattn.sb3 import policy_kwargs

C, F, N_ACTIONS, N_CONTEXTS = 12, 6, 45, 4
TINY = TorsoConfig(
    channels=(8,), branch_features=8, scalar_features=16, heads=2, fusion=16, output=32
)
NUMBERS: dict[str, Any] = {
    "learning_rate": 3e-4,
    "n_steps": 64,
    "batch_size": 32,
    "n_epochs": 2,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "ent_coef": 0.01,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
}


class ToyEnv(VecEnv):
    """Matches of `k` seats; the first four scalars say which of the actions 0..3 pays 1.

    A living seat dies with probability `p_death` per decision and is idle until its match ends
    after `length` decisions. Actions 40..44 are illegal. The local view of a row is filled with
    its row number, its tactical view with the decision's number.
    """

    render_mode = None

    def __init__(
        self, n: int = 3, k: int = 2, seed: int = 0, p_death: float = 0.1, length: int = 9
    ) -> None:
        self.k, self.length, self.p_death = k, length, p_death
        self.rng = Generator(PCG64(seed))
        rows = n * k
        self.active = np.zeros(rows, np.bool_)
        self.phase_seconds = {"env": 0.0, "observation": 0.0, "opponents": 0.0}
        self.clock = np.zeros(n, np.int64)
        self.context = np.zeros(rows, np.int64)
        self.total = np.zeros(rows)
        self.decision = 0
        image = spaces.Box(0, 255, (C, 16, 16), np.uint8)
        views: dict[str, spaces.Space[Any]] = {"global": image, "local": image, "tactical": image}
        views["scalars"] = spaces.Box(-np.inf, np.inf, (F,), np.float32)
        self.obs = {key: np.zeros((rows, *v.shape), v.dtype) for key, v in views.items()}
        super().__init__(rows, spaces.Dict(views), spaces.Discrete(N_ACTIONS))

    def reset(self) -> dict[str, NDArray[Any]]:
        self.clock[:] = 0
        self.total[:] = 0.0
        self.active[:] = True
        return self._observe()

    def _observe(self) -> dict[str, NDArray[Any]]:
        self.context[:] = self.rng.integers(0, N_CONTEXTS, self.num_envs)
        return self._show()

    def _show(self) -> dict[str, NDArray[Any]]:
        # In place, as the real environment does.
        self.obs["local"][:] = np.arange(self.num_envs)[:, None, None, None]
        self.obs["tactical"][:] = self.decision % 256
        self.obs["scalars"][:] = np.eye(F)[self.context]
        self.obs["scalars"][~self.active] = np.nan
        self.obs["local"][~self.active] = 255
        return self.obs

    def action_masks(self) -> NDArray[np.bool_]:
        masks = np.ones((self.num_envs, N_ACTIONS), np.bool_)
        masks[:, 40:] = False
        return masks

    def step_async(self, actions: NDArray[Any]) -> None:
        assert (actions < 40).all()
        self.actions = actions.copy()

    def step_wait(self) -> Any:
        began = time.perf_counter()
        acting = self.active.copy()
        rewards = (acting & (self.actions == self.context)).astype(np.float32)
        self.total += rewards
        self.clock += 1
        dones = acting & (self.rng.random(self.num_envs) < self.p_death)
        dones |= acting & np.repeat(self.clock >= self.length, self.k)
        self.active &= ~dones
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(dones):
            infos[row] = {
                "placement": 1 + int(row) % 10,
                "episode_reward": float(self.total[row]),
            }
            self.total[row] = 0.0
        over = self.clock >= self.length
        self.clock[over] = 0
        self.active |= np.repeat(over, self.k)
        self.decision += 1
        observations = self._observe()
        self.phase_seconds["env"] += time.perf_counter() - began
        return observations, rewards, dones, infos

    def state(self) -> dict[str, Any]:
        return {
            "rng": self.rng.bit_generator.state,
            "active": self.active.tolist(),
            "clock": self.clock.tolist(),
            "context": self.context.tolist(),
            "total": self.total.tolist(),
            "decision": self.decision,
        }

    def set_state(self, state: dict[str, Any]) -> dict[str, NDArray[Any]]:
        self.rng.bit_generator.state = state["rng"]
        for name in ("active", "clock", "context", "total"):
            getattr(self, name)[:] = state[name]
        self.decision = state["decision"]
        return self._show()

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kw: Any) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


def learner(
    env: Any = None,
    *,
    family: str = "attention",
    norm: str = "group",
    seed: int = 3,
    **numbers: Any,
) -> LeaguePPO:
    """A small learner on the toy; `numbers` are those of PpoSettings, constants allowed."""
    numbers = NUMBERS | numbers
    for name in ("learning_rate", "clip_range", "ent_coef"):
        numbers[name] = Schedule.of(numbers[name])
    settings = PpoSettings(**numbers)
    torso = TorsoConfig.from_dict({**TINY.to_dict(), "norm": norm})
    return LeaguePPO(
        ToyEnv() if env is None else env,
        settings,
        policy_kwargs=policy_kwargs(family, torso),
        seed=seed,
    )
