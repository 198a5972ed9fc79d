"""Upgrade a league database to the schema of this program, and refuse one that is too new.

Revisions are the numbers that the file names in `db/migrations/versions` start with; reading them
from there keeps Alembic out of commands that only check.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from db.errors import RevisionError
from db.session import read_transaction

MIGRATIONS = Path(__file__).parent / "migrations"


def known_revisions() -> list[str]:
    """Return the revisions that this program knows, oldest first."""
    return sorted(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))


def head_revision() -> str:
    """Return the newest revision of this program."""
    return known_revisions()[-1]


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database; None when it has no tables yet.

    Raises:
        DatabaseError: it is damaged, or cannot be reached.
    """
    with read_transaction(engine) as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        return session.execute(text("SELECT version_num FROM alembic_version")).scalar()


def check_revision(engine: Engine) -> str:
    """Return the revision of the database if this program can use it as it is.

    Raises:
        RevisionError: it is unknown (made by a newer program) or older, or there are no tables.
    """
    found = current_revision(engine)
    expected = head_revision()
    if found == expected:
        return expected
    if found is None:
        raise RevisionError(
            f"expected a league database of revision {expected}, found one without tables; "
            "start the league once with `league start`"
        )
    _refuse_unknown(found)
    raise RevisionError(
        f"the database has revision {found}, this program needs {expected}; "
        "`league start` makes a backup and upgrades it"
    )


def upgrade(engine: Engine, revision: str = "head") -> str:
    """Run the missing migrations in one transaction and return the revision reached.

    Make a backup before calling this on a league with matches.

    Raises:
        RevisionError: the database was made by a newer program.
    """
    found = current_revision(engine)
    if found is not None:
        _refuse_unknown(found)
        if found == head_revision():
            return found
    # Alembic takes 0.2 s to import: only upgrades pay for that.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    reached = current_revision(engine)
    assert reached is not None  # an upgrade that returned has stamped the database
    return reached


def _refuse_unknown(found: str) -> None:
    if found not in known_revisions():
        raise RevisionError(
            f"the database has revision {found}, this program knows up to {head_revision()}: "
            "it was made by a newer version; update the program"
        )
