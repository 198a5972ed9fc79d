"""Trade of edition 2026: ships between ports, the railway, trains, and whom they pay."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from arena.parity_2026.recordings import read
from arena.parity_2026.replays import set_up
from arena.territory.engine.edition_2026.cities import mirror_structures
from arena.territory.engine.edition_2026.economy import TradeShip
from arena.territory.engine.edition_2026.ships import ship_gold, ship_odds
from arena.territory.engine.edition_2026.trains import stop_gold, train_odds
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    DRAWS_LOST,
    EMBARGO_UNTIL,
    IS_STATION,
    LANE,
    N_SHIPS,
    N_STRUCTURES,
    N_TRADERS,
    N_TRAINS,
    NEXT_TRAIN,
    STRUCTURE_OWNER,
)
from arena.territory.engine.traffic import MARKET, SHIP_ARRIVES, TRAIN_GOAL, TRAIN_STOPS
from tests.arena.territory.engine.engine_checks import board

RECORD = Path(__file__).resolve().parents[5] / "shared/reference2026/isles_nations8_Medium.json"
A, B, C = 1, 2, 3
FOREVER = 10**6
WAY = 42  # tiles from A's port to B's on `strait`, cell by cell


def strait(rows: int = 10, water: int = 40) -> Engine:
    """A in the west, B in the east, C south of B; A and B have a port on the water between."""
    owners = np.zeros((rows, 40 + water), np.int64)
    owners[:, :20], owners[:-4, -20:], owners[-4:, -20:] = A, B, C
    terrain = np.full(owners.shape, 128, np.uint8)
    terrain[:, 20:-20] = 0
    terrain[:, (19, -20)] |= 64
    owners[terrain == 0] = 0
    engine = board(owners, terrain=terrain, troops=(60_000,) * 3, edition="2026")
    engine.put_structure(A, "port", 19, 2)
    engine.put_structure(B, "port", 20 + water, 2)
    return engine


def launch(engine: Engine, i: int = 0) -> TradeShip:
    """Run until port i has sent a ship in the last tick; return that."""
    p = engine.state.structures[i, STRUCTURE_OWNER]
    while True:
        engine.state.structures[i, DRAWS_LOST] = FOREVER
        engine.run(1)
        for ship in engine.trade_ships():
            if ship.owner == p and ship.arrives_at == engine.tick + ship.steps:
                return ship


def only_ship(engine: Engine) -> TradeShip:
    """Let A's port send a ship, and nobody any other."""
    s = engine.state
    ship = launch(engine)
    at = engine.trade_ships().index(ship)
    s.ships[0] = s.ships[at]
    s.clock[N_SHIPS] = 1
    s.structures[:, LANE] = 0
    engine.traded[:] = 0
    return ship


# --- ships ----------------------------------------------------------------------------------------


def test_a_ship_pays_what_the_original_recorded() -> None:
    recorded = {64: 3_263, 68: 3_471, 106: 5_521, 165: 9_534, 216: 16_385, 310: 58_583, 376: 86_840}
    assert {steps: ship_gold(steps) for steps in recorded} == recorded


def test_a_draw_is_easier_the_more_were_lost_and_harder_the_more_ships_sail() -> None:
    assert [ship_odds(lost, 0) for lost in (0, 1, 3, 9, 200)] == [100, 50, 25, 10, 1]
    assert ship_odds(0, 400) == 200  # half the chance
    assert ship_odds(0, 450) == 300  # a third


def test_a_ship_sails_a_tile_a_tick_and_pays_both_owners_the_same() -> None:
    engine = strait()
    ship = only_ship(engine)
    assert ship == (A, (19, 2), (60, 2), WAY, engine.tick + WAY)
    before = engine.gold.copy()
    engine.run(WAY)
    assert (engine.gold - before).tolist() == [100 * WAY] * 3
    engine.run(1)
    earned = engine.gold - before - 100 * (WAY + 1)
    assert earned.tolist() == [ship_gold(WAY), ship_gold(WAY), 0]
    assert engine.traded.tolist() == [ship_gold(WAY), ship_gold(WAY), 0]
    assert engine.trade_ships() == []


