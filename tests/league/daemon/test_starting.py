"""A start that meets a locked database, a full disk, or a signal while it waits."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from db.errors import DatabaseBusyError, DatabaseFullError, DatabaseHeldError
from db.session import open_writer, write_transaction
from league.daemon.detach import Herald
from league.daemon.lock import LeagueLock, read_note
from league.daemon.process import BUSY_S, GRACE_S
from league.daemon.signals import StoppedEarly, StopSignals
from league.daemon.starting import StartPauses, start_pauses
from league.daemon.trouble import TroubleError
from league.folder.layout import LeagueFolder


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("league.daemon.trouble.FIRST_PAUSE_S", 0.0)


def pauses(folder: LeagueFolder, signals: StopSignals, patience_s: float = 600.0) -> StartPauses:
    return start_pauses(folder, patience_s, signals, Herald())


def test_a_start_waits_for_the_database_shows_it_and_goes_on(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = LeagueLock(hand_made_league)
    errors: list[Exception] = [DatabaseBusyError("locked"), DatabaseFullError("full")]
    noted: list[object] = []

    def attempt() -> str:
        noted.append(read_note(hand_made_league).get("paused_kind"))
        if errors:
            raise errors.pop(0)
        return "started"

    assert pauses(hand_made_league, StopSignals())(attempt) == "started"
    assert noted == [None, "database", "disk_full"]
    assert "paused" not in read_note(hand_made_league)
    said = capsys.readouterr().err
    assert "locked; pausing for 0 s" in said and "the disk is full (full)" in said
    lock.close()


def test_a_league_that_another_daemon_holds_is_refused_without_waiting(
    hand_made_league: LeagueFolder,
) -> None:
    calls: list[int] = []

    def attempt() -> None:
        calls.append(1)
        raise DatabaseHeldError("held")

    with pytest.raises(DatabaseHeldError):
        pauses(hand_made_league, StopSignals())(attempt)
    assert calls == [1]


def test_a_start_gives_up_after_its_own_limit_which_is_the_shorter_one(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.daemon.starting.START_PATIENCE_S", 0.0)

    def attempt() -> None:
        raise DatabaseBusyError("locked")

    with pytest.raises(TroubleError, match="waited 0 s"):
        pauses(hand_made_league, StopSignals())(attempt)


def test_a_signal_ends_the_wait(hand_made_league: LeagueFolder) -> None:
    calls: list[int] = []

    def attempt() -> None:
        calls.append(1)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
            raise DatabaseFullError("full")

    with StopSignals() as signals, pytest.raises(StoppedEarly):
        pauses(hand_made_league, signals)(attempt)
    assert calls == [1]


def test_an_attempt_to_write_a_locked_database_leaves_time_for_a_stop(tmp_path: Path) -> None:
    # A running round and the last commit may wait once each for the writer's lock and for SQLite's.
    assert 2 * 2 * BUSY_S + GRACE_S - 2 * BUSY_S <= 30.0 - 2.0
    engine = open_writer(tmp_path / "league.db", busy_s=0.2)
    with write_transaction(engine):
        pass
    other = sqlite3.connect(tmp_path / "league.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(DatabaseBusyError), write_transaction(engine):
        pass
    assert time.monotonic() - began < 5.0  # ten seconds are what others wait
    threading.Timer(0.05, lambda: other.execute("ROLLBACK")).start()
    with write_transaction(engine):
        pass
    other.close()
    engine.dispose()
