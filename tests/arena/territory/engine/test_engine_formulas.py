"""Growth, attack and spawn arithmetic, each with its numbers worked out beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine import rules
from arena.territory.engine.engine import Engine
from arena.territory.engine.formulas import (
    attack_budget,
    large_defender_factor,
    neutral_tile,
    player_tile,
    troop_cap,
    troop_increase,
)
from arena.territory.engine.state import N_ALIVE
from arena.territory.maps import TerritoryMap, generate_map
from tests.arena.territory.engine.engine_checks import board

PLAINS, HIGHLAND, MOUNTAIN = 0, 1, 2
HUMAN, BOT, NATION = rules.HUMAN, rules.BOT, rules.NATION


def test_the_cap_is_twice_1000_tiles_to_0_6_plus_50000() -> None:
    assert troop_cap(0, 1.0, 1.0) == 100_000  # 2 * (0 + 50,000)
    assert troop_cap(1, 1.0, 1.0) == 102_000  # 2 * (1,000 + 50,000)
    assert troop_cap(1024, 1.0, 1.0) == pytest.approx(228_000)  # 1024 ** 0.6 = 64
    assert troop_cap(1024, 3.0, 1.0) == pytest.approx(76_000)  # a bot's third
    for factor in (0.5, 1.0, 1.5, 2.0):  # nations, easy to impossible
        assert troop_cap(1024, 1.0, factor) == pytest.approx(228_000 * factor)


def test_growth_follows_troops_and_room_below_the_cap() -> None:
    # T = 100, cap 1,000: (10 + 100 ** 0.73 / 4) * (1 - 0.1) = (10 + 28.8403 / 4) * 0.9 = 15.4891
    assert troop_increase(100.0, 1_000.0, 1.0) == pytest.approx(15.4891, abs=1e-4)
    assert troop_increase(100.0, 1_000.0, 0.6) == pytest.approx(0.6 * 15.4891, abs=1e-4)  # a bot
    assert troop_increase(0.0, 1_000.0, 1.0) == 10.0
    # Never beyond the cap: (10 + 5 ** 0.73 / 4) * (1 - 5 / 8) is 4.05, but only 3 are free.
    assert troop_increase(5.0, 8.0, 1.0) == 3.0
    # Above the cap all of the surplus goes at once: min(T + a, cap) - T.
    assert troop_increase(1_500.0, 1_000.0, 1.0) == -500.0


def test_troops_grow_from_tick_1_on_by_whole_numbers() -> None:
    owners = np.zeros((20, 20), np.int64)
    owners[4:8, 4:17] = 1  # 52 tiles: cap 121,410.76
    engine = board(owners)
    engine.run(1)
    assert engine.troops[0] == 25_000  # tick 0 has no growth
    engine.run(1)
    # (10 + 25,000 ** 0.73 / 4) * (1 - 25,000 / 121,410.76) = (10 + 405.98) * 0.79409 = 330.33
    assert engine.troops[0] == 25_330


def test_troops_above_the_cap_fall_to_just_above_it_and_stay() -> None:
    owners = np.zeros((20, 20), np.int64)
    owners[4:8, 4:17] = 1
    engine = board(owners, troops=(200_000,))
    engine.run(2)
    # delta = 121,410.756 - 200,000 = -78,589.244; its floor leaves 121,411
    assert engine.troops[0] == 121_411
    engine.run(5)
    assert engine.troops[0] == 121_411  # -0.244 rounds to nothing


@pytest.mark.parametrize(
    ("kind", "difficulty", "troops"),
    [
        ("human", "medium", 25_000),
        ("bot", "medium", 10_000),
        ("nation", "easy", 2_500),
        ("nation", "medium", 5_000),
        ("nation", "hard", 20_000),
        ("nation", "impossible", 50_000),
    ],
)
def test_every_kind_starts_with_its_troops(kind: str, difficulty: str, troops: int) -> None:
    engine = Engine(_open_land(20, 20), 1, seed=1)
    engine.place(1, kind=kind, difficulty=difficulty, spawn=(10, 10))
    assert engine.troops[0] == troops


def test_budgets() -> None:
    assert attack_budget(500.0, 0.0, 12.0, True) == 24.0  # neutral: 2 * (B + r)
    # player: 3 * (B + r) * clamp(10 A / D, 0.01, 0.5)
    assert attack_budget(100.0, 5_000.0, 10.0, False) == pytest.approx(3 * 10 * 0.2)
    assert attack_budget(100.0, 10.0, 10.0, False) == 15.0  # 100 is held at 0.5
    assert attack_budget(1.0, 1e6, 10.0, False) == pytest.approx(0.3)  # 1e-5 is lifted to 0.01
    assert attack_budget(1.0, 0.0, 10.0, False) == 15.0  # nobody at home: 0.5


@pytest.mark.parametrize(
    ("terrain", "troops", "kind", "loss", "cost"),
    [
        (PLAINS, 1_000.0, HUMAN, 16.0, 33.0),  # 80 / 5; 2,000 * 16.5 / 1,000
        (HIGHLAND, 1_000.0, HUMAN, 20.0, 40.0),
        (MOUNTAIN, 1_000.0, NATION, 24.0, 50.0),
        (MOUNTAIN, 1_000.0, BOT, 12.0, 50.0),  # bots lose 120 / 10
        (PLAINS, 100.0, HUMAN, 16.0, 100.0),  # 330 is held at 100
        (PLAINS, 100_000.0, HUMAN, 16.0, 5.0),  # 0.33 is lifted to 5
    ],
)
def test_the_price_of_neutral_land(
    terrain: int, troops: float, kind: int, loss: float, cost: float
) -> None:
    assert neutral_tile(terrain, troops, kind) == (loss, cost)


def test_the_price_of_a_players_land() -> None:
    # D / A = 1.5, 1,000 tiles each; s = 1 - 1 / (1 + exp(-ln 2 / 50,000 * (1,000 - 150,000)))
    # = 1 - 1 / (1 + 7.8899) = 0.88751; big = 0.7 + 0.3 s = 0.96625
    big = 0.7 + 0.3 * (1 - 1 / (1 + 2 ** (149_000 / 50_000)))
    assert big == pytest.approx(0.96625, abs=1e-5)
    loss, defender_loss, cost = player_tile(
        PLAINS, HUMAN, HUMAN, 20_000.0, 30_000.0, 1_000, 1_000, False, False, 0
    )
    assert loss == pytest.approx(1.5 * 80 * 0.8 * big)
    assert defender_loss == 30.0  # 30,000 troops on 1,000 tiles
    assert cost == pytest.approx(0.3 * 16.5 * big)  # D / (5 A) = 0.3
    # Clamps: D / A = 0.1 counts as 0.6, D / (5 A) = 0.02 as 0.2; 10 counts as 2, and 2 as 1.5.
    loss, _, cost = player_tile(MOUNTAIN, HUMAN, HUMAN, 1e4, 1e3, 1_000, 1_000, False, False, 0)
    assert (loss, cost) == pytest.approx((0.6 * 120 * 0.8 * big, 0.2 * 25 * big))
    loss, _, cost = player_tile(HIGHLAND, HUMAN, HUMAN, 1e3, 1e4, 1_000, 1_000, False, False, 0)
    assert (loss, cost) == pytest.approx((2 * 100 * 0.8 * big, 1.5 * 20 * big))


@pytest.mark.parametrize(
    ("attacker", "defender", "factor"),
    [
        (HUMAN, BOT, 0.8),
        (NATION, BOT, 0.8),
        (BOT, BOT, 1.0),
        (BOT, HUMAN, 1.0),
        (HUMAN, NATION, 1.0),
        (HUMAN, HUMAN, 1.0),
    ],
)
def test_only_bots_fall_cheaper_and_only_to_others(
    attacker: int, defender: int, factor: float
) -> None:
    even, _, even_cost = player_tile(PLAINS, HUMAN, HUMAN, 1e4, 1e4, 100, 100, False, False, 0)
    loss, _, cost = player_tile(PLAINS, attacker, defender, 1e4, 1e4, 100, 100, False, False, 0)
    assert loss == pytest.approx(even * factor)
    assert cost == even_cost


def test_large_attackers_lose_less_and_move_faster() -> None:
    small = player_tile(PLAINS, HUMAN, HUMAN, 1e4, 1e4, 100_000, 1_000, False, False, 0)
    large = player_tile(PLAINS, HUMAN, HUMAN, 1e4, 1e4, 400_000, 1_000, False, False, 0)
    # a quarter: loss * (sqrt(1 / 4)) ** 0.7, cost * (1 / 4) ** 0.6
    assert large[0] / small[0] == pytest.approx(0.5**0.7)
    assert large[2] / small[2] == pytest.approx(0.25**0.6)
    assert large[1] == small[1]


def test_large_defenders_fall_more_easily() -> None:
    assert large_defender_factor(150_000) == 0.85  # the middle: 0.7 + 0.3 / 2
    # 100,000 more: exp(-2 ln 2) = 1/4, s = 1 - 1 / 1.25 = 0.2
    assert large_defender_factor(250_000) == pytest.approx(0.76)
    assert large_defender_factor(100_000) == pytest.approx(0.7 + 0.3 * 2 / 3)  # 1 - 1 / (1 + 2)


# --- spawns ---------------------------------------------------------------------------------------


def _open_land(width: int, height: int) -> TerritoryMap:
    return TerritoryMap.from_terrain("open", np.full((height, width), 128, np.uint8))


def test_a_start_disc_on_open_land_has_52_tiles() -> None:
    engine = Engine(_open_land(30, 30), 1, seed=1)
    engine.place(1, spawn=(15, 12))
    # (dx + 0.5)^2 + (dy + 0.5)^2 <= 16: rows dy = -4..3 hold 4, 6, 8, 8, 8, 8, 6, 4 tiles
    rows = (engine.owner == 1).sum(axis=1)
    assert rows[8:16].tolist() == [4, 6, 8, 8, 8, 8, 6, 4]
    assert rows.sum() == engine.tiles[0] == rules.FULL_DISC_TILES == 52
    ys, xs = np.nonzero(engine.owner == 1)
    assert ((xs - 15 + 0.5) ** 2 + (ys - 12 + 0.5) ** 2 <= 16).all()
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (11, 18, 8, 15)
    assert engine.tick == 0


def test_a_start_disc_skips_water_and_reaches_across_it() -> None:
    terrain = np.full((30, 30), 128, np.uint8)
    terrain[:, 16] = 0  # one column of water: 8 of the disc's tiles
    engine = Engine(TerritoryMap.from_terrain("strait", terrain), 1, seed=1)
    engine.place(1, spawn=(15, 15))
    assert engine.tiles[0] == 52 - 8
    assert (engine.owner[:, 17:] == 1).any()
    assert (engine.owner[:, 16] == rules.WATER).all()


def test_a_later_disc_takes_only_what_is_left() -> None:
    engine = Engine(_open_land(30, 30), 2, seed=1)
    engine.place(1, spawn=(15, 15))
    engine.place(2, spawn=(19, 15))
    # 4 columns lie between the middles and the rows reach 2, 3, 4, 4, 4, 4, 3, 2 tiles to a side,
    # so they share 2 * reach - 4 tiles: 0 + 2 + 4 + 4 + 4 + 4 + 2 + 0 = 20
    assert engine.tiles.tolist() == [52, 52 - 20]
    assert engine.state.clock[N_ALIVE] == 2


def test_a_disc_at_the_edge_of_the_map_is_cut_off() -> None:
    engine = Engine(_open_land(30, 30), 1, seed=1)
    engine.place(1, spawn=(0, 0))
    # of the quarter dx, dy = 0..3: all but the corners (3, 2), (3, 3), (2, 3) fit in the circle
    assert (
        engine.tiles[0]
        == sum((dx + 0.5) ** 2 + (dy + 0.5) ** 2 <= 16 for dx in range(4) for dy in range(4))
        == 13
    )


@pytest.mark.parametrize("seed", range(5))
def test_seats_start_on_distinct_full_discs_far_apart(seed: int) -> None:
    match_rules = rules.MatchRules(n_seats=6)
    engine = Engine.new_match(_open_land(90, 70), match_rules, seed)
    assert engine.tiles.tolist() == [52] * 6
    assert engine.troops.tolist() == [25_000] * 6
    assert sorted(engine.seat_of.tolist()) == list(range(6))
    assert (engine.state.last_cluster_check[1:] >= 0).all()
    assert (engine.state.last_cluster_check[1:] < rules.CLUSTER_PERIOD).all()
    middles = [np.argwhere(engine.owner == p).mean(axis=0) for p in range(1, 7)]
    gaps = [math.dist(a, b) for i, a in enumerate(middles) for b in middles[:i]]
    assert min(gaps) > 15.0  # a single random draw of six on 90 x 70 often has two closer


@pytest.mark.parametrize("preset", ["continents", "islands", "ring"])
def test_twenty_seats_have_full_discs_where_there_is_room(preset: str) -> None:
    # At least 35 % of 128 x 128 tiles are playable: 5,734, more than five times 20 discs.
    territory = generate_map(preset, 128, 128, 0)
    for seed in range(5):
        engine = Engine.new_match(territory, rules.MatchRules(n_seats=20), seed)
        assert engine.tiles.tolist() == [52] * 20


def test_nobody_spawns_outside_the_largest_land_component() -> None:
    terrain = np.zeros((40, 60), np.uint8)
    terrain[2:38, 2:38] = 128
    terrain[5:25, 42:58] = 128  # a smaller island that would hold a full disc as well
    engine_map = TerritoryMap.from_terrain("two islands", terrain)
    for seed in range(10):
        engine = Engine.new_match(engine_map, rules.MatchRules(n_seats=3), seed)
        assert (engine.owner[:, 38:] % rules.WATER == 0).all()
        assert np.array_equal(engine.state.playable_tiles, engine.state.tiles)


def test_a_map_with_fewer_playable_tiles_than_seats_is_refused() -> None:
    with pytest.raises(MatchError, match="3 playable land tiles, too few for 4 seats"):
        Engine.new_match(_open_land(3, 1), rules.MatchRules(n_seats=4), 1)


@pytest.mark.parametrize("n_players", [0, 251])
def test_a_match_of_too_few_or_too_many_players_is_refused(n_players: int) -> None:
    with pytest.raises(MatchError, match="1 to 250 players"):
        Engine(_open_land(5, 5), n_players, seed=1)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_no_database_column_holds_is_refused(seed: int) -> None:
    with pytest.raises(MatchError, match="seed"):
        Engine(_open_land(5, 5), 1, seed=seed)


def test_64_players_have_room() -> None:
    engine = Engine.new_match(_open_land(160, 160), rules.MatchRules(n_seats=64), 2**63 - 1)
    assert (engine.tiles > 0).all()
    engine.run(5)
    assert engine.tick == 5
