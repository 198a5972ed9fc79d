"""Doctor, backup, pruning, and the moving of a league's files between folder and store."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.snapshots import SnapshotStore
from arena.territory.maps import generate_map, load_map, save_map
from db import queries
from db.session import open_writer, read_transaction
from league.config.whole import check_whole
from league.daemon.manager import Manager
from league.daemon.store import StoreHome
from league.daemon.waits import Waits
from league.errors import ConfigError, FolderError, StoreAwayError, StoreError
from league.folder.backup import back_up
from league.folder.doctor import examine
from league.folder.doctor.findings import Finding
from league.folder.in_store import left_here
from league.folder.layout import LeagueFolder
from league.folder.moving import copy_to, switch
from league.folder.opening import open_for_start
from league.learner.messages import Offered
from league.members.entry import add_member, remove_member
from league.pruning.prune import prune_league
from league.pruning.record import Budgets
from league.store.courier import Courier
from league.store.maps import bring_maps
from league.store.store import Store, StorePlace
from tests.league.daemon.managed import Run
from tests.league.daemon.scripted import League, new_league


@pytest.fixture
def league(tmp_path: Path) -> Iterator[League]:
    """A league with a snapshot and two matches in a store that is a folder; it is stopped."""
    with new_league(tmp_path / "league", f"store.url={tmp_path / 'store'}") as made:
        played(made)
        yield made


def played(league: League) -> str:
    run = Run(league)
    run.turn()
    sha256 = run.offer()
    run.say(Offered(sha256, 640, "a test"))
    run.turn()
    run.arena.finish(*[job_id for job_id, _, _ in run.arena.submitted[-2:]])
    run.turn()
    run.manager.close(2.0)
    return sha256


def finding(folder: LeagueFolder, name: str, *, thorough: bool = False) -> Finding:
    found = examine(folder, thorough=thorough)
    return next(each for each in found if each.text.startswith(name))


def files(tmp_path: Path, kind: str) -> list[Path]:
    return sorted(path for path in (tmp_path / "store" / kind).rglob("*") if path.is_file())


def test_a_doctor_finds_a_whole_store_whole(league: League, tmp_path: Path) -> None:
    store = finding(league.folder, "store:")

    assert store.level == "ok"
    assert store.text.startswith(f"store: {tmp_path / 'store'} holds 1 snapshots, 2 replays, 0 ")
    assert finding(league.folder, "snapshots:").text == "snapshots: 1 of 1 good"
    assert finding(league.folder, "files that nothing names").ok


def test_a_doctor_finds_what_is_missing_damaged_and_not_named(
    league: League, tmp_path: Path
) -> None:
    (snapshot,) = files(tmp_path, "snapshots")
    first, _ = files(tmp_path, "replays")
    first.unlink()
    stray = tmp_path / "store" / "replays" / f"00000099-{'0' * 16}.replay"
    stray.write_bytes(b"x")
    os.utime(stray, (1, 1))
    raw = snapshot.read_bytes()
    snapshot.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))

    assert finding(league.folder, "replays:").text.startswith("replays: 1 lost: match")
    store = finding(league.folder, "store:")
    assert store.level == "note" and "1 files that nothing names" in store.text
    assert store.details == (f"{tmp_path / 'store'}/replays/{stray.name}",)
    assert finding(league.folder, "snapshots:").ok  # the size is right
    damaged = finding(league.folder, "snapshots:", thorough=True)
    assert damaged.is_wrong and "the bytes have changed since it was saved" in damaged.text


def test_a_store_that_is_not_mounted_is_not_taken_for_a_new_one(
    league: League, tmp_path: Path
) -> None:
    (tmp_path / "store").rename(tmp_path / "gone")
    (tmp_path / "store").mkdir()

    found = finding(league.folder, "store:")
    with pytest.raises(StoreError, match="is it mounted, and the right one"):
        Run(league)

    assert found.is_wrong and "is it mounted, and the right one" in found.text
    assert files(tmp_path, "") == []


def test_a_backup_says_what_the_store_holds(league: League, tmp_path: Path) -> None:
    made = back_up(league.folder, tmp_path / "backup")

    said = made.sentence()
    assert f"what the store {tmp_path / 'store'} holds (2 replays, 1 snapshots, 0 check" in said
    held = LeagueFolder.at(tmp_path / "backup").store()
    assert held is not None and held.url == str(tmp_path / "store")


def test_pruning_removes_from_the_store(
    league: League, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.pruning.prune.KEEP_LATEST", 0)
    sizes = [path.stat().st_size for path in files(tmp_path, "replays")]
    assert len(sizes) == 2

    done = prune_league(league.folder, Budgets(replays=1.0), nobody_runs=True)

    assert done.n_replays == 1  # the newest stays
    assert done.replay_bytes == done.pruned_replay_bytes + sizes[1]
    (left,) = files(tmp_path, "replays")
    with read_transaction(league.engine) as session:
        paths = {m.replay_path for m in queries.list_matches(session, status="finished")}
    assert paths == {None, f"replays/{left.name}"}


def test_a_folder_league_moves_into_a_bucket_and_back(tmp_path: Path, bucket: str) -> None:
    url = f"{bucket}/{tmp_path.name}"
    with new_league(tmp_path / "league") as league:
        sha256 = played(league)
        folder = league.folder
        moved = copy_to(folder, url)
        assert (moved.n_files, moved.n_there) == (3, 0)
        again = copy_to(folder, url)  # as after an interruption
        assert (again.n_files, again.n_there, again.n_bytes) == (3, 3, 0)
        switch(folder, url)
        check_whole(folder.toml)
        for path in (*folder.replays.glob("*.replay"), *folder.snapshots.glob("*.safetensors")):
            path.unlink()

        place = folder.store()
        assert place is not None and place.url == url
        assert SnapshotStore(folder.snapshot_place()).load(sha256).sha256 == sha256
        with read_transaction(league.engine) as session:
            stored = [m.replay_path for m in queries.list_matches(session, status="finished")]
        assert all(folder.replay(str(path)).is_file() for path in stored)

        assert copy_to(folder, None).n_bytes == moved.n_bytes
        switch(folder, None)
        assert folder.store() is None
        assert all((folder.root / str(path)).is_file() for path in stored)
        assert folder.snapshot_place() == folder.snapshots
        assert SnapshotStore(folder.snapshots).load(sha256).sha256 == sha256


def test_a_damaged_file_ends_a_move_with_a_sentence(tmp_path: Path) -> None:
    with new_league(tmp_path / "league") as league:
        played(league)
        (snapshot,) = league.folder.snapshots.glob("*.safetensors")
        snapshot.write_bytes(b"damaged")

        with pytest.raises(FolderError, match="do not have the hash in its name"):
            copy_to(league.folder, str(tmp_path / "store"))


def test_a_store_section_is_added_to_the_settings_of_an_older_league(tmp_path: Path) -> None:
    with new_league(tmp_path / "league") as league:
        text = league.folder.toml.read_text()
        at = text.index("[store]")
        tail = text[text.index("url", at) :]
        league.folder.toml.write_text(text[:at] + tail[tail.index("\n\n") + 1 :])
        assert "[store]" not in league.folder.toml.read_text()

        switch(league.folder, "s3://bucket/league")

        place = league.folder.store()
        check_whole(league.folder.toml)
        assert place is not None and place.url == "s3://bucket/league"


def test_another_store_for_one_start_is_refused(league: League, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"store\.url: expected .* as in .*league store copy"):
        open_for_start(league.folder.root, sets=["store.url=off"])
    with pytest.raises(ConfigError) as caught:
        open_for_start(league.folder.root, sets=["store.url=s3://key:hidden@bucket/x"])
    assert "hidden" not in str(caught.value) and "without a password" in str(caught.value)


def test_maps_of_the_league_are_found_by_a_machine_that_has_not_got_them(
    tmp_path: Path,
) -> None:
    given = tmp_path / "island"
    save_map(generate_map("plains", 64, 64, 1), given)
    with new_league(tmp_path / "league", f"store.url={tmp_path / 'store'}") as league:
        shutil.copytree(given, league.folder.maps / "island")
        Run(league).manager.close(5.0)
    there = tmp_path / "another-machine"

    assert bring_maps(store_at(tmp_path), there) == 2
    assert bring_maps(store_at(tmp_path), there) == 0

    assert load_map(there / "maps" / "island").sha256 == load_map(given).sha256


def store_at(tmp_path: Path) -> Store:
    return StorePlace(str(tmp_path / "store"), str(tmp_path / "cache"), 10**6).open()


def test_a_restart_with_the_same_database_goes_on(league: League, tmp_path: Path) -> None:
    engine = open_writer(league.folder.sqlite)
    manager: Manager = Run(League(league.folder, league.config, engine)).manager

    assert manager.store.shas() == [files(tmp_path, "snapshots")[0].stem]
    manager.close(1.0)
    engine.dispose()


def test_a_member_is_removed_while_the_store_is_away(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_member(league.folder, "scripted:turtle", "typo")
    with league.engine.begin() as connection:  # nobody else has this snapshot
        connection.exec_driver_sql(
            f"UPDATE members SET snapshot_sha256 = '{'a' * 64}' WHERE name = 'typo'"
        )

    def silent(*_: object) -> None:
        raise StoreAwayError("the store does not answer")

    monkeypatch.setattr(Store, "delete", silent)
    assert remove_member(league.folder, "typo").name == "typo"
    with read_transaction(league.engine) as session:
        assert "typo" not in {m.name for m in queries.list_members(session)}


def test_a_start_does_not_send_a_checkpoint_that_the_store_holds(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = league.folder.store()
    assert place is not None
    folder = league.folder.checkpoints / "attention"
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number in (1, 2):
        raw = b"checkpoint %d" % number
        name = f"checkpoint-{number:08d}-{hashlib.sha256(raw).hexdigest()[:16]}.safetensors"
        (folder / name).write_bytes(raw)
        names.append(f"checkpoints/attention/{name}")
    keys = [key for key, _, _ in left_here(league.folder) if key.startswith("checkpoints/")]
    assert len(keys) == 2
    place.open().put_new(keys[0], (league.folder.root / keys[0]).read_bytes(), keep=False)
    sent: list[str] = []
    monkeypatch.setattr(Courier, "send", lambda self, key, path, **_: sent.append(key))
    StoreHome(league.folder, league.engine, Waits(league.engine)).close(0.1)
    assert keys[1] in sent and keys[0] not in sent
