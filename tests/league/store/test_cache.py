"""This machine's copies: their limit, their order, and what happens to damaged ones."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from league.store.cache import Cache


def named(raw: bytes) -> str:
    return f"snapshots/{hashlib.sha256(raw).hexdigest()}.safetensors"


def age(cache: Cache, key: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(cache.folder / key, (then, then))


def test_the_copies_used_least_recently_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 3_000)
    a, b, c, d = (bytes([n]) * 1_000 for n in range(4))
    for n, raw in enumerate((a, b, c)):
        cache.add(named(raw), raw)
        age(cache, named(raw), 1_000 - n)
    assert cache.n_bytes == 3_000
    assert cache.read(named(a)) == a  # used just now, the oldest no more
    age(cache, named(a), 500)

    cache.add(named(d), d)  # 4,000 bytes: one must go

    assert cache.read(named(b)) is None
    assert all(cache.read(named(raw)) == raw for raw in (a, c, d))


def test_a_copy_in_use_is_not_removed_even_above_the_limit(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1_000)
    a, b = b"a" * 900, b"b" * 900
    cache.add(named(a), a)
    age(cache, named(a), 1_000)
    path = cache.path(named(a))  # handed out: somebody is about to open it

    cache.add(named(b), b)

    assert path is not None and path.read_bytes() == a
    age(cache, named(a), 1_000)
    cache.add(named(b), b)
    assert not path.exists() and cache.read(named(b)) == b


def test_a_file_of_this_machine_becomes_a_copy_by_being_moved(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 10**6)
    file = tmp_path / "00000001.replay"
    file.write_bytes(b"x")
    inode = file.stat().st_ino
    key = f"replays/00000001-{hashlib.sha256(b'x').hexdigest()[:16]}.replay"

    cache.take(key, file)

    path = cache.path(key)
    assert path is not None and path.stat().st_ino == inode and not file.exists()


def test_a_damaged_copy_is_no_copy_and_a_missing_folder_is_empty(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 10**6)
    assert cache.read(named(b"x")) is None and cache.n_bytes == 0
    path = cache.add(named(b"x"), b"x")
    path.write_bytes(b"y")

    assert cache.path(named(b"x")) is None
    assert not path.exists()


def test_what_a_killed_writer_left_goes_with_the_next_measuring(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10)
    left = tmp_path / ".writing-999999999-0123456789abcdef"
    left.write_bytes(b"half")

    cache.add(named(b"x" * 20), b"x" * 20)

    assert not left.exists()


def test_measuring_is_not_done_for_every_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path, 10_000)
    measured: list[int] = []
    monkeypatch.setattr(cache, "_make_room", lambda: measured.append(1))

    for each in range(40):  # 40 x 50 bytes: the first, then one for every 500
        raw = bytes([each]) * 50
        cache.add(named(raw), raw)

    assert len(measured) == 1 + (40 * 50 - 50) // 500
