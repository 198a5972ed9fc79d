"""Databases for the tests: real SQLite files, and a temporary PostgreSQL server where installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db.migrate import upgrade
from db.session import open_writer

RULES = "a" * 64
MAP = "b" * 64
STATE = "c" * 64


def _postgresql_programs() -> Path | None:
    """The folder of `initdb` and `postgres`, or None."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    if found is not None:
        folders.append(Path(found).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """URL of a server that lives for this test session, on a socket of its own."""
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server (initdb, postgres) is installed")
    # /tmp by name: a socket path may have 107 bytes only, and pytest's folders are deep.
    folder = Path(tempfile.mkdtemp(prefix="league-pg-", dir="/tmp"))
    user = None
    if os.geteuid() == 0:  # postgres refuses to run as root
        user = "postgres"
        shutil.chown(folder, user)
    server = None
    try:
        data = folder / "data"
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-A", "trust", "-U", "league", "--no-sync"],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if made.returncode != 0:
            pytest.skip(f"initdb does not work here: {made.stderr.strip()}")
        options = ["-c", "fsync=off", "-c", "listen_addresses=", "-k", str(folder)]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 30
        while not list(folder.glob(".s.PGSQL.*[0-9]")):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"postgres does not start here: {(folder / 'log').read_text()}")
            time.sleep(0.05)
        yield f"postgresql://league@/postgres?host={folder}"
    finally:
        if server is not None:
            server.send_signal(2)  # SIGINT: "fast" shutdown
            server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Iterator[Engine]:
    """A writer on an empty PostgreSQL schema."""
    engine = open_writer(postgresql_url)
    for _ in range(50):
        try:
            with engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
            break
        except Exception:  # the server opens its socket a moment before it accepts
            time.sleep(0.1)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated league database, once per kind of database."""
    if request.param == "sqlite":
        engine = open_writer(tmp_path / "league.db")
    else:
        engine = request.getfixturevalue("fresh_postgresql")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_writer(tmp_path: Path) -> Iterator[Engine]:
    """A migrated SQLite league."""
    engine = open_writer(tmp_path / "league.db")
    upgrade(engine)
    yield engine
    engine.dispose()
