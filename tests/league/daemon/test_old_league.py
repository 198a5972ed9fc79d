"""A league of an older release: the next start keeps a copy of its database and upgrades it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.errors import RevisionError
from db.migrate import current_revision, head_revision, upgrade
from db.session import open_reader, open_writer, read_transaction
from league.config.layers import resolve
from league.config.toml import write_toml
from league.daemon.process import _migrate
from league.folder.backup import back_up, restore
from league.folder.connect import reading
from league.folder.layout import LeagueFolder, create_folder

LEARNER = (
    "INSERT INTO learners (id, name, family, role, status, generation, trained_decisions, "
    "progress, started_at, heartbeat_at) VALUES (1, 'attention', 'attention', 'main', 'stopped', "
    "2, 640, '{}', '2026-01-02 03:04:05', '2026-01-02 03:04:05')"
)


@pytest.fixture
def old(tmp_path: Path) -> LeagueFolder:
    """A stopped league whose database has revision 0001."""
    folder = create_folder(tmp_path / "league", write_toml(resolve("small", None, ())))
    engine = open_writer(folder.sqlite)
    upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.execute(text(LEARNER))
    engine.dispose()
    return folder


def start(folder: LeagueFolder) -> Engine:
    """Do what a start does with the database first."""
    engine = open_writer(folder.sqlite)
    _migrate(folder, engine)
    return engine


def revision(path: Path) -> str | None:
    engine = open_reader(path)
    try:
        return current_revision(engine)
    finally:
        engine.dispose()


def test_the_next_start_of_an_old_league_copies_its_database_and_upgrades_it(
    old: LeagueFolder,
) -> None:
    with pytest.raises(RevisionError, match="`league start` makes a backup"), reading(old):
        pass
    engine = start(old)
    with read_transaction(engine) as session:
        (learner,) = queries.list_learners(session)
        assert (learner.trained_decisions, queries.list_updates(session, learner.id)) == (640, [])
    engine.dispose()
    (copy,) = old.backups.glob("before-migration-*.db")
    assert (revision(copy), revision(old.sqlite)) == ("0001", head_revision())
    start(old).dispose()  # nothing is left to do, and nothing to copy
    assert list(old.backups.glob("*.db")) == [copy]


def test_a_backup_of_an_old_league_is_restored_and_upgraded_at_its_start(
    old: LeagueFolder, tmp_path: Path
) -> None:
    copy = back_up(old, tmp_path / "copy").path
    restored = LeagueFolder(restore(copy, tmp_path / "restored").path)
    assert revision(restored.sqlite) == "0001"
    engine = start(restored)
    with read_transaction(engine) as session:
        assert [learner.name for learner in queries.list_learners(session)] == ["attention"]
    engine.dispose()
    assert (revision(copy / "league.db"), revision(old.sqlite)) == ("0001", "0001")
