"""A snapshot is whole, is what was saved, and is refused with a sentence when it is not."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from agents.description import SnapshotDescription, describe
from agents.encoding import encode, probe_observation
from agents.errors import (
    SnapshotAmbiguousError,
    SnapshotArchitectureError,
    SnapshotCorruptError,
    SnapshotError,
    SnapshotMissingError,
    SnapshotNonFiniteError,
    SnapshotPathError,
    SnapshotProbeError,
    SnapshotVersionError,
)
from agents.snapshots import SnapshotStore
from arena import files
from msattn.actor_critic import ActorCritic
from msattn.config import Shapes, TorsoConfig

# As in conftest.
TINY = TorsoConfig(
    channels=(8, 16), branch_features=8, scalar_features=8, heads=2, fusion=8, output=16
)
SHAPES: Shapes = {
    **dict.fromkeys(("global", "local", "tactical"), (3, 16, 16)),
    "scalars": (5,),
}


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")  # of versions 1 and 1, as the descriptions


def rewrite(store: SnapshotStore, raw: bytes) -> str:
    """Put bytes into the store under their own hash, as somebody who wants them believed would."""
    sha256 = hashlib.sha256(raw).hexdigest()
    store.path(sha256).write_bytes(raw)
    return sha256


def with_description(raw: bytes, **changes: Any) -> bytes:
    """Return a snapshot's bytes with fields of the description changed."""
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    values = json.loads(header["__metadata__"]["description"]) | changes
    header["__metadata__"]["description"] = json.dumps(values)
    new = json.dumps(header).encode()
    return struct.pack("<Q", len(new)) + new + raw[8 + length :]


def test_a_snapshot_comes_back_as_it_was_saved(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    sha256 = store.save(network.state_dict(), description)
    raw = store.path(sha256).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == sha256
    loaded = store.load(sha256)
    assert loaded.sha256 == sha256
    for key, value in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[key], value)
    assert not loaded.network.training
    assert not any(weight.requires_grad for weight in loaded.network.parameters())
    filled = loaded.description
    assert replace(filled, probe_logits=(), probe_value=0.0) == description
    probe = {key: torch.from_numpy(x) for key, x in probe_observation(SHAPES).items()}
    logits, value = network.eval()(probe)
    assert filled.probe_logits == pytest.approx(logits[0].tolist(), abs=1e-6)
    assert filled.probe_value == pytest.approx(value.item(), abs=1e-6)
    assert len(filled.probe_logits) == 45
    assert describe(store.path(sha256)) == filled


@pytest.mark.parametrize("norm", ["group", "batch"])
@pytest.mark.parametrize("family", ["attention", "baseline"])
def test_every_kind_of_network_can_be_stored(
    store: SnapshotStore, description: SnapshotDescription, family: str, norm: str
) -> None:
    torso = replace(TINY, norm=norm)
    network = ActorCritic(family, SHAPES, torso)
    sha256 = store.save(network.state_dict(), replace(description, family=family, torso=torso))
    assert store.load(sha256).network.torso.family == family


