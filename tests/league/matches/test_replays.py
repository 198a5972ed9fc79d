"""Replays of a league with a store: nobody waits for one that does not answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from league.folder.layout import LeagueFolder
from league.matches import replays
from league.matches.replays import ReplayKeeper


class SilentCourier:
    """A courier that is trying a silent store again."""

    def __init__(self, trouble: str | None) -> None:
        self.trouble = trouble
        self.sent: list[str] = []
        self.waits = 0

    def send(self, key: str, path: Path) -> None:
        assert path.exists()
        self.sent.append(key)

    def wait(self, timeout_s: float) -> bool:
        self.waits += 1
        return True


@pytest.mark.parametrize(("trouble", "waits"), [("it does not answer", 0), (None, 1)])
def test_a_batch_waits_for_the_store_only_while_it_answers(
    trouble: str | None, waits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "to_bytes", lambda result, label: b"a replay")
    courier: Any = SilentCourier(trouble)
    result: Any = None
    stored = ReplayKeeper(LeagueFolder.at(tmp_path), courier).write({"00000012": result}, {})
    assert courier.sent == list(stored.values()) and len(courier.sent) == 1
    assert courier.waits == waits
