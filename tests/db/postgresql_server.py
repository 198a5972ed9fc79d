"""A PostgreSQL server of our own, on a socket in a temporary folder, where it is installed.

It ends with its owner's `close`; pg_ctl starts, restarts and stops it, and waits until it answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Literal

import pytest

LIMIT_S = 60  # for a start, with recovery, or a stop on a busy machine


class ServerError(Exception):
    """A program of the server failed; the message is what it said."""


class NoServerError(ServerError):
    """No server can run here; the message says why."""


def programs() -> Path | None:
    """The folder of `initdb`, `postgres` and `pg_ctl`, or None."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    if found is not None:
        folders.append(Path(found).resolve().parent)
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_ctl")):
            return folder
    return None


def server_or_skip() -> PostgresqlServer:
    """Start a server for a test; where none can run, skip the test.

    With LEAGUE_REQUIRE_POSTGRES=1 in the environment, as .ci/run sets it, the test fails instead.
    """
    try:
        return PostgresqlServer()
    except NoServerError as error:
        if os.environ.get("LEAGUE_REQUIRE_POSTGRES", "0") not in ("", "0"):
            pytest.fail(f"LEAGUE_REQUIRE_POSTGRES is set: {error}", pytrace=False)
        pytest.skip(str(error))


class PostgresqlServer:
    """A server with one database, which begins empty.

    It does not wait for the disk (fsync=off): its processes may be killed, its machine may not.

    Attributes:
        url: of the database, for user `league`.

    Raises:
        NoServerError: the programs are not installed, or do not work here.
    """

    def __init__(self) -> None:
        found = programs()
        if found is None:
            raise NoServerError("no PostgreSQL server (initdb, postgres, pg_ctl) is installed")
        self._programs = found
        # /tmp by name: a socket path may have 107 bytes only, and pytest's folders are deep.
        self.folder = Path(tempfile.mkdtemp(prefix="league-pg-", dir="/tmp"))
        self.url = f"postgresql://league@/postgres?host={self.folder}"
        self._user = None
        if os.geteuid() == 0:  # postgres refuses to run as root
            self._user = "postgres"
        try:
            if self._user is not None:
                shutil.chown(self.folder, self._user)
            self._run("initdb", "-A", "trust", "-U", "league", "--no-sync")
            options = f"-c fsync=off -c listen_addresses= -k {self.folder}"
            self._control("start", "-l", str(self.folder / "log"), "-o", options)
        except (ServerError, LookupError, OSError) as error:  # LookupError: no such user
            shutil.rmtree(self.folder, ignore_errors=True)
            raise NoServerError(f"PostgreSQL does not start here: {error}") from error

    def restart(self, mode: Literal["fast", "immediate"]) -> None:
        """Restart it: "fast" ends its sessions, "immediate" its processes, as a crash does.

        Raises:
            ServerError: it does not come up again.
        """
        self._control("restart", "-m", mode, "-l", str(self.folder / "log"))

    def close(self) -> None:
        """Stop it, and remove all that it held."""
        try:
            self._control("stop", "-m", "fast")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _control(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-t", str(LIMIT_S), *arguments, action)

    def _run(self, program: str, *arguments: str) -> None:
        # Into a file: the server inherits what pg_ctl writes to, and a pipe would never end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [self._programs / program, "-D", self.folder / "data", *arguments],
                user=self._user,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
            output.seek(0)
            if done.returncode != 0:
                said = output.read().decode(errors="replace").strip()
                raise ServerError(f"{program}: {said}")
