"""Copies of the boards of many matches on a device, kept up to date by the tiles that change.

A board goes there once, when its match begins; after that the tiles that changed since the last
call, as the engine's ring of changes has them. agents.device_views draws from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arena.lockstep import LiveMatch, Lockstep
from arena.territory.engine import rules
from arena.territory.engine.state import (
    CELL,
    EVENT_MASK,
    EVENT_RING,
    N_EVENTS,
    TERRAIN_BITS,
    TICK,
    State,
)
from arena.territory.observation.views import RECENT_TICKS

IntArray = NDArray[np.int64]

# An event in 63 bits: tick, y, x, owner before, owner after.
_TICK_AT, Y_AT, X_AT, BEFORE_AT = 42, 29, 16, 8
COORDINATE = (1 << 13) - 1
MOST_CHANGES = EVENT_RING  # that a board is brought up to date by; after more it is brought anew


@dataclass
class _Slot:
    """What the device knows of one slot's match.

    Attributes:
        match: whose board it is.
        n_events: tile changes that the board includes.
        cell: side of a cell of the global view, tiles.
    """

    match: LiveMatch | None = None
    n_events: int = 0
    cell: int = 1


def bring(values: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array on a device."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


class DeviceBoards:
    """The boards of the slots of a Lockstep.

    Args:
        n_slots: of the Lockstep.
        grid: cells per side of the global view.
        device: where they are.

    Attributes:
        owner, terrain: uint8[slots, H + 2, W + 2], in a frame; off-map beyond a smaller map.
        n_owners: of the match with the most players, neutral land included.
        counts: int32[slots, cells, n_owners], tiles of each owner.
        ground: uint8[slots, 2, grid, grid], barrier and terrain of the global view.
    """

    def __init__(self, n_slots: int, grid: int, device: torch.device) -> None:
        self.n_slots = n_slots
        self._grid, self._device = grid, device
        self._slots = [_Slot() for _ in range(n_slots)]
        size = (n_slots, 3, 3)
        self.owner = torch.full(size, rules.OFF_MAP, dtype=torch.uint8, device=device)
        self.terrain = torch.zeros(size, dtype=torch.uint8, device=device)
        self.n_owners = 1
        self.counts = torch.zeros((n_slots, grid * grid, 1), dtype=torch.int32, device=device)
        self.ground = torch.zeros((n_slots, 2, grid, grid), dtype=torch.uint8, device=device)
        self._ring = torch.zeros((n_slots, EVENT_RING), dtype=torch.int64, device=device)

    def match(self, slot: int) -> LiveMatch:
        """Return the match whose board a slot has."""
        match = self._slots[slot].match
        assert match is not None
        return match

    def cell(self, slot: int) -> int:
        """Return the side of a cell of the global view, tiles."""
        return self._slots[slot].cell

    def follow(self, lockstep: Lockstep, slots: Sequence[int]) -> None:
        """Bring the boards of these slots up to date."""
        behind: list[int] = []
        for slot in slots:
            match = lockstep.matches[slot]
            assert match is not None
            known = self._slots[slot]
            newest = int(match.engine.state.clock[N_EVENTS])
            if known.match is not match or not 0 <= newest - known.n_events <= MOST_CHANGES:
                self._begin(slot, match)
            elif newest > known.n_events:
                behind.append(slot)
        if behind:
            self._catch_up(behind)

    def _begin(self, slot: int, match: LiveMatch) -> None:
        """Bring a whole board."""
        state, scratch = match.engine.state, match.scratch
        width, height, stride, _ = (int(v) for v in state.shape)
        n_owners = state.cell_counts.shape[1]
        self._make_room(height + 2, width + 2, n_owners)
        owner = state.owner.reshape(height + 2, stride)
        bits = (state.flags & TERRAIN_BITS).reshape(height + 2, stride)
        is_land = owner < rules.OFF_MAP
        terrain = np.where(is_land, np.uint8(85) * (bits + np.uint8(1)), np.uint8(0))
        self.owner[slot] = rules.OFF_MAP
        self.terrain[slot] = 0
        self.owner[slot, : height + 2, :stride] = self._bring(owner)
        self.terrain[slot, : height + 2, :stride] = self._bring(terrain)
        ground = np.stack((scratch.cell_barrier, scratch.cell_terrain))
        self.ground[slot] = self._bring(ground)
        self.counts[slot] = 0
        self.counts[slot, :, :n_owners] = self._bring(state.cell_counts)
        newest = int(state.clock[N_EVENTS])
        at = np.arange(max(0, newest - EVENT_RING), newest) & EVENT_MASK
        if len(at):
            self._ring[slot, self._bring(at)] = self._bring(_packed_events(state, at))
        self._slots[slot] = _Slot(match, newest, int(state.clock[CELL]))

    def _make_room(self, height: int, width: int, n_owners: int) -> None:
        """Grow the boards to a larger map's size; what is off a smaller map is off-map."""
        if n_owners > self.n_owners:
            more = n_owners - self.n_owners
            self.counts = torch.nn.functional.pad(self.counts, (0, more))
            self.n_owners = n_owners
        n, h, w = self.owner.shape
        if height <= h and width <= w:
            return
        size = (n, max(h, height), max(w, width))
        owner = torch.full(size, rules.OFF_MAP, dtype=torch.uint8, device=self._device)
        terrain = torch.zeros(size, dtype=torch.uint8, device=self._device)
        owner[:, :h, :w], terrain[:, :h, :w] = self.owner, self.terrain
        self.owner, self.terrain = owner, terrain

    def _catch_up(self, slots: Sequence[int]) -> None:
        """Bring the tiles that changed since the last call."""
        grid = self._grid
        of_slot, events, rings, owners = [], [], [], []
        for slot in slots:
            known = self._slots[slot]
            state = self.match(slot).engine.state
            newest = int(state.clock[N_EVENTS])
            at = np.arange(known.n_events, newest) & EVENT_MASK
            known.n_events = newest
            place = state.event_at[at]
            tile = (place[:, 3] + 1) * int(state.shape[2]) + place[:, 2] + 1
            of_slot.append(np.full(len(at), slot, np.int64))
            events.append(_packed_events(state, at))
            rings.append(at)
            # Whose it is now: where a tile changed twice, both write the same.
            owners.append(state.owner[tile])
        slot_of = self._bring(np.concatenate(of_slot))
        found = self._bring(np.concatenate(events))
        self._ring[slot_of, self._bring(np.concatenate(rings))] = found
        x, y = (found >> X_AT) & COORDINATE, (found >> Y_AT) & COORDINATE
        self.owner[slot_of, y + 1, x + 1] = self._bring(np.concatenate(owners))
        cell = torch.tensor([known.cell for known in self._slots], device=self._device)[slot_of]
        base = (slot_of * grid * grid + (y // cell) * grid + x // cell) * self.n_owners
        counts = self.counts.view(-1)
        ones = torch.ones_like(base, dtype=torch.int32)
        counts.index_add_(0, base + ((found >> BEFORE_AT) & 255), -ones)
        counts.index_add_(0, base + (found & 255), ones)

    def _bring(self, values: NDArray[Any]) -> Tensor:
        return bring(values, self._device)

    def recent(self, slots: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return slot, packed event and age int64[k] of the recent changes of matches."""
        first, counts, now = [], [], []
        for slot in slots:
            state = self.match(slot).engine.state
            found = _first_recent(state)
            first.append(found)
            counts.append(int(state.clock[N_EVENTS]) - found)
            now.append(int(state.clock[TICK]))
        total = sum(counts)
        table = self._bring(np.array([slots, first, counts, now], np.int64))
        which = torch.repeat_interleave(
            torch.arange(len(slots), device=self._device), table[2], output_size=total
        )
        start = torch.cumsum(table[2], 0) - table[2]
        number = torch.arange(total, device=self._device) - start[which] + table[1][which]
        slot_of = table[0][which]
        event = self._ring[slot_of, number & EVENT_MASK]
        return slot_of, event, (table[3][which] - (event >> _TICK_AT)).clamp_min(1)


def _packed_events(state: State, at: IntArray) -> NDArray[np.int64]:
    """Return events of the ring, each in one number."""
    place = state.event_at[at].astype(np.int64)
    owners = state.event_owners[at].astype(np.int64)
    found = state.event_tick[at].astype(np.int64) << _TICK_AT
    found |= place[:, 3] << Y_AT | place[:, 2] << X_AT
    return cast(NDArray[np.int64], found | owners[:, 0] << BEFORE_AT | owners[:, 1])


def _first_recent(state: State) -> int:
    """Return the number of the first change that is shown; their ticks rise."""
    newest = int(state.clock[N_EVENTS])
    last = max(0, newest - EVENT_RING)
    oldest = int(state.clock[TICK]) - RECENT_TICKS
    low, high = last, newest
    while low < high:
        middle = (low + high) // 2
        if int(state.event_tick[middle & EVENT_MASK]) < oldest:
            low = middle + 1
        else:
            high = middle
    return low