def test_saving_the_same_twice_gives_one_file(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    first = store.save(network.state_dict(), description)
    backwards = dict(reversed(network.state_dict().items()))
    assert store.save(backwards, description) == first
    assert store.shas() == [first]


def test_a_snapshot_does_not_follow_the_learner(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    before = network.state_dict()["action_net.weight"].clone()
    sha256 = store.save(network.state_dict(), description)
    with torch.no_grad():
        network.action_net.weight.add_(1.0)
    assert torch.equal(store.load(sha256).network.action_net.weight, before)
    assert network.training and network.action_net.weight.requires_grad


def test_saving_and_loading_consume_no_random_stream(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state(legacy=True)[1].copy()
    store.load(store.save(network.state_dict(), description))
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state(legacy=True)[1])


def test_a_prefix_is_enough_while_it_is_unique(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    sha256 = store.save(network.state_dict(), description)
    assert store.load(sha256[:8]).sha256 == sha256
    store.path(sha256[:4] + "0" * 60).write_bytes(b"")
    with pytest.raises(SnapshotAmbiguousError, match="2 snapshots begin with"):
        store.load(sha256[:4])
    with pytest.raises(SnapshotMissingError):
        store.load("0123456789")


def test_a_full_hash_is_looked_up_without_listing_the_folder(
    store: SnapshotStore,
    network: ActorCritic,
    description: SnapshotDescription,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sha256 = store.save(network.state_dict(), description)
    # a folder that cannot be read is listed as empty, and each snapshot would count as missing
    monkeypatch.setattr(SnapshotStore, "shas", lambda self: [])
    assert store.load(sha256).sha256 == sha256
    with pytest.raises(SnapshotMissingError):
        store.load("0" * 64)


@pytest.mark.parametrize("reference", ["abc", "ABCDEF", "", "../secret", "model.zip"])
def test_what_names_no_snapshot_is_refused(store: SnapshotStore, reference: str) -> None:
    with pytest.raises(SnapshotPathError):
        store.load(reference)


def test_a_path_may_not_leave_the_folder(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription, tmp_path: Path
) -> None:
    sha256 = store.save(network.state_dict(), description)
    outside = tmp_path / f"{sha256}.safetensors"
    outside.write_bytes(store.path(sha256).read_bytes())
    for reference in (f"../{outside.name}", str(outside)):
        with pytest.raises(SnapshotPathError, match="leads out"):
            store.load(reference)
    link = store.folder / f"{'1' * 64}.safetensors"
    link.symlink_to(outside)
    with pytest.raises(SnapshotPathError, match="leads out"):
        store.load(link.name)
    assert store.load(f"{sha256}.safetensors").sha256 == sha256


def test_an_outside_file_is_imported_under_its_hash(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription, tmp_path: Path
) -> None:
    raw, _ = encode(network.state_dict(), description)
    (tmp_path / "from-a-friend.safetensors").write_bytes(raw)
    loaded = store.import_file(tmp_path / "from-a-friend.safetensors")
    assert store.shas() == [loaded.sha256]


@pytest.mark.parametrize("position", [3, 40, -5])
def test_one_changed_bit_is_noticed(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription, position: int
) -> None:
    sha256 = store.save(network.state_dict(), description)
    raw = bytearray(store.path(sha256).read_bytes())
    raw[position] ^= 1
    store.path(sha256).write_bytes(raw)
    with pytest.raises(SnapshotCorruptError, match="changed after it was saved"):
        store.load(sha256)


@pytest.mark.parametrize("kept", [0, 5, 100, 5000, -1])
def test_a_cut_file_is_noticed_even_with_a_fitting_name(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription, kept: int
) -> None:
    raw, _ = encode(network.state_dict(), description)
    sha256 = rewrite(store, raw[:kept])
    with pytest.raises(SnapshotCorruptError):
        store.load(sha256)
    with pytest.raises(SnapshotCorruptError):
        describe(store.path(sha256))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x04\x95 a pickle is no snapshot",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 9) + b'{"a": {}}',
        safetensors.torch.save({"a": torch.zeros(2)}),
        safetensors.torch.save({"a": torch.zeros(2)}, {"description": "[1, 2"}),
        safetensors.torch.save({"a": torch.zeros(2)}, {"description": "[1, 2]"}),
        safetensors.torch.save({"a": torch.zeros(2)}, {"description": '{"format_version": 1}'}),
    ],
)
def test_foreign_bytes_are_refused(store: SnapshotStore, raw: bytes) -> None:
    with pytest.raises(SnapshotCorruptError):
        store.load(rewrite(store, raw))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"family": "baseline"}, SnapshotArchitectureError),
        ({"family": "scripted"}, SnapshotArchitectureError),
        ({"n_actions": 44}, SnapshotArchitectureError),
        (
            {"shapes": {**{k: list(v) for k, v in SHAPES.items()}, "scalars": [6]}},
            SnapshotArchitectureError,
        ),
        ({"torso": {**TINY.to_dict(), "channels": [10**9]}}, SnapshotArchitectureError),
        ({"torso": {**TINY.to_dict(), "output": 24}}, SnapshotArchitectureError),
        ({"probe_value": 100.0}, SnapshotProbeError),
        ({"probe_logits": [0.0] * 45}, SnapshotProbeError),
        ({"probe_logits": []}, SnapshotProbeError),
        ({"probe_value": float("nan")}, SnapshotCorruptError),
        ({"seed": "7"}, SnapshotCorruptError),
        ({"surprise": 1}, SnapshotCorruptError),
        ({"format_version": 2}, SnapshotVersionError),
        ({"observation_version": 3}, SnapshotVersionError),
        ({"action_version": 0}, SnapshotVersionError),
        ({"action_version": 2}, SnapshotVersionError),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    store: SnapshotStore,
    network: ActorCritic,
    description: SnapshotDescription,
    changes: dict[str, Any],
    error: type[SnapshotError],
) -> None:
    raw, _ = encode(network.state_dict(), description)
    with pytest.raises(error):
        store.load(rewrite(store, with_description(raw, **changes)))


