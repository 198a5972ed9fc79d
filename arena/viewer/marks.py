"""Owns what stands on a board beside land and troops: structures, boats, gold, alliances, trade.

Numbers alone, without the engine: `arena.viewer.lookout` takes them from a board. Edition 2025 has
none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.rules import STRUCTURES
from arena.viewer.packing import signed, steps, varints

IntArray = NDArray[np.int64]

# columns of Marks.structures
TILE, KIND, SEAT, LEVEL, IS_FINISHED = range(5)
# columns of Marks.boats
BOAT_ID, BOAT_SEAT, TARGET, X, Y, LANDING_X, LANDING_Y, TROOPS, IS_BACK = range(9)

_TABLES = ("gold", "levels", "traitor_until")
_LISTS = ("structures", "boats", "allies", "ships", "rails", "trains")
_TILES_A_TICK = 2  # of a train; a trade ship sails one

STRUCTURE_WORDS = dict(
    zip(STRUCTURES, ("city", "defence post", "port", "factory", "silo", "SAM site"), strict=True)
)
"""What people call each kind of structure."""


def _nothing(columns: int) -> IntArray:
    return np.zeros((0, columns), np.int64)


class Mover(NamedTuple):
    """A trade ship or a train on its way.

    Attributes:
        kind: "trade ship" or "train".
        seat: whose it is.
        x, y: where it would be if its way were straight, tiles.
        turn: where it goes, radians from east towards south.
    """

    kind: str
    seat: int
    x: float
    y: float
    turn: float


@dataclass(frozen=True, eq=False)
class Marks:
    """What a board shows beside land and troops at one moment; S seats.

    Attributes:
        gold, levels, traitor_until: int64[S]: gold, levels of finished cities, and the tick before
            which a seat is a traitor.
        structures: int64[n, 5], in the order of their tiles: tile (y * width + x), kind (1 and
            more, of rules.STRUCTURES), seat, level, and 1 if it is finished.
        boats: int64[n, 9], in the order in which they were first seen: a number that it keeps, its
            seat, the seat that it attacks or -1 for neutral land, where it is (x, y), where it
            shall land (x, y), troops on board, and 1 if it is ordered back.
        allies: int64[n, 2], pairs of seats, the smaller one first, sorted.
        ships: int64[n, 5], trade ships, sorted: seat, tiles of the ports that it left and that it
            sails to, -1 for one that is gone, tiles of its way, and the tick in which it arrives.
        rails: int64[n, 3], sorted: tiles of its two stations, the smaller one first, and its length
            in tiles; where it lies between them is not known.
        trains: int64[n, 5], sorted, as `ships`: those of the stations before and ahead, the length
            of the rail between them.
    """

    gold: IntArray
    levels: IntArray
    traitor_until: IntArray
    structures: IntArray
    boats: IntArray
    allies: IntArray
    ships: IntArray = field(default_factory=lambda: _nothing(5))
    rails: IntArray = field(default_factory=lambda: _nothing(3))
    trains: IntArray = field(default_factory=lambda: _nothing(5))

    def numbers(self) -> IntArray:
        """Return it as int64[n], for a hash: lists after their lengths, boats without numbers.

        Rails and trains are left out if there is no railway: hashes of films recorded before
        railways were shown still match.
        """
        parts = [self.gold, self.levels, self.traitor_until]
        lists = [self.structures, self.boats[:, BOAT_SEAT:], self.allies, self.ships]
        for rows in (*lists, self.rails, self.trains) if len(self.rails) else lists:
            parts += [np.array([len(rows)]), rows.ravel()]
        return np.concatenate(parts).astype(np.int64)

    def movers(self, width: int, tick: int) -> list[Mover]:
        """Return trade ships and trains where they are at a tick; none that has no end any more.

        Args:
            width: of the map, tiles.
        """
        found = []
        for kind, rows, speed in (
            ("trade ship", self.ships, 1),
            ("train", self.trains, _TILES_A_TICK),
        ):
            for seat, start, goal, length, arrives_at in rows.tolist():
                if start < 0 or goal < 0:
                    continue
                done = 1 - (arrives_at - tick) / max(-(-length // speed), 1)
                done = min(max(done, 0.0), 1.0)
                across, down = goal % width - start % width, goal // width - start // width
                x, y = start % width + done * across, start // width + done * down
                found.append(Mover(kind, seat, x, y, math.atan2(down, across)))
        return found

    def allies_of(self, seat: int) -> list[int]:
        """Return the allies of a seat."""
        own = self.allies[(self.allies == seat).any(axis=1)]
        return sorted(int(a if b == seat else b) for a, b in own)

    def traitors(self, tick: int) -> list[int]:
        """Return the seats that are traitors at a tick."""
        return np.flatnonzero(self.traitor_until > tick).tolist()


def marks_to_arrays(marks: Sequence[Marks]) -> dict[str, NDArray[np.int64]]:
    """Return the marks of several moments as arrays, for a file; `marks_from_arrays` reads them."""
    found: dict[str, NDArray[np.int64]] = {}
    for name in _TABLES if marks else ():
        found[name] = np.stack([getattr(each, name) for each in marks])
    for name in _LISTS if marks else ():
        rows = [getattr(each, name) for each in marks]
        found[name] = np.concatenate(rows)
        found[f"{name}_ends"] = np.cumsum([len(each) for each in rows])
    return found


def marks_from_arrays(arrays: Mapping[str, NDArray[np.int64]]) -> tuple[Marks, ...]:
    """Return the marks of `marks_to_arrays`, which others may lie beside."""
    if _TABLES[0] not in arrays:
        return ()
    found: dict[str, Iterable[NDArray[np.int64]]] = {name: arrays[name] for name in _TABLES}
    for name in _LISTS:
        if name in arrays:  # files of before have no railways
            found[name] = np.split(arrays[name], arrays[f"{name}_ends"][:-1])
    return tuple(
        Marks(**dict(zip(found, values, strict=True)))
        for values in zip(*found.values(), strict=True)
    )


# --- packing --------------------------------------------------------------------------------------


def has_railway(marks: Sequence[Marks]) -> bool:
    """Return whether a rail is on any of the boards."""
    return any(len(each.rails) for each in marks)


def mark_sections(marks: Sequence[Marks], ticks: IntArray) -> dict[str, bytes]:
    """Return the marks of a film's frames as sections of a payload, as what changed.

    `gold`, `levels` and `traitors` are differences of rows. `structures` has per frame how many
    tiles changed, and for each the gap from the tile before, and 0 where it is gone, else its kind,
    seat, and twice its level plus 1 if it is finished. `boats` has per frame, for each boat of the
    frame before, 0 if it is gone, else 1, or 2 if it is ordered back; then the number of new boats,
    and for each seat, target + 1, landing, troops and that 1 or 2; `places` has the step (x, y) of
    each boat that stayed, and the place of each new one. `allies` has per frame how many pairs were
    made or ended, and the gaps of their numbers (first seat times seats plus second). `ships` has
    each trade ship once: the frame in which it is first seen and how many it is seen in, seat, both
    ports' tiles + 1, the length of its way and when it arrives.

    A film with a railway has two more: `rails` has per frame how many changed, and for each the gap
    of its first tile from the one before, the way to its second, and its length, 0 where it is
    gone. `trains` has per frame their number, and for each the gap of twice its rail's number in
    the frame, plus 1 if it goes to the first tile, then its seat, and the ticks until it arrives.

    Args:
        ticks: int64[F], when each frame is.
    """
    n_seats = len(marks[0].gold)
    pairs = [set((each.allies @ np.array([n_seats, 1])).tolist()) for each in marks]
    boats, places = _pack_boats([each.boats for each in marks])
    return {
        "gold": steps(np.stack([each.gold for each in marks])),
        "levels": steps(np.stack([each.levels for each in marks])),
        "traitors": steps(np.stack([each.traitor_until for each in marks])),
        "structures": _pack_structures([each.structures for each in marks]),
        "boats": boats,
        "places": places,
        "ships": _pack_ships([each.ships for each in marks]),
        "allies": varints(
            np.array(
                [
                    number
                    for before, after in zip([set(), *pairs], pairs, strict=False)
                    for number in _gaps(sorted(before ^ after))
                ]
            )
        ),
        **(_railway_sections(marks, ticks) if has_railway(marks) else {}),
    }


def _gaps(numbers: Sequence[int]) -> list[int]:
    """Return how many there are, the first, and each one's distance from the one before."""
    return [len(numbers), *np.diff(np.array(numbers, np.int64), prepend=0).tolist()]


