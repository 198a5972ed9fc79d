"""Owns the film of a recorded match: what stood on the board at every decision.

Promises: a film ends as the replay says, or there is none; each frame has a hash of what is shown
(`frame_hash`), which whoever decodes the frame can compute again. Land is stored as what changed
from frame to frame, so that a film of 120 frames on 1024 x 1024 takes megabytes, not a hundred.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from arena.lockstep import DEAD, LiveMatch, Lockstep
from arena.match import LoadMap
from arena.replay import Replay, check_end, playing
from arena.territory.maps import TerritoryMap
from arena.territory.observation import observation as obs
from arena.viewer.lookout import Lookout
from arena.viewer.marks import Marks

IntArray = NDArray[np.int64]
ByteArray = NDArray[np.uint8]

NO_ORDER = DEAD
NEUTRAL, WATER = 0, 255
HASH_BYTES = 8
_CHECKPOINT = 16  # frames between two that are kept whole while a film is shown


class Change(NamedTuple):
    """Runs of tiles that changed hands, in the order of rows: int64[n] each, owners uint8[n]."""

    starts: IntArray
    lengths: IntArray
    owners: ByteArray


class Watcher(Protocol):
    """Who looks on while a film is recorded."""

    def see(self, core: Lockstep, views: obs.SeatViews, rows: IntArray, decision: int) -> None:
        """Take the observations of the living seats `rows` (row i of `views`) at a decision.

        The buffers are used again: copy what is kept. Masks are `core.facts.mask[rows]`.
        """


@dataclass(frozen=True, eq=False)
class Film:
    """A match frame by frame: F frames of S seats on a map.

    Attributes:
        replay: what was recorded.
        map: the land.
        ticks, decisions: int64[F], when each frame is; the last is the end of the match.
        tiles, troops: int64[F, S].
        orders: uint8[F, S], the action that a seat chose on seeing the frame, or NO_ORDER.
        boxes: int64[F, S, 4], corners (x, y) of the local and of the tactical view.
        attacks: per frame int64[n, 3]: attacking seat, seat attacked or -1 for neutral land, and
            troops; in order of creation.
        changes: per frame what changed since the frame before, since empty land for the first.
        hashes: per frame, `frame_hash`.
        placements: by seat, among all players: the crowd's seats come after the match's own.
        eliminated_tick: by seat, None for the living.
        spawns: int64[S, 2], the middle (x, y) of each seat's first land.
        marks: per frame what stands there beside land and troops; empty in edition 2025.
    """

    replay: Replay
    map: TerritoryMap
    ticks: IntArray
    decisions: IntArray
    tiles: IntArray
    troops: IntArray
    orders: ByteArray
    boxes: IntArray
    attacks: tuple[IntArray, ...]
    changes: tuple[Change, ...]
    hashes: tuple[bytes, ...]
    placements: tuple[int, ...]
    eliminated_tick: tuple[int | None, ...]
    spawns: IntArray
    marks: tuple[Marks, ...] = ()

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def n_seats(self) -> int:
        """Number of seats, the crowd's included."""
        return int(self.tiles.shape[1])

    def frames(self) -> Iterator[ByteArray]:
        """Yield who owns each tile, uint8[height, width]: NEUTRAL, seat + 1, or WATER; copies."""
        owner = empty_land(self.map)
        for change in self.changes:
            apply_change(owner, change)
            yield owner.copy()

    def thinned(self, every: int) -> Film:
        """Return the film with every n-th frame and the last one."""
        kept = [*range(0, len(self) - 1, every), len(self) - 1]
        before = empty_land(self.map)
        changes = []
        for index, owner in enumerate(self.frames()):
            if index in kept:
                changes.append(change_between(before, owner))
                before = owner
        return replace(
            self,
            ticks=self.ticks[kept],
            decisions=self.decisions[kept],
            tiles=self.tiles[kept],
            troops=self.troops[kept],
            orders=self.orders[kept],
            boxes=self.boxes[kept],
            attacks=tuple(self.attacks[i] for i in kept),
            changes=tuple(changes),
            hashes=tuple(self.hashes[i] for i in kept),
            marks=tuple(self.marks[i] for i in kept) if self.marks else (),
        )


