"""How a league's database is reached: to read, to write, and when it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from db import queries
from db.errors import DatabaseError, NotFoundError, RevisionError
from db.session import open_writer, read_transaction, write_transaction
from league.folder.connect import reader, reading, writer
from league.folder.layout import LeagueFolder, create_folder


def _set_revision(folder: LeagueFolder, revision: str) -> None:
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    engine.dispose()


def test_what_is_written_is_read(hand_made_league: LeagueFolder) -> None:
    with writer(hand_made_league) as engine, write_transaction(engine) as session:
        queries.add_event(session, "note", "by hand")
    with reading(hand_made_league) as session:
        assert queries.list_events(session, kind="note")[0].message == "by hand"


def test_a_reader_never_writes(hand_made_league: LeagueFolder) -> None:
    with pytest.raises(DatabaseError, match="only reads"), reading(hand_made_league) as session:
        queries.add_event(session, "note", "no")


@pytest.mark.parametrize("connect", [reader, reading, writer])
def test_connections_are_closed_at_the_end_whatever_happened(
    hand_made_league: LeagueFolder, connect: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    disposed = []
    monkeypatch.setattr("sqlalchemy.Engine.dispose", lambda engine: disposed.append(engine))
    with pytest.raises(ZeroDivisionError), connect(hand_made_league):  # type: ignore[operator]
        raise ZeroDivisionError
    assert len(disposed) == 1


@pytest.mark.parametrize("connect", [reader, reading, writer])
def test_a_database_of_another_version_is_refused(
    hand_made_league: LeagueFolder, connect: object
) -> None:
    _set_revision(hand_made_league, "9999")
    with pytest.raises(RevisionError, match="made by a newer version"), connect(hand_made_league):  # type: ignore[operator]
        pass


def test_a_copy_is_made_of_any_version(hand_made_league: LeagueFolder) -> None:
    _set_revision(hand_made_league, "9999")
    with reader(hand_made_league, of_any_revision=True) as engine, read_transaction(engine) as s:
        assert queries.list_members(s)


@pytest.mark.parametrize("connect", [reader, reading, writer])
def test_before_the_first_start_nothing_is_made(tmp_path: Path, connect: object) -> None:
    folder = create_folder(tmp_path / "league", "seed = 1\n")
    with pytest.raises(NotFoundError, match="expected a league database"), connect(folder):  # type: ignore[operator]
        pass
    assert not folder.sqlite.exists()


@pytest.mark.parametrize("connect", [reader, reading, writer])
def test_a_damaged_database_is_one_sentence(
    hand_made_league: LeagueFolder, connect: object
) -> None:
    hand_made_league.sqlite.write_bytes(b"no database at all " * 100)
    with pytest.raises(DatabaseError, match="is damaged"), connect(hand_made_league):  # type: ignore[operator]
        pass
