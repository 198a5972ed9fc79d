"""New league databases for tests: copies of one that was migrated once in this process."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from db.migrate import upgrade
from db.session import backup, open_writer


def new_database(path: Path) -> Engine:
    """Return a writer on a migrated database without a row, which is made at `path`."""
    path.write_bytes(_empty_database())
    return open_writer(path)


@cache
def _empty_database() -> bytes:
    """The bytes of a migrated database; migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_writer(Path(folder) / "empty.db")
        upgrade(engine)
        copy = backup(engine, Path(folder) / "copy.db")
        engine.dispose()
        return copy.read_bytes()
