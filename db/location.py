"""Where a league's database is: a SQLite file, or a PostgreSQL server.

Owns the parsing of what a person writes for it (`database.url` in league.toml, a path in a script),
so that no other code has to tell the kinds apart. Promises that a printed location shows no
password; `${NAME}` in a server's URL stands for a variable of the environment, which is read each
time and written nowhere.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from db.errors import DatabaseError

_IS_URL = "://"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def is_url(text: str) -> bool:
    """Return whether a text names a database by its URL, or by a variable that holds one."""
    return _IS_URL in text or _VARIABLE.fullmatch(text) is not None


@dataclass(frozen=True)
class DatabaseLocation:
    """The place of a database; `DatabaseLocation.of` makes it without touching disk or server.

    Attributes:
        path: the SQLite file, None for a server.
        url: the server, its password and values of variables included; None for a file.
        has_password: whether the text contained a password, before the host or after the question
            mark; that of a variable is not in it.
    """

    path: Path | None
    url: URL | None = field(default=None, repr=False)
    has_password: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, place: DatabaseLocation | Path | str) -> DatabaseLocation:
        """Return the location of a path, `sqlite:///FILE` or `postgresql://...`.

        Raises:
            DatabaseError: the text is none of these, or names a variable that is not set.
        """
        if isinstance(place, DatabaseLocation):
            return place
        if isinstance(place, Path) or not is_url(place):
            return cls(Path(place))
        is_whole = _VARIABLE.fullmatch(place) is not None
        try:
            url = make_url(_of_environment(place) if is_whole else place)
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
            return cls(None, _filled(url), has_password=not is_whole and _holds_password(url))
        raise DatabaseError(
            f"expected a path, sqlite:///FILE or postgresql://..., found {_without_password(url)!r}"
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file on this machine."""
        return self.path is not None

    def __str__(self) -> str:
        return str(self.path) if self.url is None else _without_password(self.url)


def url_to_store(text: str) -> str:
    """Return a URL as it may be stored where others read it: without its password.

    A `${NAME}` stays as it is written.

    Raises:
        DatabaseError: see `DatabaseLocation.of`.
    """
    if not DatabaseLocation.of(text).has_password:
        return text
    return _bare(make_url(text)).render_as_string(hide_password=False)


# What libpq also takes after the question mark: the server's password, and that of a client's key.
_PASSWORDS = ("password", "sslpassword")


def _bare(url: URL) -> URL:
    kept = url.difference_update_query(_PASSWORDS)
    return URL.create(
        kept.drivername, kept.username, None, kept.host, kept.port, kept.database, kept.query
    )


def _holds_password(url: URL) -> bool:
    given = [url.password]
    for name in _PASSWORDS:
        more = url.query.get(name, ())
        given += (more,) if isinstance(more, str) else more
    return any(each is not None and not _VARIABLE.fullmatch(each) for each in given)


def _filled(url: URL) -> URL:
    """Put the values of variables into the parts of a URL; they need no escapes."""
    return URL.create(
        url.drivername,
        username=url.username and _of_environment(url.username),
        password=url.password and _of_environment(url.password),
        host=url.host and _of_environment(url.host),
        port=url.port,
        database=url.database and _of_environment(url.database),
        query={
            name: _of_environment(value)
            if isinstance(value, str)
            else tuple(map(_of_environment, value))
            for name, value in url.query.items()
        },
    )


def _of_environment(text: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in os.environ:
            raise DatabaseError(
                f"expected the variable {name}, which the URL of the database names, in the "
                f"environment, found none; set it: export {name}=..."
            )
        return os.environ[name]

    return _VARIABLE.sub(value, text)


def _without_password(url: URL) -> str:
    return url.difference_update_query(_PASSWORDS).render_as_string(hide_password=True)