def test_changed_weights_fail_the_probe_even_with_a_fitting_name(
    store: SnapshotStore,
    network: ActorCritic,
    make_network: Callable[..., ActorCritic],
    description: SnapshotDescription,
) -> None:
    raw, _ = encode(network.state_dict(), description)
    length = struct.unpack("<Q", raw[:8])[0]
    other, _ = encode(make_network(seed=1).state_dict(), description)
    other_length = struct.unpack("<Q", other[:8])[0]
    with pytest.raises(SnapshotProbeError, match="logits of the probe"):
        store.load(rewrite(store, raw[: 8 + length] + other[8 + other_length :]))


def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    good = safetensors.torch.load(encode(weights, description)[0])
    _, filled = encode(weights, description)
    weights["value_net.weight"][0, 3] = float("nan")
    with pytest.raises(SnapshotNonFiniteError, match="1 of 16 numbers of 'value_net"):
        store.save(weights, description)
    assert store.shas() == []
    good["value_net.weight"][0, 3] = float("inf")
    raw = safetensors.torch.save(good, {"description": filled.to_json()})
    with pytest.raises(SnapshotNonFiniteError):
        store.load(rewrite(store, raw))


def test_weights_of_another_network_are_not_saved(
    store: SnapshotStore,
    make_network: Callable[..., ActorCritic],
    description: SnapshotDescription,
) -> None:
    baseline = make_network(family="baseline").state_dict()
    with pytest.raises(SnapshotArchitectureError, match="'attention'"):
        store.save(baseline, description)
    halves = {key: value.half() for key, value in make_network().state_dict().items()}
    with pytest.raises(SnapshotArchitectureError, match="float16"):
        store.save(halves, description)


