"""A manager whose league keeps its files in a store, between a scripted arena and learners."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.snapshots import SnapshotStore
from arena.replay import read_replay
from db import queries
from db.records import MatchRecord
from db.session import open_writer, read_transaction
from league.daemon.waits import STORE
from league.errors import StoreAwayError, StoreError
from league.folder.in_store import MARK
from league.folder.layout import LeagueFolder
from league.learner.messages import Offered, Settled
from league.store.store import Store
from tests.league.daemon.managed import Run
from tests.league.daemon.scripted import League, new_league


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of a folder, and of S3."""
    if request.param == "folder":
        return str(tmp_path / "store")
    return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"


@pytest.fixture
def league(url: str, tmp_path: Path) -> Iterator[League]:
    with new_league(tmp_path / "league", f"store.url={url}") as made:
        yield made


@pytest.fixture
def folder_league(tmp_path: Path) -> Iterator[League]:
    with new_league(tmp_path / "league", f"store.url={tmp_path / 'store'}") as made:
        yield made


def store_of(league: League) -> Store:
    place = league.folder.store()
    assert place is not None
    return place.open()


def keys(league: League, prefix: str = "") -> list[str]:
    return [entry.key for entry in store_of(league).list(prefix)]


def finished(league: League) -> list[MatchRecord]:
    with read_transaction(league.engine) as session:
        return queries.list_matches(session, status="finished")


def play(run: Run, n: int = 2) -> None:
    run.turn()
    ids = [job_id for job_id, _, _ in run.arena.submitted]
    run.arena.finish(*ids[-n:])
    run.turn()


def test_a_match_names_a_replay_that_is_in_the_store(league: League) -> None:
    run = Run(league)
    play(run)

    matches = finished(league)
    assert len(matches) == 2
    assert keys(league, "replays/") == sorted(str(match.replay_path) for match in matches)
    assert not list(league.folder.replays.rglob("*.replay"))
    for match in matches:
        replay = read_replay(league.folder.replay(str(match.replay_path)))
        assert replay.label.match_id == match.id
    run.manager.close(1.0)


def test_an_admitted_snapshot_is_in_the_store_and_loads_on_another_machine(
    league: League, tmp_path: Path
) -> None:
    run = Run(league)
    run.turn()
    sha256 = run.offer()
    run.say(Offered(sha256, 640, "a test"))

    assert keys(league, "snapshots/") == [f"snapshots/{sha256}.safetensors"]
    assert [settled.reason for settled in run.told(Settled)] == ["a test"]
    assert SnapshotStore(league.folder.snapshots).list_offers() == []
    there = LeagueFolder(tmp_path / "another-machine")
    there.make_folders()
    shutil.copy(league.folder.toml, there.toml)
    loaded = SnapshotStore(there.snapshot_place()).load(sha256[:12])
    assert loaded.sha256 == sha256
    assert SnapshotStore(there.snapshot_place()).shas() == [sha256]
    run.manager.close(1.0)


def test_an_offer_of_another_machine_is_admitted_through_the_store(league: League) -> None:
    run = Run(league)
    run.turn()
    sha256 = run.offer()
    here = league.folder.snapshots / "offered"
    store = store_of(league)
    for path in sorted(here.iterdir()):  # as `send_offers` of a far learner does
        store.put_new(f"snapshots/offered/{path.name}", path.read_bytes(), keep=False)
        path.unlink()

    run.manager.close(1.0)
    again = Run(league)  # the manager was killed before it heard of the offer

    assert "attention-0000" in again.names()
    assert keys(league, "snapshots/") == [f"snapshots/{sha256}.safetensors"]
    again.manager.close(1.0)


