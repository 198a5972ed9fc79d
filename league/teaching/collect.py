"""Play matches in which a teacher says, at every decision, what it would do.

Either the teacher plays the learner's seats itself, or the learner plays them and the teacher
labels what it meets (DAgger; Ross, Gordon, Bagnell 2011): a policy that only imitates is never
shown how to go on after its own mistakes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.same_orders import order_groups
from league.teaching.labels import labels_of
from league.teaching.waves import Wave, pack_frame

IntArray = NDArray[np.int64]
Observations = dict[str, NDArray[Any]]
# Chooses actions int64[n] from observations [n, ...] and masks bool[n, 45].
Choose = Callable[[Observations, NDArray[np.bool_]], IntArray]

MATCH_NUMBERS = 10_000  # of a wave: more than it has matches


class TaughtMatches(Protocol):
    """The learner's matches with a teacher beside them; rows as in league.ppo.contract.

    Attributes:
        active: bool[num_envs], the rows that need an action.
        is_first: bool[num_envs], rows whose match began with the newest `reset`.
    """

    active: NDArray[np.bool_]
    is_first: NDArray[np.bool_]

    def reset(self) -> Observations:
        """Begin new matches everywhere; return observations [num_envs, ...]."""

    def action_masks(self) -> NDArray[np.bool_]:
        """Return bool[num_envs, 45]."""

    def targets(self, rows: IntArray) -> IntArray:
        """Return int64[n, 8]: the owner in each direction of these rows, -1 for none."""

    def ask_teacher(self, rows: IntArray) -> IntArray:
        """Return int64[n]: what the teacher would do in these rows, legal in the game."""

    def tell_teacher(self, rows: IntArray, actions: IntArray) -> None:
        """Tell the teacher what is played in these rows instead of what it said."""

    def match_of(self, rows: IntArray) -> IntArray:
        """Return int64[n]: the number of the match of each row, from 0 in each reset."""

    def step_async(self, actions: IntArray) -> None:
        """Take int64[num_envs]."""

    def step_wait(
        self,
    ) -> tuple[Observations, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Return observations, rewards, dones, infos."""


def play_wave(
    env: TaughtMatches,
    number: int,
    *,
    gamma: float,
    choose: Choose | None = None,
    step: Callable[[int], None] = lambda n_rows: None,
) -> Wave:
    """Play one match in each slot to its end; return all rows of the learner's seats.

    Matches that end early are followed by others, whose rows are not taken: taking those would
    take short matches more often than long ones.

    Args:
        number: of the wave, from 0.
        gamma: discount per decision, of the returns.
        choose: the learner's choice, which is played; None lets the teacher play.
        step: called after every decision with the rows so far; it may raise to end the wave.
    """
    observations = env.reset()
    rows_at: list[IntArray] = []
    rewards_at: list[NDArray[np.float32]] = []
    parts: list[dict[str, NDArray[Any]]] = []
    frames: list[bytes] = []
    n_rows = 0
    while len(rows := np.flatnonzero(env.active & env.is_first)):
        masks = env.action_masks()
        said = env.ask_teacher(rows)
        groups = order_groups(env.targets(rows), masks.shape[1])
        seen = {key: values[rows] for key, values in observations.items()}
        actions = np.zeros(len(env.active), np.int64)
        actions[rows] = said
        if choose is not None:
            actions[rows] = choose(seen, masks[rows])
            env.tell_teacher(rows, actions[rows])
        frames.append(pack_frame(seen))
        parts.append(
            {
                "labels": labels_of(said, groups, masks[rows]),
                "groups": groups,
                "masks": masks[rows],
                "matches": number * MATCH_NUMBERS + env.match_of(rows),
                "place_of": np.arange(len(rows)),
                "frame_of": np.full(len(rows), len(parts)),
            }
        )
        env.step_async(actions)
        observations, rewards, _, _ = env.step_wait()
        rows_at.append(rows)
        rewards_at.append(rewards[rows])
        n_rows += len(rows)
        step(n_rows)
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    returns = discounted(rows_at, rewards_at, gamma, len(env.active))
    return Wave(returns=returns, frames=tuple(frames), **joined)


def discounted(
    rows_at: list[IntArray], rewards_at: list[NDArray[np.float32]], gamma: float, n_envs: int
) -> NDArray[np.float32]:
    """Return float32[all rows]: discounted rewards of each row to its episode's end, in order.

    Args:
        rows_at: int64[n] per decision, the rows that acted; a row that ends does not come again.
        rewards_at: float32[n] per decision.
    """
    ahead = np.zeros(n_envs)
    found = []
    for rows, rewards in zip(reversed(rows_at), reversed(rewards_at), strict=True):
        ahead[rows] = rewards + gamma * ahead[rows]
        found.append(ahead[rows].astype(np.float32))
    return np.concatenate(found[::-1])
