"""A rollout in two halves: while the network decides for one, the game of the other moves.

Promises: the same transitions in the same order as without, on a CPU to the last bit but for the
rounding of a network that sees half as many rows at a time; the environment is stepped by one
thread alone, half by half, and what its `before_step` raises leaves both between two decisions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from league.ppo.contract import LearnerEnv, Observations, check_masks
from league.ppo.errors import LearnerError

if TYPE_CHECKING:
    from league.ppo.algorithm import LeaguePPO

Ends = tuple[NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]


class HalvedEnv(LearnerEnv, Protocol):
    """A LearnerEnv whose matches can be stepped in halves."""

    before_step: Callable[[], None]

    def halves(self) -> tuple[range, range]:
        """Return the matches of each half, the first ones first."""

    def rows_of(self, matches: range) -> slice:
        """Return the rows of these matches."""

    def masks_of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return bool[n, A] of these rows."""

    def observations(self) -> Observations:
        """Return the arrays that a step of a half writes anew for its rows."""

    def choose(self, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> None:
        """Take the actions of these rows."""

    def step_matches(self, matches: range) -> Ends:
        """Play one decision; returns rewards, dones and infos of the rows of these matches."""


class _Skipped(Exception):
    """A step before this one raised."""


class _Game:
    """The thread that steps the environment; in a `with` statement, which waits for its end.

    Attributes:
        busy_s: seconds that it stepped.
    """

    def __init__(self, env: HalvedEnv) -> None:
        self._env = env
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="halves")
        self._has_failed = False
        self.busy_s = 0.0

    def __enter__(self) -> _Game:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._has_failed = self._has_failed or error is not None
        self._pool.shutdown(wait=True)

    def step(self, matches: range, *, is_first: bool) -> Future[Ends]:
        """Have one half stepped after those that were asked for before."""
        return self._pool.submit(self._step, matches, is_first)

    def _step(self, matches: range, is_first: bool) -> Ends:
        if self._has_failed:
            raise _Skipped
        began = time.perf_counter()
        try:
            if is_first:
                self._env.before_step()
            return self._env.step_matches(matches)
        except BaseException:
            self._has_failed = True
            raise
        finally:
            self.busy_s += time.perf_counter() - began


@dataclass
class _Flight:
    """A half whose game moves: its rows that act, and what was drawn for them."""

    rows: NDArray[np.int64]
    drawn: tuple[Tensor, ...] | None
    ends: Future[Ends]


class HalvedRollout:
    """Collects one rollout in two halves.

    Args:
        ppo: its buffer has been emptied.
        env: of `ppo`.
        most_idle: decisions in a row without an active row after which it gives up.

    Attributes:
        policy_s, waited_s: seconds of the network, and of waiting for the game.
        busy_s: seconds of the game.
    """

    def __init__(self, ppo: LeaguePPO, env: HalvedEnv, most_idle: int) -> None:
        self._ppo, self._env, self._most_idle = ppo, env, most_idle
        self._buffer = ppo.rollout_buffer
        self._halves = env.halves()
        self._before: Tensor | None = None  # the generator's state at the first half's draw
        self._n_first = 0  # rows of that draw
        self.policy_s = self.waited_s = self.busy_s = 0.0

    def run(self, n_steps: int) -> None:
        """Play until `n_steps` transitions are stored; what they end in is `env.observations()`.

        Raises:
            LearnerError: no row acts any more, or the environment breaks its contract.
        """
        flights: list[_Flight | None] = [None, None]
        idle = 0
        with _Game(self._env) as game:
            # Whole decisions: what the first half has begun the second finishes.
            while self._buffer.reserved < n_steps:
                n_before = self._buffer.reserved
                for i in range(2):
                    self._land(i, flights[i])
                    flights[i] = self._launch(game, i)
                idle = 0 if self._buffer.reserved > n_before else idle + 1
                if idle > self._most_idle:
                    raise LearnerError(
                        f"no seat of the learner needed an action in {idle} decisions: the "
                        "matches do not end; set rules.max_ticks"
                    )
            for i in range(2):
                self._land(i, flights[i])
        self.busy_s = game.busy_s

    def _launch(self, game: _Game, i: int) -> _Flight:
        """Decide for a half and let its game move."""
        began = time.perf_counter()
        env, ppo = self._env, self._ppo
        own = env.rows_of(self._halves[i])
        rows = np.flatnonzero(env.active[own]) + own.start
        drawn = None
        if i == 0:
            self._before, self._n_first = None, 0
        if len(rows):
            masks = np.zeros((ppo.n_envs, self._buffer.mask_dims), np.bool_)
            masks[rows] = env.masks_of(rows)
            check_masks(rows, masks)
            observations, mask = self._buffer.stage(rows, env.observations(), masks)
            drawn = self._act(observations, mask, is_second=i == 1)
            env.choose(rows, drawn[0].cpu().numpy())
        self.policy_s += time.perf_counter() - began
        return _Flight(rows, drawn, game.step(self._halves[i], is_first=i == 0))

    def _act(
        self, observations: dict[str, Tensor], mask: Tensor, *, is_second: bool
    ) -> tuple[Tensor, ...]:
        """Draw as one batch of both halves would: what both draw is one stream, row by row.

        On a CPU a draw of n rows begins with the draw of its first m. Elsewhere the second half
        goes on where the first ended, and the draws are others than without halves.
        """
        ppo = self._ppo
        if ppo.device.type != "cpu":
            return ppo._act(observations, mask)
        if not is_second:
            self._before, self._n_first = ppo.generator.get_state(), len(mask)
            return ppo._act(observations, mask)
        if self._before is not None:
            ppo.generator.set_state(self._before)
        return ppo._act(observations, mask, n_before=self._n_first)

    def _land(self, i: int, flight: _Flight | None) -> None:
        """Wait for the game of a half, and store what came of its decision."""
        if flight is None:
            return
        began = time.perf_counter()
        rewards, dones, infos = flight.ends.result()
        self.waited_s += time.perf_counter() - began
        ppo, own = self._ppo, self._env.rows_of(self._halves[i])
        at = flight.rows - own.start
        if flight.drawn is not None:
            actions, log_probs, values = flight.drawn
            survived = None
            if ppo.survival is not None:
                survived = np.array([infos[i].get("survived", False) for i in at])
            self._buffer.commit(
                flight.rows, actions, rewards[at], values, log_probs, dones[at], survived
            )
        ppo._take_ends(at, rewards, dones, infos)
        ppo.num_timesteps += len(at)


def halved(env: LearnerEnv) -> HalvedEnv:
    """Return an environment that can be stepped in halves as such.

    Raises:
        LearnerError: it cannot.
    """
    if not hasattr(env, "step_matches"):
        raise LearnerError(
            f"expected an environment that can be stepped in halves, found {type(env).__name__}; "
            "set learner.n_halves to 1"
        )
    return cast(HalvedEnv, env)


def hidden(phases: dict[str, float], waited_s: float, busy_s: float) -> dict[str, float]:
    """Return the seconds of the game's phases that the learner waited for: the rest was hidden."""
    share = min(1.0, waited_s / busy_s) if busy_s > 0.0 else 0.0
    return {name: seconds * share for name, seconds in phases.items()}
