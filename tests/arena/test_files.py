"""Files and folders that are whole or absent."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from arena.files import TEMPORARY_PREFIX, sweep, whole_folder, write_together, write_whole


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "7.replay"
    for raw in (b"first", b"second"):
        write_whole(path, raw, durable=durable)
        assert path.read_bytes() == raw
        assert list(tmp_path.iterdir()) == [path]


def test_a_durable_file_waits_for_its_bytes_and_then_for_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[tuple[int, bool]] = []  # for which inode, and whether the file has its name by then
    path = tmp_path / "b"
    monkeypatch.setattr(
        "arena.files.os.fsync",
        lambda handle: waits.append((os.fstat(handle).st_ino, path.exists())),
    )
    write_whole(tmp_path / "a", b"x")
    assert waits == []  # by default nobody waits
    write_whole(path, b"x", durable=True)
    assert waits == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings"
    write_whole(path, b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("arena.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new", durable=True)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_files_written_together_all_wait_before_the_first_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in "abc"]
    waits: list[tuple[int, list[bool]]] = []  # for which inode, and which files have their names
    monkeypatch.setattr(
        "arena.files.os.fsync",
        lambda handle: waits.append((os.fstat(handle).st_ino, [path.exists() for path in paths])),
    )
    write_together({path: path.name.encode() for path in paths})
    assert [path.read_text() for path in paths] == ["a", "b", "c"]
    inodes = sorted(path.stat().st_ino for path in paths)
    assert sorted(waits[:-1]) == [(inode, [False] * 3) for inode in inodes]
    assert waits[-1] == (tmp_path.stat().st_ino, [True] * 3)
    assert sorted(tmp_path.iterdir()) == paths


def test_files_written_together_leave_no_part_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("arena.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_together({tmp_path / "a": b"x", tmp_path / "b": b"x"})
    assert list(tmp_path.iterdir()) == []


def test_a_durable_folder_waits_for_all_its_files_and_then_for_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy"
    waits: list[tuple[int, bool]] = []
    monkeypatch.setattr(
        "arena.files.os.fsync",
        lambda handle: waits.append((os.fstat(handle).st_ino, target.exists())),
    )
    with whole_folder(target, durable=True) as partial:
        (partial / "inner").mkdir()
        (partial / "inner" / "a").write_bytes(b"x")
    inside = [target / "inner", target / "inner" / "a", target]
    assert sorted(waits[:-1]) == sorted((path.stat().st_ino, False) for path in inside)
    assert waits[-1] == (tmp_path.stat().st_ino, True)


def test_who_may_read_a_file_is_what_the_users_mask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "shared", b"x")
        os.umask(0o077)  # settings may hold a password
        write_whole(tmp_path / "secret", b"x")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("shared", "secret")]
    assert modes == [0o640, 0o600]  # 0o666 without the mask


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "map"
    with whole_folder(target) as partial:
        (partial / "map.bin").write_bytes(b"x")
        assert not target.exists() and partial.parent == tmp_path
    assert [path.name for path in target.iterdir()] == ["map.bin"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_broke_off_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "map") as partial:
        (partial / "map.bin").write_bytes(b"x")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "map").mkdir()
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "map"):
        pytest.fail("there is nothing to fill")
    assert [path.name for path in tmp_path.iterdir()] == ["map"]


def test_what_an_exited_writer_left_is_swept_at_once_and_a_living_ones_is_not(
    tmp_path: Path,
) -> None:
    exited = subprocess.Popen(["true"])
    exited.wait()
    for pid in (exited.pid, os.getpid(), 10**30, "0"):
        (tmp_path / f"{TEMPORARY_PREFIX}{pid}-ab").write_bytes(b"part")
    assert sweep(tmp_path) == 1
    assert not (tmp_path / f"{TEMPORARY_PREFIX}{exited.pid}-ab").exists()


def test_only_what_was_left_long_ago_is_swept(tmp_path: Path) -> None:
    for age in ("old", "new"):
        (tmp_path / f"{TEMPORARY_PREFIX}{age}-file").write_bytes(b"part")
        (tmp_path / f"{TEMPORARY_PREFIX}{age}-folder").mkdir()
        (tmp_path / f"{TEMPORARY_PREFIX}{age}-folder" / "map.bin").write_bytes(b"part")
    two_hours_ago = time.time() - 7200  # a writer needs less than one
    for left in tmp_path.glob(f"{TEMPORARY_PREFIX}old-*"):
        os.utime(left, (two_hours_ago, two_hours_ago))
    assert sweep(tmp_path) == 2
    assert all("new" in path.name for path in tmp_path.iterdir())
