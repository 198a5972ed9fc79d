"""A mirrored board is the board that it mirrors, array by array."""

from __future__ import annotations

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine.engine import Engine
from arena.territory.engine.mirror import BEFORE_PLAY
from arena.territory.engine.spawns import choose_spawns
from arena.territory.engine.state import N_ALIVE, TICK
from arena.territory.maps import generate_map
from league.bridge.mirror import Mirror

N = 4
EQUAL = (
    *("owner", "contact", "tiles", "playable_tiles", "troops", "eliminated_tick", "tiles_at_death"),
    *("last_change", "border_size", "cell_counts", "cell_uniform", "past", "habits", "dealings"),
)
"""Arrays of State that both must have; orders inside borders follow from the order of changes."""


def _owners(engine: Engine) -> np.ndarray:
    return np.where(engine.owner > 250, 0, engine.owner).astype(np.int64).reshape(-1)


def _follow_tick(mirror: Mirror, played: Engine, order: tuple[int, int, float] | None) -> None:
    """Play a tick with at most one order, and tell the mirror what happened."""
    before, tick = _owners(played), played.tick
    if order is not None:
        played.order(*order)
    played.run(1)
    after = _owners(played)
    changed = np.flatnonzero(after != before)
    started = np.zeros((0, 7))
    if order is not None:
        p, target, asked = order
        home = int(played.troops[p - 1]) + int(asked)
        theirs = int(played.troops[target - 1]) if target else 0
        running = played.attacks()
        others = sum(int(n) for a, t, n in running if target and t == target and a != p)
        started = np.array([[p, target, asked, home, theirs, others, 0.0]])
    mirror.tick(tick, changed, after[changed], played.troops.copy(), np.zeros(N, np.int64), started)
    attacks = played.attacks()
    mirror.attacks(
        np.array([(a, t) for a, t, _ in attacks], np.int64).reshape(-1, 2),
        np.array([n for _, _, n in attacks], float),
        np.zeros(len(attacks), np.bool_),
    )


def _pair() -> tuple[Engine, Mirror]:
    territory = generate_map("lakes", 64, 64, 5)
    played = Engine(territory, N, seed=3)
    shown = Engine(territory, N, seed=9)
    for p, (x, y) in enumerate(choose_spawns(played.map, N, 3).tolist(), start=1):
        played.place(p, spawn=(x, y))
        shown.place(p)
    mirror = Mirror(shown)
    owners = _owners(played)
    owned = np.flatnonzero(owners)
    mirror.tick(
        BEFORE_PLAY,
        owned,
        owners[owned],
        played.troops.copy(),
        np.zeros(N, np.int64),
        np.zeros((0, 7)),
    )
    return played, mirror


def test_a_mirror_has_land_borders_contacts_memory_and_attacks_of_the_board() -> None:
    played, mirror = _pair()
    rng = np.random.default_rng(4)
    for tick in range(260):
        order = None
        if tick % 3 == 0:
            p = 1 + tick // 3 % N
            neighbours = [
                q for q in range(N + 1) if q != p and played.state.contact[p, ::2, q].sum()
            ]
            # Attacks on whoever attacks oneself would cancel: what is left is not the order's.
            calm = [q for q in neighbours if q == 0 or played.state.slot_of[q, p] < 0]
            if calm and played.tiles[p - 1] and (tick >= 50 or 0 in calm):
                target = int(rng.choice(calm)) if tick >= 50 else 0
                order = (p, target, float(played.troops[p - 1] // 4))
        _follow_tick(mirror, played, order)
        ours, theirs = mirror.engine.state, played.state
        for name in EQUAL:
            assert np.array_equal(getattr(ours, name), getattr(theirs, name)), (tick, name)
        assert ours.clock[TICK] == theirs.clock[TICK] == tick + 1
        assert ours.clock[N_ALIVE] == theirs.clock[N_ALIVE]
        assert sorted(mirror.engine.attacks()) == sorted(played.attacks())
    assert played.state.habits[:, 0].sum() > 5  # attacks on players
    assert played.state.past.any()


def test_several_attacks_on_one_owner_follow_each_other() -> None:
    _, mirror = _pair()
    players = np.array([(1, 0), (2, 0), (1, 0)], np.int64)
    mirror.attacks(players, np.array([100.5, 7.0, 20.0]), np.array([False, False, True]))
    assert mirror.engine.attacks() == [(1, 0, 100.5), (2, 0, 7.0), (1, 0, 20.0)]
    state = mirror.engine.state
    first, second = state.attack_list[[0, 2]]
    assert (state.slot_of[1, 0], state.attack_next[first], state.attack_next[second]) == (
        *(first, second, -1),
    )
    mirror.attacks(players[1:2], np.array([6.0]), np.array([False]))
    assert mirror.engine.attacks() == [(2, 0, 6.0)]


def test_more_attacks_than_a_mirror_has_room_for_are_an_error() -> None:
    _, mirror = _pair()
    n = len(mirror.engine.state.attacker) + 1
    with pytest.raises(MatchError, match="their number outgrew the"):
        mirror.attacks(np.tile([[1, 0]], (n, 1)), np.ones(n), np.zeros(n, np.bool_))


def test_a_clone_of_a_mirror_can_be_played_on() -> None:
    played, mirror = _pair()
    for tick in range(30):
        order = (1, 0, float(played.troops[0] // 4)) if tick == 5 else None
        _follow_tick(mirror, played, order)
    clone = mirror.engine.clone(11)
    assert clone.attacks() == played.attacks() != []
    tiles = int(clone.tiles[0])
    clone.run(10)
    played.run(10)
    assert clone.tiles[0] > tiles
    assert abs(int(clone.tiles[0]) - int(played.tiles[0])) <= 0.1 * int(played.tiles[0])
