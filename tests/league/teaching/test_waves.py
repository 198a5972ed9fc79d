"""What a teacher showed comes back as it was, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from league.teaching.waves import Form, Wave, WaveStore, pack_frame, unpack_frame

FORM: Form = {"local": ((2, 3, 3), np.dtype(np.uint8)), "scalars": ((4,), np.dtype(np.float32))}


def observations(n: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    return {
        "scalars": rng.random((n, 4)).astype(np.float32),
        "local": rng.integers(0, 256, (n, 2, 3, 3)).astype(np.uint8),
    }


def wave_of(number: int = 0, n: int = 3) -> Wave:
    """Two decisions of n rows each."""
    return Wave(
        labels=np.arange(2 * n, dtype=np.uint8),
        groups=np.zeros((2 * n, 45), np.uint8),
        masks=np.ones((2 * n, 45), np.bool_),
        returns=np.arange(2 * n, dtype=np.float32),
        matches=np.full(2 * n, number),
        frame_of=np.repeat([0, 1], n),
        place_of=np.tile(np.arange(n), 2),
        frames=(pack_frame(observations(n, 1)), pack_frame(observations(n, 2))),
    )


def test_a_frame_comes_back_bit_for_bit() -> None:
    seen = observations(5)
    back = unpack_frame(pack_frame(seen), FORM, 5)
    assert all(np.array_equal(seen[key], back[key]) for key in FORM)
    with pytest.raises(ValueError, match="expected a frame of"):
        unpack_frame(pack_frame(seen), FORM, 4)


def test_a_wave_comes_back_with_its_observations_on_the_disk(tmp_path: Path) -> None:
    WaveStore(tmp_path / "lesson", FORM).write(7, wave_of(7))
    (stored,) = WaveStore(tmp_path / "lesson", FORM).read()
    assert (stored.number, len(stored), stored.n_frames) == (7, 6, 2)
    assert stored.columns["returns"].tolist() == [0, 1, 2, 3, 4, 5]
    assert [rows.tolist() for rows in stored.rows_of] == [[0, 1, 2], [3, 4, 5]]
    back = unpack_frame(stored.frame(1), FORM, 3)
    assert np.array_equal(back["scalars"], observations(3, 2)["scalars"])


def test_a_damaged_wave_is_set_aside_and_the_others_stay(tmp_path: Path) -> None:
    store = WaveStore(tmp_path, FORM)
    for number in range(3):
        store.write(number, wave_of(number))
    frames = tmp_path / "wave-00001.frames"
    raw = bytearray(frames.read_bytes())
    raw[-1] ^= 1
    frames.write_bytes(raw)
    (tmp_path / "wave-00002.frames").unlink()
    assert [wave.number for wave in store.read()] == [0]
    assert sorted(path.name for path in tmp_path.glob("damaged-*")) == [
        "damaged-wave-00001.npz",
        "damaged-wave-00002.npz",
    ]


def test_a_wave_that_was_not_written_to_its_end_is_not_there(tmp_path: Path) -> None:
    store = WaveStore(tmp_path, FORM)
    store.write(0, wave_of())
    (tmp_path / "wave-00001.frames").write_bytes(b"the power went")
    assert [wave.number for wave in store.read()] == [0]


def test_waves_of_another_observation_are_not_read(tmp_path: Path) -> None:
    WaveStore(tmp_path, FORM).write(0, wave_of())
    other: Form = {**FORM, "scalars": ((5,), np.dtype(np.float32))}
    assert WaveStore(tmp_path, other).read() == []


def test_what_is_learnt_is_removed(tmp_path: Path) -> None:
    store = WaveStore(tmp_path / "lesson", FORM)
    store.write(0, wave_of())
    store.remove()
    assert not (tmp_path / "lesson").exists()
    store.remove()  # nothing to remove is fine
