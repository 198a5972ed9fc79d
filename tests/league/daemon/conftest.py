"""Fixtures of the tests of the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.session import write_transaction
from league.members import admission
from tests.league.daemon.rated import season
from tests.league.daemon.scripted import League, new_league


@pytest.fixture
def league(tmp_path: Path) -> Iterator[League]:
    with new_league(tmp_path / "league") as made:
        with write_transaction(made.engine) as session:
            admission.admit_scripted(session, made.config.rating.scripted_members, season(made))
        yield made
