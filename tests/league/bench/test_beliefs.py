"""What a planner believes of its neighbours is compared with who they are."""

from __future__ import annotations

import numpy as np
import pytest

from league.bench import beliefs
from league.bench.beliefs import MARKS, WATCHER, lines, run


def test_a_match_tells_who_was_believed_to_play_what_and_who_did() -> None:
    ((seen, truth),) = beliefs._play("small", 1, np.random.default_rng(3))
    assert sorted(truth) == list(range(1, 11))
    assert WATCHER in truth.values()
    (own,) = [owner for owner, script in truth.items() if script == WATCHER]
    assert seen[MARKS[0]]  # it has neighbours, and is none of them
    assert all(own not in found and set(found) <= set(truth) for found in seen.values())


def test_shares_are_counted_by_match(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = {1: "tribe", 2: "turtle", 3: "expander", 4: WATCHER}
    played = [
        ({150: {1: "tribe", 2: "tribe"}, 400: {1: "tribe"}}, truth),  # 1 of 2, 1 of 1
        ({150: {3: "expander"}, 400: {}}, truth),  # 1 of 1, nobody left
    ]
    monkeypatch.setattr(beliefs, "_play", lambda preset, n, rng: played)
    result = run(matches=2)
    early, late = result["rows"]
    assert (early["right"], early["neighbours"], early["matches"]) == (0.75, 3, 2)
    assert (late["right"], late["neighbours"], late["matches"]) == (1.0, 1, 1)
    assert result["chance"] == 0.2
    assert "tick  150  right of  75.0%" in lines(result)[1]
