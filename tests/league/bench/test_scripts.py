"""The search for a strategist's parameters compares plans on equal seeds and seats."""

from __future__ import annotations

import numpy as np

from agents.strategist import Plan
from league.bench.scripts import STANDARD, lines, place, run
from tests.schemas import fits


def test_the_same_plan_twice_gets_the_same_places() -> None:
    found = place("small", {"a": Plan(), "b": Plan()}, 2, np.random.default_rng(0))
    assert found["a"] == found["b"]
    assert len(found[STANDARD]) == 2


def test_the_search_reports_every_plan_of_the_second_round_best_first() -> None:
    result = run(plans=2, keep=1, matches=2, seed=3)
    fits(result, "league-bench-scripts/1")
    names = [row["name"] for row in result["rows"]]
    places = [row["mean_placement"] for row in result["rows"]]
    assert {"strategist", "strategist-eager", "strategist-patient", STANDARD} < set(names)
    assert len(names) == 5  # and the better one of the two drawn plans
    assert places == sorted(places)
    text = "\n".join(lines(result))
    assert all(name in text for name in names)
    assert "strike_from 0.6" in text
