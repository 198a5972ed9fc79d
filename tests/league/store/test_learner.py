"""A learner's checkpoints and offers, of this machine and of another one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agents.snapshots import SnapshotStore
from league.errors import StoreAwayError
from league.learner.messages import Offered
from league.learner.mirror import CheckpointMirror
from league.learner.outgoing import OutgoingOffers
from league.store.snapshots import PlaceOfSnapshots
from league.store.store import StorePlace


def place(tmp_path: Path, machine: str) -> StorePlace:
    return StorePlace(str(tmp_path / "store"), str(tmp_path / machine / "cache"), 10**6)


def written(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    raw = b"state %d" % number
    digest = hashlib.sha256(raw).hexdigest()[:16]
    path = folder / f"checkpoint-{number:08d}-{digest}.safetensors"
    path.write_bytes(raw)
    return path


def test_the_last_checkpoints_lie_in_the_store_and_another_machine_goes_on_from_the_newest(
    tmp_path: Path,
) -> None:
    here, there = tmp_path / "here" / "attention", tmp_path / "there" / "attention"
    mirror = CheckpointMirror(place(tmp_path, "here"), "attention", keep=3)
    for number in range(1, 6):
        mirror.saved(written(here, number))
    mirror.close()

    names = sorted(path.name for path in (tmp_path / "store/checkpoints/attention").iterdir())
    assert names == sorted(path.name for path in here.iterdir())[-3:]
    there.mkdir(parents=True)
    CheckpointMirror(place(tmp_path, "there"), "attention", keep=3).fetch(there)
    assert [path.read_bytes() for path in there.iterdir()] == [b"state 5"]


def test_what_lies_beside_the_checkpoints_is_on_another_machine_too(tmp_path: Path) -> None:
    here, there = tmp_path / "here" / "taught.safetensors", tmp_path / "there"
    here.parent.mkdir()
    here.write_bytes(b"the taught policy")
    mirror = CheckpointMirror(place(tmp_path, "here"), "attention", keep=3)
    mirror.keep_beside(here)
    for number in range(1, 6):  # old checkpoints go, and it stays
        mirror.saved(written(tmp_path / "here" / "attention", number))
    mirror.close()
    there.mkdir()
    other = CheckpointMirror(place(tmp_path, "there"), "attention", keep=3)
    other.fetch_beside(there / "taught.safetensors")
    assert (there / "taught.safetensors").read_bytes() == b"the taught policy"
    other.fetch_beside(there / "nothing.safetensors")
    assert not (there / "nothing.safetensors").exists()


def test_a_newer_whole_checkpoint_of_this_machine_stays_and_a_damaged_one_does_not_hide_the_stores(
    tmp_path: Path,
) -> None:
    here = tmp_path / "here" / "attention"
    mirror = CheckpointMirror(place(tmp_path, "here"), "attention", keep=3)
    mirror.saved(written(here, 7))
    mirror.close()
    mirror = CheckpointMirror(place(tmp_path, "here"), "attention", keep=3)
    written(here, 8)
    mirror.fetch(here)
    assert len(list(here.iterdir())) == 2

    for path in here.iterdir():
        path.write_bytes(b"damaged")
    mirror.fetch(here)

    assert b"state 7" in [path.read_bytes() for path in here.iterdir()]


def test_without_an_answer_a_learner_goes_on_from_this_machines_checkpoint_or_waits(
    tmp_path: Path,
) -> None:
    here, empty = tmp_path / "here" / "attention", tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "store").write_text("a file where the folder was")
    mirror = CheckpointMirror(place(tmp_path, "here"), "attention", keep=3)
    path = written(here, 3)

    class Away:
        def list(self, prefix: str) -> list[object]:
            raise StoreAwayError("the store does not answer")

    mirror._store.files = Away()  # type: ignore[assignment]
    mirror.fetch(here)
    assert list(here.iterdir()) == [path]
    with pytest.raises(StoreAwayError):
        mirror.fetch(empty)


def offered(folder: Path) -> str:
    """What `SnapshotStore.offer` leaves in a folder, with weights that are only bytes."""
    raw = b"weights"
    sha256 = hashlib.sha256(raw).hexdigest()
    (folder / "offered").mkdir(parents=True, exist_ok=True)
    (folder / "offered" / f"{sha256}.safetensors").write_bytes(raw)
    (folder / "offered" / f"{sha256}.json").write_text("{}")
    return sha256


def test_an_offer_of_another_machine_is_told_when_the_store_holds_it(tmp_path: Path) -> None:
    now = [0.0]
    folder = tmp_path / "there" / "snapshots"
    store = SnapshotStore(PlaceOfSnapshots(folder, place(tmp_path, "there"), is_far=True))
    outgoing = OutgoingOffers(store, clock=lambda: now[0])
    assert outgoing.take() == []
    sha256 = offered(folder)
    (tmp_path / "store").write_text("a file where the folder was")

    outgoing.add(Offered(sha256, 640, "due"))
    assert outgoing.take() == []  # the store does not answer: training goes on
    (tmp_path / "store").unlink()
    assert outgoing.take() == []  # not asked again before the pause is over
    now[0] = 2.0
    place(tmp_path, "there").open().ask_again()

    assert outgoing.take() == [Offered(sha256, 640, "due")]
    assert outgoing.take() == []
    assert sorted(path.suffix for path in (tmp_path / "store/snapshots/offered").iterdir()) == [
        ".json",
        ".safetensors",
    ]
    assert list((folder / "offered").iterdir()) == []


def test_an_offer_that_a_killed_learner_left_is_told_by_the_next_one(tmp_path: Path) -> None:
    folder = tmp_path / "there" / "snapshots"
    sha256 = offered(folder)
    store = SnapshotStore(PlaceOfSnapshots(folder, place(tmp_path, "there"), is_far=True))

    assert OutgoingOffers(store).take() == [Offered(sha256, 0, "offered before a restart")]


def test_a_learner_that_shares_the_managers_folder_sends_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "here" / "snapshots"
    sha256 = offered(folder)
    store = SnapshotStore(PlaceOfSnapshots(folder, place(tmp_path, "here")))
    outgoing = OutgoingOffers(store)

    outgoing.add(Offered(sha256, 640, "due"))

    assert outgoing.take() == [Offered(sha256, 640, "due")]
    assert len(list((folder / "offered").iterdir())) == 2