class Reel:
    """Frames of a film in any order, with a few kept whole on the way."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._at = -1
        self._owner = empty_land(film.map)
        self._kept: dict[int, ByteArray] = {}

    def frame(self, index: int) -> ByteArray:
        """Return who owns each tile at a frame, as `Film.frames`; valid until the next call."""
        start = max((i for i in self._kept if i <= index), default=-1)
        if not start <= self._at <= index:
            self._owner = self._kept[start].copy() if start >= 0 else empty_land(self._film.map)
            self._at = start
        while self._at < index:
            self._at += 1
            apply_change(self._owner, self._film.changes[self._at])
            if self._at % _CHECKPOINT == 0:
                self._kept.setdefault(self._at, self._owner.copy())
        return self._owner


def record_film(
    replay: Replay,
    load_map: LoadMap,
    *,
    watcher: Watcher | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Film:
    """Play a replay back and keep every decision of it.

    Args:
        watcher: is shown the observations of all living seats.
        progress: called with the ticks played and the ticks of the match.

    Raises:
        ReplayError: it was recorded under another rules version, is damaged, or does not end as
            recorded.
        MapError, MatchError: its map is missing or has changed.
    """
    core = Lockstep(1, replay.spec.views)
    views = obs.empty_views(replay.spec.rules.n_seats, replay.spec.views)
    taken: list[_Frame] = []
    spawns = np.zeros((replay.spec.rules.n_players, 2), np.int64)
    before: ByteArray | None = None
    lookout = Lookout()
    for match, actions in playing(replay, load_map):
        if before is None:
            core.begin(0, match)
            before = empty_land(match.engine.map)
            spawns = _middles(by_seat(match), match.rules.n_players)
        core.refresh()
        rows = np.flatnonzero(match.acting)
        if actions is not None:
            core.observe(rows, views)
            if watcher is not None:
                watcher.see(core, views, rows, match.n_decisions)
        taken.append(_take(match, actions, before, lookout.take(match.engine)))
        before = by_seat(match)
        if progress is not None:
            progress(match.engine.tick, replay.ticks)
    check_end(replay, match)
    eliminated = match.engine.by_seat(match.engine.state.eliminated_tick[1:])
    return Film(
        replay=replay,
        map=match.engine.map,
        ticks=np.array([frame.tick for frame in taken], np.int64),
        decisions=np.arange(len(taken), dtype=np.int64),
        tiles=np.array([frame.tiles for frame in taken], np.int64),
        troops=np.array([frame.troops for frame in taken], np.int64),
        orders=np.array([frame.orders for frame in taken], np.uint8),
        boxes=np.array([frame.boxes for frame in taken], np.int64),
        attacks=tuple(frame.attacks for frame in taken),
        changes=tuple(frame.change for frame in taken),
        hashes=tuple(frame.hash for frame in taken),
        placements=tuple(match.engine.placements()),
        eliminated_tick=tuple(tick if tick >= 0 else None for tick in eliminated),
        spawns=spawns,
        marks=tuple(frame.marks for frame in taken if frame.marks is not None),
    )


def frame_hash(
    tick: int, owner: ByteArray, tiles: IntArray, troops: IntArray, marks: Marks | None = None
) -> bytes:
    """Return the first HASH_BYTES of the SHA-256 of what a frame shows.

    The digest is over b"territory-frame-1", the tick, who owns each tile (as `Film.frames`), and
    tiles and troops by seat; with marks over b"territory-frame-2", the same and `Marks.numbers`.
    Numbers are little-endian int64.
    """
    digest = hashlib.sha256(b"territory-frame-1" if marks is None else b"territory-frame-2")
    digest.update(np.int64(tick).astype("<i8").tobytes())
    digest.update(np.ascontiguousarray(owner).tobytes())
    digest.update(np.asarray(tiles, "<i8").tobytes())
    digest.update(np.asarray(troops, "<i8").tobytes())
    if marks is not None:
        digest.update(marks.numbers().astype("<i8").tobytes())
    return digest.digest()[:HASH_BYTES]


# --- land -----------------------------------------------------------------------------------------


def empty_land(territory: TerritoryMap) -> ByteArray:
    """Return the land that nobody owns yet, uint8[height, width]: NEUTRAL or WATER."""
    return np.where(territory.land, NEUTRAL, WATER).astype(np.uint8)


def by_seat(match: LiveMatch) -> ByteArray:
    """Return who owns each tile, uint8[height, width]: NEUTRAL, seat + 1, or WATER."""
    look_up = np.zeros(256, np.uint8)
    look_up[1 : match.engine.n_players + 1] = match.engine.seat_of + 1
    look_up[255] = WATER
    return look_up[match.engine.owner]


def change_between(before: ByteArray, after: ByteArray) -> Change:
    """Return the runs of tiles that differ."""
    at = np.flatnonzero(before.ravel() != after.ravel())
    owners = after.ravel()[at]
    is_first = np.ones(len(at), np.bool_)
    is_first[1:] = (np.diff(at) != 1) | (owners[1:] != owners[:-1])
    first = np.flatnonzero(is_first)
    return Change(at[first], np.diff(np.append(first, len(at))), owners[first])


def apply_change(owner: ByteArray, change: Change) -> None:
    """Bring land from one frame to the next, in place."""
    within = np.arange(int(change.lengths.sum())) - np.repeat(
        np.cumsum(change.lengths) - change.lengths, change.lengths
    )
    flat = owner.reshape(-1)
    flat[np.repeat(change.starts, change.lengths) + within] = np.repeat(
        change.owners, change.lengths
    )


class _Frame(NamedTuple):
    tick: int
    tiles: list[int]
    troops: list[int]
    orders: ByteArray
    boxes: IntArray
    attacks: IntArray
    change: Change
    hash: bytes
    marks: Marks | None


def _take(
    match: LiveMatch, actions: IntArray | None, before: ByteArray, marks: Marks | None
) -> _Frame:
    engine = match.engine
    owner = by_seat(match)
    tiles, troops = engine.by_seat(engine.tiles), engine.by_seat(engine.troops)
    seat = np.append(-1, engine.seat_of)  # by owner id
    attacks = [(seat[a], seat[target], round(sent)) for a, target, sent in engine.attacks()]
    orders = np.full(len(tiles), NO_ORDER, np.uint8)
    if actions is not None:
        orders[: len(actions)] = actions
    return _Frame(
        tick=engine.tick,
        tiles=tiles,
        troops=troops,
        orders=orders,
        boxes=match.scratch.origin[engine.spawn_of + 1].copy(),
        attacks=np.array(attacks, np.int64).reshape(-1, 3),
        change=change_between(before, owner),
        hash=frame_hash(engine.tick, owner, np.array(tiles), np.array(troops), marks),
        marks=marks,
    )


def _middles(owner: ByteArray, n_seats: int) -> IntArray:
    """Return the mean tile (x, y) of each seat's land, int64[S, 2]."""
    seats = [np.argwhere(owner == seat + 1) for seat in range(n_seats)]
    return np.array([tiles.mean(axis=0)[::-1].round() for tiles in seats], np.int64)
