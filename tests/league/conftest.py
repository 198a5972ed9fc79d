"""Fixtures of the league tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from league.folder import LeagueFolder
from tests.league.hand_made import make_league


@pytest.fixture
def hand_made_league(tmp_path: Path) -> LeagueFolder:
    """See `hand_made.make_league`."""
    return make_league(tmp_path / "league")
