"""One daemon per league."""

from __future__ import annotations

from pathlib import Path

import pytest

from league.daemon.lock import hold_lock, is_locked, status
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
        with pytest.raises(LeagueError, match="is already running, PID"), hold_lock(folder):
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
