"""Owns `league look`: what a seat saw at one decision, and where its network attended.

A replay is played back to the decision, the seat's observation is computed again, and the member's
own network, if it has attention, computes its attention weights. `league.inspect.picture` draws
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arena.lockstep import DEAD, Lockstep, as_dict
from arena.replay import MAX_MAP_TILES, Replay, load_small_map, play_back, read_replay
from arena.territory.engine.actions import DIRECTIONS, describe
from arena.territory.maps import TerritoryMap
from arena.territory.maps.maps import MAX_TILES
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.observation import empty_views
from arena.territory.observation.views import (
    CHANNEL_NAMES,
    N_NEIGHBOUR_MEMBERSHIP,
    channel_names,
    neighbour_names,
    scalar_names,
)
from arena.territory.observation.views_2026 import LANDING_FACTS
from db import queries
from league.errors import FolderError, UsageError
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.inspect.neighbours import measure_neighbours
from league.inspect.worth import Worth
from league.pruning.record import why_replay_is_gone

if TYPE_CHECKING:
    from agents.snapshots import LoadedSnapshot
    from league.store.snapshots import Snapshots
    from msattn.inspect import AttentionRecord

REGIONS = ("own_border", "own", "rivals", "neutral", "water", "off_map")


@dataclass(frozen=True, eq=False)
class Sight:
    """One seat at one decision.

    Attributes:
        observation: uint8[C, S, S] for "global", "local" and "tactical", float32[F] for "scalars",
            from version 2 on float32[8, W] for "neighbours", from 3 on float32[8, L] for
            "landings".
        action_mask: bool[45], bool[71] in edition 2026.
        action: the action that the seat then chose.
        agent: its agent spec.
        tick, max_ticks: in ticks.
        n_decisions: decisions of the whole match.
        cells: side of a cell in each view, in tiles.
        corners: tile (x, y) of each view's upper left corner.
    """

    observation: dict[str, NDArray[Any]]
    action_mask: NDArray[np.bool_]
    action: int
    agent: str
    seat: int
    decision: int
    n_decisions: int
    tick: int
    max_ticks: int
    cells: dict[str, int]
    corners: dict[str, tuple[int, int]]


def find_replay(match: str, folder: LeagueFolder | None) -> tuple[Replay, dict[int, str]]:
    """Read the replay of a match, and the names of its members by seat where they are known.

    Args:
        match: id of a match of the league, or a replay file.
        folder: the league; a replay file needs none.

    Raises:
        FolderError: the match has no replay, or there is no league to look it up in.
        ReplayError, DatabaseError: the replay or the match cannot be read.
    """
    if not match.isdecimal():
        return read_replay(Path(match)), {}
    if folder is None:
        raise FolderError(
            f"expected the league that played match {match}, found none; pass --league DIR"
        )
    with reading(folder) as session:
        record = queries.get_match(session, int(match))
        names = {
            seat.seat: queries.get_member(session, seat.member_id).name
            for seat in queries.match_seats(session, record.id)
        }
        gone = None if record.replay_path else why_replay_is_gone(session, record.id)
    if record.replay_path is None:
        why = "" if gone is None else f": it was {gone}; a backup of before may hold it"
        raise FolderError(
            f"expected a match with a replay, found match {match}, {record.status}, without one"
            f"{why}"
        )
    return read_replay(folder.replay(record.replay_path)), names


def map_loader(match: str, base: Path) -> Callable[[str], TerritoryMap]:
    """Return how the map of `find_replay`'s match is loaded: of a mere file, only up to a size."""
    most_tiles = MAX_MAP_TILES if not match.isdecimal() else MAX_TILES
    return lambda reference: load_small_map(reference, base, most_tiles)


