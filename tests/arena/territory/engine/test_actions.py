"""The 45 actions: targets, ties and masks against a slow recount, and what illegal ones do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from arena.territory.engine import rules
from arena.territory.engine.actions import (
    DIRECTIONS,
    N_ACTIONS,
    WAIT,
    decode,
    describe,
    encode,
    find_targets,
    write_mask,
)
from arena.territory.engine.compiled import compiled
from arena.territory.engine.engine import Engine
from arena.territory.engine.orders import ATTACK
from arena.territory.engine.state import N_ORDERS, State
from tests.arena.territory.engine.engine_checks import (
    OFFSETS,
    board,
    check_state,
    examples,
    random_match,
    random_painting,
    seeds,
    slow_border,
    slow_contacts,
)

A, B, C = 1, 2, 3
N, NE, E, SE, S, SW, W, NW = range(8)


@compiled()
def _read(s: State, p: int, targets: np.ndarray, contacts: np.ndarray, mask: np.ndarray) -> None:
    find_targets(s, p, targets, contacts)
    write_mask(s, p, targets, mask)


def seen_by(engine: Engine, p: int) -> tuple[list[int], list[int], NDArray[np.int8]]:
    """Targets, contacts (8 each) and mask (int8[45]) of player p, by the compiled code."""
    targets, contacts = np.zeros(8, np.int64), np.zeros(8, np.int64)
    mask = np.full(N_ACTIONS, -1, np.int8)
    _read(engine.state, p, targets, contacts, mask)
    return targets.tolist(), contacts.tolist(), mask


def slow_targets(engine: Engine, p: int) -> tuple[list[int], list[int]]:
    """Targets and contacts of player p, by looking at every border tile."""
    owner = engine.owner
    height, width = owner.shape
    mine = [(int(x), int(y)) for y, x in np.argwhere(slow_border(engine) & (owner == p))]
    met: list[list[int]] = []
    for dx, dy in OFFSETS:
        inside = [(x + dx, y + dy) for x, y in mine if 0 <= x + dx < width and 0 <= y + dy < height]
        met.append([int(owner[y, x]) for x, y in inside])
    adjacent = {q for d in (N, E, S, W) for q in met[d]} - {p, rules.WATER}
    targets, contacts = [], []
    for owners in met:
        best = max(sorted(adjacent), key=owners.count, default=-1)  # the first, lowest id wins ties
        is_met = best >= 0 and owners.count(best) > 0
        targets.append(best if is_met else -1)
        contacts.append(owners.count(best) if is_met else 0)
    return targets, contacts


def slow_mask(engine: Engine, p: int) -> list[int]:
    """Legal actions of player p from the slow targets."""
    targets, _ = slow_targets(engine, p)
    mask = []
    for action in range(45):
        direction, intensity = divmod(action, 5)
        if direction == 8:
            mask.append(1)
            continue
        target = targets[direction]
        is_immune = target > 0 and engine.tick < 49
        sent = int(engine.troops[p - 1]) * (15, 30, 45, 60, 75)[intensity] // 100
        mask.append(int(target >= 0 and not is_immune and sent >= 1))
    return mask


# --- the codec ------------------------------------------------------------------------------------


def test_every_action_survives_decoding_and_encoding() -> None:
    assert N_ACTIONS == 45 == len({decode(action) for action in range(45)})
    for action in range(45):
        direction, intensity = decode(action)
        assert 0 <= direction <= 8
        assert 0 <= intensity <= 4
        assert encode(direction, intensity) == action
    assert WAIT == 40 == encode(8, 0)


def test_actions_have_short_names() -> None:
    assert [describe(encode(d, 0)) for d in range(8)] == [f"{d} 15 %" for d in DIRECTIONS[:8]]
    assert [describe(i) for i in range(5)] == ["N 15 %", "N 30 %", "N 45 %", "N 60 %", "N 75 %"]
    assert {describe(action) for action in range(40, 45)} == {"WAIT"}


# --- targets and masks ----------------------------------------------------------------------------


@examples(30)
@given(seeds)
def test_targets_contacts_and_masks_equal_a_slow_recount(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = random_match(seed) if seed % 2 else random_painting(seed)
    for step in range(8):
        for p in range(1, engine.n_players + 1):
            targets, contacts, mask = seen_by(engine, p)
            assert (targets, contacts) == slow_targets(engine, p)
            if engine.tiles[p - 1] > 0:
                assert mask.tolist() == slow_mask(engine, p)
            else:
                assert mask.tolist() == [0] * 40 + [1] * 5
        actions = rng.integers(0, 45, engine.n_players)
        engine.act(actions)
        engine.run(int(rng.integers(1, 15)))
        if step % 3 == 0:
            engine.state.troops[int(rng.integers(1, engine.n_players + 1))] = rng.integers(0, 8)


@examples(20)
@given(seeds)
def test_an_action_is_an_order_exactly_when_the_mask_says_so(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = random_match(seed)
    engine.run(int(rng.integers(0, 80)))
    if engine.is_over:
        return
    shares = (15, 30, 45, 60, 75)
    expected, illegal = [], engine.illegal.copy()
    actions = rng.integers(0, 45, engine.n_players)  # by seat
    for p in range(1, engine.n_players + 1):
        if engine.tiles[p - 1] == 0:
            continue
        action = int(actions[engine.seat_of[p - 1]])
        targets, _, mask = seen_by(engine, p)
        if not mask[action]:
            illegal[p - 1] += 1
        elif action < 40:
            troops = int(engine.troops[p - 1]) * shares[action % 5] // 100
            expected.append([p, targets[action // 5], troops, ATTACK, 0])
    engine.act(actions)
    assert engine.illegal.tolist() == illegal.tolist()
    assert engine.state.orders[: int(engine.state.clock[N_ORDERS])].tolist() == expected


def test_a_direction_looks_one_tile_further_from_border_tiles_only() -> None:
    # A's 3 x 3 block: 8 border tiles. North: the upper row sees three neutral tiles. North-east:
    # the upper row and the right column see 3 + 2 of them.
    owners = np.zeros((9, 9), np.int64)
    owners[3:6, 3:6] = A
    engine = board(owners)
    targets, contacts, _ = seen_by(engine, A)
    assert targets == [0] * 8
    assert contacts == [3, 5, 3, 5, 3, 5, 3, 5]


def test_the_target_is_the_owner_with_the_largest_contact() -> None:
    # North of A's row of five: C twice, B once, neutral twice minus one; east and west neutral.
    owners = np.zeros((3, 7), np.int64)
    owners[1, 1:6] = A
    owners[0, 1:6] = (C, C, C, B, 0)
    engine = board(owners)
    targets, contacts, _ = seen_by(engine, A)
    assert (targets[N], contacts[N]) == (C, 3)
    assert (targets[S], contacts[S]) == (0, 5)
    assert (targets[E], contacts[E]) == (0, 1)


def test_a_tie_goes_to_the_lower_id_and_neutral_is_lowest() -> None:
    owners = np.zeros((3, 6), np.int64)
    owners[1, 1:5] = A
    owners[0, 1:5] = (C, C, B, B)
    owners[2, 1:5] = (B, B, 0, 0)
    targets, contacts, _ = seen_by(board(owners), A)
    assert (targets[N], contacts[N]) == (B, 2)
    assert (targets[S], contacts[S]) == (0, 2)


def test_an_owner_met_only_at_a_corner_is_no_target() -> None:
    # B lies north-east of A's tile across a corner of water; there is no common 4-neighbour border.
    terrain = np.full((3, 3), 0, np.uint8)
    owners = np.zeros((3, 3), np.int64)
    for (y, x), p in {(2, 0): A, (1, 1): B}.items():
        terrain[y, x] = 128
        owners[y, x] = p
    engine = board(owners, terrain=terrain)
    engine.run(49)
    targets, contacts, mask = seen_by(engine, A)
    assert targets == [-1] * 8
    assert contacts == [0] * 8
    assert mask.tolist() == [0] * 40 + [1] * 5


def test_water_and_the_edge_of_the_map_are_no_targets() -> None:
    terrain = np.full((1, 4), 128, np.uint8)
    terrain[0, 2] = 0
    owners = np.array([[A, A, 0, 0]])
    targets, _, _ = seen_by(board(owners, terrain=terrain), A)
    assert targets == [-1] * 8


def test_players_become_targets_at_tick_49_and_neutral_land_is_one_from_the_start() -> None:
    owners = np.full((6, 12), A)
    owners[:, 6:] = B
    owners[5] = 0
    engine = board(owners)
    east, south = encode(E, 2), encode(S, 2)
    for tick in (0, 47, 48, 49, 50):
        engine.run(tick - engine.tick)
        _, _, mask = seen_by(engine, A)
        assert mask[south] == 1
        assert mask[east] == (tick >= 49)


@pytest.mark.parametrize(
    ("home", "legal"),
    # floor(0.15 h), floor(0.30 h), .. at least 1: 15 % of 6 is 0.9 and of 7 is 1.05; 30 % needs 4,
    # 45 % needs 3, 60 % and 75 % need 2
    [
        (0, [0, 0, 0, 0, 0]),
        (1, [0, 0, 0, 0, 0]),
        (2, [0, 0, 0, 1, 1]),
        (3, [0, 0, 1, 1, 1]),
        (4, [0, 1, 1, 1, 1]),
        (6, [0, 1, 1, 1, 1]),
        (7, [1, 1, 1, 1, 1]),
    ],
)
def test_an_order_must_send_at_least_one_troop(home: int, legal: list[int]) -> None:
    owners = np.zeros((3, 3), np.int64)
    owners[1, 1] = A
    engine = board(owners, troops=(home,))
    _, _, mask = seen_by(engine, A)
    assert mask[:5].tolist() == legal


def test_an_action_sends_its_share_of_home_troops_rounded_down() -> None:
    for intensity, sent in enumerate([149, 299, 449, 599, 749]):  # of 999: 149.85, 299.7, ..
        owners = np.zeros((9, 9), np.int64)
        owners[4, 4] = A
        engine = board(owners, troops=(999,))
        engine.act(np.array([encode(N, intensity)]))
        engine.run(1)
        assert engine.attacks() == [(A, 0, float(sent))]
        assert engine.troops[0] == 999 - sent


def test_large_home_troops_are_shared_without_rounding_errors() -> None:
    owners = np.zeros((9, 9), np.int64)
    owners[4, 4] = A
    for home in (20, 100, 10**15 + 20):  # multiples of 20: all shares are whole
        engine = board(owners, troops=(home,))
        engine.act(np.array([encode(N, 0)]))
        assert engine.state.orders[0, 2] == home * 15 // 100


# --- illegal actions ------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [-1, 45, 46, 1_000_000, -(2**62), 2**62])
def test_an_unknown_action_counts_as_wait_and_is_reported(action: int) -> None:
    waiting, wrong = random_match(3), random_match(3)
    n = waiting.n_players
    waiting.act(np.full(n, WAIT))
    wrong.act(np.full(n, action))
    for engine in (waiting, wrong):
        engine.run(10)
    assert wrong.illegal.tolist() == [1] * n
    assert waiting.illegal.tolist() == [0] * n
    assert waiting.state_sha256() == wrong.state_sha256()


def test_an_illegal_direction_counts_as_wait_and_is_reported() -> None:
    owners = np.full((6, 12), A)
    owners[:, 6:] = B
    engine = board(owners)
    engine.act(np.array([encode(E, 4), encode(W, 4)]))  # immunity
    engine.act(np.array([encode(N, 4), encode(S, 4)]))  # the edge of the map
    engine.run(2)
    assert engine.attacks() == []
    assert engine.illegal.tolist() == [2, 2]
    for wait in range(40, 45):
        engine.act(np.array([wait, wait]))
    assert engine.illegal.tolist() == [2, 2]


def test_actions_of_the_dead_are_ignored_and_not_reported() -> None:
    owners = np.zeros((6, 12), np.int64)
    owners[0, 0], owners[0, 11] = A, B
    engine = board(owners)
    engine.conquer(A, 11, 0)
    engine.act(np.array([WAIT, encode(S, 4)]))
    engine.act(np.array([WAIT, 99]))
    engine.run(1)
    assert engine.illegal.tolist() == [0, 0]
    assert engine.attacks() == []


def test_illegal_actions_are_counted_for_the_seat_that_chose_them() -> None:
    engine = random_match(3)
    for seat in range(engine.n_players):
        actions = np.full(engine.n_players, WAIT)
        actions[seat] = 45
        before = engine.illegal.copy()
        engine.act(actions)
        changed = np.flatnonzero(engine.illegal - before)
        assert changed.tolist() == [engine.spawn_of[seat]]


def test_the_contacts_of_a_long_match_never_drift() -> None:
    engine = random_match(3)
    rng = np.random.default_rng(0)
    while engine.tick < 600 and not engine.is_over:
        engine.act(rng.integers(0, 45, engine.n_players))
        engine.run(10)
    assert np.array_equal(engine.state.contact, slow_contacts(engine))
    check_state(engine)
