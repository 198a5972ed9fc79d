"""Owns the question what a network's attention is worth: does it decide otherwise without?

A recorded match is played back once. At each decision of a seat its network decides as it did, and
again with even weights (`msattn.inspect.without_attention`), by the same draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.same_orders import order_groups
from arena.agent import TARGET, SeatBatch
from arena.lockstep import DEAD, Lockstep
from arena.replay import Replay, play_back
from arena.territory.maps import TerritoryMap

if TYPE_CHECKING:
    from agents.snapshots import LoadedSnapshot

ALL = "all"


@dataclass(frozen=True)
class Worth:
    """How often other orders are chosen without attention.

    Attributes:
        played: share of the decisions in which the same draw gives another order.
        most_probable: share in which another order is the most probable.
        shift: mean total variation distance of the probabilities of orders, 0..1.
    """

    played: float
    most_probable: float
    shift: float


def decisions_of(
    replay: Replay, seat: int, load_map: Callable[[str], TerritoryMap]
) -> Iterator[SeatBatch]:
    """Yield what a seat saw at each of its decisions, as a batch of one row.

    Each is to be used before the next is asked for.

    Raises:
        ReplayError, MapError, MatchError: the replay cannot be played back.
    """
    match = play_back(replay, load_map, 0)
    core = Lockstep(1, replay.spec.views)
    core.begin(0, match)
    at = 0
    while not match.engine.is_over and match.acting[seat]:
        core.refresh()
        yield core.batch(np.array([seat]))
        acting = match.acting
        actions = np.full(len(acting), DEAD, np.int64)
        actions[acting] = replay.actions[at : at + int(acting.sum())]
        at += int(acting.sum())
        match.advance(actions)


def kinds_of_attention(network: Any) -> tuple[str, ...]:
    """Return which kinds of attention a network has, with ALL first if there are several."""
    from msattn.inspect import KINDS, attention_layers

    found = tuple(kind for kind in KINDS if attention_layers(network, (kind,)))
    return (ALL, *found) if len(found) > 1 else found


def weigh(
    loaded: LoadedSnapshot,
    replay: Replay,
    seat: int,
    load_map: Callable[[str], TerritoryMap],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, dict[str, Worth]]:
    """Return the number of a seat's decisions, and what each kind of attention changed in them.

    Args:
        loaded: the snapshot that played the seat.
        progress: called with how many decisions were made again, of how many in the match; a seat
            that is eliminated makes fewer.

    Raises:
        ReplayError, MapError, MatchError: the replay cannot be played back.
    """
    from agents.policy import PolicyAgent, sample
    from msattn.inspect import KINDS, without_attention

    description = loaded.description
    agent = PolicyAgent(loaded.network, description.shapes, relation_mask=description.relation_mask)
    kinds = kinds_of_attention(loaded.network)
    changes: dict[str, list[tuple[bool, bool, float]]] = {kind: [] for kind in kinds}
    n_decisions, in_all = 0, -(-replay.ticks // replay.spec.rules.ticks_per_decision)
    for batch in decisions_of(replay, seat, load_map):
        progress(n_decisions, in_all)
        n_decisions += 1
        orders = orders_of(batch)
        draw = batch.noise(1)[:, 0]
        before = agent.probabilities(batch)
        for kind in kinds:
            with without_attention(loaded.network, KINDS if kind == ALL else (kind,)):
                after = agent.probabilities(batch)
            by_order = [
                np.bincount(orders, each[0], minlength=len(orders)) for each in (before, after)
            ]
            changes[kind].append(
                (
                    orders[sample(before, draw)[0]] != orders[sample(after, draw)[0]],
                    by_order[0].argmax() != by_order[1].argmax(),
                    0.5 * float(np.abs(by_order[0] - by_order[1]).sum()),
                )
            )
    return n_decisions, {
        kind: Worth(*map(float, np.array(found, np.float64).mean(axis=0)))
        for kind, found in changes.items()
        if found
    }


def orders_of(batch: SeatBatch) -> NDArray[np.int64]:
    """Return which actions are the same order, int64[actions]: one number per order.

    The five WAITs are one, and so are equal orders in directions with the same target.
    """
    targets = batch.directions[:1, :, TARGET]
    # A direction without a target is like no other.
    told_apart = np.where(targets < 0, -1 - np.arange(targets.shape[1]), targets)
    groups: NDArray[np.int64] = order_groups(told_apart, batch.action_mask.shape[1])[0].astype(
        np.int64
    )
    return groups