@pytest.mark.parametrize(
    "reason", ["its goal falls to the owner", "nobody", "an embargo", "its owner dies"]
)
def test_a_ship_is_given_up(reason: str) -> None:
    engine = strait()
    arrives = only_ship(engine).arrives_at
    engine.run(5)
    if reason == "its goal falls to the owner":
        engine.conquer(A, 60, 2)
    elif reason == "nobody":
        engine.conquer(0, 60, 2)
    elif reason == "an embargo":
        engine.state.pacts[B, A, EMBARGO_UNTIL] = FOREVER
    else:
        for y, x in np.argwhere(engine.owner == A):
            engine.conquer(0, int(x), int(y))
    engine.run(arrives + 2 - engine.tick)
    assert engine.trade_ships() == []
    assert not engine.traded.any()


def test_who_takes_the_home_port_is_paid_for_its_ships() -> None:
    engine = strait()
    arrives = only_ship(engine).arrives_at
    engine.conquer(C, 19, 2)
    engine.run(arrives + 1 - engine.tick)
    assert engine.traded.tolist() == [0, ship_gold(WAY), ship_gold(WAY)]


def test_a_ship_whose_home_port_is_gone_pays_its_last_owner() -> None:
    engine = strait()
    engine.put_structure(A, "city", 2, 8)  # a later row, which moves up
    arrives = only_ship(engine).arrives_at
    engine.conquer(0, 19, 2)
    engine.run(1)
    assert engine.trade_ships()[0][1:3] == (None, (60, 2))
    engine.run(arrives + 1 - engine.tick)
    assert engine.traded.tolist() == [ship_gold(WAY), ship_gold(WAY), 0]


def test_nobody_sails_to_its_own_port_nor_under_an_embargo() -> None:
    engine = strait()
    engine.put_structure(A, "port", 19, 8)
    engine.state.pacts[A, B, EMBARGO_UNTIL] = FOREVER
    for _ in range(20):
        engine.state.structures[:3, DRAWS_LOST] = FOREVER
        engine.run(1)
    assert engine.trade_ships() == []
    engine.put_structure(C, "port", 60, 8)
    assert {launch(engine).goal for _ in range(4)} == {(60, 8)}


def test_near_ports_far_away_and_allies_count_more() -> None:
    """Of 2 ports 400 tiles away an ally's counts 3 times, the other's 2 times its levels."""
    engine = strait(rows=20, water=400)
    engine.put_structure(C, "port", 420, 18)
    engine.state.pacts[[A, C], [C, A], ALLIED_UNTIL] = FOREVER
    goals = [launch(engine).goal for _ in range(300)]
    share = sum(goal == (420, 18) for goal in goals) / len(goals)
    assert 0.5 < share < 0.7  # 3 of 5


@pytest.mark.skipif(not RECORD.is_file(), reason=f"the recorded curves are not at {RECORD.parent}")
def test_ships_between_recorded_ports_earn_what_was_recorded() -> None:
    """Gains of gold that both players of a pair had in the same sample, by the original."""
    recording = read(json.loads(RECORD.read_text()), RECORD.parents[1] / "maps")
    engine = set_up(recording, 1)
    ports = {
        event["from"]: event["tile"]
        for event in reversed(recording.record["events"])
        if event["kind"] == "build" and event["unit"] == "Port"
    }
    names = list(ports)
    owners = np.zeros(engine.map.land.shape, np.int64)
    for p, (x, y) in enumerate(ports.values(), start=1):
        owners[y, x] = p
    engine.paint(owners)
    for p, (x, y) in enumerate(ports.values(), start=1):
        engine.put_structure(p, "port", x, y)
    recorded = {("i4", "i5"): 9_534, ("i4", "i7"): 11_103, ("i0", "i1"): 16_385}
    recorded |= {("i1", "i2"): 3_471, ("i5", "i7"): 58_583}
    for (first, second), gold in recorded.items():
        steps = int(engine.state.lanes[names.index(first), names.index(second)])
        assert min(abs(ship_gold(steps + k) - gold) for k in (-1, 0, 1)) == 0


# --- the railway ----------------------------------------------------------------------------------


