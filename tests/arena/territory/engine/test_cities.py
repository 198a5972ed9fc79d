"""Gold and structures of edition 2026, rule by rule on small boards."""

from __future__ import annotations

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine.engine import Engine
from arena.territory.engine.formulas import troop_cap
from arena.territory.engine.state import CITY_LEVELS, CITY_LEVELS_OWNED, HAS_ATTACKED, NO_STRUCTURES
from arena.territory.maps import TerritoryMap


def board(width: int = 60, height: int = 40, split: int = 30, kind: str = "human") -> Engine:
    """A human 1 left of `split`, a player 2 of some kind right of it, on plains."""
    territory = TerritoryMap.from_terrain("plains", np.full((height, width), 128, np.uint8))
    engine = Engine(territory, 2, seed=1, edition="2026")
    engine.never_end()
    owners = np.ones((height, width), np.int64)
    owners[:, split:] = 2
    engine.place(1)
    engine.place(2, kind=kind)
    engine.paint(owners)
    return engine


def give(engine: Engine, p: int, x0: int, x1: int) -> None:
    """Hand all land between two columns to p."""
    for x in range(x0, x1):
        for y in range(engine.map.height):
            engine.conquer(p, x, y)


def cap(engine: Engine, p: int) -> float:
    s = engine.state
    levels = int(s.ledger[p, CITY_LEVELS])
    return float(troop_cap(int(s.tiles[p]), s.cap_divisor[p], s.cap_factor[p], levels))


# --- gold -----------------------------------------------------------------------------------------


def test_everybody_alive_earns_from_the_first_growth_on() -> None:
    engine = board(kind="bot")
    engine.run(1)
    assert engine.gold.tolist() == [0, 0]
    engine.run(10)
    assert engine.gold.tolist() == [1_000, 500]


