"""Owns how the files of a league are copied while a daemon may be writing beside it.

Promises: a file that is written is passed over, one that is removed or moved meanwhile does not end
the copy; only regular files are read, so that a pipe in a folder cannot hang it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from arena.files import TEMPORARY_PREFIX

MAX_DEPTH = 8  # a league's folders are three deep; a link that leads back to itself never ends
PASSES = 3  # what a learner replaces while it is copied has a newer one beside it

# A hard link is not possible: another file system, one without links, too many links.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK)


@dataclass(frozen=True)
class Copied:
    """What was copied: files, their bytes, and how many are links to an earlier copy."""

    n_files: int = 0
    n_bytes: int = 0
    n_linked: int = 0

    def __add__(self, other: Copied) -> Copied:
        """Return the sum of two."""
        return Copied(
            self.n_files + other.n_files,
            self.n_bytes + other.n_bytes,
            self.n_linked + other.n_linked,
        )

    @classmethod
    def of(cls, path: Path) -> Copied:
        """Return one copied file."""
        return cls(1, path.stat().st_size)


def bytes_under(folder: Path, depth: int = 0) -> int:
    """Return the bytes of what `copy_files` would copy of a folder, as far as it can be read."""
    n = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(TEMPORARY_PREFIX):
                    continue
                if entry.is_file():
                    n += entry.stat().st_size
                elif entry.is_dir() and depth < MAX_DEPTH:
                    n += bytes_under(Path(entry.path), depth + 1)
    except OSError:  # it vanished: the copy decides what that means
        return n
    return n


def copy_files(
    source: Path,
    target: Path,
    previous: Path | None = None,
    progress: Callable[[int], None] = lambda n_bytes: None,
) -> Copied:
    """Copy the files of a folder and its sub-folders; a missing folder is an empty one.

    Args:
        previous: an earlier copy of `source`; files of the same name, size and time are linked to
            it in place of being copied. Only for files that are replaced and never written in
            place.
        progress: called with the bytes of each file that the target now holds.

    Raises:
        OSError: a file cannot be read or written; the error names it.
    """
    copied = Copied()
    for _ in range(PASSES):
        found, n_vanished = _copy_pass(source, target, previous, progress)
        copied += found
        if not n_vanished:
            break
    return copied


def _copy_pass(
    source: Path,
    target: Path,
    previous: Path | None,
    progress: Callable[[int], None],
    depth: int = 0,
) -> tuple[Copied, int]:
    """Copy what `target` does not hold yet; also return how many files vanished meanwhile."""
    if not source.is_dir():
        return Copied(), 0
    if depth > MAX_DEPTH:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(source))
    target.mkdir(parents=True, exist_ok=True)
    copied, n_vanished = Copied(), 0
    for path in sorted(source.iterdir()):
        aim = target / path.name
        earlier = None if previous is None else previous / path.name
        if path.name.startswith(TEMPORARY_PREFIX):
            continue
        if path.is_dir():
            inner, n = _copy_pass(path, aim, earlier, progress, depth + 1)
            copied, n_vanished = copied + inner, n_vanished + n
        elif aim.exists() or (path.exists() and not path.is_file()):
            continue
        elif (one := _copy_file(path, aim, earlier)) is None:
            n_vanished += 1
        else:
            copied += one
            progress(one.n_bytes or aim.stat().st_size)
    return copied, n_vanished


def _copy_file(source: Path, target: Path, previous: Path | None) -> Copied | None:
    """Copy or link one file; return None if it is no longer there."""
    try:
        if previous is not None and _is_same(source, previous) and _link(previous, target):
            return Copied(1, 0, 1)
        shutil.copy2(source, target)
    except FileNotFoundError:
        if source.is_symlink():  # to nowhere: damage, and not a file that was moved
            raise
        return None
    return Copied.of(target)


def _is_same(source: Path, previous: Path) -> bool:
    if not previous.is_file() or previous.is_symlink():
        return False
    now, then = source.stat(), previous.stat()
    return (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)


def _link(previous: Path, target: Path) -> bool:
    try:
        os.link(previous, target)
    except OSError as error:
        if error.errno in _NO_LINK:
            return False
        raise
    return True
