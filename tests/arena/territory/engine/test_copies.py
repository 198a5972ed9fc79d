"""A clone of a match shares nothing with it, and draws from streams of its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine.actions import WAIT
from arena.territory.engine.bots import CHOSEN_AT, ENEMY, LIFE, RATE
from arena.territory.engine.copies import BY_SLOT, used_slots
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map

MAP = load_map("generated:continents:64x64:1")
RULES = MatchRules(max_ticks=600, n_seats=4)


def actions(engine: Engine, decision: int) -> np.ndarray:
    """Every seat attacks in some direction, every other decision."""
    order = (decision % 8) * 5 + np.arange(engine.n_players) % 5
    return np.where(decision % 2 == 0, order, WAIT).astype(np.int64)


def play(engine: Engine, decisions: range) -> Engine:
    for decision in decisions:
        engine.act(actions(engine, decision))
        engine.run(10)
    return engine


def test_a_twin_goes_on_as_the_match_does() -> None:
    engine = play(Engine.new_match(MAP, RULES, 5, rotation=1), range(4))
    engine.act(actions(engine, 4))
    engine.run(2)
    assert engine.attacks()  # queues and border sets are part of what is copied
    twin = engine.clone(None)

    assert twin.state_sha256() == engine.state_sha256()
    assert twin.seat_of.tolist() == engine.seat_of.tolist()
    for decision in range(20, 40):
        play(engine, range(decision, decision + 1))
        play(twin, range(decision, decision + 1))
        assert twin.state_sha256() == engine.state_sha256()


def test_a_twin_written_into_another_engine_is_the_same_twin() -> None:
    engine = play(Engine.new_match(MAP, RULES, 5), range(20))
    used = play(Engine.new_match(MAP, RULES, 6), range(40))

    twin = engine.clone(None, into=used)

    assert twin is used
    assert play(twin, range(20, 40)).state_sha256() == play(engine, range(20, 40)).state_sha256()


def test_slots_that_never_held_an_attack_are_as_new_in_a_copy() -> None:
    engine = play(Engine.new_match(MAP, RULES, 5), range(4))
    n = used_slots(engine.state)
    assert 0 < len(engine.attacks()) <= n < len(engine.state.attacker)
    assert used_slots(Engine.new_match(MAP, RULES, 5).state) == 0
    busy = Engine.new_match(MAP, RULES, 6)
    busy.run(60)  # beyond immunity
    for p in range(1, 5):
        for q in range(5):
            busy.order(p, q, 100.0)
    busy.run(1)
    used = used_slots(busy.state)
    assert used > n  # slots that the copy has no use for
    twin = engine.clone(None, into=busy)
    fresh = engine.clone(None)
    for name in BY_SLOT:
        np.testing.assert_array_equal(getattr(twin.state, name), getattr(engine.state, name))
        np.testing.assert_array_equal(getattr(fresh.state, name), getattr(engine.state, name))


def test_a_clone_changes_nothing_of_the_match_and_shares_no_memory() -> None:
    engine = play(Engine.new_match(MAP, RULES, 5), range(20))
    before, untouched = engine.state_sha256(), engine.clone(None)
    clone = engine.clone(9)

    play(clone, range(20, 40))
    clone.conquer(1, *map(int, np.argwhere(MAP.land)[0][::-1]))

    assert engine.state_sha256() == before
    for name, values in engine.state._asdict().items():
        assert not np.shares_memory(values, getattr(clone.state, name)), name
    for name in ("seat_of", "spawn_of", "illegal"):
        assert not np.shares_memory(getattr(engine, name), getattr(clone, name)), name
    # whatever the clone did, the match goes on as its twin
    assert play(engine, range(20, 40)).state_sha256() == (
        play(untouched, range(20, 40)).state_sha256()
    )


def test_without_chance_a_clone_of_any_seed_stays_equal() -> None:
    """Growth draws nothing: after the last attack only the streams differ."""
    engine = Engine.new_match(MAP, RULES, 5)
    clones = [engine.clone(seed) for seed in (1, 2)]
    for board in (engine, *clones):
        for _ in range(10):
            board.act(np.full(4, WAIT, np.int64))
            board.run(10)
    for clone in clones:
        assert clone.tick == 100
        assert clone.troops.tolist() == engine.troops.tolist()
        assert np.array_equal(clone.owner, engine.owner)


def test_clones_draw_by_their_seed_and_never_as_the_match_does() -> None:
    engine = Engine.new_match(MAP, RULES, 5)
    twin, same, other, own = (engine.clone(seed) for seed in (None, 1, 2, 5))
    again = engine.clone(1)
    boards = [play(board, range(20)) for board in (engine, twin, same, other, own, again)]
    owners = [board.owner.tobytes() for board in boards]

    assert owners[1] == owners[0]
    assert owners[5] == owners[2]
    # seeds 1, 2 and even the match's own seed 5 give streams apart from the match's and each other
    assert len(set(owners[:5])) == 4
    for a, b in pairwise([engine, same, other, own]):
        assert (a.state.streams[1:] != b.state.streams[1:]).all()


def test_a_clone_tells_neither_the_seed_nor_the_seats() -> None:
    engine = Engine.new_match(MAP, RULES, 5, rotation=1)
    clone = engine.clone(9)

    assert engine.seat_of.tolist() != [0, 1, 2, 3]
    assert clone.seat_of.tolist() == clone.spawn_of.tolist() == [0, 1, 2, 3]
    assert clone.seed == 9


def test_what_bots_drew_for_themselves_is_drawn_anew() -> None:
    engine = Engine(MAP, 3, seed=4)
    for p, at in enumerate(((10, 10), (30, 30), (50, 50)), start=1):
        engine.place(p, kind="bot", spawn=at)
        engine.make_seeded_bot(p)
    engine.state.bot_clock[1:, [LIFE, ENEMY, CHOSEN_AT]] = (2, 1, 99)
    tempers = [
        [*clone.state.bot_clock[1:, :2].ravel(), *clone.state.bot_ratio[1:].ravel()]
        for clone in (engine, engine.clone(1), engine.clone(2), engine.clone(4))
    ]
    clone = engine.clone(1)

    assert len({tuple(temper) for temper in tempers}) == 4
    assert (clone.state.bot_clock[1:, ENEMY] == 0).all()
    assert (clone.state.bot_clock[1:, LIFE] == 2).all()  # how far it has settled is seen
    assert ((clone.state.bot_clock[1:, RATE] >= 40) & (clone.state.bot_clock[1:, RATE] < 80)).all()


def test_a_wrong_seed_or_target_is_refused() -> None:
    engine = Engine.new_match(MAP, RULES, 5)
    with pytest.raises(MatchError, match="expected a seed from 0"):
        engine.clone(-1)
    with pytest.raises(MatchError, match="expected another engine"):
        engine.clone(1, into=engine)
    with pytest.raises(MatchError, match="expected another engine"):
        engine.clone(1, into=Engine.new_match(MAP, MatchRules(n_seats=3), 5))
