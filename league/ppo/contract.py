"""What the learner expects of its environment, and checks."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from league.ppo.errors import LearnerError

Observations = dict[str, NDArray[Any]]


class LearnerEnv(Protocol):
    """What LeaguePPO uses of its environment, which is a VecEnv for Stable-Baselines3 besides.

    A row needs an action exactly while it is active, after `reset` and after `step_wait`. An
    inactive row has reward 0 and is never done. A done row is a real end, and its info holds
    `placement` and `episode_reward`.
    """

    @property
    def active(self) -> NDArray[np.bool_]:
        """bool[num_envs]: the rows that need an action."""

    @property
    def phase_seconds(self) -> dict[str, float]:
        """Seconds so far in "env", "observation" and "opponents"."""

    def action_masks(self) -> NDArray[np.bool_]:
        """Return bool[num_envs, A]; at least one True in every active row."""

    def reset(self) -> Observations:
        """Return the observations, arrays [num_envs, ...]."""

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Take int64[num_envs]; the actions of inactive rows mean nothing."""

    def step_wait(
        self,
    ) -> tuple[Observations, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Return observations, rewards float32[num_envs], dones bool[num_envs], infos."""


def check_masks(rows: NDArray[np.int64], masks: NDArray[np.bool_]) -> None:
    """Raise LearnerError if one of the rows int64[n] has no legal action in bool[num_envs, A]."""
    legal = masks[rows].any(axis=1)
    if not legal.all():
        raise LearnerError(
            f"the environment offers no legal action to rows {rows[~legal].tolist()}; waiting "
            "must always be legal"
        )


def check_idle_rows(
    rows: NDArray[np.int64], rewards: NDArray[np.float32], dones: NDArray[np.bool_]
) -> None:
    """Raise LearnerError if a row outside `rows` int64[n] got a reward or an end.

    Its transition is not stored, so the reward would be lost without a word.
    """
    if len(rows) == len(rewards):
        return
    others = np.ones(len(rewards), dtype=np.bool_)
    others[rows] = False
    if rewards[others].any() or dones[others].any():
        raise LearnerError(
            "the environment gave a reward or an end to a row that had no action to choose; such "
            "a row must have reward 0 and done False"
        )


def check_going_on(rows: NDArray[np.int64], active: NDArray[np.bool_]) -> None:
    """Raise LearnerError if an episode of `rows` int64[n] goes on without asking for actions."""
    silent = rows[~active[rows]]
    if len(silent):
        raise LearnerError(
            "the environment stopped asking rows for actions without ending their episodes: "
            f"{silent.tolist()}; a row must be done when its seat dies or its match ends"
        )
