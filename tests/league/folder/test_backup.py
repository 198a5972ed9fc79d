"""A backup is a whole league, made beside a running one, or it is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from arena.territory.maps import generate_map, load_map, save_map
from db import queries
from db.errors import DatabaseError
from db.session import open_reader, open_writer, read_transaction, write_transaction
from league.errors import FolderError
from league.folder.backup import back_up
from league.folder.doctor import examine
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import stored_config
from league.folder.rerate import rerate
from tests.league.hand_made import make_league


@pytest.fixture
def league(tmp_path: Path) -> LeagueFolder:
    """A league with a snapshot, an offer and a map of its own."""
    folder = make_league(tmp_path / "league", weights=b"weights")
    save_map(generate_map("lakes", 64, 64, 1), folder.maps / "mine")
    (folder.snapshots / "offered" / "note.json").write_text("{}")
    return folder


def test_a_backup_holds_database_settings_snapshots_offers_and_maps(
    league: LeagueFolder, tmp_path: Path
) -> None:
    copy = LeagueFolder(back_up(league, tmp_path / "copy"))
    assert copy.toml.read_bytes() == league.toml.read_bytes()
    assert stored_config(copy) == stored_config(league)
    assert rerate(copy) == rerate(league)
    assert load_map(copy.maps / "mine").sha256 == load_map(league.maps / "mine").sha256
    assert (copy.snapshots / "offered" / "note.json").read_text() == "{}"
    assert not any(finding.is_wrong for finding in examine(copy))  # every byte is there


def test_a_backup_needs_nothing_of_the_league_it_was_made_of(
    league: LeagueFolder, tmp_path: Path
) -> None:
    copy = LeagueFolder(back_up(league, tmp_path / "copy"))
    expected = rerate(league)
    shutil.rmtree(league.root)
    moved = LeagueFolder(copy.root.rename(tmp_path / "moved"))
    assert rerate(moved) == expected and not any(finding.is_wrong for finding in examine(moved))


def test_a_backup_beside_a_writer_holds_what_was_committed(
    league: LeagueFolder, tmp_path: Path
) -> None:
    engine = open_writer(league.sqlite)
    with write_transaction(engine) as session:
        queries.add_event(session, "note", "committed")  # still in the write-ahead log
    copy = LeagueFolder(back_up(league, tmp_path / "copy"))
    with write_transaction(engine) as session:
        queries.add_event(session, "note", "afterwards")
    engine.dispose()
    reader = open_reader(copy.sqlite)
    with read_transaction(reader) as session:
        notes = [event.message for event in queries.list_events(session) if event.kind == "note"]
    reader.dispose()
    assert notes == ["committed"]


def test_without_a_target_backups_lie_inside_the_league_and_not_in_each_other(
    league: LeagueFolder,
) -> None:
    made = back_up(league, None)
    assert made.parent == league.backups and LeagueFolder(made).is_league()
    second = back_up(league, league.backups / "second")
    assert list(LeagueFolder(second).backups.iterdir()) == []


def test_a_failed_backup_says_why_and_leaves_nothing(league: LeagueFolder, tmp_path: Path) -> None:
    # A file that cannot be copied: a link to nowhere.
    lost = league.snapshots / "lost.safetensors"
    lost.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FolderError, match=r"files were removed: .*lost\.safetensors: .*No such"):
        back_up(league, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["league"]
    lost.unlink()
    assert LeagueFolder(back_up(league, tmp_path / "copy")).is_league()  # the name is still free


def test_a_backup_of_a_damaged_database_leaves_nothing(
    league: LeagueFolder, tmp_path: Path
) -> None:
    league.sqlite.write_bytes(b"no database at all " * 100)
    with pytest.raises(DatabaseError, match="is damaged"):
        back_up(league, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["league"]


def test_a_snapshot_that_is_being_written_is_not_copied(
    league: LeagueFolder, tmp_path: Path
) -> None:
    (league.snapshots / "offered" / ".writing-12-ab").symlink_to(tmp_path / "renamed-meanwhile")
    copy = LeagueFolder(back_up(league, tmp_path / "copy"))
    assert [path.name for path in (copy.snapshots / "offered").iterdir()] == ["note.json"]


def test_an_existing_folder_is_never_filled(league: LeagueFolder, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.mkdir()
    with pytest.raises(FolderError, match="expected the name of a new folder"):
        back_up(league, target)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[database]\nurl = "postgresql://h/d"\n', "back it up with pg_dump"),
        ("", "expected the database of a league that has been started, found none"),
    ],
    ids=["on a server", "never started"],
)
def test_where_there_is_no_database_to_copy_nothing_is_made(
    tmp_path: Path, toml: str, words: str
) -> None:
    folder = create_folder(tmp_path / "league", toml)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FolderError, match=words):
        back_up(folder, tmp_path / "copy")
    assert sorted(tmp_path.rglob("*")) == before
