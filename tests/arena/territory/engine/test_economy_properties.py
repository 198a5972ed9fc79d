"""Edition 2026 against the slow engine: land, gold and structures under random orders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given

from arena.territory.engine import rules
from arena.territory.engine.edition_2026.cities import mirror_structures
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import (
    BUILT,
    CITY_LEVELS,
    CITY_LEVELS_OWNED,
    COVERED,
    OTHERS_OWNED,
)
from arena.territory.maps import TerritoryMap
from tests.arena.territory.engine.engine_checks import (
    check_state,
    examples,
    give,
    random_conquests,
    random_orders,
    random_painting,
    seeds,
)
from tests.arena.territory.engine.slow_match import Tile
from tests.arena.territory.engine.slow_match_2026 import Build, SlowMatch2026, SlowStructure

ROOT = Path(__file__).resolve().parents[4]


def random_economy(seed: int) -> Engine:
    """Players of all kinds in scattered rectangles, most of them with gold for a few cities."""
    rng = np.random.default_rng([seed, 3])
    engine = random_painting(seed, "2026")
    for p in range(1, engine.n_players + 1):
        engine.place(p, kind=str(rng.choice(rules.KINDS)), troops=int(10 ** rng.uniform(0, 6)))
        engine.gold[p - 1] = int(rng.choice([0, 10 ** rng.uniform(4, 7)]))
    return engine


def random_builds(engine: Engine, rng: np.random.Generator) -> list[Build]:
    """A few orders to build, of anybody, on own land for the most part."""
    builds = []
    for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.3 else 0):
        p = int(rng.integers(1, engine.n_players + 1))
        own = np.argwhere(engine.owner == p)
        everywhere = np.argwhere(engine.owner < 255)
        tiles = own if len(own) and rng.random() < 0.9 else everywhere
        y, x = tiles[int(rng.integers(len(tiles)))]
        kind = str(rng.choice(rules.STRUCTURES, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05]))
        builds.append((p, kind, (int(x), int(y))))
    return builds


def random_upgrades(engine: Engine, rng: np.random.Generator) -> list[tuple[int, Tile]]:
    """Now and then an order to raise a structure, mostly of its owner."""
    standing = engine.structures()
    if not standing or rng.random() > 0.1:
        return []
    each = standing[int(rng.integers(len(standing)))]
    p = each.owner if rng.random() < 0.9 else int(rng.integers(1, engine.n_players + 1))
    return [(p, (each.x, each.y))]


def check_counts(engine: Engine) -> None:
    """Recount what the ledger and the tiles' flags say about structures."""
    s, standing = engine.state, engine.structures()
    for p in range(1, engine.n_players + 1):
        own = [each for each in standing if each.owner == p]
        finished = [each.level for each in own if each.kind == "city" and each.is_finished]
        assert s.ledger[p, CITY_LEVELS] == sum(finished)
        for column, kind in enumerate(rules.STRUCTURES, start=OTHERS_OWNED - 1):
            owned = sum(e.level if e.is_finished else 1 for e in own if e.kind == kind)
            assert s.ledger[p, CITY_LEVELS_OWNED if kind == "city" else column] == owned
    built = np.zeros(engine.owner.shape, bool)
    covered = np.zeros(engine.owner.shape, bool)
    ys, xs = np.indices(engine.owner.shape)
    for each in standing:
        built[each.y, each.x] = True
        if each.kind == "defense_post" and each.is_finished:
            covered |= (xs - each.x) ** 2 + (ys - each.y) ** 2 <= 900
    flags = s.flags.reshape(engine.map.height + 2, -1)[1:-1, 1:-1]
    assert np.array_equal((flags & BUILT) != 0, built)
    assert np.array_equal((flags & COVERED) != 0, covered)


@examples(25)
@given(seeds)
def test_the_compiled_engine_plays_2026_like_the_slow_one(seed: int) -> None:
    engine = random_economy(seed)
    play(engine, seed, 120, SlowMatch2026(engine))
    check_counts(engine)
    check_state(engine)


