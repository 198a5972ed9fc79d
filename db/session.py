"""Connections to the league database: one writer engine per process, read-only readers beside it.

Promises: every transaction of a writer engine starts with BEGIN IMMEDIATE (a read that later
upgrades to a write fails with SQLITE_BUSY_SNAPSHOT, which busy_timeout does not cover) and, on
SQLite, under the writer lock file beside the database; what a durable transaction has committed,
and all that was committed before it, survives a power cut; readers cannot write. An engine belongs
to the process that made it: open it after the process has started, never before a fork.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from db.errors import (
    ConflictError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseFullError,
    DatabaseHeldError,
    DatabaseUnreachableError,
    NetworkFileSystemError,
    NotFoundError,
)
from db.location import DatabaseLocation

HOLDER_KEY = "holder"  # of the league table: the daemon that holds a league on a server
# FOR SHARE: whoever takes the league meanwhile waits for the end of this transaction.
_HOLDER_NOW = text(f"SELECT value ->> 'name' FROM league WHERE key = '{HOLDER_KEY}' FOR SHARE")
BUSY_TIMEOUT_S = 10.0
# Older versions can corrupt a WAL database when several connections write simultaneously.
SAFE_SQLITE_VERSION = (3, 51, 3)
NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "afs", "ncpfs"),
        *("webdav", "davfs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs"),
        *("fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.ceph"),
        "fuse.glusterfs",
    }
)


def file_system_of(path: Path, mounts: str | None = None) -> str | None:
    """Return the type of the file system that holds `path`, or None where it is unknown.

    Args:
        path: an existing or future file.
        mounts: text in the format of /proc/self/mounts; None reads it from the system.
    """
    if mounts is None:
        table = Path("/proc/self/mounts")
        if not table.exists():
            return None
        mounts = table.read_text(encoding="utf-8", errors="replace")
    resolved = path.resolve()
    best, found = -1, None
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        mount_point = Path(fields[1].replace("\\040", " "))
        if resolved.is_relative_to(mount_point) and len(mount_point.parts) >= best:
            best, found = len(mount_point.parts), fields[2]
    return found


def refuse_network_file_system(path: Path, mounts: str | None = None) -> None:
    """Raise NetworkFileSystemError if `path` is where SQLite's shared memory cannot work."""
    kind = file_system_of(path, mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise NetworkFileSystemError(
            f"{path} is on a network file system ({kind}), and SQLite's WAL mode needs a local "
            "disk; move the league folder to one, or set database.url to a PostgreSQL server"
        )


def sqlite_version_report() -> tuple[bool, str]:
    """Return (safe, sentence) about the SQLite library in use, for `league doctor`."""
    found = sqlite3.sqlite_version
    wanted = ".".join(map(str, SAFE_SQLITE_VERSION))
    if sqlite3.sqlite_version_info >= SAFE_SQLITE_VERSION:
        return True, f"SQLite {found}"
    return False, (
        f"SQLite {found}: versions before {wanted} can corrupt a database that several connections "
        "write simultaneously; the league writes under one lock, keep other tools out of it"
    )


def open_writer(
    place: DatabaseLocation | Path | str, *, create: bool = True, busy_s: float = BUSY_TIMEOUT_S
) -> Engine:
    """Open an engine that may write, for a SQLite file or a PostgreSQL server.

    Args:
        create: make the SQLite file if it is missing.
        busy_s: seconds after which waiting for somebody else's lock raises DatabaseBusyError.

    Raises:
        NotFoundError: the file is missing and must not be made.
        NetworkFileSystemError: the file is on a network file system.
        DatabaseError: the folder does not exist, or a text names another kind of database.
    """
    location = DatabaseLocation.of(place)
    path = location.path
    if path is None:
        return _open_postgresql(location, read_only=False, busy_s=busy_s)
    if not path.parent.is_dir():
        raise DatabaseError(
            f"expected the folder {path.parent} for the database {path.name}, found none; "
            "create the league first with `league start`"
        )
    if not create:
        _require_file(path)
    refuse_network_file_system(path)
    engine = create_engine(
        f"sqlite:///{path}", json_serializer=_to_json, connect_args={"timeout": busy_s}
    )
    event.listen(engine, "connect", partial(_set_writer_pragmas, busy_s))
    event.listen(engine, "begin", _begin_immediate)
    engine.update_execution_options(writer_lock=str(path) + ".writer", busy_s=busy_s)
    return engine


def open_reader(place: DatabaseLocation | Path | str) -> Engine:
    """Open an engine that cannot write: SQLite in `mode=ro`, PostgreSQL read-only transactions.

    Raises:
        NotFoundError: the SQLite file does not exist.
    """
    location = DatabaseLocation.of(place)
    path = location.path
    if path is None:
        return _open_postgresql(location, read_only=True)
    _require_file(path)
    uri = f"{path.resolve().as_uri()}?mode=ro"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=10.0, check_same_thread=False),
        json_serializer=_to_json,
    )
    event.listen(engine, "connect", _set_reader_pragmas)
    event.listen(engine, "begin", _begin_deferred)
    return engine


