"""The three views of many seats, drawn on a device from one copy of each match's board.

What goes to the device is the board once per match, then the tiles that changed, and for each seat
a few numbers (arena.territory.observation.outlines); ten finished observations of the preset
`classic` are 4 MB a decision, this is some 0.1 MB. The bytes are those of
`arena.territory.observation.observe`, to the last bit, on every device: all sums are of integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.device_boards import BEFORE_AT, COORDINATE, X_AT, Y_AT, DeviceBoards, bring
from arena.lockstep import Lockstep
from arena.territory.engine import rules
from arena.territory.engine.rules import MAX_SEATS
from arena.territory.observation.outlines import empty_outlines, observe_outlines
from arena.territory.observation.views import RECENT_TICKS, Views
from msattn.config import SCALES

IntArray = NDArray[np.int64]

# Byte of a packed word -> channel; byte 3 is empty.
_CHANNEL_OF = {0: 0, 1: 1, 2: 2, 4: 5, 5: 6, 6: 7, 7: 8}
_BARRIER, _TERRAIN, _FRONT, _GAINED, _LOST = 3, 4, 9, 10, 11
_LANES = 0x00FF00FF00FF00FF
_ROUND = 0x0002000200020002


@dataclass(frozen=True)
class _Rows:
    """The seats of one call, on the device; n rows.

    Attributes:
        slot, player: int64[n].
        packed: int64[n, 256], the channels by owner byte.
        origin: int64[n, 4].
        cell: int64[n].
        front_row: int64[k], the row of each front tile; fronts: int64[k], y << 16 | x.
    """

    slot: Tensor
    player: Tensor
    packed: Tensor
    origin: Tensor
    cell: Tensor
    front_row: Tensor
    fronts: Tensor

    def __len__(self) -> int:
        return len(self.slot)


class DeviceViews:
    """The boards of the slots of a Lockstep on a device, and the views of its seats.

    Args:
        n_slots: of the Lockstep.
        views: sizes.
        device: where boards and views are.
    """

    def __init__(self, n_slots: int, views: Views, device: torch.device) -> None:
        self.views = views
        self.device = device
        self._boards = DeviceBoards(n_slots, views.global_size, device)

    def observe(
        self,
        lockstep: Lockstep,
        rows: IntArray,
        targets: Mapping[str, Tensor],
        at: IntArray | None = None,
    ) -> None:
        """Write the views of seats into tensors of the device.

        Args:
            rows: int64[n], living rows of the Lockstep, match by match, after `refresh`.
            targets: by key uint8[N, C, S, S], on the device.
            at: int64[n], the index of each row in them; by default row i goes to i.
        """
        if len(rows) == 0:
            return
        at = np.arange(len(rows)) if at is None else at
        slots = rows // MAX_SEATS
        asked = np.unique(slots).tolist()
        self._boards.follow(lockstep, asked)
        drawn = self._outlines(rows, slots)
        place = bring(at, self.device)
        for key, view in self._draw(drawn, asked).items():
            targets[key].index_copy_(0, place, view)

    def _outlines(self, rows: IntArray, slots: IntArray) -> _Rows:
        """Have the matches write what only they know."""
        n = len(rows)
        o = empty_outlines(n)
        player = np.zeros(n, np.int64)
        fronts, front_row = [], []
        starts = [0, *(np.flatnonzero(np.diff(slots)) + 1).tolist(), n]
        for first, stop in pairwise(starts):
            match = self._boards.match(int(slots[first]))
            engine = match.engine
            spawn = engine.spawn_of[rows[first:stop] - slots[first] * MAX_SEATS]
            player[first:stop] = spawn + 1
            row_of_player = np.full(engine.n_players, -1, np.int64)
            row_of_player[spawn] = np.arange(first, stop)
            room = int(engine.state.border_size[spawn + 1].sum())
            part = o._replace(fronts=np.empty(room, np.int32))
            end = observe_outlines(
                engine.state,
                match.scratch,
                row_of_player,
                self.views.local_size,
                self.views.tactical_size,
                part,
            )
            in_order = first + np.argsort(spawn, kind="stable")
            fronts.append(part.fronts[:end])
            front_row.append(np.repeat(in_order, o.n_fronts[in_order]))
        n_owners = self._boards.n_owners
        packed = bring(o.packed[:, :n_owners].view(np.int64), self.device)
        cell = np.array([self._boards.cell(slot) for slot in slots.tolist()], np.int64)
        return _Rows(
            slot=bring(slots, self.device),
            player=bring(player, self.device),
            packed=torch.nn.functional.pad(packed, (0, 256 - n_owners)),
            origin=bring(o.origin, self.device),
            cell=bring(cell, self.device),
            front_row=bring(np.concatenate(front_row), self.device),
            fronts=bring(np.concatenate(fronts), self.device).to(torch.int64),
        )

    def _draw(self, rows: _Rows, slots: Sequence[int]) -> dict[str, Tensor]:
        """Return the views, uint8[n, C, S, S] by key."""
        shapes = self.views.shapes()
        drawn = {
            key: torch.empty((len(rows), *shapes[key]), dtype=torch.uint8, device=self.device)
            for key in SCALES
        }
        self._draw_global(rows, drawn["global"])
        self._draw_local(rows, drawn["local"])
        self._draw_tactical(rows, drawn["tactical"])
        self._stamp_fronts(rows, drawn)
        self._stamp_changes(rows, slots, drawn)
        return drawn

    def _draw_global(self, rows: _Rows, view: Tensor) -> None:
        """Draw area means over the owners of each cell; weights add up to at most 256."""
        n, grid = len(rows), self.views.global_size
        weights = self._boards.counts[rows.slot] * 256 // (rows.cell * rows.cell)[:, None, None]
        table = _bytes_of(rows.packed[:, : self._boards.n_owners])  # [n, owners, bytes]
        # Sums of up to 256 * 255 are exact in float32.
        means = torch.bmm(weights.to(torch.float32), table.to(torch.float32))
        cells = (means.to(torch.int32) >> 8).to(torch.uint8)
        for i, channel in enumerate(_CHANNEL_OF.values()):
            view[:, channel] = cells[:, :, i].view(n, grid, grid)
        view[:, _BARRIER : _TERRAIN + 1] = self._boards.ground[rows.slot]

    def _window(self, rows: _Rows, first: int, size: int) -> tuple[Tensor, Tensor]:
        """Return owners and terrain uint8[n, size, size] of windows with corner origin[first:]."""
        _, height, width = self._boards.owner.shape
        span = torch.arange(size, device=self.device)
        # The frame is off-map, and what is beyond it as well.
        x = (rows.origin[:, first, None] + span + 1).clamp(0, width - 1)
        y = (rows.origin[:, first + 1, None] + span + 1).clamp(0, height - 1)
        at = (rows.slot[:, None, None], y[:, :, None], x[:, None, :])
        return self._boards.owner[at], self._boards.terrain[at]

    def _draw_local(self, rows: _Rows, view: Tensor) -> None:
        """Draw means of 2 x 2 tiles."""
        n, size = len(rows), self.views.local_size
        owner, terrain = self._window(rows, 0, 2 * size)
        words = torch.gather(rows.packed, 1, owner.view(n, -1).to(torch.int64))
        words = words.view(n, size, 2, size, 2)
        even = (words & _LANES).sum(dim=(2, 4)) + _ROUND
        odd = ((words >> 8) & _LANES).sum(dim=(2, 4)) + _ROUND
        _write_bytes(((even >> 2) & _LANES) | (((odd >> 2) & _LANES) << 8), view)
        for channel, tiles, rounding in ((_BARRIER, _barrier(owner), 2), (_TERRAIN, terrain, 0)):
            fours = tiles.view(n, size, 2, size, 2).to(torch.int32).sum(dim=(2, 4))
            view[:, channel] = ((fours + rounding) >> 2).to(torch.uint8)

    def _draw_tactical(self, rows: _Rows, view: Tensor) -> None:
        n, size = len(rows), self.views.tactical_size
        owner, terrain = self._window(rows, 2, size)
        words = torch.gather(rows.packed, 1, owner.view(n, -1).to(torch.int64))
        _write_bytes(words.view(n, size, size), view)
        view[:, _BARRIER] = _barrier(owner)
        view[:, _TERRAIN] = terrain

    def _stamp_fronts(self, rows: _Rows, drawn: dict[str, Tensor]) -> None:
        """Draw how many front tiles each cell has."""
        y, x = rows.fronts >> 16, rows.fronts & 0xFFFF
        row, origin, cell = rows.front_row, rows.origin, rows.cell
        places = _places(x, y, cell[row], origin[row])
        shares = {
            "global": (255 // cell)[:, None, None],
            "local": torch.full_like(cell, 127)[:, None, None],
            "tactical": torch.full_like(cell, 255)[:, None, None],
        }
        for key, (to_x, to_y) in places.items():
            size = drawn[key].shape[-1]
            counts = torch.zeros(len(rows) * size * size + 1, dtype=torch.int32, device=self.device)
            at = _inside(row, to_x, to_y, size, len(rows))
            counts.index_add_(0, at, torch.ones_like(at, dtype=torch.int32))
            found = counts[:-1].view(len(rows), size, size) * shares[key]
            drawn[key][:, _FRONT] = found.clamp_max(255).to(torch.uint8)

    def _stamp_changes(self, rows: _Rows, slots: Sequence[int], drawn: dict[str, Tensor]) -> None:
        """Draw what was gained and lost: of several changes of a cell the newest, the brightest."""
        n = len(rows)
        row_of = torch.full((self._boards.n_slots, 256), n, dtype=torch.int64, device=self.device)
        row_of[rows.slot, rows.player] = torch.arange(n, device=self.device)
        slot, event, age = self._boards.recent(slots)
        x, y = (event >> X_AT) & COORDINATE, (event >> Y_AT) & COORDINATE
        fade = (255 * (RECENT_TICKS + 1 - age) // RECENT_TICKS).to(torch.int32)
        nobody = torch.zeros((1, 4), dtype=torch.int64, device=self.device)
        origin = torch.cat((rows.origin, nobody))
        cell = torch.cat((rows.cell, torch.ones_like(rows.cell[:1])))
        for channel, owner in ((_LOST, (event >> BEFORE_AT) & 255), (_GAINED, event & 255)):
            row = row_of[slot, owner]
            places = _places(x, y, cell[row], origin[row])
            for key, (to_x, to_y) in places.items():
                size = drawn[key].shape[-1]
                flat = torch.zeros(n * size * size + 1, dtype=torch.int32, device=self.device)
                at = _inside(row, to_x, to_y, size, n)
                flat.scatter_reduce_(0, at, fade, "amax")
                drawn[key][:, channel] = flat[:-1].view(n, size, size).to(torch.uint8)


def _bytes_of(words: Tensor) -> Tensor:
    """Return int64[..., 7]: the bytes of packed words that are channels, in the order of those."""
    return torch.stack([(words >> (8 * byte)) & 255 for byte in _CHANNEL_OF], dim=-1)


def _write_bytes(words: Tensor, view: Tensor) -> None:
    """Write the bytes of int64[n, S, S] to their channels."""
    for byte, channel in _CHANNEL_OF.items():
        view[:, channel] = ((words >> (8 * byte)) & 255).to(torch.uint8)


def _barrier(owner: Tensor) -> Tensor:
    """Return uint8: off-map 255, water 128, land 0."""
    water = (owner == rules.WATER).to(torch.uint8) * 128
    return torch.where(owner == rules.OFF_MAP, torch.full_like(owner, 255), water)


def _places(x: Tensor, y: Tensor, cell: Tensor, origin: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the x and y of tiles in each view, which may be outside of it."""
    return {
        "global": (x // cell, y // cell),
        "local": ((x - origin[:, 0]) >> 1, (y - origin[:, 1]) >> 1),
        "tactical": (x - origin[:, 2], y - origin[:, 3]),
    }


def _inside(row: Tensor, x: Tensor, y: Tensor, size: int, n: int) -> Tensor:
    """Return flat indices into [n, size, size]; n * size * size for what is in none of them."""
    is_in = (row < n) & (x >= 0) & (x < size) & (y >= 0) & (y < size)
    at = (row * size + y) * size + x
    return torch.where(is_in, at, torch.full_like(at, n * size * size))