def see(replay: Replay, seat: int, decision: int, load_map: Callable[[str], TerritoryMap]) -> Sight:
    """Play a replay back to a decision and observe the match from one seat.

    Args:
        decision: counted from 0; the observation is the one that the seat decided on.

    Raises:
        UsageError: there is no such seat or decision, or the seat was dead by then.
        ReplayError, MapError, MatchError: the replay cannot be played back.
    """
    rules, views = replay.spec.rules, replay.spec.views
    if not 0 <= seat < rules.n_seats:
        raise UsageError(f"--seat: expected 0 to {rules.n_seats - 1}, found {seat}")
    n_decisions = -(-replay.ticks // rules.ticks_per_decision)
    if not 0 <= decision < n_decisions:
        raise UsageError(
            f"--decision: expected 0 to {n_decisions - 1} in this match of {replay.ticks} ticks, "
            f"found {decision}"
        )
    match = play_back(replay, load_map, decision)
    engine = match.engine
    if not match.living[seat]:
        died = int(engine.state.eliminated_tick[engine.spawn_of[seat] + 1])
        raise UsageError(
            f"--decision: seat {seat} died at tick {died}; expected a decision up to "
            f"{died // rules.ticks_per_decision}, found {decision}"
        )
    if match.by_engine[seat]:
        raise UsageError(
            f"--seat: expected a seat that an agent plays, found seat {seat} with "
            f"{replay.spec.agents[seat]}, which the engine plays inside the tick"
        )
    core = Lockstep(1, views)
    core.begin(0, match)
    core.refresh()
    buffers = empty_views(1, views)
    core.observe(np.array([seat]), buffers)
    taken = sum(int((actions != DEAD).sum()) for actions in match.record)
    origin = [int(value) for value in match.scratch.origin[engine.spawn_of[seat] + 1]]
    side = max(engine.map.width, engine.map.height)
    return Sight(
        observation={key: values[0] for key, values in as_dict(buffers).items()},
        action_mask=core.facts.mask[seat].astype(np.bool_),
        action=int(replay.actions[taken + int(match.acting[:seat].sum())]),
        agent=replay.spec.agents[seat],
        seat=seat,
        decision=decision,
        n_decisions=n_decisions,
        tick=engine.tick,
        max_ticks=rules.max_ticks,
        cells={"global": -(-side // views.global_size), "local": 2, "tactical": 1},
        corners={
            "global": (0, 0),
            "local": (origin[0], origin[1]),
            "tactical": (origin[2], origin[3]),
        },
    )


def load_attention(sight: Sight, replay: Replay, snapshots: Snapshots | None) -> LoadedSnapshot:
    """Return the seat's own network, which has attention.

    Args:
        snapshots: folder of the snapshot store.

    Raises:
        UsageError: the seat is not played by a snapshot with attention.
        SnapshotError, NetworkError: the snapshot is missing or damaged.
    """
    kind, _, sha256 = sight.agent.partition(":")
    if kind != "snapshot":
        learned = [i for i, spec in enumerate(replay.spec.agents) if spec.startswith("snapshot:")]
        where = ", ".join(map(str, learned)) or "none"
        raise UsageError(
            f"--attention: seat {sight.seat} is played by {sight.agent}, expected a snapshot of "
            f"the attention family; seats with snapshots: {where}"
        )
    if snapshots is None:
        raise FolderError(
            "--attention: expected the league of the snapshot, found none; pass --league DIR"
        )
    import torch

    from agents.snapshots import SnapshotStore

    torch.set_num_threads(1)
    loaded = SnapshotStore(snapshots).load(sha256)
    if loaded.description.family != "attention":
        raise UsageError(
            f"--attention: seat {sight.seat} is played by a snapshot of the "
            f"{loaded.description.family} family, expected one of the attention family"
        )
    return loaded


def attend(
    sight: Sight, replay: Replay, snapshots: Snapshots | None, loaded: LoadedSnapshot | None = None
) -> AttentionRecord:
    """Return the attention weights of the seat's own network.

    Args:
        snapshots, errors: as in `load_attention`.
        loaded: the network, where it was loaded before.
    """
    from msattn.inspect import look

    loaded = loaded or load_attention(sight, replay, snapshots)
    return look(loaded.network, {key: each[None] for key, each in sight.observation.items()})


# --- numbers --------------------------------------------------------------------------------------


def regions(image: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Return the share of each region (REGIONS) in every cell of a view, float64[S, S].

    All but "own_border", which is part of "own", add up to 1. The barrier channel counts water as
    one half and off-map as 1: with land = own + rivals + neutral, water = 2 (1 - land - barrier).
    """
    first = image[: len(CHANNEL_NAMES)].astype(np.float64) / 255
    share = dict(zip(CHANNEL_NAMES, first, strict=True))
    land = share["own"] + share["rival"] + share["neutral"]
    water = np.clip(2 * (1 - land - share["barrier"]), 0, 1)
    return {
        "own_border": share["front"],
        "own": share["own"],
        "rivals": share["rival"],
        "neutral": share["neutral"],
        "water": water,
        "off_map": np.clip(1 - land - water, 0, 1),
    }


def measure(
    sight: Sight,
    record: AttentionRecord | None,
    worth: tuple[int, dict[str, Worth]] | None = None,
) -> dict[str, Any]:
    """Return all numbers of a sight as plain JSON, attention as shares of each layer's total.

    For every spatial layer: `shares` on each region, to be compared with the region's share of the
    view's `area` (evenly spread attention has shares equal to areas), and `entropy`, which is 1 for
    evenly spread attention. `league.inspect.neighbours` says what the neighbours' numbers are,
    `league.inspect.worth` what those under `without` are.
    """
    version = version_of(sight.observation)
    numbers: dict[str, Any] = {
        "seat": sight.seat,
        "agent": sight.agent,
        "decision": sight.decision,
        "n_decisions": sight.n_decisions,
        "tick": sight.tick,
        "max_ticks": sight.max_ticks,
        "action": sight.action,
        "action_name": describe(sight.action),
        "legal_actions": np.flatnonzero(sight.action_mask).tolist(),
        "scalars": dict(
            zip(scalar_names(version), map(float, sight.observation["scalars"]), strict=True)
        ),
        "neighbours": _measure_neighbours(sight),
        "channel_means": {
            view: {
                name: float(sight.observation[view][channel].mean()) / 255
                for channel, name in enumerate(channel_names(version))
            }
            for view in VIEW_NAMES
        },
    }
    if version >= 3:
        numbers["landings"] = _measure_landings(sight)
    if record is not None:
        numbers["attention"] = _measure_attention(sight, record)
        if worth is not None:
            n_decisions, found = worth
            numbers["attention"]["without"] = {
                "n_decisions": n_decisions,
                **{kind: asdict(each) for kind, each in found.items()},
            }
    return numbers


def _measure_neighbours(sight: Sight) -> list[dict[str, Any]]:
    """Return the neighbours in the order of their first directions; none before version 2."""
    found: list[dict[str, Any]] = []
    for row in sight.observation.get("neighbours", ()):
        membership, facts = row[:N_NEIGHBOUR_MEMBERSHIP], row[N_NEIGHBOUR_MEMBERSHIP:]
        if membership.any():
            named = neighbour_names(version_of(sight.observation))
            found.append(
                {
                    "directions": [DIRECTIONS[d] for d in np.flatnonzero(membership)],
                    **dict(zip(named, map(float, facts), strict=True)),
                }
            )
    return found


def _measure_landings(sight: Sight) -> list[dict[str, Any]]:
    """Return what a boat would meet, one for each direction in which there is a landing."""
    names = [name for name, _ in LANDING_FACTS]
    return [
        {"direction": DIRECTIONS[d], **dict(zip(names, map(float, row), strict=True))}
        for d, row in enumerate(sight.observation["landings"])
        if row.any()
    ]


def version_of(observation: Mapping[str, NDArray[Any]]) -> int:
    """Return the version of an observation, by what it holds."""
    if "landings" in observation:
        return 3
    return 2 if "neighbours" in observation else 1


def _measure_attention(sight: Sight, record: AttentionRecord) -> dict[str, Any]:
    views: dict[str, Any] = {}
    for view in (view for view in VIEW_NAMES if view in record.spatial):
        parts = regions(sight.observation[view])
        layers = [
            {
                "shares": {
                    name: float(record.share_on(view, layer, part[None])[0])
                    for name, part in parts.items()
                },
                "entropy": float(record.entropy(view, layer)[0]),
                "peak": float(record.spatial[view][layer].max()),
            }
            for layer in range(len(record.spatial[view]))
        ]
        views[view] = {
            "area": {name: float(part.mean()) for name, part in parts.items()},
            "spatial": layers,
            "channel_weights": [weights[0].tolist() for weights in record.channel[view]],
        }
    numbers: dict[str, Any] = {"views": views}
    if record.head_weights is not None and record.scale_weights is not None:
        by_scale = partial(zip, record.scales, strict=True)
        numbers["scale_weights"] = dict(by_scale(map(float, record.scale_weights)))
        numbers["head_weights"] = [
            dict(by_scale(map(float, head))) for head in record.head_weights[0]
        ]
        if record.gates is not None:
            numbers["gates"] = dict(by_scale(map(float, record.gates)))
    neighbours = measure_neighbours(sight.observation, record)
    if neighbours is not None:
        numbers |= neighbours
    return numbers
