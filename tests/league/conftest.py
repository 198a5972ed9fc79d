"""Fixtures of the league tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_made import make_league

from league.folder import LeagueFolder


@pytest.fixture
def hand_made_league(tmp_path: Path) -> LeagueFolder:
    """See `hand_made.make_league`."""
    return make_league(tmp_path / "league")
