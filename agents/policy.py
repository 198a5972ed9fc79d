"""PolicyAgent: one snapshot acting for many seats, with one forward pass for all of them.

Sampling uses the batch's own noise, keyed by match, seat and decision, and float64 arithmetic on
the CPU: what a seat does depends on its observation and not on what it is batched with, up to the
rounding of the forward pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from agents.errors import PolicyError
from agents.inference import FrozenPolicy, prepare, rows_per_pass
from agents.relations import relation_mask
from agents.snapshots import LoadedSnapshot
from msattn.actor_critic import ActorCritic
from msattn.config import Shapes

if TYPE_CHECKING:
    from agents.forwards import SharedForwards
    from arena.agent import SeatBatch

IntArray = NDArray[np.int64]

# In one forward pass on any device; `agents.inference.rows_per_pass` is the CPU's bound.
MAX_ROWS = 256


def masked_probabilities(
    logits: NDArray[np.floating[Any]], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the probability of each action, exactly 0 where illegal.

    Args:
        logits: float[n, A].
        mask: bool[n, A], True where legal; at least one per row.

    Returns:
        float64[n, A], every row summing to 1 up to rounding.
    """
    masked = np.where(mask, logits.astype(np.float64), -np.inf)
    weights = np.exp(masked - masked.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def sample(probabilities: NDArray[np.float64], noise: NDArray[np.float64]) -> IntArray:
    """Draw one action per row by the inverse of the cumulative distribution.

    Args:
        probabilities: float64[n, A].
        noise: float64[n], uniform in (0, 1).

    Returns:
        int64[n]; never an action of probability 0.
    """
    cumulative = probabilities.cumsum(axis=1)
    total = cumulative[:, -1]
    # Below the total even after rounding: a threshold equal to it would choose no action.
    threshold = np.minimum(noise * total, np.nextafter(total, 0.0))
    # The first action whose cumulative sum is strictly above it has positive probability.
    actions: IntArray = (cumulative <= threshold[:, None]).sum(axis=1).astype(np.int64)
    return actions


class PolicyAgent:
    """A frozen policy as an agent; it keeps no state between decisions.

    Args:
        network: put into evaluation mode, without gradients, on `device`.
        shapes: shapes of the observation's inputs; the network may read a part of them.
        device: where the forward pass runs.
        greedy: take the most probable action. Rated matches sample: greedy play of sampled
            policies is far worse.
        name: what to call the policy in a message.
        relation_mask: choose only among the actions that agents.relations leaves.
        weights_sha256: hash of the file that the weights were read from, or "".
        forwards: passes that frozen networks of the device share (agents.forwards), or None.
    """

    has_memory = False
    uses_rng = False

    def __init__(
        self,
        network: ActorCritic | FrozenPolicy,
        shapes: Shapes,
        *,
        device: torch.device | str = "cpu",
        greedy: bool = False,
        name: str = "policy",
        relation_mask: bool = False,
        weights_sha256: str = "",
        forwards: SharedForwards | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.network = network.to(self.device).eval().requires_grad_(False)
        self.shapes = {key: shapes[key] for key in network.torso.shapes}
        self.reads_views = any(len(shape) == 3 for shape in self.shapes.values())
        self.greedy = greedy
        self.name = name
        self.relation_mask = relation_mask
        self.weights_sha256 = weights_sha256
        self._forwards = forwards if isinstance(network, ActorCritic) else None

    @classmethod
    def from_snapshot(
        cls,
        loaded: LoadedSnapshot,
        device: torch.device | str = "cpu",
        *,
        greedy: bool = False,
        forwards: SharedForwards | None = None,
    ) -> PolicyAgent:
        """Make an agent from a snapshot, whose network it takes over.

        Args:
            loaded: from `SnapshotStore.load`.
            device: from `msattn.device.choose_device`.
            greedy, forwards: as in the class.
        """
        return cls(
            prepare(loaded.network, torch.device(device), loaded.description.shapes),
            loaded.description.shapes,
            device=device,
            greedy=greedy,
            name=f"snapshot {loaded.sha256[:12]}",
            relation_mask=loaded.description.relation_mask,
            weights_sha256=loaded.sha256,
            forwards=forwards,
        )

    def reset(self, rows: IntArray) -> None:
        """Do nothing: a policy keeps no memory between decisions."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Return one legal action per row, int64[n].

        `rng` is not used: the noise comes from the batch.

        Raises:
            PolicyError: as `probabilities`.
        """
        if len(batch.action_mask) == 0:
            return np.zeros(0, dtype=np.int64)
        probabilities = self.probabilities(batch)
        if self.greedy:
            best: IntArray = probabilities.argmax(axis=1).astype(np.int64)
            return best
        return sample(probabilities, batch.noise(1)[:, 0])

    def probabilities(self, batch: SeatBatch) -> NDArray[np.float64]:
        """Return the probability of each action, float64[n, A], of n rows, at least one.

        Raises:
            PolicyError: an observation of another shape than the network's, a row without a legal
                action, or logits that are not finite.
        """
        mask = np.asarray(batch.action_mask, dtype=np.bool_)
        if not mask.any(axis=1).all():
            row = int(np.flatnonzero(~mask.any(axis=1))[0])
            raise PolicyError(
                f"{self.name}: row {row} of the batch has no legal action; WAIT must always be "
                "legal"
            )
        if self.relation_mask:
            mask = relation_mask(mask, batch.directions)
        logits = self.logits(self._seen(batch))
        if not np.isfinite(logits).all():
            raise PolicyError(
                f"{self.name}: the network returned logits that are not finite; quarantine the "
                "member"
            )
        if mask.shape != logits.shape:
            raise PolicyError(
                f"{self.name}: expected an action mask of shape {logits.shape}, found {mask.shape}"
            )
        return masked_probabilities(logits, mask)

    def _seen(self, batch: SeatBatch) -> Mapping[str, Any]:
        if not self.reads_views:
            return batch.scalar_observation
        drawn = None if self.device.type == "cpu" else batch.drawn_observation
        return batch.observation if drawn is None else drawn

    def logits(self, observation: Mapping[str, Any]) -> NDArray[np.float32]:
        """Return float32[n, A], unmasked.

        Args:
            observation: the images uint8[n, C, S, S] and the scalars float32[n, F]: arrays, or
                tensors of the device.

        Raises:
            PolicyError: an input is missing or has another shape than the network's.
        """
        for key, shape in self.shapes.items():
            found = observation[key].shape[1:] if key in observation else None
            if found != shape:
                raise PolicyError(
                    f"{self.name}: expected the observation {key!r} with shape {shape} per row, "
                    f"found {found}; the policy was trained on other views"
                )
        if self._forwards is not None:
            assert isinstance(self.network, ActorCritic)
            shared = self._forwards.logits(self.network, self.shapes, observation)
            return cast(NDArray[np.float32], shared.to("cpu").numpy())
        n_rows = observation["scalars"].shape[0]
        chunks = []
        step = MAX_ROWS
        if self.device.type == "cpu":
            step = min(step, rows_per_pass(self.shapes))
        with torch.inference_mode():
            for start in range(0, n_rows, step):
                rows = {
                    key: torch.as_tensor(observation[key][start : start + step]).to(self.device)
                    for key in self.shapes
                }
                chunks.append(self.network(rows)[0])
            # One transfer back for all chunks: each one waits for the device.
            logits: NDArray[np.float32] = torch.cat(chunks).to("cpu").numpy()
        return logits
