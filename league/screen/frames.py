"""Plays recorded matches back for the screen, in a process of its own, so that keys never wait.

A line of JSON in on standard input, `{"path", "root", "n_frames", "side"}`; a length of eight bytes
and an npz file out, with the arrays of `Film`, or with `error`. It ends with its input. Nothing
but frames is written to standard output.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from arena.viewer.marks import Marks, marks_from_arrays, marks_to_arrays

NICENESS = 10


@dataclass(frozen=True, eq=False)
class Film:
    """A match in pictures.

    Attributes:
        ticks: int64[n].
        pixels: uint8[n, height, width, 3], shrunk to the sides that were asked for.
        tiles: int64[n, seats].
        died: int64[seats], ticks, -1 for the living.
        names: of the seats.
        size: (height, width) of the map, tiles.
        marks: what stands on the board beside land, a moment each; empty in edition 2025.
    """

    ticks: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    tiles: NDArray[np.int64]
    died: NDArray[np.int64]
    names: tuple[str, ...]
    size: tuple[int, int] = (0, 0)
    marks: tuple[Marks, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the film as the bytes of an npz file."""
        return _packed(
            ticks=self.ticks,
            pixels=self.pixels,
            tiles=self.tiles,
            died=self.died,
            names=np.array(self.names, dtype=np.str_),
            size=np.array(self.size, np.int64),
            **marks_to_arrays(self.marks),
        )

    @classmethod
    def from_bytes(cls, packed: bytes) -> Film:
        """Return the film of `to_bytes`; raise ValueError with the sentence of an error."""
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            if "error" in arrays:
                raise ValueError(str(arrays["error"]))
            return cls(
                ticks=arrays["ticks"],
                pixels=arrays["pixels"],
                tiles=arrays["tiles"],
                died=arrays["died"],
                names=tuple(map(str, arrays["names"])),
                size=(int(arrays["size"][0]), int(arrays["size"][1])),
                marks=marks_from_arrays(arrays),
            )


def _packed(**arrays: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def make_film(path: Path, root: Path, n_frames: int, side: int) -> Film:
    """Play a replay back, and draw `n_frames` moments of it at most, the last one among them.

    Args:
        root: of the league, where its maps are.
        side: of the pictures at most, in pixels.

    Raises:
        ReplayError, MapError, MatchError: it cannot be played back.
    """
    from arena.board_picture import board_picture
    from arena.replay import playing, read_replay
    from arena.territory.maps import load_map
    from arena.territory.maps.pictures import shrink
    from arena.viewer.lookout import Lookout
    from arena.viewer.payload import member_names

    replay = read_replay(path)
    n_decisions = -(-replay.ticks // replay.spec.rules.ticks_per_decision)
    every = max(1, -(-n_decisions // max(n_frames - 1, 1)))
    ticks, pixels, tiles, marks = [], [], [], []
    lookout, match = Lookout(), None
    for match, actions in playing(replay, lambda reference: load_map(reference, base=root)):
        if actions is not None and match.n_decisions % every:
            continue
        engine = match.engine
        ticks.append(engine.tick)
        pixels.append(shrink(board_picture(engine), side, side))
        tiles.append(engine.by_seat(engine.tiles))
        marks.append(lookout.take(engine))
    assert match is not None  # a match has an end, which is yielded
    died = match.engine.by_seat(match.engine.state.eliminated_tick[1:])
    return Film(
        ticks=np.array(ticks, np.int64),
        pixels=np.stack(pixels),
        tiles=np.array(tiles, np.int64),
        died=np.array(died, np.int64),
        names=member_names(replay),
        size=(match.engine.map.height, match.engine.map.width),
        marks=tuple(each for each in marks if each is not None),
    )


def serve(orders: BinaryIO, films: BinaryIO) -> None:
    """Answer every order until there are no more."""
    for line in orders:
        try:
            order = json.loads(line)
            film = make_film(
                Path(order["path"]), Path(order["root"]), order["n_frames"], order["side"]
            )
            packed = film.to_bytes()
        except Exception as error:  # a damaged replay, a map that is gone: the screen says so
            packed = _packed(error=np.array(str(error) or type(error).__name__, dtype=np.str_))
        films.write(struct.pack("<Q", len(packed)) + packed)
        films.flush()


def main() -> None:
    """Run the process."""
    with suppress(OSError):
        os.nice(NICENESS)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get among the films
    with suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin.buffer, out)


if __name__ == "__main__":
    main()