class Away:
    """A store that does not answer."""

    def __getattr__(self, name: str) -> object:
        def call(*arguments: object) -> object:
            raise StoreAwayError("the store does not answer")

        return call


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("league.store.store.LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr("league.daemon.heartbeat.HEARTBEAT_EVERY_S", 0.0)
    monkeypatch.setattr("league.daemon.offers.pause_after", lambda n: 0.0)


def test_while_the_store_is_away_matches_go_on_and_offers_wait(
    folder_league: League, impatient: None
) -> None:
    league, run = folder_league, Run(folder_league)
    run.turn()
    store = store_of(league)
    answering, store.files = store.files, Away()  # type: ignore[assignment]
    play(run)
    sha256 = run.offer()
    run.say(Offered(sha256, 640, "a test"))

    (first, second) = finished(league)
    for match in (first, second):  # rated, and the replay is on this machine's disk
        path = league.folder.root / str(match.replay_path)
        assert path.is_file() and league.folder.replay(str(match.replay_path)) == path
    assert "attention-0000" not in run.names() and run.told(Settled) == []
    (said,) = run.events("store_away")
    assert (
        said == "the store does not answer; the league goes on, and 2 files wait here to be brought"
    )
    assert "2 files wait for the store" in run.manager.waits.texts[STORE]

    store.files = answering
    for _ in range(1_000):
        run.turn()
        if run.events("store_back") and "attention-0000" in run.names():
            break
    assert sorted(keys(league, "replays/")) == [m.replay_path for m in (first, second)]
    assert STORE not in run.manager.waits.texts and len(run.events("store_away")) == 1
    assert keys(league, "snapshots/") == [f"snapshots/{sha256}.safetensors"]
    run.manager.close(1.0)


def test_a_crash_between_put_and_commit_leaves_a_stray_and_loses_nothing(
    folder_league: League,
) -> None:
    league, run = folder_league, Run(folder_league)
    run.turn()
    ids = [job_id for job_id, _, _ in run.arena.submitted]
    run.arena.finish(ids[0])
    run.manager.rated.listen(0.0)
    run.manager.rated._write_replays()  # and then the machine dies: no commit
    (stray,) = keys(league, "replays/")
    assert finished(league) == []

    again = Run(league)
    again.turn()
    assert ids[0] in {job_id for job_id, _, _ in again.arena.submitted}
    again.arena.finish(ids[0])
    again.turn()

    (match,) = finished(league)
    assert match.id == ids[0]  # once; played alike, it has the same bytes and the same name
    assert match.replay_path == stray and keys(league, "replays/") == [stray]
    again.manager.close(1.0)


def test_a_start_brings_what_an_earlier_one_and_a_folder_league_left(
    tmp_path: Path, bucket: str
) -> None:
    root = tmp_path / "league"
    with new_league(root) as league:  # without a store
        run = Run(league)
        run.turn()
        sha256 = run.offer()
        run.say(Offered(sha256, 640, "a test"))
        play(run)
        matches = finished(league)
        run.manager.close(1.0)
    toml = league.folder.toml.read_text()
    moved = f"{bucket}/{tmp_path.name}"
    section = toml.index("[store]")
    toml = toml[:section] + toml[section:].replace('url = "off"', f'url = "{moved}"', 1)
    league.folder.toml.write_text(toml)
    engine = open_writer(league.folder.sqlite)
    again = League(league.folder, league.config, engine)

    run = Run(again)
    courier = run.manager._home.courier
    assert courier is not None and courier.wait(60.0)

    assert not list(league.folder.snapshots.glob("*.safetensors"))
    assert SnapshotStore(league.folder.snapshot_place()).load(sha256).sha256 == sha256
    for match in matches:  # their rows name no hash: the store finds them by the rest of the name
        assert match.replay_path == f"replays/{match.id:08d}.replay"
        assert read_replay(league.folder.replay(match.replay_path)).label.match_id == match.id
    run.manager.close(1.0)
    engine.dispose()


def test_a_store_holds_the_files_of_one_league(url: str, tmp_path: Path) -> None:
    with new_league(tmp_path / "one", f"store.url={url}") as one:
        Run(one).manager.close(0.0)
        assert MARK in keys(one)
        Run(one).manager.close(0.0)  # it knows its own mark
        with (
            new_league(tmp_path / "two", f"store.url={url}") as two,
            pytest.raises(StoreError, match=r"files of another one \(begun 20..-..-..\)"),
        ):
            Run(two)


def test_a_new_machine_with_the_database_finds_all_snapshots_and_replays(
    league: League, tmp_path: Path
) -> None:
    run = Run(league)
    run.turn()
    sha256 = run.offer()
    run.say(Offered(sha256, 640, "a test"))
    play(run)
    run.manager.close(1.0)
    with read_transaction(league.engine) as session:
        names = [member.name for member in queries.list_members(session)]
    there = LeagueFolder.at(tmp_path / "new-machine")
    there.make_folders()
    shutil.copy(league.folder.toml, there.toml)
    league.engine.dispose()
    shutil.copy(league.folder.sqlite, there.sqlite)
    engine = open_writer(there.sqlite)

    again = Run(League(there, league.config, engine))
    again.turn()

    assert again.names() == names and "attention-0000" in names
    assert SnapshotStore(there.snapshot_place()).shas() == [sha256]
    with read_transaction(engine) as session:
        for match in queries.list_matches(session, status="finished"):
            assert there.replay(str(match.replay_path)).is_file()
    again.manager.close(1.0)
    engine.dispose()
