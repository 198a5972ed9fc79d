"""What nations' minds of edition 2026 build, and what they ask of their gold."""

from __future__ import annotations

import numpy as np
import pytest

from arena.territory.engine.engine import Engine
from arena.territory.engine.state import EMBARGO_UNTIL, MIND, NO_NUKES, NO_STRUCTURES, PLACED
from arena.territory.engine.tempers import Temper
from arena.territory.maps import TerritoryMap

A, B = 1, 2
SIDE, WIDTH = 60, 140
# beats at (tick + 101) % 60 == 11: tick 30; its thirds at 50 and 70
TEMPER = Temper(rate=60, phase=11, trigger=0.55, reserve=0.3, expand=0.1)


def nation(
    gold: int, *, difficulty: str = "medium", columns: int = SIDE, water: int | None = None
) -> Engine:
    """A nation on `columns` of a plain of 8,400 tiles at tick 30, B on the rest, troops equal.

    That is fewer than one nation on 7,500 tiles, so that it need not trade first. With `water`
    there are a hundred tiles of it in the nation's land, as this byte of a map.
    """
    terrain = np.full((SIDE, WIDTH), 128, np.uint8)
    if water is not None:
        terrain[19:31, 19:31] |= 64
        terrain[20:30, 20:30] = water
    plain = TerritoryMap.from_terrain("plain", terrain)
    engine = Engine(plain, 2, seed=1, edition="2026")
    engine.never_end()
    engine.place(A, kind="nation")
    engine.place(B, kind="human")
    owners = np.full((SIDE, WIDTH), B)
    owners[:, :columns] = A
    owners[~plain.land] = 0
    engine.paint(owners)
    engine.run(30)
    engine.give_mind(A, "nation", difficulty, temper=TEMPER)
    engine.state.bot_clock[A, 2] = 1
    engine.state.troops[1:] = 30_000  # less than its reserve: it attacks nobody
    engine.gold[A - 1] = gold
    return engine


def built(engine: Engine, ticks: int = 2) -> list[tuple[str, int]]:
    engine.run(ticks)
    return [(each.kind, each.level) for each in engine.structures() if each.owner == A]


@pytest.mark.parametrize(("gold", "expected"), [(124_899, []), (124_900, [("city", 1)])])
def test_a_nation_builds_its_first_city_as_soon_as_it_has_the_price(
    gold: int, expected: list[tuple[str, int]]
) -> None:
    """It decides before the income of the tick, and begins after that of the next: 100 each."""
    assert built(nation(gold + 100)) == expected


def test_it_asks_more_of_itself_for_the_second_city() -> None:
    """250,000 is the price; with one level of its own it waits for twice that."""
    for gold, n in ((499_999, 1), (500_000, 2)):
        engine = nation(gold)
        engine.put_structure(A, "city", 20, 20)
        engine.state.ledger[A, 0] = gold
        assert len(built(engine)) == n


def test_it_upgrades_where_structures_are_dense() -> None:
    """One structure on fewer than 1,500 tiles is dense."""
    engine = nation(600_000, columns=20)
    engine.put_structure(A, "city", 10, 20)
    engine.gold[A - 1] = 600_000
    assert built(engine) == [("city", 2)]
    assert engine.gold[A - 1] == 600_000 - 250_000 + 200


def test_it_builds_at_the_thirds_of_its_beat_too_and_at_no_other_tick() -> None:
    engine = nation(0)
    engine.run(1)
    engine.gold[A - 1] = 130_000
    assert built(engine, 18) == []  # up to tick 48
    assert built(engine, 3) == [("city", 1)]  # decided in tick 50, begun in 51
    assert engine.state.bot_clock[A, PLACED] == 1


def test_on_a_crowded_map_it_begins_with_a_factory() -> None:
    engine = nation(130_000)
    engine.give_mind(B, "nation", temper=TEMPER)  # two nations on 8,400 tiles
    assert built(engine)[:1] == [("factory", 1)]


@pytest.mark.parametrize(("water", "first"), [(0, "factory"), (32, "port")])
def test_a_port_is_built_on_the_ocean_and_not_on_a_small_lake(water: int, first: str) -> None:
    engine = nation(130_000, water=water)
    engine.give_mind(B, "nation", temper=TEMPER)
    assert built(engine)[:1] == [(first, 1)]


def test_other_structures_follow_the_cities_in_fixed_shares() -> None:
    """Two city levels: floor(2 * .75) = 1 factory, no silo (.4), no launcher (.2)."""
    engine = nation(0)
    engine.put_structure(A, "city", 20, 20, level=2)
    engine.gold[A - 1] = 200_000
    assert built(engine) == [("city", 2), ("factory", 1)]


def test_a_nation_under_attack_builds_a_post_and_nothing_else() -> None:
    engine = nation(0, difficulty="hard")
    engine.put_structure(A, "city", 20, 20)
    engine.state.bot_clock[A, PLACED] = 1
    engine.run(39)
    engine.state.troops[1:] = (30_000, 60_000)
    engine.order(B, A, 20_000.0)
    engine.run(1)  # tick 69; the next third is at 70
    engine.gold[A - 1] = 1_000_000
    assert built(engine) == [("city", 1), ("defense_post", 1)]


def test_what_a_scenario_switches_off_is_not_built() -> None:
    engine = nation(200_000)
    engine.forbid(NO_STRUCTURES)
    assert built(engine) == []
    engine = nation(0)
    engine.put_structure(A, "city", 20, 20, level=10)
    for x, kind in ((40, "factory"), (2, "factory")):
        engine.put_structure(A, kind, x, 2, level=4)
    engine.gold[A - 1] = 2_000_000
    engine.forbid(NO_NUKES)  # no launchers, no silos: another city, at its price of 1,000,000
    found = built(engine)
    assert {kind for kind, _ in found} == {"city", "factory"}
    assert engine.state.bot_clock[A, MIND] == 2


@pytest.mark.parametrize(
    ("difficulty", "embargo", "joins"),
    [("impossible", False, True), ("easy", False, False), ("impossible", True, False)],
)
def test_hard_nations_build_where_they_reach_a_railway_that_trades_with_them(
    difficulty: str, embargo: bool, joins: bool
) -> None:
    """The best sites else, far from B's land, are out of reach of B's factory."""
    sites = []
    for seed in range(1, 7):
        engine = nation(130_000, difficulty=difficulty)
        engine.conquer(B, 0, 0)  # the box of A's border is all its land
        engine.conquer(B, 0, SIDE - 1)
        engine.put_structure(B, "factory", 139, 0)
        engine.state.streams[A] = seed
        engine.state.pacts[B, A, EMBARGO_UNTIL] = 10_000 if embargo else 0
        engine.run(2)
        sites += [(each.x, each.y) for each in engine.structures() if each.owner == A]
    assert len(sites) == 6
    assert all((x - 139) ** 2 + y**2 <= 110**2 for x, y in sites) == joins