def play(engine: Engine, seed: int, n_ticks: int, slow: SlowMatch2026 | None = None) -> str:
    """Play random orders, with the slow engine beside it; return the hash of the last state."""
    rng = np.random.default_rng(seed)
    for _ in range(n_ticks):
        for p, x, y in random_conquests(engine, rng):
            engine.conquer(p, x, y)
            if slow:
                slow.give((x, y), p, slow.tick)
        orders, builds = random_orders(engine, rng), random_builds(engine, rng)
        upgrades = random_upgrades(engine, rng)
        give(engine, orders)
        for p, kind, tile in builds:
            engine.build(p, kind, *tile)
        for p, tile in upgrades:
            engine.upgrade(p, *tile)
        before = engine.traded.copy()
        engine.run(1)
        if slow:
            slow.run_tick_2026(orders, builds, upgrades, (engine.traded - before).tolist())
            compare(engine, slow)
    return engine.state_sha256()


def test_of_equally_near_places_the_first_that_a_flood_meets_is_taken() -> None:
    plains = TerritoryMap.from_terrain("plains", np.full((44, 44), 128, np.uint8))
    engine = Engine(plains, 1, seed=1, grid=16, edition="2026")
    engine.place(1)
    engine.paint(np.ones((44, 44), np.int64))
    engine.put_structure(1, "city", 22, 22)
    engine.gold[0] = 10**6
    slow = SlowMatch2026(engine)
    slow.structures.append(SlowStructure("city", 1, (22, 22), 0))
    for dx, dy in [(1, 1), (-1, 1), (1, -1), (-1, -1), (2, 2), (0, 3), (3, 0), (0, -2), (-2, 0)]:
        twin = engine.clone(None)
        twin.never_end()
        twin.build(1, "city", 22 + dx, 22 + dy)
        twin.run(2)
        moved = twin.structures()[1]
        assert (moved.x, moved.y) == slow.place(1, "city", (22 + dx, 22 + dy))


def test_structures_of_another_program_stand_as_ours_do() -> None:
    engine = random_economy(4)
    play(engine, 4, 70)
    shown = engine.clone(None)
    shown.put_structure(*_free(shown), level=2)  # what it showed before
    stride = engine.map.width + 2
    kinds = {kind: number for number, kind in enumerate(rules.STRUCTURES, start=1)}
    rows = [
        (kinds[e.kind], e.owner, (e.y + 1) * stride + e.x + 1, e.level, e.is_finished)
        for e in engine.structures()
    ]
    assert {row[4] for row in rows} == {False, True}
    mirror_structures(shown.state, np.array(rows, np.int64))
    check_counts(shown)
    without_time = [each._replace(finished_at=0) for each in shown.structures()]
    assert without_time == [each._replace(finished_at=0) for each in engine.structures()]
    for p in range(1, engine.n_players + 1):
        assert shown.best_places(p) == engine.best_places(p)


def _free(engine: Engine) -> tuple[int, str, int, int]:
    """Return arguments of `put_structure` for a defence post on free land."""
    taken = {(each.x, each.y) for each in engine.structures()}
    y, x = next(
        (int(y), int(x))
        for y, x in np.argwhere((engine.owner > 0) & (engine.owner < 250))
        if (int(x), int(y)) not in taken
    )
    return int(engine.owner[y, x]), "defense_post", x, y


def hashes() -> list[str]:
    """Two short matches with structures, as a hash of all that is in them."""
    return [play(random_economy(seed), seed, 70) for seed in (4, 7)]


def test_the_interpreter_plays_2026_as_the_machine_code_does() -> None:
    name = "tests.arena.territory.engine.test_economy_properties"
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"from {name} import hashes; print(*hashes())"],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == hashes()


def compare(engine: Engine, slow: SlowMatch2026) -> None:
    """Everything that both have, after a tick."""
    owner = np.where(engine.map.land, 0, rules.WATER)
    for (x, y), p in slow.owner.items():
        owner[y, x] = p
    assert np.array_equal(engine.owner, owner), f"owners after tick {engine.tick}"
    assert engine.gold.tolist() == list(slow.gold.values()), f"gold after tick {engine.tick}"
    found = [(e.kind, e.owner, (e.x, e.y), e.level, e.is_finished) for e in engine.structures()]
    assert found == [(e.kind, e.owner, e.tile, e.level, e.is_finished) for e in slow.structures], (
        f"structures after tick {engine.tick}"
    )
    assert engine.troops.tolist() == list(slow.troops.values()), "home troops"
    assert engine.attacks() == [(a.attacker, a.target, a.troops) for a in slow.attacks]
    assert engine.state.streams[1:].tolist() == list(slow.streams.values()), "random streams"
