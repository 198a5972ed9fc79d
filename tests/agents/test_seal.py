"""An exported snapshot carries its hash: no flipped bit enters a league."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import safetensors.torch

from agents.description import SnapshotDescription
from agents.encoding import encode
from agents.errors import SnapshotCorruptError, SnapshotError
from agents.seal import sealed, unsealed
from agents.snapshots import SnapshotStore
from msattn.actor_critic import ActorCritic


@pytest.fixture
def raw(network: ActorCritic, description: SnapshotDescription) -> bytes:
    return encode(network.state_dict(), description)[0]


def test_a_sealed_file_is_the_same_snapshot_and_still_safetensors(
    raw: bytes, tmp_path: Path
) -> None:
    file = sealed(raw)
    assert len(file) == len(raw) + 88 and int.from_bytes(file[:8], "little") % 8 == 0
    assert unsealed(file, "it") == (raw, True)
    assert safetensors.torch.load(file).keys() == safetensors.torch.load(raw).keys()
    (tmp_path / "a.safetensors").write_bytes(file)
    (tmp_path / "b.safetensors").write_bytes(raw)
    store = SnapshotStore(tmp_path / "store")
    hashes = {store.import_file(tmp_path / f"{name}.safetensors").sha256 for name in "ab"}
    assert hashes == set(store.shas()) and len(hashes) == 1


@pytest.mark.parametrize("n_bytes", [130, 2000, None])
def test_no_file_with_one_to_eight_flipped_bits_is_accepted(
    raw: bytes, tmp_path: Path, n_bytes: int | None
) -> None:
    file, rng = sealed(raw), random.Random(16)
    store, path = SnapshotStore(tmp_path / "store"), tmp_path / "damaged.safetensors"
    for _ in range(200):
        damaged = bytearray(file)
        for bit in rng.sample(range(8 * (n_bytes or len(file))), rng.randint(1, 8)):
            damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(SnapshotError):
            store.import_file(path)
    assert store.shas() == []


def test_every_single_bit_of_the_seal_and_around_it_counts(raw: bytes) -> None:
    file = sealed(raw)
    for bit in range(8 * 130):  # 8 + 17 bytes before the seal, 88 of it, 17 behind it
        damaged = bytearray(file)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SnapshotCorruptError):
            unsealed(bytes(damaged), "it")


def test_what_has_a_seal_gets_no_second_one(raw: bytes) -> None:
    with pytest.raises(SnapshotCorruptError, match="without a seal"):
        sealed(sealed(raw))