@contextmanager
def write_transaction(engine: Engine, *, durable: bool = True) -> Iterator[Session]:
    """Open a session in one write transaction: commit at the end, roll back on any exception.

    On SQLite the writer lock file is held throughout, so that a command may write beside a daemon.
    Not reentrant.

    Args:
        durable: the commit waits for the disk. Without it a power cut may cost this transaction,
            until the next durable one: commits survive in their order, never one without those
            before it. A killed process costs nothing in either case.

    Raises:
        DatabaseBusyError: another process held the lock for longer than the busy timeout.
        DatabaseFullError: the disk is full; nothing was changed.
        DatabaseHeldError: another daemon has taken the league of this engine's (db.hold).
        DatabaseError: any other error of the database itself.
    """
    options = engine.get_execution_options()
    lock, busy_s = options.get("writer_lock"), options.get("busy_s", BUSY_TIMEOUT_S)
    chosen = engine if durable else engine.execution_options(durable=False)
    with _translated(), _writer_lock(lock, busy_s), Session(chosen) as session, session.begin():
        session.connection()  # BEGIN IMMEDIATE now, not at the first statement
        _check_holder(session, options.get("holder"))
        yield session


def _check_holder(session: Session, holder: str | None) -> None:
    """Refuse a transaction of a daemon that no longer holds its league (db.hold)."""
    if holder is None:
        return
    found = session.execute(_HOLDER_NOW).scalar()
    if found not in (None, holder):
        raise DatabaseHeldError(
            f"this daemon no longer holds its league: {found} has taken it, while the connection "
            "to the database was lost; nothing was written, and this daemon stops"
        )


def may_outlive(engine: Engine) -> bool:
    """Return whether a process may live on when its database has crashed: that of a server.

    It must not go on from what a crash can take: those commits of it are durable. A SQLite database
    ends with the machine, and its writer with it.
    """
    return engine.dialect.name == "postgresql"


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Session]:
    """Open a session that reads one consistent state and is rolled back at the end."""
    deferred = engine.execution_options(read_only=True)
    with _translated(), Session(deferred) as session:
        try:
            yield session
        finally:
            session.rollback()


def backup(engine: Engine, target: Path) -> Path:
    """Write a consistent copy of a SQLite league to `target`, while others read and write.

    The copy is made under a temporary name and renamed when complete, so that a file named
    `target` is always a whole backup. arena.files is not used: it writes given bytes, while SQLite
    fills this file itself; and db imports no other package of ours.

    Raises:
        DatabaseError: `target` exists, its folder does not, or the database is not SQLite.
    """
    if engine.dialect.name != "sqlite":
        raise DatabaseError("expected a SQLite league, found PostgreSQL; back it up with pg_dump")
    if target.exists():
        raise DatabaseError(f"{target} already exists; give the backup another name")
    if not target.parent.is_dir():
        raise DatabaseError(f"expected the folder {target.parent} for the backup, found none")
    partial_copy = target.with_name(f"{target.name}.{os.getpid()}.partial")
    partial_copy.unlink(missing_ok=True)
    try:
        # VACUUM cannot run inside a transaction: use the raw connection, which begins none.
        with _translated():
            raw = engine.raw_connection()
            try:
                raw.cursor().execute("VACUUM INTO ?", (str(partial_copy),))
            finally:
                raw.close()
        with partial_copy.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial_copy.replace(target)
        _sync_folder(target.parent)
    finally:
        partial_copy.unlink(missing_ok=True)
    return target


def _sync_folder(folder: Path) -> None:
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


_RESTORE = "; replace it with a copy from `league backup`"
_to_json = partial(json.dumps, allow_nan=False)  # NaN is not JSON: PostgreSQL would refuse it later


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise NotFoundError(
            f"expected a league database at {path}, found none; start the league with "
            "`league start`, or name another folder"
        )


def _open_postgresql(
    location: DatabaseLocation, *, read_only: bool, busy_s: float = BUSY_TIMEOUT_S
) -> Engine:
    assert location.url is not None  # a location is a file or a server
    # Without a limit a lock of somebody else would hold the daemon for ever.
    given = location.url.query.get("options", "")
    options = f"{given if isinstance(given, str) else ' '.join(given)} "
    options += f"-c lock_timeout={round(busy_s * 1000)}"
    if read_only:
        options += " -c default_transaction_read_only=on"
    arguments: dict[str, Any] = {"connect_timeout": max(2, round(busy_s)), "options": options}
    # pre_ping: the daemon must not lose a transaction when the server restarts.
    engine = create_engine(
        location.url.set(drivername="postgresql+psycopg"),
        connect_args=arguments,
        json_serializer=_to_json,
        pool_pre_ping=True,
    )
    event.listen(engine, "begin", _begin_on_server)
    return engine


