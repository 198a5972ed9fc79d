"""What a store is made of: named files that are written once, in a folder or behind fsspec.

Promises: a file is there whole or not at all; of two writers of one name the first wins, at any
instant where the system has conditional puts (S3, Google's, Azure's, folders); whatever goes wrong
is one of the errors of league.errors and holds no secret. fsspec and the packages of the clouds are
loaded by the one function that needs them.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from arena.files import TEMPORARY_PREFIX, write_new, write_whole
from league.errors import StoreAwayError, StoreError, StoreMissingError
from league.extras import PACKAGES, install_command
from league.store.address import StoreAddress

N_TRIES = 3
PAUSES_S = (0.2, 1.0)  # between the tries; longer trouble is league.store.store's to wait for
CONNECT_S, READ_S = 5, 20

Result = TypeVar("Result")


@dataclass(frozen=True)
class Entry:
    """A file of a store: its name, its bytes, and when it was written (Unix time, if known)."""

    key: str
    n_bytes: int
    modified: float | None = None


class Files(Protocol):
    """Named files, written once."""

    def put_new(self, key: str, raw: bytes) -> bool:
        """Write a file unless its name is taken; return whether it was written."""

    def put(self, key: str, raw: bytes) -> None:
        """Write a file, in place of any that is there."""

    def get(self, key: str) -> bytes:
        """Return the bytes of a file; raises StoreMissingError."""

    def size(self, key: str) -> int | None:
        """Return the bytes that a file has; None if there is none."""

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield the files whose names begin with `prefix`, sub-folders included."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove files; one that is not there is no error."""


def open_files(address: StoreAddress) -> Files:
    """Open the files of a store; whether it answers shows with the first call.

    Raises:
        StoreError: the package that its protocol needs is not installed, or there is no such one.
    """
    if address.folder is not None:
        return FolderFiles(address.folder)
    return RemoteFiles(address)


class FolderFiles:
    """The files of a folder, such as one that several machines mount."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_new(self, key: str, raw: bytes) -> bool:
        """Write a file durably unless its name is taken; return whether it was written."""
        return _local(self._root, lambda: write_new(self._made(key), raw))

    def put(self, key: str, raw: bytes) -> None:
        """Write a file durably, in place of any that is there."""
        _local(self._root, lambda: write_whole(self._made(key), raw, durable=True))

    def get(self, key: str) -> bytes:
        """Return the bytes of a file; raises StoreMissingError."""
        return _local(self._root, (self._root / key).read_bytes)

    def size(self, key: str) -> int | None:
        """Return the bytes that a file has; None if there is none."""
        try:
            return _local(self._root, (self._root / key).stat).st_size
        except StoreMissingError:
            return None

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield the files whose names begin with `prefix`, sub-folders included."""
        place = self._root / prefix.rpartition("/")[0]
        found = _local(self._root, lambda: sorted(place.rglob("*")) if place.is_dir() else [])
        for path in found:
            key = path.relative_to(self._root).as_posix()
            if key.startswith(prefix) and not path.name.startswith(TEMPORARY_PREFIX):
                try:
                    if path.is_file():
                        yield Entry(key, path.stat().st_size, path.stat().st_mtime)
                except FileNotFoundError:
                    continue  # it has just gone

    def delete(self, keys: Sequence[str]) -> None:
        """Remove files; one that is not there is no error."""
        for key in keys:
            _local(self._root, partial((self._root / key).unlink, missing_ok=True))

    def _made(self, key: str) -> Path:
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _local(root: Path, call: Callable[[], Result]) -> Result:
    try:
        return call()
    except FileNotFoundError as error:
        raise StoreMissingError(f"{error.filename or root}: the store has no such file") from error
    except OSError as error:
        if error.errno in _FULL:
            raise  # a full disk is told apart by its number
        raise StoreAwayError(
            f"the store {root} cannot be used: {error.strerror or error}; is it mounted?"
        ) from error


_FULL = (errno.ENOSPC, errno.EDQUOT)

# An object appears when its last byte has come. Elsewhere (sftp, smb, ftp, hdfs) a file grows, so
# that it is written under another name first.
_OBJECT_STORES = frozenset(
    ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory")
)
_EXTRAS = {"s3": "s3", "s3a": "s3"}


def _options(protocol: str) -> dict[str, Any]:
    """Return what a file system is opened with: short limits, and no memory of listings."""
    if protocol in ("s3", "s3a"):
        limits = {"connect_timeout": CONNECT_S, "read_timeout": READ_S}
        config = {**limits, "retries": {"max_attempts": 1}}
        # Named here, so that fsspec does not take the object of another server for it.
        server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        return {"config_kwargs": config, "use_listings_cache": False, "endpoint_url": server}
    return {"use_listings_cache": False} if protocol in _OBJECT_STORES else {}