def _pack_structures(frames: Sequence[IntArray]) -> bytes:
    numbers: list[int] = []
    before: dict[int, tuple[int, ...]] = {}
    for rows in frames:
        after = {row[TILE]: tuple(row[KIND:]) for row in rows.tolist()}
        changed = sorted(
            tile for tile in before.keys() | after.keys() if before.get(tile) != after.get(tile)
        )
        gaps = _gaps(changed)
        numbers.append(gaps[0])
        for tile, gap in zip(changed, gaps[1:], strict=True):
            found = after.get(tile)
            numbers.append(gap)
            if found is None:
                numbers.append(0)
            else:
                kind, seat, level, is_finished = found
                numbers += [kind, seat, 2 * level + is_finished]
        before = after
    return varints(np.array(numbers))


def _pack_ships(frames: Sequence[IntArray]) -> bytes:
    numbers: list[list[int]] = []
    sailing: dict[tuple[tuple[int, ...], int], list[int]] = {}  # equal ones are counted
    for frame, rows in enumerate(frames):
        before, sailing = sailing, {}
        count: Counter[tuple[int, ...]] = Counter()
        for row in map(tuple, rows.tolist()):
            key = (row, count[row])
            count[row] += 1
            found = before.get(key)
            if found is None:
                seat, start, goal, steps_, arrives = row
                found = [frame, 0, seat, start + 1, goal + 1, steps_, arrives]
                numbers.append(found)
            found[1] += 1
            sailing[key] = found
    return varints(np.array(numbers))


