"""Where a league's database is: a SQLite file, or a PostgreSQL server.

Owns the parsing of what a person writes for it (`database.url` in league.toml, a path in a script),
so that no other code has to tell the kinds apart. Promises that a printed location shows no
password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from db.errors import DatabaseError

_IS_URL = "://"


@dataclass(frozen=True)
class DatabaseLocation:
    """The place of a database; `DatabaseLocation.of` makes it without touching disk or server.

    Attributes:
        path: the SQLite file, None for a server.
        url: the server, its password included; None for a file.
    """

    path: Path | None
    url: URL | None = field(default=None, repr=False)

    @classmethod
    def of(cls, place: DatabaseLocation | Path | str) -> DatabaseLocation:
        """Return the location of a path, `sqlite:///FILE` or `postgresql://...`.

        Raises:
            DatabaseError: the text is none of these.
        """
        if isinstance(place, DatabaseLocation):
            return place
        if isinstance(place, Path) or _IS_URL not in place:
            return cls(Path(place))
        try:
            url = make_url(place)
        except (ArgumentError, ValueError):  # ValueError: a port that is not a number
            # Not quoted: a text that cannot be parsed may hold a password anywhere.
            raise DatabaseError(
                "expected a path, sqlite:///FILE or postgresql://USER@HOST/DATABASE, found a URL "
                "that cannot be read"
            ) from None
        backend = url.get_backend_name()
        if backend == "sqlite" and url.database and url.database != ":memory:":
            return cls(Path(url.database))
        if backend == "postgresql":
            return cls(None, url)
        raise DatabaseError(
            f"expected a path, sqlite:///FILE or postgresql://..., found {_without_password(url)!r}"
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file on this machine."""
        return self.path is not None

    @property
    def has_password(self) -> bool:
        """Whether the URL contains a password, before the host or after the question mark."""
        return self.url is not None and (
            self.url.password is not None or "password" in self.url.query
        )

    def __str__(self) -> str:
        return str(self.path) if self.url is None else _without_password(self.url)


def _without_password(url: URL) -> str:
    # libpq also takes a password after the question mark.
    return url.difference_update_query(["password"]).render_as_string(hide_password=True)
