"""One daemon per league."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from db.errors import DatabaseFullError
from league.daemon.lock import hold_lock, is_locked, status
from league.daemon.process import _turn_until_stopped
from league.errors import LeagueError
from league.folder.layout import LeagueFolder


@pytest.fixture
def folder(tmp_path: Path) -> LeagueFolder:
    league = LeagueFolder.at(tmp_path / "league")
    league.make_folders()
    return league


def test_two_daemons_on_one_league_are_impossible(folder: LeagueFolder) -> None:
    with hold_lock(folder):
        assert is_locked(folder)
        with pytest.raises(LeagueError, match="runs already, PID"), hold_lock(folder):
            pass
        assert status(folder.root).state == "running"
    assert not is_locked(folder)
    assert status(folder.root).state == "stopped"


def test_a_lock_without_a_sign_of_life_is_stale(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold_lock(folder):
        monkeypatch.setattr("league.daemon.lock._last_sign", lambda _: 0.0)
        assert status(folder.root).state == "stale"


class _Screen:
    """Stands where the terminal is: remembers what it was told."""

    said: ClassVar[list[str]] = []

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> _Screen:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def refresh(self) -> None:
        pass

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_full_disk_pauses_the_league_and_then_it_goes_on(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.daemon.screen.ProgressScreen", _Screen)
    monkeypatch.setattr("league.daemon.process.DISK_FULL_PAUSE_S", 0.0)
    signals = SimpleNamespace(n=0)
    turns = iter([DatabaseFullError("no space"), OSError(errno.ENOSPC, "no space"), None])
    taken: list[object] = []

    def turn() -> None:
        trouble = next(turns)
        taken.append(trouble)
        if trouble is not None:
            raise trouble
        signals.n = 1

    _turn_until_stopped(folder, SimpleNamespace(turn=turn), signals, None)  # type: ignore[arg-type]
    assert len(taken) == 3
    assert [text.startswith("the disk is full") for text in _Screen.said] == [True, True]