def _railway_sections(marks: Sequence[Marks], ticks: IntArray) -> dict[str, bytes]:
    rails: list[int] = []
    trains: list[int] = []
    before: dict[tuple[int, int], int] = {}
    for each, tick in zip(marks, ticks.tolist(), strict=True):
        after = {(one, other): length for one, other, length in each.rails.tolist()}
        changed = sorted(
            ends for ends in before.keys() | after.keys() if before.get(ends) != after.get(ends)
        )
        gaps = _gaps([one for one, _ in changed])
        rails.append(gaps[0])
        for (one, other), gap in zip(changed, gaps[1:], strict=True):
            rails += [gap, other - one, after.get((one, other), 0)]
        number = {ends: 2 * i for i, ends in enumerate(after)}
        number |= {(other, one): 2 * i + 1 for i, (one, other) in enumerate(after)}
        running = sorted(
            (number[start, goal], seat, arrives_at - tick)
            for seat, start, goal, _, arrives_at in each.trains.tolist()
        )
        gaps = _gaps([on for on, _, _ in running])
        trains.append(gaps[0])
        for (_, seat, left), gap in zip(running, gaps[1:], strict=True):
            trains += [gap, seat, left]
        before = after
    return {"rails": varints(np.array(rails)), "trains": varints(np.array(trains))}


def _pack_boats(frames: Sequence[IntArray]) -> tuple[bytes, bytes]:
    numbers: list[int] = []
    places: list[int] = []
    before: dict[int, list[int]] = {}
    for rows in frames:
        after = {row[BOAT_ID]: row for row in rows.tolist()}
        for number, then in before.items():
            now = after.get(number)
            if now is None:
                numbers.append(0)
                continue
            numbers.append(1 + now[IS_BACK])
            places += [now[X] - then[X], now[Y] - then[Y]]
        fresh = [row for number, row in after.items() if number not in before]
        numbers.append(len(fresh))
        for row in fresh:
            numbers += [row[BOAT_SEAT], row[TARGET] + 1, *row[LANDING_X:IS_BACK], 1 + row[IS_BACK]]
            places += row[X : Y + 1]
        before = after
    return varints(np.array(numbers)), signed(np.array(places))
