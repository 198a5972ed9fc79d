"""Fixtures of the league tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from db.session import write_transaction
from league.folder.layout import LeagueFolder
from tests.db.migrated import new_database
from tests.league.hand_made import make_league


@pytest.fixture
def hand_made_league(tmp_path: Path) -> LeagueFolder:
    """See `hand_made.make_league`."""
    return make_league(tmp_path / "league")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A writing transaction on an empty league database."""
    engine = new_database(tmp_path / "league.db")
    with write_transaction(engine) as opened:
        yield opened
    engine.dispose()
