"""The ceiling is measured on equal seeds and seats, and stops when its time is up."""

from __future__ import annotations

import pytest

from league.bench import ceiling
from league.bench.ceiling import BLIND, PLANNER, STRATEGIST, lines, run
from league.bench.scripts import STANDARD
from tests.schemas import fits


def test_all_agents_play_the_same_seats_and_differences_are_paired() -> None:
    result = run(budget="decisions=1,copies=1,candidates=2", blind=True, matches=2, seed=5)
    fits(result, "league-bench-ceiling/1")
    rows = {row["name"]: row for row in result["rows"]}
    assert set(rows) == {PLANNER, BLIND, STRATEGIST, STANDARD}
    assert result["matches"] == 2
    own, other = rows[STRATEGIST], rows[STANDARD]
    # the mean of differences in the same seats is the difference of the means
    assert (
        abs(own["better_than_expander"] - (other["mean_placement"] - own["mean_placement"])) < 1e-9
    )
    assert own["better_than_strategist"] == 0.0
    text = "\n".join(lines(result))
    assert "planner:decisions=1,copies=1,candidates=2" in text and BLIND in text


def test_no_round_begins_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceiling, "_ROUND", 1)
    told: list[str] = []
    budget = "decisions=1,copies=1,candidates=1"
    result = run(budget=budget, matches=100, seconds=0.001, tell=told.append)
    assert result["matches"] == 1 and told == ["1 matches of each"]