class RemoteFiles:
    """The files behind a URL, through fsspec."""

    def __init__(self, address: StoreAddress) -> None:
        from fsspec.core import url_to_fs

        self._address = address
        self._whole = address.protocol in _OBJECT_STORES
        try:
            self._fs, root = url_to_fs(address.url, **_options(address.protocol))
        except ImportError as error:
            raise StoreError(_what_is_missing(address, error)) from error
        except Exception as error:  # whatever the package of a cloud raises
            # fsspec names what it knows; the packages of clouds may connect here already.
            if isinstance(error, ValueError) and "not known" in str(error).lower():
                raise StoreError(
                    f"store.url: {address}: there is no file system of the name "
                    f"{address.protocol!r}; s3://, gs://, sftp:// and others of fsspec are known"
                ) from None
            raise StoreAwayError(_no_answer(address, error)) from None
        if hasattr(self._fs, "retries"):
            self._fs.retries = 2  # s3fs's own, within each of ours
        self._root = str(root).rstrip("/")

    def put_new(self, key: str, raw: bytes) -> bool:
        """Write a file unless its name is taken; return whether it was written."""
        path = self._path(key)
        try:
            if self._whole:
                self._call(lambda: self._fs.pipe_file(path, raw, mode="create"), writes=True)
            elif self.size(key) is not None:
                return False
            else:
                self._write_and_rename(path, raw)
        except FileExistsError:
            return False
        return True

    def put(self, key: str, raw: bytes) -> None:
        """Write a file, in place of any that is there."""
        path = self._path(key)
        if self._whole:
            self._call(lambda: self._fs.pipe_file(path, raw), writes=True)
        else:
            self._write_and_rename(path, raw)

    def get(self, key: str) -> bytes:
        """Return the bytes of a file; raises StoreMissingError."""
        return bytes(self._call(lambda: self._fs.cat_file(self._path(key)), key))

    def size(self, key: str) -> int | None:
        """Return the bytes that a file has; None if there is none."""
        try:
            found = self._call(lambda: self._fs.info(self._path(key)), key)
        except StoreMissingError:
            return None
        return int(found["size"]) if found.get("type") != "directory" else None

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield the files whose names begin with `prefix`, sub-folders included."""
        place = self._path(prefix.rpartition("/")[0]).rstrip("/")

        def find() -> dict[str, dict[str, Any]]:
            self._fs.invalidate_cache()
            return dict(self._fs.find(place, detail=True))

        try:
            found = self._call(find)
        except StoreMissingError:
            return
        for path, info in sorted(found.items()):
            key = str(path).removeprefix(self._root).lstrip("/")
            if key.startswith(prefix) and not key.rpartition("/")[2].startswith(TEMPORARY_PREFIX):
                yield Entry(key, int(info.get("size") or 0), _time_of(info))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove files; one that is not there is no error."""
        paths = [self._path(key) for key in keys]
        if not paths:
            return
        if self._address.protocol in ("s3", "s3a"):  # a thousand with one request
            self._call(lambda: self._fs.rm(paths))
            return
        for path in paths:
            try:
                self._call(partial(self._fs.rm_file, path))
            except StoreMissingError:
                continue

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root

    def _write_and_rename(self, path: str, raw: bytes) -> None:
        folder = path.rpartition("/")[0]
        temporary = f"{folder}/{TEMPORARY_PREFIX}{secrets.token_hex(8)}"

        def write() -> None:
            self._fs.makedirs(folder, exist_ok=True)
            self._fs.pipe_file(temporary, raw)
            self._fs.mv(temporary, path)

        self._call(write, writes=True)

    def _call(self, call: Callable[[], Result], key: str = "", *, writes: bool = False) -> Result:
        """Call fsspec a few times; every error that it may raise becomes one of ours."""
        for pause_s in (*PAUSES_S, None):
            try:
                return call()
            except FileExistsError:
                raise
            except FileNotFoundError as error:
                if writes:  # S3 says so of a bucket
                    raise StoreError(
                        f"the store {self._address} cannot be written: there is no such bucket or "
                        "folder; make it, or correct store.url"
                    ) from error
                raise StoreMissingError(f"{self._address}/{key}: no such file") from error
            except ImportError as error:
                raise StoreError(_what_is_missing(self._address, error)) from error
            except Exception as error:  # aiohttp's, botocore's, paramiko's, OSError, ...
                if pause_s is None or _is_refused(error):
                    raise StoreAwayError(_no_answer(self._address, error)) from None
                time.sleep(pause_s)
        raise AssertionError("not reached")


def _is_refused(error: BaseException) -> bool:
    return isinstance(error, PermissionError) or "Credentials" in type(error).__name__


def _no_answer(address: StoreAddress, error: BaseException) -> str:
    # Not the whole text of the error: a signed URL in it would be a secret.
    said = (str(error).splitlines() or [""])[0].partition("?")[0][:160]
    if _is_refused(error):
        return (
            f"the store {address} refuses access ({said or type(error).__name__}); check the "
            "credentials in the environment"
        )
    return f"the store {address} does not answer ({type(error).__name__}: {said})"


def _what_is_missing(address: StoreAddress, error: ImportError) -> str:
    extra = _EXTRAS.get(address.protocol)
    if extra is not None and extra in PACKAGES:
        how = f"`{install_command(extra)}`"
    else:
        how = f"install it ({str(error).partition(chr(10))[0]})"
    return f"store.url: {address}: a package that {address.protocol}:// needs is missing: {how}"


def _time_of(info: dict[str, Any]) -> float | None:
    for name in ("LastModified", "mtime", "last_modified", "updated", "created"):
        value = info.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return None
