"""Draws that can be repeated, maps in proportion, seats without bias, and how looks share 5 %."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest

from league.errors import StatisticsError
from league.pit.draws import drawn, shuffled, stratified
from league.pit.length import format_plan, plan_json, planned_length
from league.pit.looks import confidence_of, look_number
from league.pit.seats import seat_bias_p_value
from league.pit.statistics import PitMatch
from league.pit.table import in_proportion

RATE = [
    f"generated:{kind}:128x128:1000-{last}"
    for kind, last in (("continents", 1007), ("highlands", 1003), ("lakes", 1003))
]


def test_a_draw_is_the_same_in_every_version() -> None:
    # recorded: seats of head-to-heads that were begun depend on it
    assert shuffled("ABCD", "field:7") == tuple("DCBA")
    assert drawn("ABC", 6, "mixed:7") == tuple("CABBAC")


def test_draws_are_fair() -> None:
    first = Counter(shuffled("ABCD", f"x:{seed}")[0] for seed in range(4000))
    each = Counter(drawn("ABCD", 1, f"x:{seed}")[0] for seed in range(4000))
    for counts in (first, each):  # mean 1000, standard deviation 27
        assert all(abs(counts[name] - 1000) < 110 for name in "ABCD")


@pytest.mark.parametrize("sizes", [(8, 4, 4), (1, 1), (5, 3), (7,), (2, 9, 4, 1)])
def test_every_prefix_has_the_proportions_of_the_list(sizes: tuple[int, ...]) -> None:
    groups = [[(kind, i) for i in range(size)] for kind, size in enumerate(sizes)]
    order = stratified(groups)
    assert sorted(order) == sorted(item for group in groups for item in group)
    for n in range(1, len(order) + 1):
        counts = Counter(kind for kind, _ in order[:n])
        for kind, size in enumerate(sizes):
            assert abs(counts[kind] - n * size / len(order)) < 1.0


@pytest.mark.parametrize("first", [1, 2, 17, 1000])
def test_eight_pairs_play_four_continents_two_highlands_two_lakes(first: int) -> None:
    listed, ordered = in_proportion(RATE)
    assert len(listed) == 16 and sorted(listed) == sorted(ordered)
    played = [ordered[seed % 16].split(":")[1] for seed in range(first, first + 8)]
    assert Counter(played) == {"continents": 4, "highlands": 2, "lakes": 2}


def test_maps_of_one_kind_keep_the_order_and_so_the_key_of_version_0_1_0() -> None:
    listed, ordered = in_proportion(["generated:plains:64x64:1-5"])
    assert listed == ordered


def test_all_looks_together_have_less_than_five_percent() -> None:
    spent = [1 - confidence_of(look) for look in range(1, 40)]
    assert math.fsum(spent) == pytest.approx(0.048)
    assert spent[1] == pytest.approx(0.0035) and spent == sorted(spent, reverse=True)


def test_the_same_number_of_pairs_again_is_the_same_look() -> None:
    assert look_number([], 20) == 1
    assert look_number([20, 40], 40) == 2 and look_number([20, 40], 20) == 1
    assert look_number([20, 40], 80) == 3


def units(n: int, seed: int, favour: float, *, n_parts: int = 2) -> list[tuple[PitMatch, ...]]:
    """Units of ten equal seats; seat 0 has `favour` more, and both parts share the spawns."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        spawns = rng.normal(size=10) + favour * (np.arange(10) == 0)
        parts = []
        for _ in range(n_parts):
            places = np.argsort(np.argsort(-(spawns + rng.normal(size=10)))) + 1
            parts.append(PitMatch(tuple(places.tolist()), ("A", "B") * 5, (True,) * 10))
        found.append(tuple(parts))
    return found


def test_the_test_of_the_seats_alarms_in_one_percent_of_fair_matches() -> None:
    p = [seat_bias_p_value(units(60, seed, 0.0)) for seed in range(500)]
    low = sum(each is not None and each < 0.1 for each in p)
    alarms = sum(each is not None and each < 0.01 for each in p)
    assert 25 <= low <= 78  # 50, standard deviation 6.7: halves that count twice give 110
    assert alarms <= 12  # 5, standard deviation 2.2
    assert seat_bias_p_value(units(60, 1, 2.0)) < 1e-6  # type: ignore[operator]
    assert seat_bias_p_value(units(49, 1, 0.0)) is None


def test_the_length_for_an_effect_by_hand() -> None:
    # 50 nElo: d = 50 sqrt(2) ln(10) / 800 = 0.2035; z(.9795) = 2.0436, z(.8) = 0.8416
    # fixed: ((2.0436 + 0.8416) / 0.2035)^2 = 200.9 pairs
    found = planned_length(50.0, [0.4, 0.6, 0.5, 0.7], 2.0)
    assert found.fixed[0] == 402
    # SPRT: 0.9 * 2.944 / (0.2035^2 / 2) = 128 pairs by Wald, and a sixth more: 149.3
    assert found.sprt[0] == 300
    assert found.minutes(240) == 2.0
    # v = 0.05 / 3, s = 0.5 + 0.2035 sqrt(v)
    assert found.score == pytest.approx(0.5 + 0.2035 * math.sqrt(0.05 / 3), abs=1e-4)
    lines = format_plan(found, "x", "y")
    assert lines[0].startswith(
        "To show that A = x is stronger than B = y by 50 nElo (a score of 52.6"
    )
    assert "300 matches, 2 min" in lines[1] and lines[3] == "Speed: 2.0 matches/s here"
    assert json.loads(json.dumps(plan_json(found)))["fixed_minutes"][0] == 402 / 120
    with pytest.raises(StatisticsError, match="above 0"):
        planned_length(0.0, [0.4, 0.6], 2.0)
