"""RaggedRolloutBuffer: the transitions of one rollout, in flat storage on the learner's device.

Only rows that needed an action are stored, so dead seats cost nothing and enter no minibatch or
advantage. The transitions of one decision lie side by side, decisions follow each other in time;
the chain of a row is found again by its row number. Images stay uint8 and masks bool from the
environment to the network: nothing is converted, and an observation is copied once on its way in
and once per epoch on its way out (SB3's own buffer copies it about 27 times, DLR-RM#1149).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer
from torch import Tensor

from league.ppo.errors import LearnerError
from msattn.staging import Staging

Observations = Mapping[str, NDArray[Any] | Tensor]

_SCALARS_PER_TRANSITION = ("actions", "values", "log_probs", "advantages", "returns", "fates")


class Samples(NamedTuple):
    """A minibatch: SB3's fields, and what became of each row (league.ppo.survival)."""

    observations: dict[str, Tensor]
    actions: Tensor
    old_values: Tensor
    old_log_prob: Tensor
    advantages: Tensor
    returns: Tensor
    action_masks: Tensor
    fates: Tensor


class RaggedRolloutBuffer(MaskableDictRolloutBuffer):
    """Flat storage for `buffer_size` transitions, plus the last decision's surplus.

    Not SB3's `buffer_size` decisions of every row: rows die, so their number per decision
    varies. A rollout is full at `buffer_size` transitions or more, at most
    `buffer_size + n_envs - 1`.

    Args:
        buffer_size: transitions per rollout, at least 2.
        observation_space: Dict of boxes; their dtypes are kept.
        action_space: Discrete.
        device: where everything but rewards and dones lies.
        gae_lambda: of generalised advantage estimation.
        gamma: discount per decision.
        n_envs: rows of the environment.

    Raises:
        LearnerError: a size or space that cannot be stored.
    """

    # Tensors where SB3 has arrays.
    actions: Tensor  # type: ignore[assignment]
    values: Tensor  # type: ignore[assignment]
    log_probs: Tensor  # type: ignore[assignment]
    advantages: Tensor  # type: ignore[assignment]
    returns: Tensor  # type: ignore[assignment]
    fates: Tensor
    action_masks: Tensor  # type: ignore[assignment]
    observations: dict[str, Tensor]  # type: ignore[assignment]
    action_space: spaces.Discrete
    observation_space: spaces.Dict

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        action_space: spaces.Discrete,
        device: torch.device | str = "cpu",
        gae_lambda: float = 1.0,
        gamma: float = 0.99,
        n_envs: int = 1,
    ) -> None:
        if buffer_size < 2:
            raise LearnerError(f"a rollout needs at least 2 transitions, found {buffer_size}")
        if not isinstance(action_space, spaces.Discrete):
            raise LearnerError(f"the actions must be Discrete, found {action_space}")
        # One decision may begin below buffer_size, and one more is staged for its values alone.
        self.capacity = buffer_size + 2 * n_envs
        self._storage: dict[str, Tensor] = {}
        self.staging: Staging | None = None  # where rows do not reach the device by themselves
        super().__init__(
            buffer_size,
            observation_space,
            action_space,
            device,
            gae_lambda=gae_lambda,
            gamma=gamma,
            n_envs=n_envs,
        )

    def _allocate(self) -> None:
        capacity, device = self.capacity, self.device
        for key, space in self.observation_space.spaces.items():
            dtype = torch.from_numpy(np.empty(0, space.dtype)).dtype
            self._storage[key] = torch.zeros(
                (capacity, *(space.shape or ())), dtype=dtype, device=device
            )
        if device.type == "cuda":
            self.staging = Staging(device)
        n_actions = int(self.action_space.n)
        self.mask_dims = n_actions
        self._storage["action_masks"] = torch.zeros(
            (capacity, n_actions), dtype=torch.bool, device=device
        )
        self._storage["actions"] = torch.zeros(capacity, dtype=torch.int64, device=device)
        for name in _SCALARS_PER_TRANSITION[1:]:
            self._storage[name] = torch.zeros(capacity, dtype=torch.float32, device=device)
        # Advantages are a chain of tiny steps: on the host, with one read-back of the values.
        self._rows = np.zeros(capacity, dtype=np.int64)
        self._rewards = np.zeros(capacity, dtype=np.float32)
        self._dones = np.zeros(capacity, dtype=np.bool_)
        self._survived = np.zeros(capacity, dtype=np.bool_)

    def reset(self) -> None:
        """Forget all transitions; the memory stays."""
        if not self._storage:
            self._allocate()
        for name in (*_SCALARS_PER_TRANSITION, "action_masks"):
            setattr(self, name, self._storage[name])
        self.observations = {key: self._storage[key] for key in self.observation_space.spaces}
        self.pos = 0
        self.full = False
        self._starts: list[int] = []
        self._staged: deque[int] = deque()  # rows of the decisions that are not committed yet
        self.reserved = 0
        if self.staging is not None:
            self.staging.begin()  # the update before may still read what is overwritten now

    def size(self) -> int:
        """Return how many transitions are stored."""
        return int(self.pos)

    def stage(
        self, rows: NDArray[np.int64], observations: Observations, masks: NDArray[np.bool_]
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Copy the observations of the next decision into the storage.

        Several may be staged before the first is committed, which is done in their order. They are
        copied before the environment moves on and may overwrite its arrays.

        Args:
            rows: int64[n], ascending rows that need an action, n >= 1.
            observations: per key [num_envs, ...], all rows of the environment.
            masks: bool[num_envs, A].

        Returns:
            Views of the storage for the forward pass: per key [n, ...], and bool[n, A].
        """
        start, stop = self.reserved, self.reserved + len(rows)
        if stop > self.capacity:
            raise LearnerError(
                f"the rollout buffer holds {self.buffer_size} transitions and one decision more; "
                "it was not emptied: call reset() before the next rollout"
            )
        views = {key: storage[start:stop] for key, storage in self.observations.items()}
        here: dict[str, NDArray[Any]] = {}  # what goes through the staging
        for key, target in views.items():
            source = observations[key]
            if self.staging is not None and not isinstance(source, Tensor):
                here[key] = source
            else:
                self._copy(target, source, rows)
        if self.staging is not None:
            self.staging.bring({key: views[key] for key in here}, here, rows)
        mask = self.action_masks[start:stop]
        mask.copy_(torch.from_numpy(np.ascontiguousarray(masks[rows], dtype=np.bool_)))
        self._staged.append(len(rows))
        self.reserved = stop
        return views, mask

    def _copy(
        self, target: Tensor, source: NDArray[Any] | Tensor, rows: NDArray[np.int64]
    ) -> Tensor:
        everything = len(rows) == self.n_envs
        if isinstance(source, Tensor):
            chosen = source if everything else source[torch.from_numpy(rows).to(source.device)]
            return target.copy_(chosen)
        if self.device.type == "cpu":
            if everything:
                return target.copy_(torch.from_numpy(source))
            np.take(source, rows, axis=0, out=target.numpy(), mode="clip")
            return target
        return target.copy_(torch.from_numpy(source if everything else source[rows]))

    def commit(
        self,
        rows: NDArray[np.int64],
        actions: Tensor,
        rewards: NDArray[np.float32],
        values: Tensor,
        log_probs: Tensor,
        dones: NDArray[np.bool_],
        survived: NDArray[np.bool_] | None = None,
    ) -> None:
        """Complete the transitions that were staged first with what came of them.

        Args:
            rows: as staged.
            actions: int64[n]; values, log_probs: float32[n], on the device.
            rewards: float32[n] and dones: bool[n] of these rows, on the host.
            survived: bool[n], read of the rows that are done; None is nobody.
        """
        staged = self._staged.popleft() if self._staged else 0
        if len(rows) != staged:
            raise LearnerError(f"{staged} rows were staged and {len(rows)} committed")
        start, stop = self.pos, self.pos + len(rows)
        self.actions[start:stop] = actions
        self.values[start:stop] = values
        self.log_probs[start:stop] = log_probs
        self._rows[start:stop] = rows
        self._rewards[start:stop] = rewards
        self._dones[start:stop] = dones
        self._survived[start:stop] = False if survived is None else survived
        self._starts.append(start)
        self.pos = stop
        self.full = stop >= self.buffer_size

    def add(  # type: ignore[override, unused-ignore]
        self,
        rows: NDArray[np.int64],
        obs: Observations,
        actions: Tensor,
        rewards: NDArray[np.float32],
        values: Tensor,
        log_probs: Tensor,
        masks: NDArray[np.bool_],
        dones: NDArray[np.bool_],
    ) -> None:
        """Store one decision: `stage` followed by `commit`; takes the arguments of both."""
        self.stage(rows, obs, masks)
        self.commit(rows, actions, rewards, values, log_probs, dones)

    def going_on(self) -> NDArray[np.int64]:
        """Return the rows, ascending, whose last stored transition did not end their episode."""
        last = np.full(self.n_envs, -1, dtype=np.int64)
        last[self._rows[: self.pos]] = np.arange(self.pos)
        seen = last >= 0
        seen[seen] = ~self._dones[last[seen]]
        return np.flatnonzero(seen)

    def compute_returns_and_advantage(  # type: ignore[override]
        self,
        last_values: NDArray[np.float32],
        dones: NDArray[np.bool_] | None = None,
    ) -> None:
        """Fill advantages and returns by GAE (Schulman et al. 2016) over every row's chain.

        Args:
            last_values: float32[num_envs], the value of the observation after the rollout; read
                only for the rows of `going_on`. A finished episode is not bootstrapped.
            dones: ignored, stored already; SB3's signature.
        """
        size = self.pos
        values = self.values[:size].cpu().numpy()
        advantages = np.zeros(size, dtype=np.float32)
        next_value = np.array(last_values, dtype=np.float32).reshape(self.n_envs)
        next_advantage = np.zeros(self.n_envs, dtype=np.float32)
        gamma = np.float32(self.gamma)
        decay = np.float32(self.gamma * self.gae_lambda)
        stop = size
        for start in reversed(self._starts):
            now = slice(start, stop)
            rows = self._rows[now]
            alive = ~self._dones[now]
            # where, not a product with 0: a row that has ended may have anything as its next.
            ahead = np.where(alive, gamma * next_value[rows], np.float32(0.0))
            later = np.where(alive, decay * next_advantage[rows], np.float32(0.0))
            advantages[now] = self._rewards[now] + ahead - values[now] + later
            next_value[rows] = values[now]
            next_advantage[rows] = advantages[now]
            stop = start
        self.host_values, self.host_returns = values, advantages + values
        self.advantages[:size] = torch.from_numpy(advantages).to(self.device)
        self.returns[:size] = torch.from_numpy(self.host_returns).to(self.device)

    def compute_fates(self, last_chances: NDArray[np.float32]) -> None:
        """Fill `fates`: 1 or 0 where the episode ended here, else what is thought of its rest.

        Args:
            last_chances: float32[num_envs], the probability of survival after the rollout; read
                only for the rows of `going_on`.
        """
        fates = np.zeros(self.pos, dtype=np.float32)
        fate = np.array(last_chances, dtype=np.float32).reshape(self.n_envs)
        stop = self.pos
        for start in reversed(self._starts):
            now = slice(start, stop)
            rows = self._rows[now]
            fate[rows] = np.where(self._dones[now], self._survived[now], fate[rows])
            fates[now] = fate[rows]
            stop = start
        self.fates[: self.pos] = torch.from_numpy(fates).to(self.device)

    def permutation(self, generator: torch.Generator | None) -> Tensor:
        """Return int64[size], a random order, drawn on the device from `generator`."""
        return torch.randperm(self.pos, generator=generator, device=self.device)

    def order(self, generator: torch.Generator | None, chosen: Tensor | None = None) -> Tensor:
        """Return int64[n] in a random order: all transitions, or the chosen ones."""
        if chosen is None:
            return self.permutation(generator)
        shuffled = torch.randperm(len(chosen), generator=generator, device=self.device)
        return chosen[shuffled]

    def centre(self) -> Tensor:
        """Return the mean advantage of the rollout, a scalar on the device."""
        return self.advantages[: self.pos].mean()

    def top(self, share: float) -> Tensor:
        """Return int64[ceil(share * size)], the transitions with the largest |advantage - mean|.

        At least two, since a minibatch needs them.
        """
        size = min(self.pos, max(2, math.ceil(share * self.pos)))
        distance = (self.advantages[: self.pos] - self.centre()).abs()
        return torch.topk(distance, size, sorted=False).indices

    def minibatches(
        self,
        batch_size: int,
        generator: torch.Generator | None = None,
        chosen: Tensor | None = None,
    ) -> Generator[Samples, None, None]:
        """Yield transitions once, in random order, `batch_size` at a time: all, or the chosen ones.

        A last minibatch of a single transition joins the one before it: the deviation of one
        advantage is NaN.
        """
        if batch_size < 2:
            raise LearnerError(f"a minibatch needs at least 2 transitions, found {batch_size}")
        order = self.order(generator, chosen)
        size = len(order)
        bounds = [*range(0, size, batch_size), size]
        if len(bounds) > 2 and bounds[-1] - bounds[-2] < 2:
            del bounds[-2]
        for start, stop in pairwise(bounds):
            yield self.samples(order[start:stop])

    def get(  # type: ignore[override]
        self, batch_size: int | None = None
    ) -> Generator[Samples, None, None]:
        """Yield minibatches for SB3's own `train`; shuffles with torch's global stream."""
        yield from self.minibatches(batch_size or self.pos)

    def samples(self, chosen: Tensor) -> Samples:
        """Return copies of the transitions int64[n]."""

        def take(tensor: Tensor) -> Tensor:
            return torch.index_select(tensor, 0, chosen)

        return Samples(
            observations={key: take(tensor) for key, tensor in self.observations.items()},
            actions=take(self.actions),
            old_values=take(self.values),
            old_log_prob=take(self.log_probs),
            advantages=take(self.advantages),
            returns=take(self.returns),
            action_masks=take(self.action_masks),
            fates=take(self.fates),
        )