def test_a_full_disk_leaves_nothing_behind(
    store: SnapshotStore,
    network: ActorCritic,
    description: SnapshotDescription,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.save(network.state_dict(), description)
    assert list(store.folder.glob("*")) == [store.offered]


def test_an_offer_is_listed_admitted_and_settled(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    sha256 = store.offer(network.state_dict(), description)
    assert store.shas() == []
    (offer,) = store.list_offers()
    assert (offer.sha256, offer.admitted, offer.problem) == (sha256, False, None)
    assert offer.description == describe(store.offered / f"{sha256}.safetensors")
    path = store.admit(sha256)
    assert path == store.path(sha256)
    # The row is not committed yet: the offer is still listed, and admitting again is harmless.
    assert [(o.sha256, o.admitted) for o in store.list_offers()] == [(sha256, True)]
    assert store.admit(sha256) == path
    store.discard(sha256)
    store.discard(sha256)
    assert store.list_offers() == []
    assert list(store.offered.iterdir()) == []
    assert store.load(sha256).sha256 == sha256


def test_an_offer_without_its_description_is_not_listed(
    store: SnapshotStore,
    network: ActorCritic,
    description: SnapshotDescription,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = files.write_whole

    def die_before_the_note(path: Path, raw: bytes, *, durable: bool) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        whole(path, raw, durable=durable)

    monkeypatch.setattr("agents.snapshots.write_whole", die_before_the_note)
    with pytest.raises(KeyboardInterrupt):
        store.offer(network.state_dict(), description)
    assert store.list_offers() == []
    monkeypatch.undo()
    assert store.sweep() == 0
    (left,) = store.offered.iterdir()
    two_hours_ago = time.time() - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))
    assert store.sweep() == 1
    sha256 = store.offer(network.state_dict(), description)
    assert [offer.sha256 for offer in store.list_offers()] == [sha256]


def test_a_damaged_offer_is_refused_and_can_be_discarded(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    sha256 = store.offer(network.state_dict(), description)
    weights = store.offered / f"{sha256}.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(SnapshotCorruptError):
        store.admit(sha256)
    assert store.shas() == []
    (store.offered / f"{sha256}.json").write_text("{")
    (offer,) = store.list_offers()
    assert offer.description is None and "not JSON" in (offer.problem or "")
    store.discard(sha256)
    assert store.list_offers() == []
    with pytest.raises(SnapshotMissingError):
        store.admit(sha256)
    with pytest.raises(SnapshotPathError):
        store.discard("../../etc")


def test_a_killed_writers_file_is_swept_but_a_running_writers_is_not(store: SnapshotStore) -> None:
    for name in (".writing-old", ".writing-new"):
        (store.offered / name).write_bytes(b"part")
    two_hours_ago = time.time() - 7200
    os.utime(store.offered / ".writing-old", (two_hours_ago, two_hours_ago))
    assert store.sweep() == 1
    assert [path.name for path in store.offered.iterdir()] == [".writing-new"]


def test_the_probe_observation_never_changes() -> None:
    # 2654435761 * i mod 2^32 >> 16 for i = 0..4: 0, 40503, 15470, 55974, 30941; mod 256:
    # 0, 55, 110, 166, 221. Scalars: / 32768 - 1.
    probe = probe_observation(SHAPES)
    assert probe["global"].ravel()[:5].tolist() == [0, 55, 110, 166, 221]
    assert probe["scalars"][0, :2].tolist() == pytest.approx([-1, 40503 / 32768 - 1])
    assert {key: x.shape[1:] for key, x in probe.items()} == SHAPES


def test_a_description_survives_json(description: SnapshotDescription) -> None:
    assert SnapshotDescription.from_json(description.to_json()) == description
    classic = replace(description, torso=TorsoConfig(), parent=None)
    assert SnapshotDescription.from_json(classic.to_json()) == classic


def test_a_mask_is_part_of_the_description_and_its_absence_of_the_bytes_of_before(
    store: SnapshotStore, network: ActorCritic, description: SnapshotDescription
) -> None:
    assert "relation_mask" not in description.to_json()  # as older programs wrote it, and read it
    masked = replace(description, relation_mask=True)
    assert SnapshotDescription.from_json(masked.to_json()) == masked
    stored = describe(store.path(store.save(network.state_dict(), masked)))
    assert (
        stored.relation_mask
        and not SnapshotDescription.from_json(description.to_json()).relation_mask
    )
    wrong = masked.to_json().replace('"relation_mask": true', '"relation_mask": 1')
    with pytest.raises(SnapshotCorruptError, match=r"wrong type.*relation_mask"):
        SnapshotDescription.from_json(wrong)
