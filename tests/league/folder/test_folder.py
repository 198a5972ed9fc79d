from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from arena.errors import MapError
from arena.territory.maps import generate_map, save_map
from db.location import DatabaseLocation
from db.migrate import upgrade
from db.session import open_writer, write_transaction
from league.errors import ConfigError, FolderError
from league.folder import opening
from league.folder.layout import LeagueFolder, create_folder, open_folder
from league.folder.opening import open_for_start, remember_config, stored_config


def _tree(root: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


def test_a_folder_that_is_no_league_is_named_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="found no such folder; `league start"):
        open_folder(tmp_path / "none")
    with pytest.raises(FolderError, match="found an empty folder"):
        open_folder(tmp_path)
    (tmp_path / "letter.txt").touch()
    with pytest.raises(FolderError, match=r"found letter\.txt; name the folder of a league"):
        open_folder(tmp_path)
    with pytest.raises(FolderError, match="found a file"):
        open_folder(tmp_path / "letter.txt")


def test_a_folder_with_other_things_never_becomes_a_league(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    before = _tree(tmp_path)
    with pytest.raises(FolderError, match=r"or an empty one, found letter\.txt"):
        open_for_start(tmp_path)
    assert _tree(tmp_path) == before


def test_a_start_that_died_before_the_settings_were_written_is_completed(tmp_path: Path) -> None:
    LeagueFolder(tmp_path).make_folders()
    (tmp_path / ".league.toml.123").write_text("half")  # of an earlier version
    (tmp_path / ".writing-123-4f").write_text("half")
    opened = open_for_start(tmp_path)
    assert opened.is_new and opened.folder.is_league()


def test_the_settings_are_on_disk_when_the_folder_is_a_league(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(
        "arena.files.os.fsync", lambda handle: synced.append(os.fstat(handle).st_ino)
    )
    folder = create_folder(tmp_path / "league", "seed = 1\n")
    # the league in its parent, the sub-folders in the league, the settings, their name
    for path in (tmp_path, folder.root, folder.toml):
        assert path.stat().st_ino in synced
    assert synced[-2:] == [folder.toml.stat().st_ino, folder.root.stat().st_ino]


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://me:secret@localhost/league", 0o600),
        ("postgresql://me@localhost/league?password=secret", 0o600),
        ("postgresql://me@localhost/league", 0o644),
    ],
)
def test_settings_with_a_password_are_their_owners_alone(
    tmp_path: Path, url: str, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "stored_config", lambda folder: None)  # an empty database
    before = os.umask(0o022)
    try:
        folder = open_for_start(tmp_path / "new", "small", [f"database.url={url}"]).folder
    finally:
        os.umask(before)
    assert folder.toml.stat().st_mode & 0o777 == mode


def test_stored_paths_stay_inside_and_move_with_the_folder(tmp_path: Path) -> None:
    folder = create_folder(tmp_path / "here", "")
    stored = folder.relative(folder.replays / "7.replay")
    assert stored == "replays/7.replay"
    moved = LeagueFolder(tmp_path / "there")
    shutil.move(folder.root, moved.root)
    assert moved.inside(stored) == (tmp_path / "there/replays/7.replay").resolve()
    with pytest.raises(FolderError, match=r"expected a path inside .* found '\.\./secret'"):
        moved.inside("../secret")
    with pytest.raises(FolderError, match="expected a path inside"):
        moved.relative(tmp_path / "elsewhere")


def test_the_database_is_the_file_unless_the_settings_name_a_server(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, '[database]\nurl = "off"\n')
    assert folder.database().path == tmp_path / "league.db"
    folder.toml.write_text('[database]\nurl = "postgresql://h/d"\n')
    assert folder.database() == DatabaseLocation.of("postgresql://h/d")
    folder.toml.write_text("[database]\nurl = 'sqlite:////elsewhere/other.db'\n")
    assert folder.database().path == Path("/elsewhere/other.db")


