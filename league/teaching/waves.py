"""What a teacher showed, on the disk: waves of matches, so that a killed learner loses one of them.

Promises: a wave is there whole or not at all; a damaged one is set aside with a warning, and is
played anew; nothing is unpickled. Observations are compressed decision by decision, since 80,000 of
them take gigabytes, and read back as they are needed.

A wave is two files: `wave-NUMBER.frames`, the compressed observations one after the other, and,
written last, `wave-NUMBER.npz` with everything else and the hash of the first.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.files import sweep, write_whole
from arena.foreign import ForeignFileError, read_foreign

log = logging.getLogger(__name__)

_NAME = re.compile(r"wave-(\d{5,})\.npz")
_MOST_BYTES = 2**33
_COLUMNS = ("labels", "groups", "masks", "returns", "matches", "frame_of", "place_of")
Form = Mapping[str, tuple[tuple[int, ...], Any]]  # of one observation: key -> shape and dtype


def pack_frame(observations: Mapping[str, NDArray[Any]]) -> bytes:
    """Compress the observations of one decision, arrays [n, ...]."""
    return zlib.compress(b"".join(observations[key].tobytes() for key in sorted(observations)), 1)


def unpack_frame(packed: bytes, form: Form, n: int) -> dict[str, NDArray[Any]]:
    """Return the observations of one decision, arrays [n, ...].

    Raises:
        ValueError: the bytes are not n observations of this form.
    """
    try:
        raw = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(f"a damaged frame: {error}") from error
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for key in sorted(form):
        shape, dtype = form[key]
        size = n * int(np.prod(shape)) * np.dtype(dtype).itemsize
        found[key] = np.frombuffer(raw[at : at + size], dtype).reshape(n, *shape)
        at += size
    if at != len(raw):
        raise ValueError(f"expected a frame of {at} bytes, found {len(raw)}")
    return found


@dataclass(frozen=True, eq=False)
class Wave:
    """The rows of some matches that were played to their end; n rows in all.

    Attributes:
        labels: uint8[n], the teacher's order, a group (league.teaching.labels).
        groups: uint8[n, 45].
        masks: bool[n, 45].
        returns: float32[n], the discounted rewards from the row to its seat's end.
        matches: int64[n], the match of each row, counted over all waves.
        frame_of, place_of: int64[n], where each row's observation is.
        frames: the compressed observations of each decision.
    """

    labels: NDArray[np.uint8]
    groups: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    returns: NDArray[np.float32]
    matches: NDArray[np.int64]
    frame_of: NDArray[np.int64]
    place_of: NDArray[np.int64]
    frames: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class StoredWave:
    """A wave whose observations stay on the disk until they are asked for."""

    number: int
    columns: Mapping[str, NDArray[Any]]
    ends: NDArray[np.int64]
    path: Path  # of the frames

    def __len__(self) -> int:
        return len(self.columns["labels"])

    @property
    def n_frames(self) -> int:
        """How many decisions it holds."""
        return len(self.ends)

    @cached_property
    def rows_of(self) -> list[NDArray[np.int64]]:
        """The rows of each frame, in the order of their places."""
        order = np.lexsort((self.columns["place_of"], self.columns["frame_of"]))
        counts = np.bincount(self.columns["frame_of"], minlength=self.n_frames)
        return np.split(order, np.cumsum(counts)[:-1])

    def frame(self, i: int) -> bytes:
        """Read one frame.

        Raises:
            OSError: the machine is in trouble.
        """
        start = int(self.ends[i - 1]) if i else 0
        with self.path.open("rb") as stream:
            stream.seek(start)
            return stream.read(int(self.ends[i]) - start)


class WaveStore:
    """The waves of one lesson, in a folder that is made when the first is written.

    Args:
        form: of one observation; waves of another form are not read.
    """

    def __init__(self, folder: Path, form: Form) -> None:
        self.folder = folder
        self.form = form

    def write(self, number: int, wave: Wave) -> StoredWave:
        """Write a wave; when this returns it is on the disk.

        Raises:
            OSError: the disk is full or not writable; the wave is not there then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        raw = b"".join(wave.frames)
        ends = np.cumsum([len(frame) for frame in wave.frames], dtype=np.int64)
        columns = {name: getattr(wave, name) for name in _COLUMNS}
        digest = np.frombuffer(hashlib.sha256(raw).digest(), np.uint8)
        written = io.BytesIO()
        np.savez_compressed(written, ends=ends, sha256=digest, **columns)
        frames = self._frames(number)
        write_whole(frames, raw, durable=True)
        write_whole(frames.with_suffix(".npz"), written.getvalue(), durable=True)
        return StoredWave(number, columns, ends, frames)

    def read(self) -> list[StoredWave]:
        """Return the whole waves, oldest first; damaged ones are set aside.

        Raises:
            OSError: the machine is in trouble.
        """
        if not self.folder.is_dir():
            return []
        sweep(self.folder)
        found = []
        for path in sorted(self.folder.iterdir()):
            named = _NAME.fullmatch(path.name)
            if named is None:
                continue
            try:
                found.append(self._read(int(named.group(1)), path))
            except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
                log.warning("%s is damaged (%s): what it showed is played anew", path, error)
                path.replace(path.with_name(f"damaged-{path.name}"))
        return found

    def _read(self, number: int, path: Path) -> StoredWave:
        frames = self._frames(number)
        try:
            raw = read_foreign(path, _MOST_BYTES)
            with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
                columns = {name: stored[name] for name in _COLUMNS}
                ends, digest = stored["ends"], bytes(stored["sha256"])
            held = read_foreign(frames, _MOST_BYTES)
        except ForeignFileError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise ValueError(str(error)) from error
            raise
        if hashlib.sha256(held).digest() != digest:
            raise ValueError("its observations do not have the hash that was written with them")
        wave = StoredWave(number, columns, ends, frames)
        if len(wave):  # of another form: a changed program
            unpack_frame(wave.frame(0), self.form, len(wave.rows_of[0]))
        return wave

    def remove(self) -> None:
        """Remove all waves: their lesson is learnt."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            path.unlink(missing_ok=True)
        self.folder.rmdir()

    def _frames(self, number: int) -> Path:
        return self.folder / f"wave-{number:05d}.frames"
