"""Owns a member in Python, and its policy; torch is loaded when a policy is, and not before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from league.errors import MemberError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agents.snapshots import LoadedSnapshot

    Observation = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, repr=False)
class Member:
    """A member as it stood when it was asked for (`League.member`).

    Attributes:
        sha256: of its snapshot's file; None for a script or a plug-in.
        agent: its agent spec, which plays anywhere: `snapshot:...`, `scripted:tribe`.
        parent: the name of the member that it was trained from, or None.
        decisions: training decisions of its lineage.
    """

    id: int
    name: str
    family: str
    role: str
    status: str
    generation: int
    parent: str | None
    decisions: int
    sha256: str | None
    agent: str
    created_at: datetime
    _load: Callable[[], LoadedSnapshot] = field(repr=False)

    def policy(self, *, device: str = "cpu", seed: int = 0) -> Policy:
        """Return its network, ready to act (loads torch).

        Args:
            device: "cpu", "cuda", "mps" or "auto".
            seed: of the stream that actions are drawn from.

        Raises:
            MemberError: it is no network, or its snapshot was pruned.
            SnapshotError: its snapshot is missing or damaged.
        """
        if self.sha256 is None:
            raise MemberError(
                f"expected a member with a network, found {self.name}, which is {self.agent}; "
                f"play() takes it as it is"
            )
        return Policy(self._load(), device, seed)

    def __repr__(self) -> str:
        trained = f", {self.decisions:,} decisions" if self.decisions else ""
        return f"<Member {self.name}: {self.family}, {self.role}, {self.status}{trained}>"


class Policy:
    """A frozen network that answers observations such as those of `Territory-v0`.

    Args:
        loaded: the checked snapshot.
        device: where the network runs.
        seed: of the stream that actions are drawn from.
    """

    def __init__(self, loaded: LoadedSnapshot, device: str, seed: int) -> None:
        import numpy as np
        import torch

        from msattn.device import choose_device

        self.family = loaded.description.family
        self._shapes = loaded.description.shapes
        self._device = torch.device(choose_device(device))
        self.network = loaded.network.to(self._device).eval()
        self._rng = np.random.default_rng(seed)

    def act(self, observation: Observation, *, greedy: bool = False) -> tuple[Any, Any]:
        """Return (action, value) of an observation, or of n of them as arrays.

        Args:
            observation: "global", "local", "tactical" and "scalars" (docs/observation.md), of one
                seat or of n stacked; frames of zeros are cut off. An "action_mask" restricts the
                actions to the legal ones.
            greedy: take the most probable action instead of drawing one, as rated matches do.

        Returns:
            int and float for one observation; int64[n] and float64[n] for n. The value is the
            network's own estimate of the learner's discounted reward.

        Raises:
            PolicyError: a key is missing, or an array has another shape than the network's.
        """
        from agents.policy import sample

        chances, values, is_one = self._answer(observation)
        actions = (
            chances.argmax(axis=1)
            if greedy
            else sample(chances, self._rng.uniform(size=len(chances)))
        )
        return (int(actions[0]), float(values[0])) if is_one else (actions, values)

    def probabilities(self, observation: Observation) -> NDArray[np.float64]:
        """Return the probability of each of the 45 actions, float64[45], or [n, 45] for n."""
        chances, _, is_one = self._answer(observation)
        return chances[0] if is_one else chances

    def _answer(
        self, observation: Observation
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
        """Return probabilities float64[n, 45], values float64[n], and whether it was one."""
        import numpy as np
        import torch

        from agents.policy import masked_probabilities

        is_one = np.asarray(observation.get("scalars", ())).ndim == 1
        rows = {key: self._rows(observation, key, is_one) for key in self._shapes}
        with torch.inference_mode():
            tensors = {key: torch.from_numpy(row).to(self._device) for key, row in rows.items()}
            logits, values = self.network(tensors)
        answers = logits.to("cpu").numpy()
        mask = np.ones(answers.shape, np.bool_)
        if "action_mask" in observation:
            mask = np.atleast_2d(np.asarray(observation["action_mask"])).astype(np.bool_)
        chances = masked_probabilities(answers, mask)
        return chances, values.to("cpu").numpy().astype(np.float64), is_one

    def _rows(self, observation: Observation, key: str, is_one: bool) -> NDArray[Any]:
        """Return an input of the network [n, ...], without a frame."""
        import numpy as np

        from agents.errors import PolicyError

        shape = self._shapes[key]
        found = np.asarray(observation[key]) if key in observation else None
        rows = found[None] if found is not None and is_one else found
        if rows is not None and len(shape) == 3 and rows.ndim == 4:
            margin = (rows.shape[-1] - shape[-1]) // 2
            if margin > 0 and not rows[..., :margin].any():
                rows = rows[..., margin : margin + shape[-1], margin : margin + shape[-1]]
        if rows is None or rows.shape[1:] != shape:
            raise PolicyError(
                f"expected the observation {key!r} with shape {shape} per row, found "
                f"{None if found is None else found.shape}; the network was trained on views of "
                f"{self._shapes['global'][1]}/{self._shapes['local'][1]}/"
                f"{self._shapes['tactical'][1]} cells"
            )
        return np.ascontiguousarray(rows)