@pytest.mark.parametrize(
    ("kind", "has_attacked", "taken"),
    [
        ("human", True, (100_001 + 100) // 2),  # with its income of the tick
        ("human", False, 0),
        ("bot", False, 100_001 + 50),
        ("nation", False, 100_001 + 100),
    ],
)
def test_a_conqueror_takes_gold_by_the_kind_of_the_fallen(
    kind: str, has_attacked: bool, taken: int
) -> None:
    engine = board(split=57, kind=kind)
    engine.run(60)
    engine.state.troops[1:] = [500_000, 100]
    engine.state.ledger[2, HAS_ATTACKED] = has_attacked
    engine.order(1, 2, 400_000.0)
    engine.run(1)
    while engine.tiles[1] > 0:
        engine.gold[:] = [0, 100_001]  # what it had before the tick in which it falls
        engine.state.ledger[2, HAS_ATTACKED] = has_attacked
        engine.run(1)
    assert engine.gold[0] == 100 + taken
    engine.run(1)
    assert engine.gold[1] == 0


def test_an_enclave_that_is_all_a_player_has_brings_its_gold() -> None:
    engine = board(width=20, height=20, split=20, kind="bot")
    for x in range(8, 12):
        for y in range(8, 12):
            engine.conquer(2, x, y)
    engine.gold[1] = 1_000
    engine.run(2)  # tick 0 has no turns
    assert engine.tiles.tolist() == [400, 0]
    assert engine.gold.tolist() == [100 + 1_050, 0]


def test_an_order_with_troops_counts_as_an_attack_and_one_without_does_not() -> None:
    engine = board()
    engine.run(60)
    engine.order(1, 2, 0.0)
    engine.order(2, 1, 1_000.0)
    engine.run(1)
    assert engine.state.ledger[1:, HAS_ATTACKED].tolist() == [0, 1]


# --- building -------------------------------------------------------------------------------------


def test_a_city_is_begun_a_tick_after_its_order_and_counts_22_after() -> None:
    engine = board()
    engine.run(10)
    engine.gold[0] = 200_000
    engine.build(1, "city", 10, 12)
    engine.run(1)  # the order of tick 10
    assert engine.structures() == []
    engine.run(1)
    (city,) = engine.structures()
    assert (city.kind, city.owner, city.x, city.y, city.level) == ("city", 1, 10, 12, 1)
    assert engine.gold[0] == 200_000 + 2 * 100 - 125_000
    before = cap(engine, 1)
    engine.run(20)  # to the end of tick 31
    assert not engine.structures()[0].is_finished
    assert cap(engine, 1) == before
    engine.run(1)
    assert engine.structures()[0].is_finished
    assert engine.structures()[0].finished_at == 32
    assert cap(engine, 1) == before + 250_000


def test_prices_double_up_to_a_million_and_upgrades_cost_the_same() -> None:
    engine = board(width=200, split=170)
    prices = []
    for i in range(6):
        prices.append(engine.price(1, "city"))
        engine.gold[0] = prices[-1]
        engine.build(1, "city", 10 + 20 * i, 12)
        engine.run(2)
    assert prices == [125_000, 250_000, 500_000, 1_000_000, 1_000_000, 1_000_000]
    engine.run(30)
    engine.gold[0] = 1_000_000
    engine.upgrade(1, 10, 12)
    engine.run(1)
    assert engine.gold[0] == 100
    assert [each.level for each in engine.structures()] == [2, 1, 1, 1, 1, 1]
    assert engine.state.ledger[1, CITY_LEVELS] == 7


def test_a_post_costs_one_more_time_50_000_each_and_cannot_be_upgraded() -> None:
    engine = board()
    engine.put_structure(1, "defense_post", 10, 10)
    assert engine.price(1, "defense_post") == 100_000
    engine.gold[0] = 10**7
    engine.upgrade(1, 10, 10)
    engine.run(1)
    assert engine.structures()[0].level == 1


def test_ports_and_factories_share_a_price() -> None:
    engine = board()
    engine.put_structure(1, "factory", 10, 10)
    assert engine.price(1, "port") == engine.price(1, "factory") == 250_000
    assert engine.price(1, "city") == 125_000


def test_without_the_gold_nothing_is_built_or_raised() -> None:
    engine = board()
    engine.put_structure(1, "city", 25, 30)
    engine.run(10)
    engine.gold[0] = 249_999 - 200  # two ticks of income come before the site is looked at
    engine.build(1, "city", 10, 10)
    engine.run(2)
    assert len(engine.structures()) == 1
    engine.upgrade(1, 25, 30)
    engine.gold[0] = 249_999 - 100
    engine.run(1)
    assert engine.structures()[0].level == 1


def test_an_unfinished_city_cannot_be_raised() -> None:
    engine = board()
    engine.gold[0] = 10**6
    engine.build(1, "city", 10, 10)
    engine.run(3)
    engine.upgrade(1, 10, 10)
    engine.run(1)
    assert engine.structures()[0].level == 1


def test_nothing_is_built_or_raised_where_structures_are_switched_off() -> None:
    engine = board()
    engine.put_structure(1, "city", 25, 30)
    engine.forbid(NO_STRUCTURES)
    engine.gold[0] = 10**7
    engine.build(1, "city", 5, 5)
    engine.upgrade(1, 25, 30)
    engine.run(3)
    assert [each.level for each in engine.structures()] == [1]


# --- places ---------------------------------------------------------------------------------------


def test_a_structure_moves_to_the_nearest_own_tile_15_from_all_others() -> None:
    engine = board()
    engine.put_structure(2, "city", 32, 20)  # of the neighbour
    engine.gold[0] = 10**6
    engine.build(1, "city", 20, 20)
    engine.run(2)
    assert [(each.x, each.y) for each in engine.structures()] == [(32, 20), (17, 20)]


def test_a_place_15_away_or_on_others_land_is_refused() -> None:
    engine = board(width=40, height=9, split=30)
    for x in (4, 19):
        engine.put_structure(1, "city", x, 4)
    engine.gold[0] = 10**7
    engine.build(1, "city", 11, 4)  # whatever is 15 from both lies off the map
    engine.build(1, "city", 35, 4)
    engine.run(2)
    assert len(engine.structures()) == 2


def test_a_place_is_not_looked_for_across_others_land() -> None:
    engine = board()
    engine.put_structure(1, "city", 5, 20)
    give(engine, 2, 10, 12)
    engine.gold[0] = 10**7
    engine.build(1, "city", 9, 24)
    engine.run(2)
    moved = engine.structures()[1]
    assert moved.x < 10
    assert (moved.x - 5) ** 2 + (moved.y - 20) ** 2 >= 225


def test_a_port_needs_a_shore_of_ones_own() -> None:
    engine = board()
    engine.gold[0] = 10**6
    engine.build(1, "port", 10, 10)
    engine.run(2)
    assert engine.structures() == []
    terrain = np.full((40, 60), 128, np.uint8)
    terrain[:, 0] = 32
    terrain[:, 1] = 128 | 64
    coast = Engine(TerritoryMap.from_terrain("coast", terrain), 1, seed=1, edition="2026")
    coast.never_end()
    coast.place(1)
    coast.paint(np.where(terrain & 128, 1, 0))
    coast.gold[0] = 10**6
    coast.build(1, "port", 8, 10)
    coast.run(2)
    assert [(each.kind, each.x, each.y) for each in coast.structures()] == [("port", 1, 10)]


def test_structures_are_refused_where_there_are_none() -> None:
    engine = Engine(board().map, 2, seed=1)
    with pytest.raises(MatchError, match="edition 2025 has no structures"):
        engine.build(1, "city", 1, 1)
    with pytest.raises(MatchError, match="expected a structure of city, "):
        board().build(1, "castle", 1, 1)
    with pytest.raises(MatchError, match="expected a tile of the"):
        board().build(1, "city", 60, 1)


# --- capture and loss -----------------------------------------------------------------------------


def test_a_captured_city_keeps_its_level_and_raises_no_price() -> None:
    engine = board()
    engine.put_structure(2, "city", 40, 20, level=3)
    engine.run(5)
    give(engine, 1, 30, 45)
    assert engine.structures()[0].owner == 2  # until its turn
    engine.run(1)
    assert [(each.owner, each.level) for each in engine.structures()] == [(1, 3)]
    assert engine.state.ledger[1:, CITY_LEVELS].tolist() == [3, 0]
    assert engine.state.ledger[1:, CITY_LEVELS_OWNED].tolist() == [3, 0]
    assert engine.price(1, "city") == 125_000
    assert engine.price(2, "city") == 125_000  # what is lost lowers it


def test_an_unfinished_city_is_finished_for_who_takes_it() -> None:
    engine = board()
    engine.gold[1] = 125_000
    engine.build(2, "city", 40, 20)
    engine.run(10)
    give(engine, 1, 30, 45)
    engine.run(12)
    assert engine.tick == 22
    assert not engine.structures()[0].is_finished
    engine.run(1)
    assert engine.state.ledger[1:, CITY_LEVELS].tolist() == [1, 0]


def test_a_captured_post_and_what_stands_on_nobodys_land_are_gone() -> None:
    engine = board()
    engine.put_structure(2, "defense_post", 40, 10)
    engine.put_structure(2, "city", 40, 30)
    engine.put_structure(2, "city", 55, 30)
    engine.run(5)
    engine.conquer(1, 40, 10)
    engine.conquer(0, 40, 30)
    engine.run(1)
    assert [(each.owner, each.x) for each in engine.structures()] == [(2, 55)]
    assert engine.state.ledger[2, CITY_LEVELS] == 1


def test_who_leaves_the_game_leaves_no_gold_and_no_structures() -> None:
    engine = board()
    engine.put_structure(2, "city", 40, 20)
    engine.put_structure(2, "silo", 57, 20)
    engine.run(5)
    give(engine, 0, 50, 60)
    give(engine, 1, 30, 50)
    engine.gold[1] = 777
    engine.run(1)
    assert engine.gold[1] == 0
    assert [(each.kind, each.owner) for each in engine.structures()] == [("city", 1)]


def test_a_tribe_gives_up_what_it_gets_one_in_300_ticks() -> None:
    engine = board(kind="bot")
    engine.make_bot(2, rate=40, phase=0, trigger=2.0, reserve=0.3, expand=0.1)
    engine.run(100)  # its first beat is past
    for x in (35, 55):
        engine.put_structure(2, "city", x, 20)
    engine.gold[1] = 10**7
    # Their tick t is our t - 101: its beats are our ticks 139, 179, ..
    engine.run(40)
    engine.upgrade(2, 35, 20)  # marked in tick 139: no longer
    engine.upgrade(2, 55, 20)
    engine.run(1)
    assert [each.level for each in engine.structures()] == [1, 2]
    engine.run(139 + 301 - engine.tick)
    assert len(engine.structures()) == 2
    engine.run(1)
    assert [each.x for each in engine.structures()] == [55]


# --- defence posts --------------------------------------------------------------------------------


def tiles_won(post: str | None) -> int:
    engine = board(kind="nation")
    if post:
        engine.put_structure(2, post, 45, 20)
    engine.run(60)
    engine.state.troops[1:] = [100_000, 100_000]
    engine.order(1, 2, 50_000.0)
    before = int(engine.tiles[0])
    engine.run(20)
    return int(engine.tiles[0]) - before


def test_a_post_holds_an_attack_up_and_a_silo_does_not() -> None:
    assert tiles_won("silo") == tiles_won(None)
    assert 0 < 2 * tiles_won("defense_post") < tiles_won(None)


def test_the_cover_of_a_lost_post_is_gone_but_not_that_of_another() -> None:
    engine = board(width=120, height=20, split=10)
    for x in (50, 80):
        engine.put_structure(2, "defense_post", x, 10)
    engine.run(2)
    engine.conquer(1, 50, 10)
    engine.run(1)
    covered = (engine.state.flags.reshape(22, 122)[1:-1, 1:-1] & 64) != 0
    ys, xs = np.mgrid[0:20, 0:120]
    assert (covered == ((xs - 80) ** 2 + (ys - 10) ** 2 <= 900)).all()


# --- copies ---------------------------------------------------------------------------------------


def test_a_clone_has_the_structures_and_the_hash_sees_them() -> None:
    engine = board()
    engine.gold[0] = 10**6
    engine.build(1, "city", 10, 10)
    engine.run(1)
    twin = engine.clone(None)
    assert twin.state_sha256() == engine.state_sha256()
    engine.run(30)
    used = board()
    used.put_structure(1, "city", 25, 25)
    used.put_structure(2, "city", 50, 25)
    twin = twin.clone(None, into=used)
    twin.run(30)
    assert twin.structures() == engine.structures()
    assert twin.state_sha256() == engine.state_sha256()
    twin.structures()
    twin.state.structures[0, 3] += 1
    assert twin.state_sha256() != engine.state_sha256()


# --- places for agents ----------------------------------------------------------------------------


def test_the_best_place_is_far_from_others_and_from_all_structures() -> None:
    engine = board(width=128, height=64, split=100)
    place, level = engine.best_places(1)
    assert place is not None
    assert level is None
    # 60 tiles from others' land and more are equal: the deepest of those
    assert place[0] <= 100 - 60
    assert min(place[0], place[1]) >= 0
    engine.gold[0] = 10**6
    engine.build(1, "city", *place)
    engine.run(2)
    assert [(each.x, each.y) for each in engine.structures()] == [place]
    second, _ = engine.best_places(1)
    assert second is not None
    assert (second[0] - place[0]) ** 2 + (second[1] - place[1]) ** 2 >= 225


def test_the_best_upgrade_is_the_safest_finished_city() -> None:
    engine = board(width=128, height=64, split=100)
    for x in (97, 60, 30):
        engine.put_structure(1, "city", x, 20)
    engine.put_structure(1, "factory", 5, 50)
    engine.gold[0] = 10**7
    engine.build(1, "city", 5, 5)
    engine.run(2)
    assert engine.best_places(1)[1] == (30, 20)


def test_little_land_between_the_lattices_points_still_gets_a_city() -> None:
    engine = board(width=640, height=8, split=2)  # points 20 apart, the first in column 10
    place, _ = engine.best_places(1)
    assert place is not None
    assert engine.owner[place[1], place[0]] == 1
    engine.put_structure(1, "city", *place)
    assert engine.best_places(1)[0] is None
