"""What holds after any play: every count is right, chance is seeded, seats are only labels.

`HYPOTHESIS_PROFILE=thorough` tries 50 times as many examples, always new ones.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given

from arena.territory.engine import rules
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import MATCH_ENDS
from arena.territory.maps import generate_map
from tests.arena.territory.engine.engine_checks import (
    check_borders,
    check_land,
    check_state,
    examples,
    give,
    random_conquests,
    random_map,
    random_match,
    random_orders,
    random_painting,
    seeds,
)
from tests.arena.territory.engine.slow_match import SlowMatch

TICKS_PER_MATCH = 60  # past the immunity of 49 ticks and the first two enclave checks


@examples(25)
@given(seeds)
def test_every_count_is_right_while_land_changes_hands_at_random(seed: int) -> None:
    rng = np.random.default_rng(seed)
    territory = random_map(seed)
    engine = Engine(territory, int(rng.integers(1, 7)), seed=seed, grid=16)
    land = np.argwhere(territory.land)
    # Few distinct tiles make regions vanish, come back and touch; many make wide borders.
    land = land[rng.permutation(len(land))[: int(rng.integers(1, len(land) + 1))]]
    for step in range(400):
        y, x = land[int(rng.integers(len(land)))]
        engine.conquer(int(rng.integers(0, engine.n_players + 1)), int(x), int(y))
        if step % 40 == 39:
            check_land(engine)
            check_borders(engine)


@examples(20)
@given(seeds)
def test_every_count_is_right_after_any_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = random_painting(seed)
    for _ in range(TICKS_PER_MATCH):
        give(engine, random_orders(engine, rng))
        engine.run(int(rng.integers(1, 4)))
        if rng.random() < 0.2:
            check_state(engine)
    check_state(engine)


@examples(20)
@given(seeds)
def test_every_count_is_right_after_any_actions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = random_match(seed)
    while engine.tick < 200 and not engine.is_over:
        engine.act(rng.integers(0, rules.N_ACTIONS, engine.n_players))
        engine.run(int(rng.integers(1, 11)))
        check_state(engine)


@examples(20)
@given(seeds)
def test_the_compiled_engine_plays_like_the_slow_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = random_painting(seed)
    _compare(engine, rng, 120, conquests=True)


@examples(15)
@given(seeds)
def test_a_league_match_plays_like_the_slow_one_up_to_its_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = random_match(seed)
    _compare(engine, rng, 120, conquests=False)


def _compare(engine: Engine, rng: np.random.Generator, n_ticks: int, *, conquests: bool) -> None:
    slow = SlowMatch(engine)
    match_ends = bool(engine.state.clock[MATCH_ENDS])
    for _ in range(n_ticks):
        for p, x, y in random_conquests(engine, rng) if conquests else ():
            engine.conquer(p, x, y)
            slow.give((x, y), p, slow.tick)
        orders = random_orders(engine, rng)
        give(engine, orders)
        ran = engine.run(1)
        slow.run_tick(orders, match_ends)
        assert slow.ended == (ran == 0)
        owner = np.where(engine.map.land, 0, rules.WATER)
        for (x, y), p in slow.owner.items():
            owner[y, x] = p
        assert np.array_equal(engine.owner, owner), f"owners after tick {engine.tick}"
        assert engine.troops.tolist() == list(slow.troops.values()), "home troops"
        assert engine.attacks() == [(a.attacker, a.target, a.troops) for a in slow.attacks]
        assert engine.state.streams[1:].tolist() == list(slow.streams.values()), "random streams"
        died = [-1 if tick is None else tick for tick in slow.died.values()]
        assert engine.state.eliminated_tick[1:].tolist() == died
        if slow.ended:
            return


def _play(engine: Engine, seed: int, ticks_per_run: int, n_decisions: int = 25) -> str:
    """Ten ticks per decision, actions keyed by spawn index; the final state's hash."""
    rng = np.random.default_rng(seed)
    for _ in range(n_decisions):
        actions = rng.integers(0, rules.N_ACTIONS, engine.n_players)
        if engine.is_over:
            break
        engine.act(actions[engine.spawn_of])
        for _ in range(10 // ticks_per_run):
            engine.run(ticks_per_run)
    return engine.state_sha256()


@examples(10)
@given(seeds)
def test_steps_of_one_tick_and_of_ten_end_in_the_same_state(seed: int) -> None:
    assert _play(random_match(seed), seed, 1) == _play(random_match(seed), seed, 10)


@examples(6)
@given(seeds)
def test_the_same_seed_and_actions_give_the_same_match(seed: int) -> None:
    first, second = random_match(seed), random_match(seed)
    assert _play(first, seed, 10) == _play(second, seed, 10)
    for name, values in first.state._asdict().items():
        if name not in (
            "node_tile",
            "node_next",
            "border_next",
            "scratch",
            "clusters",
            "cluster_start",
            "cluster_order",
        ):  # these start uninitialised
            assert np.array_equal(values, getattr(second.state, name)), name


@examples(6)
@given(seeds)
def test_a_rotation_relabels_the_seats_and_changes_nothing_else(seed: int) -> None:
    territory = generate_map("continents", 33, 31, seed)
    match_rules = rules.MatchRules(n_seats=5)
    plain = Engine.new_match(territory, match_rules, seed, grid=16)
    hashes = {_play(plain, seed, 10)}
    by_spawn = [plain.placements()[seat] for seat in plain.seat_of]
    for rotation in range(1, 5):
        turned = Engine.new_match(territory, match_rules, seed, rotation=rotation, grid=16)
        assert turned.seat_of.tolist() == np.roll(plain.seat_of, rotation).tolist()
        hashes.add(_play(turned, seed, 10))
        assert [turned.placements()[seat] for seat in turned.seat_of] == by_spawn
    assert len(hashes) == 1


def test_over_all_rotations_every_seat_plays_every_spawn_once() -> None:
    territory = generate_map("plains", 64, 64, 1)
    match_rules = rules.MatchRules(n_seats=7)
    turns = [Engine.new_match(territory, match_rules, 3, rotation=k).seat_of for k in range(7)]
    for spawn in range(7):
        assert sorted(int(seat_of[spawn]) for seat_of in turns) == list(range(7))
    again = Engine.new_match(territory, match_rules, 3, rotation=7)
    assert again.seat_of.tolist() == turns[0].tolist()


def test_other_seeds_give_other_matches() -> None:
    territory = generate_map("plains", 40, 40, 1)
    match_rules = rules.MatchRules(n_seats=4)
    engines = [Engine.new_match(territory, match_rules, seed, grid=16) for seed in range(8)]
    assert len({_play(engine, 0, 10) for engine in engines}) == 8
