"""The fixture of the tests of pruning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.league.daemon.scripted import new_league
from tests.league.pruning.pruned_league import Pruned


@pytest.fixture
def pruned(tmp_path: Path) -> Iterator[Pruned]:
    with new_league(tmp_path / "league") as made:
        found = Pruned(made)
        found.start()
        yield found
