"""A league on a server is written by its manager and a head-to-head at once, and read meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine

from db import queries
from db.errors import DatabaseUnreachableError
from db.hold import DatabaseHold
from db.session import read_transaction
from league.daemon.manager import Manager
from league.folder.by_url import league_by_url
from league.folder.connect import write_patiently, writer
from league.folder.layout import LeagueFolder
from league.folder.rerate import rerate
from league.pit.report import PitReport
from league.pit.run import PitRequest, run_pit
from league.report.state import StateReader
from tests.league.daemon.rated import matches
from tests.league.daemon.scripted import PlayingArena, new_league_on_server
from tests.league.pit.conftest import DiceArena

MAPS = ("generated:plains:64x64:1-2",)
REQUEST = PitRequest("tribe", "scripted:idle", n_matches=40, maps=MAPS)


def test_a_manager_plays_a_pit_writes_and_a_report_reads_without_harm(
    fresh_postgresql: Engine, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_CACHE_DIR", str(tmp_path / "cache"))
    is_over = Event()

    def read(folder: LeagueFolder) -> list[int]:
        seen = []
        with StateReader(folder) as reader:
            while not is_over.is_set():
                state = reader.read()
                seen.append(sum(row.matches for row in state.members))
        return seen

    def play(folder: LeagueFolder) -> PitReport:
        return run_pit(REQUEST, folder, arena=lambda n, settings: DiceArena())

    with new_league_on_server(tmp_path / "league", postgresql_url, "learners=[]") as league:
        hold = DatabaseHold(league.engine)
        hold.claim()
        arena = PlayingArena()
        manager = Manager(league.folder, league.config, league.engine, arena=arena)
        with ThreadPoolExecutor(2) as threads:
            pit = threads.submit(play, league.folder)
            report = threads.submit(read, league_by_url(postgresql_url))
            try:
                while len(arena.ended) < 40 or not pit.done():
                    manager.turn(0.0)
            finally:
                is_over.set()
            found, seen = pit.result(), report.result()
        manager.close(1.0)
        hold.close()
        finished = matches(league, "finished")
        played = [match for match in finished if match.purpose == "pit"]
        rated = [match for match in finished if match.purpose == "rating"]  # the rest are canaries
        assert [m.id for m in finished if m.purpose != "pit"] == sorted(arena.ended)
        assert len(played) == found.n_matches == 40
        with read_transaction(league.engine) as session:
            n_members = len([m for m in queries.list_members(session) if m.status != "guest"])
        ratings = rerate(league.folder)
    assert ratings.first_difference_seq is None
    assert ratings.n_changes == n_members + 4 * len(rated)
    assert seen == sorted(seen) and seen[-1] > seen[0]  # four seats a match, never fewer


def test_a_pit_waits_for_a_server_and_writes_its_pair_once(
    fresh_postgresql: Engine, postgresql_url: str, tmp_path: Path
) -> None:
    with new_league_on_server(tmp_path / "league", postgresql_url) as league:
        waited: list[float] = []
        broken = iter([True, True, False, False])

        def once(session: object) -> None:
            with read_transaction(league.engine) as reading:
                if queries.get_league_value(reading, "mark") is not None:
                    return
            assert not queries.get_league_value(session, "mark")  # type: ignore[arg-type]
            queries.set_league_value(session, "mark", {"n": 1})  # type: ignore[arg-type]
            if next(broken):
                raise DatabaseUnreachableError("the server restarts")

        with writer(league.folder) as engine:
            write_patiently(engine, once, "a test", sleep=waited.append)
            with pytest.raises(DatabaseUnreachableError):
                write_patiently(engine, _never, "a test", patience_s=-1.0, sleep=waited.append)
            with read_transaction(engine) as session:
                (event,) = queries.list_events(session, kind="trouble_passed")
    assert waited == [1.0, 2.0]
    assert event.message.startswith("a test waited for 0 s: the server restarts")


def _never(session: object) -> None:
    raise DatabaseUnreachableError("it is gone")
