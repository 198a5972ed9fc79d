"""A backup is a whole league, made beside a running one, or it is not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from arena.territory.maps import generate_map, load_map, save_map
from db import queries
from db.errors import DatabaseError
from db.session import backup, open_reader, open_writer, read_transaction, write_transaction
from league.errors import FolderError
from league.folder.backup import back_up, restore
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
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
    assert copy.toml.read_bytes() == league.toml.read_bytes()
    assert stored_config(copy) == stored_config(league)
    assert rerate(copy) == rerate(league)
    assert load_map(copy.maps / "mine").sha256 == load_map(league.maps / "mine").sha256
    assert (copy.snapshots / "offered" / "note.json").read_text() == "{}"
    assert not any(finding.is_wrong for finding in examine(copy))  # every byte is there


def test_a_backup_needs_nothing_of_the_league_it_was_made_of(
    league: LeagueFolder, tmp_path: Path
) -> None:
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
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
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
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
    made = back_up(league, None).path
    assert made.parent == league.backups and LeagueFolder(made).is_league()
    second = back_up(league, league.backups / "second").path
    assert list(LeagueFolder(second).backups.iterdir()) == []


def test_a_failed_backup_says_why_and_leaves_nothing(league: LeagueFolder, tmp_path: Path) -> None:
    # A file that cannot be copied: a link to nowhere.
    lost = league.snapshots / "lost.safetensors"
    lost.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FolderError, match=r"files were removed: .*lost\.safetensors: .*No such"):
        back_up(league, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["league"]
    lost.unlink()
    assert LeagueFolder(
        back_up(league, tmp_path / "copy").path
    ).is_league()  # the name is still free


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
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
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
        ("seed = 1\n", "expected the database of a league that has been started, found none"),
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


def test_replays_and_checkpoints_are_copied_and_said(league: LeagueFolder, tmp_path: Path) -> None:
    files = ("replays/00000001.replay", "replays/pit/a-0.replay", "checkpoints/leader/checkpoint-1")
    for name in files:
        (league.root / name).parent.mkdir(exist_ok=True)
        (league.root / name).write_bytes(name.encode())
    made = back_up(league, tmp_path / "copy")
    assert [(made.path / name).read_bytes() for name in files] == [n.encode() for n in files]
    # two replays; the snapshot and the offer's note; a checkpoint; a map of two files
    assert made.sentence().startswith(
        "1 database, 2 replays, 2 snapshots, 1 checkpoints, 2 map files: "
    )
    assert made.sentence().endswith("not copied: logs and older backups")


def test_an_incremental_backup_links_what_the_newest_one_holds(
    league: LeagueFolder, tmp_path: Path
) -> None:
    kept, changed = league.replays / "1.replay", league.replays / "2.replay"
    for path in (kept, changed):
        path.write_bytes(b"old")
    first = back_up(league, tmp_path / "backups" / "monday").path
    changed.write_bytes(b"new")
    os.utime(changed, ns=(0, 0))
    made = back_up(league, tmp_path / "backups" / "tuesday", incremental=True)
    same = [
        (first / p / n).samefile(made.path / p / n)
        for p, n in (
            ("replays", "1.replay"),
            ("replays", "2.replay"),
            ("snapshots/offered", "note.json"),
        )
    ]
    assert same == [True, False, False]  # what may be written in place is never linked
    assert (made.path / "replays/2.replay").read_bytes() == b"new"
    assert (first / "replays/2.replay").read_bytes() == b"old"
    # the snapshot, one replay and the two files of the map
    assert "4 files linked" in made.sentence()
    shutil.rmtree(first)
    assert (made.path / "replays/1.replay").read_bytes() == b"old"


def test_an_offer_settled_while_it_is_copied_is_admitted_again_from_the_copy(
    league: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = league.snapshots / "offered"
    weights, note = offered / f"{'a' * 64}.safetensors", offered / f"{'a' * 64}.json"
    weights.write_bytes(b"w")
    note.write_text("{}")
    copy_file = shutil.copy2

    def settled_first(source: Path, target: Path) -> None:
        copy_file(source, target)
        if source == note:  # the manager admits it, commits the row and discards the offer
            weights.rename(league.snapshots / weights.name)
            note.unlink()

    monkeypatch.setattr("league.folder.copying.shutil.copy2", settled_first)
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
    assert not weights.exists() and (copy.snapshots / weights.name).read_bytes() == b"w"
    # The row may have come after the copy of the database: the offer is listed once more.
    assert (copy.snapshots / "offered" / note.name).is_file()


def test_what_is_pruned_while_the_backup_is_made_is_in_it(
    league: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = league.replays / "00000001.replay"
    replay.write_bytes(b"x")
    (snapshot,) = league.snapshots.glob("*.safetensors")
    copy_database = backup

    def prune_after(engine: Engine, target: Path) -> None:
        copy_database(engine, target)  # its rows still name both files
        replay.unlink()
        snapshot.unlink()

    monkeypatch.setattr("league.folder.backup.backup", prune_after)
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
    assert (copy.replays / replay.name).read_bytes() == b"x"
    assert (copy.snapshots / snapshot.name).read_bytes() == b"weights"


def test_checkpoints_and_offers_are_copied_before_the_database_and_maps_after_it(
    league: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    copy_file, copy_database = shutil.copy2, backup
    monkeypatch.setattr(
        "league.folder.copying.shutil.copy2",
        lambda source, target: (steps.append(source.parent.name), copy_file(source, target)),
    )
    monkeypatch.setattr(
        "league.folder.backup.backup",
        lambda engine, target: (steps.append("database"), copy_database(engine, target)),
    )
    (league.replays / "1.replay").write_bytes(b"x")
    (league.checkpoints / "leader").mkdir()
    (league.checkpoints / "leader" / "checkpoint-1").write_bytes(b"x")
    back_up(league, tmp_path / "copy")
    assert list(dict.fromkeys(steps)) == [
        *("leader", "offered", "replays", "snapshots", "database", "mine"),
    ]


def test_a_checkpoint_replaced_while_it_is_copied_leaves_the_newer_one(
    league: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = league.checkpoints / "leader"
    folder.mkdir()
    (folder / "checkpoint-1").write_bytes(b"old")
    copy_file = shutil.copy2

    def replaced_first(source: Path, target: Path) -> None:
        if source.name == "checkpoint-1":
            (folder / "checkpoint-2").write_bytes(b"new")
            source.unlink()
        copy_file(source, target)

    monkeypatch.setattr("league.folder.copying.shutil.copy2", replaced_first)
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
    assert [path.name for path in (copy.checkpoints / "leader").iterdir()] == ["checkpoint-2"]


def test_the_copy_of_a_league_with_its_database_elsewhere_has_its_own(
    league: LeagueFolder, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    league.sqlite.rename(elsewhere)
    text = league.toml.read_text()
    assert text.index("[database]") < text.index('url = "off"') < text.index("[store]")
    league.toml.write_text(text.replace('url = "off"', f'url = "sqlite:///{elsewhere}"', 1))
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
    assert copy.database().path == copy.sqlite and copy.toml.read_text() == text
    expected = rerate(league)
    elsewhere.unlink()
    assert rerate(copy) == expected


def test_a_pipe_in_a_folder_does_not_hang_a_backup(league: LeagueFolder, tmp_path: Path) -> None:
    os.mkfifo(league.replays / "pipe")
    copy = LeagueFolder(back_up(league, tmp_path / "copy").path)
    assert list(copy.replays.iterdir()) == []


def test_a_backup_is_restored_as_it_was(league: LeagueFolder, tmp_path: Path) -> None:
    (league.replays / "1.replay").write_bytes(b"x")
    made = back_up(league, tmp_path / "copy").path
    expected = rerate(league)
    found = [finding.ok for finding in examine(league)]
    shutil.rmtree(league.root)
    league.root.mkdir()  # an empty folder will do
    restored = LeagueFolder(restore(made, league.root).path)
    assert restored == league and rerate(league) == expected
    assert (league.replays / "1.replay").read_bytes() == b"x"
    assert [finding.ok for finding in examine(league)] == found
    assert LeagueFolder(made).is_league()


def test_nothing_is_restored_over_anything(league: LeagueFolder, tmp_path: Path) -> None:
    made = back_up(league, tmp_path / "copy").path
    before = league.toml.stat()
    with pytest.raises(FolderError, match="expected a new or empty folder"):
        restore(made, league.root)
    assert league.toml.stat() == before
    with pytest.raises(FolderError, match="expected a folder outside the backup"):
        restore(made, made / "inside")
    with pytest.raises(FolderError, match="expected a folder made by `league backup`"):
        restore(tmp_path, tmp_path / "new")
    (made / "league.db").write_bytes(b"damaged " * 1000)
    with pytest.raises(DatabaseError, match="is damaged"):
        restore(made, tmp_path / "new")
    assert not (tmp_path / "new").exists()
