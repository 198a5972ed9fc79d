"""What scripted agents do in edition 2026: cities first where they build them, else as before."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator

from agents.errors import AgentError
from agents.in_tick import check_edition
from agents.orders import BUILD, UPGRADE, WAIT
from agents.planner import Planner, candidates
from agents.registry import make_loader
from agents.scripted import SCRIPTED, SCRIPTED_2026
from arena.agent import CAP, CONTACT, MAX_TICKS, N_ALIVE, TARGET, TILES, TROOPS, SeatBatch

EAST = 2
STEADY = [name for name in SCRIPTED if name not in ("idle", "random", "tribe")]


def batch(n_actions: int, *legal: int) -> SeatBatch:
    """One seat with neutral land in the east and a home that is half full; `legal` besides."""
    mask = np.zeros((1, n_actions), np.bool_)
    mask[0, [*range(WAIT, WAIT + 5), *range(EAST * 5, EAST * 5 + 5), *legal]] = True
    own = np.zeros((1, 6 if n_actions == 45 else 15), np.int64)
    own[0, [MAX_TICKS, TILES, TROOPS, CAP, N_ALIVE]] = [1_000, 50, 50_000, 100_000, 4]
    directions = np.zeros((1, 8, 7 if n_actions == 45 else 17), np.int64)
    directions[0, :, TARGET] = -1
    directions[0, EAST, [TARGET, CONTACT]] = [0, 9]
    one = np.zeros(1, np.int64)
    return SeatBatch(one, mask, own, directions, one, one, one, dict)


def choice(name: str, seen: SeatBatch) -> int:
    agent = make_loader()(f"scripted:{name}")
    agent.reset(seen.rows)
    return int(agent.act(seen, Generator(np.random.PCG64(0)))[0])


@pytest.mark.parametrize("name", ["builder", "strategist", "strategist-eager"])
def test_a_builder_builds_where_it_can_and_raises_a_city_where_it_can_only_do_that(
    name: str,
) -> None:
    assert choice(name, batch(71, BUILD, UPGRADE)) == BUILD
    assert choice(name, batch(71, UPGRADE)) == UPGRADE
    assert choice(name, batch(71)) // 5 == EAST  # no gold: neutral land


@pytest.mark.parametrize("name", STEADY)
def test_the_compass_orders_are_those_of_2025(name: str) -> None:
    assert choice(name, batch(71)) == choice(name, batch(45))


def test_a_builder_without_gold_is_an_expander_and_a_member_of_2026_alone() -> None:
    assert choice("builder", batch(71)) == choice("expander", batch(71))
    assert set(SCRIPTED_2026) == {"builder"}
    check_edition("scripted:builder", "2026")
    with pytest.raises(AgentError, match=r"leagues of edition 2026 alone .* scripted:expander"):
        check_edition("scripted:builder", "2025")


def test_a_planner_tries_cities_before_targets() -> None:
    first = candidates(batch(71, BUILD, UPGRADE), 0, BUILD, Planner())
    assert first[:3] == [BUILD, WAIT, UPGRADE] and first[3] // 5 == EAST
    assert candidates(batch(45), 0, WAIT, Planner())[0] == WAIT
