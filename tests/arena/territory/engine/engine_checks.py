"""What the engine's tests share: small boards, random play, and a slow recount of every count.

`check_state` recomputes with numpy and plain loops whatever the compiled engine keeps
incrementally, and fails with the name of the first thing that differs.
"""

from __future__ import annotations

import os

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arena.territory.engine import rules
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import (
    CELL,
    FREE_NODE,
    GRID,
    MIXED,
    N_ALIVE,
    N_ATTACKS,
    N_EVENTS,
    NEXT_NODE,
    State,
)
from arena.territory.maps import PRESETS, TerritoryMap, generate_map
from arena.territory.observation import observation as obs
from arena.territory.observation.views import Views

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
OFFSETS = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))  # N, NE, .. NW


def examples(n: int) -> settings:
    """n reproducible examples; HYPOTHESIS_PROFILE=thorough tries 50 times as many, always new."""
    return settings(
        max_examples=50 * n if THOROUGH else n,
        derandomize=not THOROUGH,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


# --- boards ---------------------------------------------------------------------------------------


def board(
    owners: NDArray[np.integer],
    *,
    seed: int = 1,
    terrain: NDArray[np.uint8] | None = None,
    troops: tuple[int, ...] = (),
    grid: int = 16,
    edition: str = "2025",
) -> Engine:
    """Painted humans 1..max(owners) on open plains (or `terrain`); the match never ends."""
    shape = owners.shape
    painted = terrain if terrain is not None else np.full(shape, 128, np.uint8)
    n_players = int(owners.max())
    territory = TerritoryMap.from_terrain("board", painted)
    engine = Engine(territory, n_players, seed=seed, grid=grid, edition=edition)
    engine.never_end()
    for p in range(1, n_players + 1):
        engine.place(p, troops=troops[p - 1] if troops else None)
    engine.paint(owners)
    return engine


def drawn(*rows: str, seed: int = 1, edition: str = "2025") -> Engine:
    """The board of a drawing: A B C players, . neutral, ~ water, lower case on a shore."""
    cells = np.array([list(row) for row in rows])
    owners = np.zeros(cells.shape, np.int64)
    for p, letter in enumerate("ABC", start=1):
        owners[np.char.upper(cells) == letter] = p
    terrain = np.full(cells.shape, 128, np.uint8)
    terrain[np.char.islower(cells)] = 192
    terrain[cells == "~"] = 0
    return board(owners, terrain=terrain, seed=seed, edition=edition)


def random_map(seed: int, smallest: int = 1) -> TerritoryMap:
    """A small odd map: noise with lakes, lone tiles and strips, bare land, or a generated one."""
    rng = np.random.default_rng(seed)
    kind = rng.random()
    if kind < 0.3:
        width, height = (int(n) for n in rng.integers(16, 36, 2))
        return generate_map(str(rng.choice(PRESETS)), width, height, seed)
    width, height = (int(n) for n in rng.integers(smallest, 28, 2))
    if width * height < 12:
        width = height = 12
    p_land = 1.0 if kind > 0.6 else rng.uniform(0.4, 1.0)
    p_shore = 0.0 if kind > 0.6 else 0.2
    shape = (height, width)
    terrain = rng.integers(0, 32, shape).astype(np.uint8)
    terrain[rng.random(shape) < p_land] |= 128
    # Shore and ocean bits at random: the engine must not rely on their being right.
    terrain[rng.random(shape) < p_shore] |= 64
    terrain[rng.random(shape) < 0.2] |= 32
    terrain.reshape(-1)[:6] |= 128  # some land
    return TerritoryMap.from_terrain(f"noise-{seed}", terrain)


def random_match(seed: int) -> Engine:
    """A league match of 2 to 12 seats on a random map."""
    rng = np.random.default_rng([seed, 1])
    territory = random_map(seed, smallest=9)
    n_seats = int(rng.integers(2, min(12, max(2, territory.n_playable // 50)) + 1))
    match_rules = rules.MatchRules(max_ticks=10_000, n_seats=n_seats)
    return Engine.new_match(territory, match_rules, seed, rotation=int(rng.integers(0, 5)), grid=16)


def random_painting(seed: int, edition: str = "2025") -> Engine:
    """Players in scattered rectangles on a random map: enclaves, islands, shared fronts."""
    rng = np.random.default_rng([seed, 2])
    territory = random_map(seed)
    n_players = int(rng.integers(2, 7))
    owners = np.full(territory.land.shape, int(rng.integers(0, n_players + 1)), np.int64)
    for _ in range(int(rng.integers(3, 16))):
        y0, x0 = int(rng.integers(0, territory.height)), int(rng.integers(0, territory.width))
        y1, x1 = y0 + int(rng.integers(1, 12)), x0 + int(rng.integers(1, 12))
        owners[y0:y1, x0:x1] = int(rng.integers(0, n_players + 1))
    engine = Engine(territory, n_players, seed=seed, grid=16, edition=edition)
    owners[~engine.map.land] = 0
    engine.never_end()
    for p in range(1, n_players + 1):
        troops = int(10 ** rng.uniform(0, 6))
        engine.place(p, troops=troops, cluster_offset=int(rng.integers(0, 20)))
    engine.paint(owners)
    return engine


def random_conquests(engine: Engine, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Now and then a few (player, x, y): land handed out at once, by no rule."""
    if rng.random() > 0.3:
        return []
    land = np.argwhere(engine.map.land)
    picks = land[rng.integers(0, len(land), int(rng.integers(1, 4)))]
    return [(int(rng.integers(1, engine.n_players + 1)), int(x), int(y)) for y, x in picks]


def random_orders(engine: Engine, rng: np.random.Generator) -> list[tuple[int, int, float]]:
    """A few orders of living players: any target, fractional troops, now and then a retreat."""
    orders = []
    for p in range(1, engine.n_players + 1):
        if rng.random() < 0.25 and engine.tiles[p - 1] > 0:
            target = int(rng.integers(-1, engine.n_players + 1))
            if target < 0 and rng.random() < 0.7:
                target = 0
            share = rng.choice([0.0, 0.01, 0.3, 0.75, 1.0])
            orders.append((p, target, float(engine.troops[p - 1] * share + rng.choice([0.0, 0.5]))))
    return orders


def give(engine: Engine, orders: list[tuple[int, int, float]]) -> None:
    """Hand orders to the engine; a target of -1 means retreat."""
    for p, target, troops in orders:
        if target < 0:
            engine.retreat(p)
        else:
            engine.order(p, target, troops)


seeds = st.integers(0, 2**32 - 1)


# --- the slow recount -----------------------------------------------------------------------------


def slow_contacts(engine: Engine) -> NDArray[np.int64]:
    """int64[P + 1, 8, P + 2]: border tiles by owner, direction, owner one further (water last)."""
    owner, n = engine.owner, engine.n_players
    height, width = owner.shape
    contacts = np.zeros((n + 1, 8, n + 2), np.int64)
    ys, xs = np.nonzero(slow_border(engine))
    for d, (dx, dy) in enumerate(OFFSETS):
        inside = (xs + dx >= 0) & (xs + dx < width) & (ys + dy >= 0) & (ys + dy < height)
        mine = owner[ys[inside], xs[inside]]
        theirs = owner[ys[inside] + dy, xs[inside] + dx]
        theirs = np.where(theirs == rules.WATER, n + 1, theirs)
        np.add.at(contacts, (mine[theirs != mine], d, theirs[theirs != mine]), 1)
    return contacts


def slow_border(engine: Engine) -> NDArray[np.bool_]:
    """bool[height, width]: owned tiles beside anything else that is on the map."""
    owner = engine.owner
    differs = np.zeros(owner.shape, np.bool_)
    vertical = owner[1:] != owner[:-1]
    horizontal = owner[:, 1:] != owner[:, :-1]
    differs[1:] |= vertical
    differs[:-1] |= vertical
    differs[:, 1:] |= horizontal
    differs[:, :-1] |= horizontal
    border: NDArray[np.bool_] = differs & (owner != 0) & (owner != rules.WATER)
    return border


def check_state(engine: Engine) -> None:
    """Everything below at once."""
    check_land(engine)
    check_borders(engine)
    check_attacks(engine)


def check_land(engine: Engine) -> None:
    """Tiles are conserved and every count of them is right."""
    s, owner, n = engine.state, engine.owner, engine.n_players
    frame = s.owner.reshape(engine.map.height + 2, -1).copy()
    frame[1:-1, 1:-1] = rules.OFF_MAP
    assert (frame == rules.OFF_MAP).all(), "the frame around the map changed"
    assert np.array_equal(owner == rules.WATER, ~engine.map.land), "water changed hands"
    assert owner[engine.map.land].max() <= n, "land is owned by somebody who does not exist"
    counts = np.bincount(owner[engine.map.land], minlength=n + 1)
    playable = np.bincount(owner[engine.map.playable], minlength=n + 1)
    assert np.array_equal(s.tiles[1:], counts[1:]), "tiles"
    assert np.array_equal(s.playable_tiles[1:], playable[1:]), "playable_tiles"
    assert s.clock[N_ALIVE] == np.count_nonzero(counts[1:]), "number of living players"
    assert ((s.eliminated_tick[1:] < 0) | (counts[1:] == 0)).all(), "a living player is marked dead"
    assert (s.troops[1:] >= 0).all(), "negative home troops"
    cells = np.zeros_like(s.cell_counts)
    ys, xs = np.nonzero(engine.map.land)
    cell = int(s.clock[CELL])
    np.add.at(cells, (ys // cell * int(s.clock[GRID]) + xs // cell, owner[ys, xs]), 1)
    assert np.array_equal(s.cell_counts, cells), "cell_counts"
    uniform = np.full(len(cells), MIXED)
    uniform[cells.sum(axis=1) == 0] = rules.WATER  # nothing but water and what is off the map
    full, owners = np.nonzero(cells == cell * cell)
    uniform[full] = owners
    assert np.array_equal(s.cell_uniform, uniform), "cell_uniform"
    n_events = int(s.clock[N_EVENTS])
    if n_events <= len(s.event_at):
        at = s.event_at[:n_events]
        assert np.array_equal(at[:, :2], at[:, 2:] // cell), "cells of the events"
        _check_events(engine, at[:, 3] * engine.map.width + at[:, 2], s.event_owners[:n_events])


def _check_events(engine: Engine, tiles: NDArray[np.int32], owners: NDArray[np.uint8]) -> None:
    order = np.argsort(tiles, kind="stable")  # by tile, then by time
    tiles, before, after = tiles[order], owners[order, 0], owners[order, 1]
    is_first = np.diff(tiles, prepend=-1) != 0
    assert (before[is_first] == 0).all(), "land was not neutral before its first change"
    assert np.array_equal(before[1:][~is_first[1:]], after[:-1][~is_first[1:]]), "events skip one"
    assert (before != after).all(), "an event changes nothing"
    is_last = np.append(is_first[1:], True)[: len(tiles)]
    replayed = np.where(engine.map.land, 0, rules.WATER).astype(np.uint8)
    y, x = np.divmod(tiles[is_last], engine.map.width)
    replayed[y, x] = after[is_last]
    assert np.array_equal(replayed, engine.owner), "the recorded changes do not lead to the board"


def check_borders(engine: Engine) -> None:
    """Border lists hold exactly the border tiles; contacts equal a recount."""
    s, n = engine.state, engine.n_players
    stride = engine.map.width + 2
    expected = slow_border(engine)
    listed = np.zeros(expected.shape, np.bool_)
    for p in range(1, n + 1):
        tile, before, size = int(s.border_head[p]), -1, 0
        while tile >= 0:
            y, x = divmod(tile, stride)
            assert engine.owner[y - 1, x - 1] == p, "a border list holds a stranger's tile"
            assert not listed[y - 1, x - 1], "a tile is on a border list twice"
            assert s.border_prev[tile] == before, "border_prev"
            listed[y - 1, x - 1] = True
            size += 1
            before, tile = tile, int(s.border_next[tile])
        assert s.border_tail[p] == before, "border_tail"
        assert s.border_size[p] == size, "border_size"
    assert np.array_equal(listed, expected), "the lists do not hold exactly the border tiles"
    member = s.border_prev.reshape(-1, stride) != -2
    assert np.array_equal(member[1:-1, 1:-1], expected), "border membership"
    assert member.sum() == expected.sum(), "membership in the frame"
    assert np.array_equal(s.contact, slow_contacts(engine)), "contacts"


def _chain(s: State, head: int, tail: int) -> list[int]:
    nodes = []
    while head >= 0:
        nodes.append(head)
        head = int(s.node_next[head])
    assert tail == (nodes[-1] if nodes else -1), "tail of a queue's list"
    return nodes


def check_queue(s: State, a: int) -> list[int]:
    """The nodes of attack slot a; each set bit is counted once and queued."""
    nodes = _chain(s, int(s.old_head[a]), int(s.old_tail[a]))
    assert np.array_equal(s.bucket_head[a] < 0, s.bucket_tail[a] < 0), "a bucket's ends disagree"
    for b in np.flatnonzero(s.bucket_head[a] >= 0):
        nodes += _chain(s, int(s.bucket_head[a, b]), int(s.bucket_tail[a, b]))
    assert s.queue_size[a] == len(nodes), "queue_size"
    in_set = np.flatnonzero(np.unpackbits(s.border_set[a], bitorder="little"))
    assert s.attack_border[a] == len(in_set), "attack_border"
    assert set(in_set.tolist()) <= {int(s.node_tile[i]) for i in nodes}, "a set tile is not queued"
    return nodes


def check_attacks(engine: Engine) -> None:
    """Queues, border sets, slots and the pool of nodes account for everything once."""
    s, n = engine.state, engine.n_players
    n_slots = len(s.attack_live)
    listed = [int(a) for a in s.attack_list[: int(s.clock[N_ATTACKS])]]
    live = [a for a in listed if s.attack_live[a]]  # ended ones stay until the list is compacted
    assert sorted(live) == np.flatnonzero(s.attack_live).tolist(), "live attacks are all listed"
    n_free = int(s.free_slots[n_slots])
    assert sorted([*listed, *s.free_slots[:n_free].tolist()]) == list(range(n_slots)), "slots"
    slot_of = np.full((n + 1, n + 1), -1)
    following = np.full(n_slots, -1)
    latest: dict[tuple[int, int], int] = {}
    used: list[int] = []
    for a in live:
        used += check_queue(s, a)
        pair = int(s.attacker[a]), int(s.target[a])
        if pair in latest:
            assert engine.edition.name != "2025", "two attacks on one target"
            following[latest[pair]] = a
        else:
            slot_of[pair] = a
        latest[pair] = a
        # The last tile may cost more than is left: at most 2 * 120 * 0.8 = 192 troops.
        assert s.attack_troops[a] > -192.0, "attack_troops"
    ended = s.attack_live == 0
    assert (s.queue_size[ended] == 0).all(), "an ended attack holds nodes"
    assert (s.attack_border[ended] == 0).all(), "an ended attack holds a border"
    assert not s.border_set[ended].any(), "an ended attack holds set bits"
    assert (s.bucket_head[ended] < 0).all(), "an ended attack holds buckets"
    assert (s.old_head[ended] < 0).all(), "an ended attack holds old nodes"
    assert np.array_equal(s.slot_of, slot_of), "slot_of"
    assert np.array_equal(s.attack_next, following), "attack_next"
    opposing = (slot_of >= 0) & (slot_of.T >= 0)
    assert not opposing[1:, 1:].any(), "two players attack each other"
    free, node = [], int(s.clock[FREE_NODE])
    while node >= 0:
        free.append(node)
        node = int(s.node_next[node])
    assert sorted(used + free) == list(range(int(s.clock[NEXT_NODE]))), "the pool of nodes"


# --- fuzzing --------------------------------------------------------------------------------------


def fuzz_match(seed: int, n_decisions: int = 60) -> int:
    """Play one match of nonsense, looking and checking now and then; returns the ticks played."""
    rng = np.random.default_rng([seed, 3])
    engine = random_match(seed)
    views = Views(16, 16 * int(rng.integers(1, 3)), 16 * int(rng.integers(1, 3)))
    scratch = obs.make_scratch(engine.state, views)
    seen, facts = obs.empty_views(engine.n_players, views), obs.empty_facts(engine.n_players)
    looks = np.random.default_rng([seed, 4])  # a stream of its own: looking changes nothing
    for _ in range(n_decisions):
        if engine.is_over:
            break
        engine.act(rng.integers(-1, rules.N_ACTIONS + 1, engine.n_players))
        if rng.random() < 0.2:
            give(engine, random_orders(engine, rng))
        engine.run(int(rng.integers(1, 16)))
        if looks.random() < 0.3:
            rows = np.where(looks.random(engine.n_players) < 0.8, np.arange(engine.n_players), -1)
            obs.observe_facts(engine.state, scratch, rows, 10_000, facts)
            obs.observe(engine.state, scratch, rows, 10_000, facts.mask, seen)
        if rng.random() < 0.05:
            check_state(engine)
    check_state(engine)
    assert min(engine.placements()) == 1
    return engine.tick
