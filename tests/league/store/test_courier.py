"""The courier: files reach the store however often it fails, and stay on this disk until then."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from league.errors import StoreAwayError
from league.store.cache import Cache
from league.store.courier import Courier
from league.store.files import FolderFiles
from league.store.store import Store


class Gate:
    """A folder that answers while it is open."""

    def __init__(self, root: Path) -> None:
        self.inner = FolderFiles(root)
        self.is_open = threading.Event()
        self.n_refused = 0

    def __getattr__(self, name: str) -> object:
        def call(*arguments: object) -> object:
            if not self.is_open.is_set():
                self.n_refused += 1
                raise StoreAwayError("the store does not answer")
            return getattr(self.inner, name)(*arguments)

        return call


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "store")


@pytest.fixture
def store(gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr("league.store.store.LONGEST_PAUSE_S", 0.02)
    return Store("gate", gate, Cache(tmp_path / "cache", 10**6))  # type: ignore[arg-type]


def written(tmp_path: Path, n: int) -> Path:
    path = tmp_path / f"{n:08d}.replay"
    path.write_bytes(b"%d" % n)
    return path


def key_of(n: int) -> str:
    return f"replays/{n:08d}-{hashlib.sha256(b'%d' % n).hexdigest()[:16]}.replay"


def arrived(courier: Courier) -> bool:
    """Wait for a courier whose store was silent a moment ago; return whether all is there."""
    for _ in range(1_000):
        if courier.wait(0.1):
            return True
        threading.Event().wait(0.02)
    return False


def test_files_become_copies_once_the_store_holds_them(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    gate.is_open.set()
    courier = Courier(store)
    for n in range(20):
        courier.send(f"replays/{n:08d}.replay", written(tmp_path, n))

    assert courier.wait(30.0)

    assert [entry.key for entry in store.list("replays/")] == sorted(map(key_of, range(20)))
    assert not list(tmp_path.glob("*.replay"))
    assert store.cache.read(key_of(7)) == b"7"
    assert courier.trouble is None and courier.close(0.0)


def test_a_file_stays_while_the_store_is_away_and_goes_when_it_is_back(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    courier = Courier(store)
    path = written(tmp_path, 1)
    courier.send("replays/00000001.replay", path)
    courier.send("replays/00000001.replay", path)  # twice is once

    assert not courier.wait(5.0)  # returns as soon as the store is known to be away
    assert path.read_bytes() == b"1" and courier.n_waiting == 1
    assert courier.trouble == "the store does not answer"
    gate.is_open.set()
    store.ask_again()

    assert arrived(courier)
    assert store.has(key_of(1)) and not path.exists() and courier.n_waiting == 0
    courier.close(0.0)


def test_a_file_that_is_closed_upon_is_left_for_the_next_process(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    courier = Courier(store)
    path = written(tmp_path, 1)
    courier.send("replays/00000001.replay", path)

    assert not courier.close(0.05)
    assert path.exists()
    gate.is_open.set()
    store.ask_again()
    again = Courier(store)
    again.send("replays/00000001.replay", path)

    assert arrived(again) and store.files.get(key_of(1)) == b"1"
    again.close(0.0)


def test_a_kept_file_stays_and_one_that_has_gone_is_forgotten(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    gate.is_open.set()
    courier = Courier(store)
    path = written(tmp_path, 1)
    courier.send("replays/00000001.replay", path, keep=True)
    courier.send("replays/gone.replay", tmp_path / "gone.replay")

    assert courier.wait(30.0)
    assert path.exists() and store.files.get(key_of(1)) == b"1"
    courier.close(0.0)


def test_a_file_that_was_damaged_on_this_disk_is_not_spread(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    gate.is_open.set()
    courier = Courier(store)
    name = f"{'0' * 64}.safetensors"
    (tmp_path / name).write_bytes(b"not what the name says")
    courier.send(f"snapshots/{name}", tmp_path / name)

    assert courier.wait(30.0)
    assert list(store.list()) == [] and (tmp_path / f"damaged-{name}").exists()
    courier.close(0.0)