def _set_writer_pragmas(busy_s: float, connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions itself, and too late
    for pragma in (
        f"busy_timeout = {round(busy_s * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",  # NORMAL, for a transaction that need not be durable: see below
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _set_reader_pragmas(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT_S * 1000)}")


def _begin_immediate(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("read_only", False):
        connection.exec_driver_sql("BEGIN")
        return
    # The level cannot change inside a transaction. With FULL the commit waits until the whole
    # write-ahead log is on disk, earlier commits included.
    level = "FULL" if options.get("durable", True) else "NORMAL"
    if connection.info.get("synchronous", "FULL") != level:
        connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
        connection.info["synchronous"] = level
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_on_server(connection: Connection) -> None:
    if not connection.get_execution_options().get("durable", True):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextmanager
def _writer_lock(path: str | None, busy_s: float) -> Iterator[None]:
    """Hold an exclusive flock on `path`, which puts the writers of a SQLite league in order.

    The kernel releases the lock when its holder dies, so a leftover file does no harm.
    """
    if path is None or sys.platform == "win32":
        yield
        return
    import fcntl

    deadline_s = time.monotonic() + busy_s
    with Path(path).open("a") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline_s:
                    raise DatabaseBusyError(
                        f"another process has held the writer lock {path} for more than "
                        f"{busy_s:g} s; see `league status`, then try again"
                    ) from None
                time.sleep(0.005)
        yield


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn a driver's errors into those of this package, for whoever holds a connection itself."""
    with _translated():
        yield


@contextmanager
def _translated() -> Iterator[None]:
    """Turn driver errors that a user can act on into errors of this package."""
    try:
        yield
    except DBAPIError as error:
        raise _translation(error.orig, error) from error
    except sqlite3.Error as error:
        raise _translation(error, error) from error
    except ValueError as error:
        if not _is_of_damaged_text(error):
            raise
        raise DatabaseError(f"the database is damaged ({error}){_RESTORE}") from error
    except OSError as error:
        if error.errno == 28:  # ENOSPC, on the lock file
            raise DatabaseFullError("the disk is full; free some space and try again") from error
        raise


# Classes of psycopg: another transaction is in the way, and may be gone at the next attempt.
_BUSY = ("LockNotAvailable", "DeadlockDetected", "SerializationFailure", "QueryCanceled")
# The server restarts, ends a backend or refuses more of them; "OperationalError" has no code.
_UNREACHABLE = (
    *("OperationalError", "AdminShutdown", "CrashShutdown", "CannotConnectNow"),
    *("TooManyConnections", "IdleInTransactionSessionTimeout", "ConnectionTimeout"),
    *("IdleSessionTimeout", "DatabaseDropped", "IoError"),
)


def _is_of_damaged_text(error: ValueError) -> bool:
    """Return whether a column's text was not UTF-8, not JSON, or not a time."""
    kinds = (UnicodeDecodeError, json.JSONDecodeError)
    return isinstance(error, kinds) or "isoformat string" in str(error)


def _translation(cause: BaseException | None, error: Exception) -> Exception:
    message = str(cause)
    name = type(cause).__name__
    if isinstance(error, IntegrityError):
        return ConflictError(f"the database refused a row that breaks a rule: {message}")
    if "locked" in message or "busy" in message or name in _BUSY:
        return DatabaseBusyError(f"the database is busy ({message}); try again in a moment")
    if "is full" in message or name == "DiskFull":
        return DatabaseFullError(f"the disk is full ({message}); free some space and try again")
    # A bare sqlite3 error of this kind: a copy of the rows broke a rule that the rows had kept.
    damaged = "malformed" in message or "not a database" in message
    if damaged or isinstance(error, sqlite3.IntegrityError):
        return DatabaseError(f"the database is damaged ({message}){_RESTORE}")
    if "no such table" in message or name == "UndefinedTable":
        return DatabaseError(
            f"the database has no league tables ({message}); start the league once to create them"
        )
    if "attempt to write a readonly" in message or name == "ReadOnlySqlTransaction":
        return DatabaseError(f"this connection only reads ({message}); open a writer instead")
    if (
        "disk I/O" in message
        or "unable to open" in message
        or name in _UNREACHABLE
        or getattr(error, "connection_invalidated", False)
    ):
        said = " ".join(message.split())
        return DatabaseUnreachableError(
            f"the database cannot be reached ({said}); check disk and server"
        )
    return error