def test_a_bad_start_changes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "league"
    bad_map = tmp_path / "bad"
    save_map(generate_map("plains", 64, 64, 1), bad_map)
    (bad_map / "map.bin").write_bytes(b"\x80" * 100)
    for arguments in (
        {"preset": "huge"},
        {"sets": ["x.y=1"]},
        {"map_path": tmp_path / "missing"},
        {"map_path": bad_map},
        {"sets": ['maps.rate=["generated:moon:64x64:1"]']},
    ):
        with pytest.raises((ConfigError, MapError)):
            open_for_start(root, **arguments)  # type: ignore[arg-type]
        assert not root.exists()


def test_a_map_too_small_for_the_seats_is_refused(tmp_path: Path) -> None:
    # 10 start discs of 52 tiles need 520 tiles; 16 x 16 tiles are 256.
    small = save_map(generate_map("plains", 16, 16, 1), tmp_path / "small")
    with pytest.raises(ConfigError, match="playable tiles for the starts of 10 players, found"):
        open_for_start(tmp_path / "league", map_path=small)


def test_a_generated_map_may_be_given_as_the_message_advises(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="or use generated:continents:128x128:7"):
        open_for_start(tmp_path / "league", map_path="missing")
    reference = "generated:continents:128x128:7"
    opened = open_for_start(tmp_path / "league", map_path=reference)
    assert opened.config.maps.train == opened.config.maps.rate == (reference,)
    again = open_for_start(tmp_path / "league", map_path=reference)
    assert again.config == opened.config and not list(opened.folder.root.glob("maps/*"))
    many = open_for_start(tmp_path / "many", map_path="generated:lakes:64x64:0-15")
    assert many.config.maps.rate == ("generated:lakes:64x64:0-15",)
    with pytest.raises(MapError, match="expected one of the presets"):
        open_for_start(tmp_path / "bad", map_path="generated:moon:64x64:1")
    assert not (tmp_path / "bad").exists()


def test_a_given_map_is_copied_and_the_same_start_may_be_repeated(tmp_path: Path) -> None:
    mine = save_map(generate_map("lakes", 64, 64, 1), tmp_path / "mine")
    opened = open_for_start(tmp_path / "league", "small", map_path=mine)
    assert opened.config.maps.rate == ("maps/mine",)
    assert (opened.folder.maps / "mine" / "map.bin").is_file()
    again = open_for_start(tmp_path / "league", "small", map_path=mine)
    assert again.config == opened.config and not again.is_new
    save_map(generate_map("lakes", 64, 64, 2), mine)
    with pytest.raises(ConfigError, match="holds a different map as maps/mine"):
        open_for_start(tmp_path / "league", map_path=mine)


def test_a_second_start_may_change_learning_but_not_the_rules(tmp_path: Path) -> None:
    opened = open_for_start(tmp_path / "league")
    engine = open_writer(opened.folder.sqlite)
    upgrade(engine)
    with write_transaction(engine) as session:
        remember_config(session, opened.config)
    engine.dispose()
    assert stored_config(opened.folder) == opened.config.to_json()
    later = open_for_start(tmp_path / "league", sets=["learner.n_epochs=2"])
    assert later.config.learner.n_epochs == 2
    with pytest.raises(ConfigError, match="a league keeps its database"):
        open_for_start(tmp_path / "league", sets=["database.url=postgresql://h/d"])
    with pytest.raises(ConfigError, match="frozen at the league's first start"):
        open_for_start(tmp_path / "league", sets=["rules.max_ticks=900"])


def test_another_database_is_refused_without_showing_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "stored_config", lambda folder: None)  # an empty database
    opened = open_for_start(tmp_path / "league", sets=["database.url=postgresql://me:secret@h/d"])
    with pytest.raises(ConfigError, match=r"me:\*\*\*@h/d.*me:\*\*\*@h/other") as refused:
        open_for_start(opened.folder.root, sets=["database.url=postgresql://me:hidden@h/other"])
    assert "secret" not in str(refused.value) and "hidden" not in str(refused.value)
