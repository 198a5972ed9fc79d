"""A learner's curves: what an update and the attention show, under tags that all viewers share.

Promises: training is the same with any viewer and with none: no random stream is touched, no
gradient made, and the attention is computed on a few observations every LOOK_EVERY updates only.

Tags: `train/...` (loss, KL, clip share, explained variance, entropy), `play/...` (placement,
reward), `speed/...`; `attention/SCALE/PART`, the share of the last spatial map that lies on my
border, on rivals, on neutral land and on water or off the map, and
`attention/SCALE/PART_over_area`, that share over the part's share of the view (1 is what even
attention gives);
`scales/SCALE` with the learnable weights, and `scales_early|middle|late/SCALE` with what the heads
made of them in that third of the match; `gates/SCALE`, how far a scale's gates are open (both
families); `neighbours/evenness`, how evenly the seat looks at its neighbours (1 is evenly).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from arena.territory.observation.views import CHANNEL_NAMES, OWN_SCALARS
from league.learner.sinks import Curve, Sink, open_sinks
from msattn.inspect import AttentionRecord, look

if TYPE_CHECKING:
    from torch import nn

    from league.learner.trainer import Trainer
    from league.ppo.buffer import RaggedRolloutBuffer

LOOK_EVERY = 20  # updates; a look costs as much as the forward pass of N_ROWS observations
N_ROWS = 64
PHASES = ("early", "middle", "late")  # thirds of a match by the scalar "time"
_TIME = [name for name, _ in OWN_SCALARS].index("time")
_PLAY = ("placement_mean", "reward_mean", "first_places", "n_episodes")
_SPEED = ("decisions_per_s",)


class Board:
    """Passes the numbers of each update on to its sinks (league.learner.sinks).

    Args:
        sinks: where they go.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)
        self._n_updates = 0

    def write(
        self,
        decisions: int,
        numbers: Mapping[str, float],
        policy: nn.Module,
        buffer: RaggedRolloutBuffer,
    ) -> None:
        """Write one update, and every LOOK_EVERY updates where the policy attends.

        Args:
            decisions: trained decisions of the lineage: the horizontal axis.
            numbers: of the update, as `Trainer.update` returns them.
            policy: what `msattn.inspect.look` takes.
            buffer: the rollout of this update.
        """
        found = {tag(name): value for name, value in numbers.items()}
        if self._n_updates % LOOK_EVERY == 0 and buffer.size() > 0:
            found |= look_at_rollout(policy, buffer)
        self._n_updates += 1
        for sink in self._sinks:
            sink.write(decisions, found)

    def close(self) -> None:
        """Write what is still in memory."""
        for sink in self._sinks:
            sink.close()


def open_board(trainer: Trainer) -> Board:
    """Open a trainer's curves; called last, when the decisions of the lineage are known."""
    orders = trainer.orders
    curve = Curve(
        logs=trainer.folder.logs,
        league=trainer.folder.root.resolve().name,
        learner=orders.name,
        decisions=trainer.ppo.num_timesteps,
        config={
            "family": orders.family,
            "role": orders.role,
            "seed": orders.seed,
            "torso": trainer.torso.to_dict(),
            "ppo": asdict(orders.settings.ppo),
        },
    )
    return Board(open_sinks(orders.settings.viewers, curve))


def tag(name: str) -> str:
    """Return the tag under which a number of an update is shown."""
    if name in _PLAY:
        return f"play/{name}"
    if name in _SPEED or name.startswith("seconds_"):
        return f"speed/{name}"
    return f"train/{name}"


def look_at_rollout(policy: nn.Module, buffer: RaggedRolloutBuffer) -> dict[str, float]:
    """Return where a policy attends, by tag, on rows spread evenly over a rollout."""
    rows = torch.linspace(0, buffer.size() - 1, min(N_ROWS, buffer.size())).long()
    rows = rows.to(buffer.device)
    tensors = {key: tensor[rows] for key, tensor in buffer.observations.items()}
    record = look(policy, tensors)
    if record.head_weights is None and record.token_weights is None and record.gates is None:
        return {}  # a baseline without gates
    return summary(record, {key: tensor.cpu().numpy() for key, tensor in tensors.items()})


def regions(image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Return what a view shows, per cell.

    Args:
        image: uint8[n, C, S, S], channels as in arena.territory.observation.views.

    Returns:
        float32[n, S, S] in 0..1 for "own_border", "rivals", "neutral" and "water" (off-map too).
    """

    def channel(name: str) -> NDArray[np.float32]:
        shares = image[:, CHANNEL_NAMES.index(name)].astype(np.float32)
        return shares / np.float32(255.0)

    return {
        "own_border": channel("front"),
        "rivals": channel("rival"),
        "neutral": channel("neutral"),
        "water": np.minimum(2.0 * channel("barrier"), 1.0),  # water counts one half there
    }


def summary(record: AttentionRecord, observation: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """Return means over the rows of a network's record, attention and gates.

    Args:
        record: of n rows.
        observation: the same rows: images uint8[n, C, S, S], scalars float32[n, F].
    """
    found: dict[str, float] = {}
    for scale in record.scales:
        if not record.spatial.get(scale):
            continue
        found[f"attention/{scale}/evenness"] = float(record.entropy(scale, -1).mean())
        for part, region in regions(observation[scale]).items():
            share = float(record.share_on(scale, -1, region).mean())
            found[f"attention/{scale}/{part}"] = share
            area = float(region.mean())
            if area > 0.0:
                found[f"attention/{scale}/{part}_over_area"] = share / area
    if record.gates is not None:
        found |= {
            f"gates/{scale}": float(gate)
            for scale, gate in zip(record.scales, record.gates, strict=True)
        }
    if record.token_weights is not None:
        evenness = record.token_entropy()
        if np.isfinite(evenness).any():
            found["neighbours/evenness"] = float(np.nanmean(evenness))
    if record.scale_weights is None or record.head_weights is None:
        return found
    for index, scale in enumerate(record.scales):
        found[f"scales/{scale}"] = float(record.scale_weights[index])
    third = np.clip(observation["scalars"][:, _TIME] * len(PHASES), 0, len(PHASES) - 1).astype(int)
    by_row: NDArray[Any] = record.head_weights.mean(axis=1)
    for number, phase in enumerate(PHASES):
        # Absent, not 0, when the rollout holds no such part of a match.
        if (third == number).any():
            means = by_row[third == number].mean(axis=0)
            for index, scale in enumerate(record.scales):
                found[f"scales_{phase}/{scale}"] = float(means[index])
    return found
