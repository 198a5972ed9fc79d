"""The one door for files that somebody else may have made: maps, replays, snapshots, settings.

Promises: only regular files are read, at most as many bytes as the caller allows, so that a folder,
a pipe or /dev/zero neither hangs nor fills the memory; whatever the system or a parser says about a
file becomes one sentence. The texts inside are as bounded: nesting, size of numbers, size unpacked.
"""

from __future__ import annotations

import errno
import json
import math
import os
import pickle
import stat
import struct
import tomllib
import zlib
from pathlib import Path
from typing import Any

from arena.errors import ArenaError

MAX_DEPTH = 40
"""Nesting of JSON and TOML; our own files have at most six levels."""

MAX_TEXT_BYTES = 16 * 2**20
"""Of settings, manifests and descriptions; ours take some 10 kB."""

_LARGEST = 2**63 - 1  # what SQLite and numpy's int64 hold

PARSER_ERRORS: tuple[type[Exception], ...] = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError),
    *(OSError, EOFError, RuntimeError, MemoryError, SyntaxError, BufferError),
    *(struct.error, zlib.error, pickle.UnpicklingError),
)
"""What parsers of other packages raise on damaged bytes; RecursionError is a RuntimeError."""

_REASONS = {
    errno.EACCES: "permission is denied; check who may read it",
    errno.EPERM: "permission is denied; check who may read it",
    errno.ELOOP: "its symbolic links lead in a circle",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EIO: "the disk reports an error; check the disk",
    errno.EMFILE: "too many files are open; raise `ulimit -n`",
    errno.ENFILE: "too many files are open on this machine",
}


class ForeignFileError(ArenaError, OSError):
    """A file that cannot be read; `errno` is the system's number, or EINVAL for other reasons."""

    def __init__(self, number: int, message: str) -> None:
        OSError.__init__(self, number, message)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return (ForeignFileError, (self.errno, self.message))

    def __str__(self) -> str:
        return self.message


def reason_of(error: BaseException) -> str:
    """Return why a file could not be read or parsed, short and without its name."""
    if isinstance(error, ForeignFileError):
        return error.message
    if isinstance(error, RecursionError):
        return f"it is nested more than {MAX_DEPTH} levels deep"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, OSError) and error.errno is not None:
        return _REASONS.get(error.errno, (error.strerror or str(error)).lower())
    lines = str(error).splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."


def read_foreign(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        ForeignFileError: it is missing, larger, not a regular file, or the system cannot read it;
            `errno` tells which.
    """
    raw, _ = read_start(path, max_bytes + 1)
    if len(raw) > max_bytes:
        raise ForeignFileError(
            errno.EFBIG, f"{path}: expected at most {max_bytes:,} bytes, found more"
        )
    return raw


def read_start(path: Path, n_bytes: int) -> tuple[bytes, int]:
    """Return the first `n_bytes` of a regular file, or all if it has fewer, and its size.

    Raises:
        ForeignFileError: as `read_foreign`, but of any size.
    """
    try:
        # O_NONBLOCK: opening a pipe without a writer would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
    except OSError as error:
        number = error.errno or errno.EINVAL
        what = "there is no such file" if number == errno.ENOENT else reason_of(error)
        raise ForeignFileError(number, f"{path}: the file cannot be read: {what}") from error
    except ValueError as error:  # a NUL or a lone surrogate in the name
        raise ForeignFileError(
            errno.EINVAL, f"{str(path)!r} is not the name of a file: {error}"
        ) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
            kind = _kind(found.st_mode)
            raise ForeignFileError(number, f"{path}: expected a regular file, found {kind}")
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(n_bytes), found.st_size
    except ForeignFileError:
        raise
    except (OSError, MemoryError) as error:
        number = getattr(error, "errno", None) or errno.ENOMEM
        raise ForeignFileError(
            number, f"{path}: the file cannot be read: {reason_of(error)}"
        ) from error
    finally:
        os.close(descriptor)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"


def unpack(packed: bytes, max_bytes: int) -> bytes:
    """Return what zlib packed, without ever holding more than `max_bytes` of it.

    Raises:
        ValueError: it is damaged, cut off, or larger.
    """
    machine = zlib.decompressobj()
    try:
        raw = machine.decompress(packed, max_bytes + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(raw) > max_bytes:
        raise ValueError(f"it unpacks to more than the {max_bytes:,} bytes that are allowed")
    if not machine.eof or machine.unused_data:
        raise ValueError("its packed part is cut off or continues behind its end")
    return raw


def parse_json(raw: bytes | str) -> Any:
    """Parse JSON in UTF-8 whose numbers fit 64 bits and whose texts can be printed and stored.

    Raises:
        ValueError: it is not; the message says what was found.
    """
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
        value = json.loads(
            text, parse_int=_integer, parse_float=_number, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise ValueError(reason_of(error)) from None
    check_tree(value)
    return value


def parse_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file under the same bounds; a byte order mark is skipped.

    Raises:
        ForeignFileError: the file cannot be read.
        ValueError: it is not such a file; the message does not name it.
    """
    raw = read_foreign(path, MAX_TEXT_BYTES)
    try:
        values = tomllib.loads(raw.decode("utf-8-sig"), parse_float=_number)
    except RecursionError as error:
        raise ValueError(reason_of(error)) from None
    check_tree(values)
    return values


def check_tree(value: Any) -> None:
    """Raise ValueError for nesting, numbers and texts that nothing of ours can hold."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                below += entry.keys()
                below += entry.values()
            elif isinstance(entry, list):
                below += entry
            elif isinstance(entry, str):
                _check_text(entry)
            elif isinstance(entry, int) and not -_LARGEST - 1 <= entry <= _LARGEST:
                raise ValueError("expected numbers of at most 64 bits, found a larger one")
        if not below:
            return
        level = below
    raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("expected texts in Unicode, found half of a surrogate pair") from None


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"expected numbers of at most 64 bits, found {text[:20]}...")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {text[:20]}")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"expected a number, found {text}")
