"""Files that somebody else may have made: what is read, and how a refusal reads."""

from __future__ import annotations

import errno
import os
import pickle
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from arena.foreign import (
    MAX_DEPTH,
    ForeignFileError,
    parse_json,
    parse_toml,
    read_foreign,
    read_start,
    unpack,
)


def test_a_file_of_the_allowed_size_is_read_and_a_larger_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_foreign(path, 5) == b"12345"
    assert read_start(path, 2) == (b"12", 5)
    with pytest.raises(ForeignFileError, match="expected at most 4 bytes, found more") as refused:
        read_foreign(path, 4)
    assert refused.value.errno == errno.EFBIG


@pytest.mark.parametrize(
    ("make", "says", "number"),
    [
        (lambda path: None, "there is no such file", errno.ENOENT),
        (Path.mkdir, "expected a regular file, found a folder", errno.EISDIR),
        (os.mkfifo, "expected a regular file, found a pipe", errno.EINVAL),
        (lambda path: path.symlink_to("/dev/zero"), "found a device", errno.EINVAL),
        (lambda path: path.symlink_to(path), "lead in a circle", errno.ELOOP),
    ],
)
def test_what_is_not_a_file_is_one_sentence_and_does_not_wait(
    tmp_path: Path, make: Callable[[Path], None], says: str, number: int
) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(ForeignFileError, match=says) as refused:
        read_foreign(path, 100)
    assert refused.value.errno == number
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [("n" * 300, "its name is too long"), ("a\0b", "not the name of a file")],
)
def test_a_name_that_no_file_can_have_is_one_sentence(name: str, says: str) -> None:
    with pytest.raises(ForeignFileError, match=says):
        read_foreign(Path(name), 100)


def test_the_error_reaches_another_process_whole() -> None:
    error = pickle.loads(pickle.dumps(ForeignFileError(errno.EIO, "the disk")))
    assert (str(error), error.errno) == ("the disk", errno.EIO)


def test_packed_bytes_never_unpack_to_more_than_is_allowed() -> None:
    assert unpack(zlib.compress(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(ValueError, match="more than the 999 bytes"):
        unpack(zlib.compress(bytes(1000)), 999)


def test_packed_bytes_that_are_cut_off_or_go_on_are_refused() -> None:
    packed = zlib.compress(b"abc" * 100)
    for damaged in (packed[:-5], packed + b"x", b"", b"nothing"):
        with pytest.raises(ValueError):
            unpack(damaged, 1000)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "nested"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested"),
        ("1e999", "finite"),
        ("NaN", "found NaN"),
        (str(2**63), "64 bits"),
        ("9" * 5000, "64 bits"),
        ('["\\ud800"]', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ("{", "Expecting"),
    ],
)
def test_json_that_nothing_of_ours_can_hold_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_json(text)


def test_sound_json_is_read_with_or_without_a_byte_order_mark() -> None:
    raw = '{"a": [1, -9223372036854775808, 0.5, "é", null]}'.encode()
    assert parse_json(raw) == parse_json(b"\xef\xbb\xbf" + raw)
    assert parse_json(raw) == {"a": [1, -(2**63), 0.5, "é", None]}


def test_toml_is_read_with_a_byte_order_mark_and_within_the_same_bounds(tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_bytes(b"\xef\xbb\xbfa.b = 1")
    assert parse_toml(path) == {"a": {"b": 1}}
    dotted = ".".join(["a"] * 2000)  # as deep as brackets, without any recursion of the parser
    for text in (f"{dotted} = 1", "a = inf", f"a = {'9' * 5000}", f"a = {'[' * 9999}"):
        path.write_text(text)
        with pytest.raises(ValueError):
            parse_toml(path)


# Files of our own, checked by hash or written by the same process; the doctor looks at any bytes.
_OWN_READERS = {
    "agents/check.py",
    "agents/snapshots.py",
    "arena/foreign.py",
    "arena/machine.py",
    "arena/parity.py",
    "arena/territory/engine/compiled.py",
    "league/bench/machine.py",
    "league/config/layers.py",
    "league/daemon/holder.py",
    "league/daemon/lock.py",
    "league/daemon/detach.py",
    "league/daemon/detached.py",
    "league/daemon/process.py",
    "league/folder/backup.py",
    "league/folder/doctor/files.py",
    "league/folder/doctor/repair.py",
    "league/folder/running.py",
    "league/folder/opening.py",
    "league/folder/moving.py",
    "league/learner/checkpoints.py",
    "league/learner/mirror.py",
    "league/learner/sinks.py",
    "league/rating/columns.py",
    "league/rating/compiled.py",
    "league/store/cache.py",
    "league/store/courier.py",
    "league/store/maps.py",
    # bytes of a checkout that are only hashed, and what our adapter in it says through its pipe
    "league/bridge/checkout.py",
    "league/bridge/protocol.py",
    # templates and scripts of the packages, and what the program sends to itself
    "arena/viewer/packing.py",
    "arena/viewer/page.py",
    "league/daemon/stage.py",
    "league/learner/ranks.py",
    "league/matches/nodes.py",
    "league/page/machine.py",
    "league/page/render.py",
    "league/screen/frames.py",
    "league/teaching/waves.py",
}


def test_no_new_code_reads_files_past_the_door() -> None:
    root = Path(__file__).parents[2]
    ways = re.compile(
        r"\.read_bytes\(|\.read_text\(|json\.loads?\(|tomllib\.loads?\(|zlib\.decompress\(|np\.load\("
    )
    found = {
        path.relative_to(root).as_posix()
        for package in ("league", "agents", "arena")
        for path in (root / package).rglob("*.py")
        if ways.search(path.read_text(encoding="utf-8"))
    }
    assert found - _OWN_READERS == set(), "read files with arena.foreign.read_foreign, parse_json"
