"""Where a database is: what a person may write, and what is never printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.errors import DatabaseError
from db.location import DatabaseLocation, url_to_store


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (Path("/there/league.db"), "/there/league.db"),
        ("league.db", "league.db"),
        ("sqlite:///league.db", "league.db"),
        ("sqlite:////there/league.db", "/there/league.db"),
    ],
)
def test_a_path_and_a_sqlite_url_are_a_file(written: Path | str, path: str) -> None:
    location = DatabaseLocation.of(written)
    assert location.is_sqlite and location.path == Path(path) and str(location) == path
    assert DatabaseLocation.of(location) is location


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://me:secret@host:5433/league",
        "postgresql+psycopg://host/league?password=secret",
        "postgresql://host/league?sslpassword=secret",
    ],
)
def test_a_server_is_printed_without_its_password(written: str) -> None:
    location = DatabaseLocation.of(written)
    assert not location.is_sqlite and location.path is None
    assert location.url is not None and location.url.host == "host"
    for printed in (str(location), repr(location), f"{location}"):
        assert "secret" not in printed
    assert "host" in str(location) and "league" in str(location)


def test_the_same_place_written_twice_is_equal() -> None:
    first, second = (DatabaseLocation.of("postgresql://me:secret@host/league") for _ in range(2))
    assert first == second
    assert first != DatabaseLocation.of("postgresql://me:other@host/league")


@pytest.mark.parametrize(
    "written",
    ["mysql://me:secret@host/league", "sqlite://", "sqlite:///:memory:", "postgresql://h:port/d"],
)
def test_any_other_url_is_refused_without_its_password(written: str) -> None:
    with pytest.raises(DatabaseError, match="expected a path, sqlite:///FILE or") as refused:
        DatabaseLocation.of(written)
    assert "secret" not in str(refused.value)


def test_variables_of_the_environment_stand_for_parts_of_a_url_or_for_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEAGUE_TEST_PASSWORD", "a/b@c:d")  # needs no escapes
    monkeypatch.setenv("LEAGUE_TEST_URL", "postgresql://me:secret@host/league")
    part = DatabaseLocation.of("postgresql://me:${LEAGUE_TEST_PASSWORD}@host:5433/league")
    assert part.url is not None and part.url.password == "a/b@c:d" and part.url.host == "host"
    whole = DatabaseLocation.of("${LEAGUE_TEST_URL}")
    assert whole == DatabaseLocation.of("postgresql://me:secret@host/league")
    assert not part.has_password and not whole.has_password  # in what is written
    assert "a/b" not in str(part) and "secret" not in str(whole)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEAGUE_TEST_PASSWORD", raising=False)
    for written in ("postgresql://me:${LEAGUE_TEST_PASSWORD}@host/l", "${LEAGUE_TEST_PASSWORD}"):
        with pytest.raises(DatabaseError, match="variable LEAGUE_TEST_PASSWORD"):
            DatabaseLocation.of(written)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("postgresql://me:secret@host:5433/league", "postgresql://me@host:5433/league"),
        ("postgresql://host/league?password=secret&x=1", "postgresql://host/league?x=1"),
        ("postgresql://me:${LEAGUE_PW}@host/league", "postgresql://me:${LEAGUE_PW}@host/league"),
        ("postgresql://me@host/league", "postgresql://me@host/league"),
    ],
)
def test_a_url_is_stored_without_its_password(
    written: str, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_PW", "secret")
    assert url_to_store(written) == stored
    assert DatabaseLocation.of(written).has_password == (written != stored)
