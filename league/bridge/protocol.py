"""The pipe to the original engine: one JSON request a line out, frames in.

A frame is u32 length, u32 kind (BOARD, TEXT, FAULT, OWNERS), body; all numbers are little-endian.
Players are numbered from 1 in the order of the request, then in the order in which they joined.
Ticks are ours: 0 is the first tick of play. The adapter (adapter/adapter.mjs) is the other end.

Requests: `hello`; `new` (a match on any map, everybody's start given); `real` (a game as the
original's lobby starts it, on one of its maps); `step` {ticks, orders}; `owners`; `record`;
`verify`; `end`. Orders come before the first tick of a step, as [kind, player, ...]:

    attack player target troops        target 0 is neutral land
    retreat player [attack]            one attack by its number, or all
    build player structure tile        STRUCTURES, or any other unit of the original
    upgrade player structure_id
    boat player tile troops            boat_retreat player boat_id
    alliance_request, alliance_reject, alliance_extend, alliance_break player other
    spawn player tile                  while spawns are open

Body of a BOARD frame: u32 tick, players P, blocks; per block one tick (the first frame's block has
every owned tile): u32 n, n pairs u32 (tile = y * width + x, owner), P f64 home troops, P f64 levels
of finished cities, a table of attacks that started; then six tables. A table is u32 rows, then
rows * columns f64.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine import rules
from league.errors import BridgeEngineError

PROTOCOL: Final = 1
BOARD, TEXT, FAULT, OWNERS = range(4)
MAX_FRAME_BYTES: Final = 256 * 2**20
HEAD: Final = struct.Struct("<II")

STRUCTURES: Final = rules.STRUCTURES
STARTED: Final = (
    *("attacker", "target", "troops", "home", "target_home", "others", "answers", "by_boat"),
)
TABLES: Final = {
    "players": (
        *("troops", "tiles", "gold", "city_levels", "city_levels_owned", "cities_made", "at_sea"),
        *("traitor_ticks", "alive"),
    ),
    "attacks": ("attack", "attacker", "target", "troops", "retreating", "source"),
    "structures": ("structure", "owner", "type", "tile", "level", "finished"),
    "boats": ("boat", "owner", "tile", "target", "troops", "retreating"),
    "alliances": ("player", "other", "ends_at", "player_extends", "other_extends"),
    "requests": ("player", "other", "made_at"),
}
"""Columns of the tables of a frame, in its order; booleans are 0 and 1, -1 is none."""

FloatTable = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """One tick.

    Attributes:
        tiles, owners: int64[n], what changed hands, in that order.
        troops, city_levels: int64[P] home troops, and levels of finished cities, at its end.
        started: float64[m, 8], see STARTED.
    """

    tiles: NDArray[np.int64]
    owners: NDArray[np.int64]
    troops: NDArray[np.int64]
    city_levels: NDArray[np.int64]
    started: FloatTable


@dataclass(frozen=True)
class Board:
    """What the engine says after a request.

    Attributes:
        tick: the next tick to run.
        blocks: the ticks since the last frame.
        tables: float64[rows, columns] by the names of TABLES.
    """

    tick: int
    blocks: tuple[Block, ...]
    tables: dict[str, FloatTable]

    def column(self, table: str, name: str) -> NDArray[np.float64]:
        """Return a column of a table."""
        column: NDArray[np.float64] = self.tables[table][:, TABLES[table].index(name)]
        return column


class _Reader:
    """Takes numbers off a body."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def words(self, n: int) -> NDArray[np.int64]:
        return self._take("<u4", n).astype(np.int64)

    def word(self) -> int:
        return int(self.words(1)[0])

    def doubles(self, n: int) -> FloatTable:
        return self._take("<f8", n).astype(np.float64)

    def table(self, n_columns: int) -> FloatTable:
        n_rows = self.word()
        return self.doubles(n_rows * n_columns).reshape(n_rows, n_columns)

    def _take(self, kind: str, n: int) -> NDArray[Any]:
        values = np.frombuffer(self._body, kind, n, self._at)
        self._at += values.nbytes
        return values

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._body)


def read_board(body: bytes) -> Board:
    """Read the body of a BOARD frame.

    Raises:
        BridgeEngineError: it is damaged or of another protocol.
    """
    reader = _Reader(body)
    try:
        tick, n_players, n_blocks = (int(word) for word in reader.words(3))
        blocks = tuple(_block(reader, n_players) for _ in range(n_blocks))
        tables = {name: reader.table(len(columns)) for name, columns in TABLES.items()}
    except ValueError as error:
        raise BridgeEngineError(
            f"expected a board from the engine's process, found bytes that are none: {error}"
        ) from error
    if not reader.is_at_end or len(tables["players"]) != n_players:
        raise BridgeEngineError(
            "expected a board from the engine's process, found one of another length; remove the "
            "bundle of an older version: `league bridge check --engine PATH --rebuild`"
        )
    # The start is tick 0 even where the clock, an unsigned number here, stood before it.
    return Board(tick if tick < 2**31 else tick - 2**32, blocks, tables)


def _block(reader: _Reader, n_players: int) -> Block:
    pairs = reader.words(2 * reader.word()).reshape(-1, 2)
    troops, levels = (reader.doubles(n_players).astype(np.int64) for _ in range(2))
    return Block(
        np.ascontiguousarray(pairs[:, 0]),
        np.ascontiguousarray(pairs[:, 1]),
        troops,
        levels,
        reader.table(len(STARTED)),
    )


def write_board(board: Board) -> bytes:
    """Return the body of a BOARD frame: what the adapter writes, for tests and tools."""
    n_players = len(board.tables["players"])
    parts = [np.array([board.tick, n_players, len(board.blocks)], "<i4").tobytes()]
    for block in board.blocks:
        pairs = np.column_stack([block.tiles, block.owners])
        parts += [np.array(len(pairs), "<u4").tobytes(), pairs.astype("<u4").tobytes()]
        parts += [values.astype("<f8").tobytes() for values in (block.troops, block.city_levels)]
        parts.append(_table(block.started))
    parts += [_table(board.tables[name]) for name in TABLES]
    return b"".join(parts)


def _table(values: FloatTable) -> bytes:
    return np.array(len(values), "<u4").tobytes() + values.astype("<f8").tobytes()


def request_line(request: dict[str, Any]) -> bytes:
    """Return a request as the adapter reads it."""
    return json.dumps(request, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def read_text(body: bytes) -> dict[str, Any]:
    """Read the body of a TEXT or FAULT frame."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise BridgeEngineError(
            f"expected JSON from the engine's process, found {body[:60]!r}"
        ) from error
    return value if isinstance(value, dict) else {"value": value}