def plain(width: int = 240, river: int = 0) -> Engine:
    """A has the west half of a plain, B the east half, with a river between."""
    owners = np.full((12, width), A, np.int64)
    owners[:, width // 2 :] = B
    terrain = np.full(owners.shape, 128, np.uint8)
    if river:
        at = width // 2
        terrain[:, at : at + river] = 0
        terrain[:, (at - 1, at + river)] |= 64
        owners[terrain == 0] = 0
    return board(owners, terrain=terrain, troops=(60_000,) * 2, edition="2026")


def rails(engine: Engine) -> set[tuple[int, int, int]]:
    """The rails as (row, row, tiles), each once; both stations have it."""
    n = int(engine.state.clock[N_STRUCTURES])
    ends = {
        (i, int(j) - 1, int(tiles)) for i in range(n) for j, tiles in engine.state.rails[i] if j > 0
    }
    assert {(j, i, tiles) for i, j, tiles in ends} == ends
    return {end for end in ends if end[0] < end[1]}


def stations(engine: Engine) -> list[int]:
    n = int(engine.state.clock[N_STRUCTURES])
    return np.flatnonzero(engine.state.structures[:n, IS_STATION]).tolist()


def test_a_factory_makes_stations_within_110_tiles_and_a_city_joins_one() -> None:
    engine = plain()
    engine.put_structure(A, "city", 5, 6)
    engine.put_structure(A, "city", 40, 6)
    assert stations(engine) == []
    engine.put_structure(B, "factory", 140, 6)  # whoever owns the land
    assert stations(engine) == [1, 2]
    assert rails(engine) == {(1, 2, 101)}
    engine.put_structure(B, "city", 200, 6)
    engine.put_structure(A, "defense_post", 60, 6)
    assert stations(engine) == [1, 2, 3]
    assert rails(engine) == {(1, 2, 101), (2, 3, 61)}


def test_a_station_is_joined_once_to_what_it_reaches_over_four_rails_and_not_too_near() -> None:
    engine = plain()
    engine.put_structure(A, "factory", 10, 6)
    for x in (40, 70, 100):
        engine.put_structure(A, "city", x, 6)
    assert rails(engine) == {(0, 1, 31), (1, 2, 31), (2, 3, 31)}
    engine.put_structure(A, "city", 85, 6)  # too near to those at 70 and 100
    assert rails(engine) == {(0, 1, 31), (1, 2, 31), (2, 3, 31), (1, 4, 45)}


@pytest.mark.parametrize(("river", "is_crossed"), [(4, True), (20, False)])
def test_rails_cross_a_river_and_no_strait(river: int, is_crossed: bool) -> None:
    engine = plain(river=river)
    engine.put_structure(A, "factory", 100, 6)
    engine.put_structure(B, "city", 150, 6)
    assert stations(engine) == [0, 1]
    assert bool(rails(engine)) == is_crossed


def test_what_is_gone_takes_its_rails_along_and_the_later_rows_move_up() -> None:
    engine = plain()
    engine.put_structure(A, "factory", 10, 6)
    for x in (40, 70, 100):
        engine.put_structure(A, "city", x, 6)
    engine.conquer(0, 40, 6)
    engine.run(2)  # nobody has a turn in tick 0
    assert stations(engine) == [0, 1, 2]
    assert rails(engine) == {(1, 2, 31)}
    engine.conquer(0, 10, 6)  # the last that trades
    engine.run(1)
    assert engine.state.clock[N_TRADERS] == 0
    assert rails(engine) == set()
    assert stations(engine) == []


# --- trains ---------------------------------------------------------------------------------------


def test_stops_pay_by_owner_and_less_after_the_ninth() -> None:
    assert [stop_gold(True, False, n) for n in (0, 9, 10, 11)] == [10_000, 10_000, 5_000, 5_000]
    assert [stop_gold(False, False, n) for n in (0, 9, 12, 99)] == [25_000, 25_000, 10_000, 5_000]
    assert stop_gold(False, True, 0) == 35_000
    assert [train_odds(n) for n in (1, 10)] == [165, 300]


def line(far_owner: int = A) -> Engine:
    """A factory of A at 20, its city at 50, and one of `far_owner` at 110 or 130."""
    engine = plain()
    engine.put_structure(A, "factory", 20, 6, level=1_000)
    engine.put_structure(A, "city", 50, 6)
    x = 110 if far_owner == A else 130
    engine.put_structure(far_owner, "city", x, 6)
    return engine


def wait_for_train(engine: Engine, goal: int) -> None:
    """Run to the departure of the first train to a structure, and let no other follow."""
    while True:
        engine.run(1)
        n = int(engine.state.clock[N_TRAINS])
        if n and engine.state.trains[n - 1, TRAIN_GOAL] == goal:
            engine.state.trains[0] = engine.state.trains[n - 1]
            engine.state.clock[N_TRAINS] = 1
            engine.state.structures[0, NEXT_TRAIN] = FOREVER
            engine.gold[:] = engine.traded[:] = 0
            return
        engine.state.clock[N_TRAINS] = 0


def test_a_train_pays_at_every_stop_two_tiles_a_tick() -> None:
    engine = line()
    wait_for_train(engine, 2)
    earned = []
    for _ in range(16 + 31 + 2):
        engine.run(1)
        earned.append(int(engine.traded[A - 1]))
    assert earned == [0] * 15 + [10_000] * 31 + [20_000] * 3
    assert engine.state.clock[N_TRAINS] == 0


def test_a_train_pays_others_as_much_and_allies_more() -> None:
    engine = line(B)
    wait_for_train(engine, 2)
    other = engine.clone(None)
    other.state.pacts[[A, B], [B, A], ALLIED_UNTIL] = FOREVER
    engine.run(80)
    other.run(80)
    assert engine.traded.tolist() == [35_000, 25_000]
    assert other.traded.tolist() == [45_000, 35_000]


def test_a_train_ends_at_an_embargo_and_where_the_next_station_is_gone() -> None:
    engine = line(B)
    wait_for_train(engine, 2)
    other = engine.clone(None)
    engine.run(30)
    other.run(30)
    assert engine.state.trains[0, TRAIN_STOPS] == 1
    engine.state.pacts[B, A, EMBARGO_UNTIL] = FOREVER
    other.conquer(0, 130, 6)
    for each in (engine, other):
        each.run(60)
        assert each.traded.tolist() == [10_000, 0]
        assert each.state.clock[N_TRAINS] == 0


# --- copies and hashes ----------------------------------------------------------------------------


def test_an_exact_clone_goes_on_alike_and_one_to_think_on_draws_anew() -> None:
    engine = strait()
    engine.put_structure(A, "factory", 2, 2, level=50)
    engine.put_structure(A, "city", 18, 9)
    engine.run(60)
    twin = engine.clone(None)
    assert twin.state_sha256() == engine.state_sha256()
    thought = engine.clone(5)
    assert thought.state.streams[MARKET] != engine.state.streams[MARKET]
    engine.run(400)
    twin.run(400)
    assert engine.traded[:2].all()
    assert twin.state_sha256() == engine.state_sha256()


def test_a_twin_in_the_memory_of_another_match_lays_the_same_rails() -> None:
    engine, used = plain(), plain()
    for each, cities in ((engine, ()), (used, (40, 70, 100))):
        each.put_structure(A, "factory", 10, 6)
        for x in cities:
            each.put_structure(A, "city", x, 6)
    twin = engine.clone(None, into=used)
    for each in (engine, twin):
        each.put_structure(A, "city", 70, 6)
    np.testing.assert_array_equal(twin.state.rails[:2], engine.state.rails[:2])
    assert twin.state_sha256() == engine.state_sha256()


def test_the_hash_knows_ships_trains_and_rails() -> None:
    engine = line()
    wait_for_train(engine, 2)
    hashes = {engine.state_sha256()}
    engine.state.trains[0, TRAIN_STOPS] += 1
    hashes.add(engine.state_sha256())
    engine.state.rails[0, 0, 1] += 1
    hashes.add(engine.state_sha256())
    sailing = strait()
    launch(sailing)
    hashes.add(sailing.state_sha256())
    sailing.state.ships[0, SHIP_ARRIVES] += 1
    hashes.add(sailing.state_sha256())
    assert len(hashes) == 5


def test_a_mirrored_board_has_no_trade() -> None:
    engine = strait()
    launch(engine)
    rows = engine.state.structures[:2][:, [0, 1, 2, 3, 5]].copy()
    mirror_structures(engine.state, rows)
    assert engine.trade_ships() == []
    assert engine.state.clock[N_TRADERS] == 2
    engine.state.structures[:2, DRAWS_LOST] = FOREVER
    engine.run(20)
    assert engine.trade_ships() == []


def test_edition_2025_has_no_market() -> None:
    owners = np.full((6, 6), A, np.int64)
    state = board(owners).state
    assert state.streams[MARKET] == 0
    assert all(len(each) == 0 for each in (state.ships, state.trains, state.rails, state.lanes))
