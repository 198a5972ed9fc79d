"""What a seat is shown is what is there: checked against slow recomputations and symmetries.

Expected values are written from the descriptions in views.py, in numpy, tile by tile; nothing here
shares code with the compiled observation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.registry import make_loader
from arena.env import TerritoryEnv
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.territory.engine.engine import Engine
from arena.territory.engine.land import take_tiles
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.engine.state import EVENT_RING, TICK
from arena.territory.maps import TerritoryMap, load_map
from arena.territory.observation import observation as obs
from arena.territory.observation.space import scalar_bounds
from arena.territory.observation.views import (
    CHANNEL_NAMES,
    N_CHANNELS,
    N_SCALARS,
    OWN_SCALARS,
    SMALL_VIEWS,
    scalar_names,
)
from tests.arena.territory.observation.view_checks import (
    BARRIER,
    FRONT,
    GAINED,
    LOST,
    NEUTRAL,
    OWN,
    RIVAL,
    observe,
    plain,
)

VIEWS = ("global", "local", "tactical")
G, L, T = SMALL_VIEWS.global_size, SMALL_VIEWS.local_size, SMALL_VIEWS.tactical_size
SCRIPTS = ("tribe", "opportunist", "expander", "random", "turtle")
RULES = MatchRules(max_ticks=600)

Grid = NDArray[np.int64]


def _match(reference: str, seed: int, rules: MatchRules = RULES) -> Lockstep:
    """A match of scripted agents at its first decision."""
    load = make_loader()
    agents = {name: load(f"scripted:{name}") for name in SCRIPTS}
    seated = [agents[SCRIPTS[seat % len(SCRIPTS)]] for seat in range(rules.n_seats)]
    core = Lockstep(1, SMALL_VIEWS)
    core.begin(0, LiveMatch(load_map(reference), rules, SMALL_VIEWS, seed, 0, seated))
    core.refresh()
    return core


def _play(core: Lockstep, n_decisions: int) -> Engine:
    actions = np.zeros(MAX_SEATS, np.int64)
    match = core.matches[0]
    assert match is not None
    for _ in range(n_decisions):
        core.ask_agents(actions)
        core.advance(actions)
        core.refresh()
    return match.engine


# --- every channel lives --------------------------------------------------------------------------


def test_every_channel_and_scalar_varies_in_play_and_stays_in_its_range() -> None:
    core = _match("generated:lakes:96x96:2", 4)
    match = core.matches[0]
    assert match is not None
    values: dict[str, list[set[int]]] = {view: [set() for _ in CHANNEL_NAMES] for view in VIEWS}
    low, high = scalar_bounds()
    least, most = np.full(N_SCALARS, np.inf), np.full(N_SCALARS, -np.inf)
    while not match.engine.is_over:
        rows = np.flatnonzero(core.alive)
        views = obs.empty_views(len(rows), SMALL_VIEWS)
        core.observe(rows, views)
        for view, images in zip(VIEWS, views[:3], strict=True):
            for channel in range(N_CHANNELS):
                values[view][channel].update(np.unique(images[:, channel]).tolist())
        least = np.minimum(least, views.scalars.min(axis=0))
        most = np.maximum(most, views.scalars.max(axis=0))
        _play(core, 1)
    for view in VIEWS:
        for channel, name in enumerate(CHANNEL_NAMES):
            # One tile is either mine or not; everything else has shades.
            is_share_of_a_tile = view == "tactical" and channel in (OWN, RIVAL, NEUTRAL, FRONT)
            assert len(values[view][channel]) >= (2 if is_share_of_a_tile else 3), f"{view} {name}"
    for i, name in enumerate(scalar_names()):
        assert least[i] < most[i], f"{name} is always {least[i]}"
        assert low[i] <= least[i] and most[i] <= high[i], f"{name}: {least[i]} .. {most[i]}"


# --- against slow recomputations ------------------------------------------------------------------


def _share(a: NDArray[np.float64], b: float) -> NDArray[np.float64]:
    return np.where(a > 0, a / np.maximum(a + b, 1e-300), 0.0)


def _tile_channels(engine: Engine, p: int) -> NDArray[np.float64]:
    """float64[10, h, w]: channels own .. front of every tile, 0..1, for the eyes of player p."""
    n = engine.n_players
    mine = float(engine.troops[p - 1])
    outgoing, incoming, strength = np.zeros(256), np.zeros(256), np.zeros(256)
    for attacker, target, troops in engine.attacks():
        if attacker == p:
            outgoing[target] = troops
        if target == p:
            incoming[attacker] = troops
    rivals = [q for q in range(1, n + 1) if q != p]
    strength[rivals] = engine.troops[[q - 1 for q in rivals]]
    tiles = np.zeros(256)
    tiles[1 : n + 1] = engine.tiles
    owner, land = engine.owner, engine.map.land
    height = np.digitize(engine.map.magnitude, [10, 20]) + 1
    return np.stack(
        [
            owner == p,
            land & (owner != p) & (owner != 0),
            land & (owner == 0),
            np.where(land, 0.0, 0.5),
            np.where(land, height / 3, 0.0),
            _share(strength, mine)[owner],
            np.sqrt(tiles / engine.map.n_playable)[owner],
            _share(outgoing, mine)[owner],
            _share(incoming, mine)[owner],
            _front(engine, p),
        ]
    ).astype(np.float64)


def _front(engine: Engine, p: int) -> NDArray[np.bool_]:
    """bool[h, w]: tiles of p with a 4-neighbour that is land of another owner, neutral too."""
    other = np.pad(engine.map.land & (engine.owner != p), 1)
    touches = other[:-2, 1:-1] | other[2:, 1:-1] | other[1:-1, :-2] | other[1:-1, 2:]
    front: NDArray[np.bool_] = (engine.owner == p) & touches
    return front


def _window(values: NDArray[np.float64], x0: int, y0: int, side: int) -> NDArray[np.float64]:
    """[C, side, side] of [C, h, w] from the corner (x0, y0); off-map is barrier 1, others 0."""
    out = np.zeros((len(values), side, side))
    out[BARRIER] = 1.0
    height, width = values.shape[1:]
    ys, xs = np.arange(y0, y0 + side), np.arange(x0, x0 + side)
    in_y, in_x = (ys >= 0) & (ys < height), (xs >= 0) & (xs < width)
    out[:, *np.ix_(in_y, in_x)] = values[:, *np.ix_(ys[in_y], xs[in_x])]
    return out


def _pool(values: NDArray[np.float64], cell: int) -> NDArray[np.float64]:
    """Sums over square cells."""
    n = values.shape[1] // cell
    return values.reshape(len(values), n, cell, n, cell).sum(axis=(2, 4))


BOARDS = ["generated:lakes:96x96:2", "generated:continents:101x77:4", "generated:ring:64x80:1"]


@pytest.mark.parametrize("reference", BOARDS)
def test_the_views_equal_a_slow_recomputation(reference: str) -> None:
    core = _match(reference, 5)
    for n_decisions in (1, 9, 15):
        engine = _play(core, n_decisions)
        images, _, scratch = observe(engine)
        cell = -(-max(engine.map.width, engine.map.height) // G)
        counts = _cell_counts(engine, cell)
        np.testing.assert_array_equal(engine.state.cell_counts, counts)
        n_owners = (counts > 0).sum(axis=1).reshape(G, G)
        for p in np.flatnonzero(engine.tiles) + 1:
            tiles = _tile_channels(engine, int(p))
            local_x, local_y, tactical_x, tactical_y = scratch.origin[p]
            exact = 255 * _window(tiles, tactical_x, tactical_y, T)
            _assert_close(images["tactical"][p - 1], exact, 0.51)
            pooled = 255 * _pool(_window(tiles, local_x, local_y, 2 * L), 2) / 4
            pooled[FRONT] = np.minimum(255, 127 * (pooled[FRONT] * 4 / 255))
            _assert_close(images["local"][p - 1], pooled, 1.01)
            pooled = 255 * _pool(_window(tiles, 0, 0, G * cell), cell) / cell**2
            n_front = pooled[FRONT] * cell**2 / 255
            pooled[FRONT] = np.minimum(255, (255 // cell) * n_front)
            # A cell's shares are rounded down owner by owner, each by less than one level.
            _assert_close(images["global"][p - 1], pooled, 1.01 + n_owners)


def _cell_counts(engine: Engine, cell: int) -> Grid:
    """int64[G * G, P + 1]: land tiles of each owner, cell by cell."""
    counts = np.zeros((G * G, engine.n_players + 1), np.int64)
    for y, x in np.argwhere(engine.map.land):
        counts[(y // cell) * G + x // cell, engine.owner[y, x]] += 1
    return counts


def _assert_close(
    image: NDArray[np.uint8], expected: NDArray[np.float64], allowed: float | NDArray[np.float64]
) -> None:
    for channel in range(GAINED):
        gap = np.abs(image[channel] - expected[channel])
        assert (gap <= allowed).all(), f"{CHANNEL_NAMES[channel]}: off by {gap.max():.2f} levels"


@pytest.mark.parametrize("pause", [1, 3, 40])
def test_who_followed_a_match_sees_the_same_as_who_comes_new(pause: int) -> None:
    """The working memory follows the engine's ring of changes; dirty buffers are overwritten."""
    core = _match("generated:continents:101x77:4", 9)
    engine = _play(core, 1)
    n = engine.n_players
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    rows = np.arange(n)
    for _ in range(3):
        facts, views = obs.empty_facts(n), obs.empty_views(n, SMALL_VIEWS)
        for buffer in (*facts, *views):
            buffer[...] = 99
        obs.observe_facts(engine.state, scratch, rows, engine.max_ticks, facts)
        obs.observe(engine.state, scratch, rows, engine.max_ticks, facts.mask, views)
        fresh, mask, _ = observe(engine)
        np.testing.assert_array_equal(facts.mask, mask)
        for key, values in as_dict(views).items():
            np.testing.assert_array_equal(values, fresh[key], err_msg=key)
        _play(core, pause)


def test_who_looks_again_after_more_changes_than_are_remembered_sees_the_map_as_it_is() -> None:
    engine = Engine(plain(64), 2, seed=1)
    for p, x in ((1, 20), (2, 40)):
        engine.place(p, spawn=(x, 30))
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    facts, views = obs.empty_facts(2), obs.empty_views(2, SMALL_VIEWS)
    obs.observe(engine.state, scratch, np.arange(2), 100, facts.mask, views)
    flips = EVENT_RING // 2 + 10
    tile = 31 * 66 + 31
    tiles = np.concatenate([np.repeat(5 * 66 + 5, 1), np.full(2 * flips, tile)])
    take_tiles(engine.state, tiles, np.concatenate([[1], np.tile([1, 2], flips)]))
    obs.observe(engine.state, scratch, np.arange(2), 100, facts.mask, views)
    fresh = obs.empty_views(2, SMALL_VIEWS)
    new = obs.make_scratch(engine.state, SMALL_VIEWS)
    obs.observe(engine.state, new, np.arange(2), 100, facts.mask, fresh)
    for key, values in as_dict(views).items():
        np.testing.assert_array_equal(values, as_dict(fresh)[key], err_msg=key)


def test_gains_and_losses_fade_over_a_hundred_ticks() -> None:
    """A change in tick t is seen at age now - t = 1, 2, ..: brightness 255 * (101 - age) // 100."""
    engine = Engine(plain(64), 2, seed=1)
    engine.max_ticks = 10_000
    for p, x in ((1, 20), (2, 40)):
        engine.place(p, spawn=(x, 30))
    engine.run(200)  # the start is forgotten
    engine.state.last_cluster_check[:] = 10_000  # no enclave check takes the lost tile back
    won = {(24, 28): 0, (24, 30): 40, (24, 32): 99}  # neutral tiles, each in a cell of its own
    for tick in range(120):
        for (x, y), when in won.items():
            if when == tick:
                engine.conquer(1, x, y)
        if tick == 99:
            engine.conquer(2, 20, 30)  # player 1 loses a tile of its middle
        engine.run(1)
        images, _, scratch = observe(engine)
        x0, y0 = scratch.origin[1, :2]
        for (x, y), when in won.items():
            age = tick + 1 - when
            fade = 255 * (101 - age) // 100 if 1 <= age <= 100 else 0
            assert images["global"][0, GAINED, y // 2, x // 2] == fade
            assert images["local"][0, GAINED, (y - y0) // 2, (x - x0) // 2] == fade
        lost = 255 * (101 - (tick + 1 - 99)) // 100 if tick >= 99 else 0
        assert images["global"][0, LOST].max() == lost
        assert images["global"][1, GAINED].max() == lost
        assert not images["global"][1, LOST].any()


def test_contacts_and_targets_in_the_scalars_equal_a_slow_count() -> None:
    engine = _play(_match("generated:continents:101x77:4", 6), 20)
    images, masks, _ = observe(engine)
    names = scalar_names()
    framed = np.pad(engine.owner, 1, constant_values=254)
    h, w = engine.owner.shape
    steps = dict(zip(("N", "NE", "E", "SE", "S", "SW", "W", "NW"), _DIRECTIONS, strict=True))
    for p in np.flatnonzero(engine.tiles) + 1:
        around = {
            name: framed[1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
            for name, (dx, dy) in steps.items()
        }
        mine = engine.owner == p
        sides = np.stack([around[name] for name in ("N", "E", "S", "W")])
        border = mine & ((sides != p) & (sides != 254)).any(axis=0)
        touched = set(np.unique(sides[:, mine]).tolist()) - {int(p), 254, 255}
        seen = dict(zip(names, images["scalars"][p - 1].tolist(), strict=True))
        for d, name in enumerate(steps):
            contact = np.bincount(around[name][border], minlength=256)
            contact[[p, 254, 255]] = 0
            best = max(sorted(touched), key=lambda q: contact[q], default=-1)
            if best < 0 or contact[best] == 0:
                assert not any(seen[f"{name}.{kind}"] for kind in ("contact", "is_rival", "land"))
                assert not masks[p - 1, 5 * d : 5 * d + 5].any()
                continue
            assert seen[f"{name}.contact"] == pytest.approx(np.log2(1 + contact[best]) / 10)
            assert seen[f"{name}.purity"] == pytest.approx(contact[best] / contact.sum())
            assert seen[f"{name}.is_neutral"] == (best == 0)
            assert seen[f"{name}.is_rival"] == (best > 0)
            assert seen[f"{name}.is_legal"] == masks[p - 1, 5 * d + 4]
            if best > 0:
                theirs, ours = engine.tiles[best - 1], engine.tiles[p - 1]
                assert seen[f"{name}.land"] == pytest.approx(theirs / (theirs + ours))


_DIRECTIONS = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))


# --- symmetries -----------------------------------------------------------------------------------


def _painted(
    board: TerritoryMap, owners: Grid, turned: bool, plan: list[tuple[int, ...]]
) -> Engine:
    """A board with painted owners, played to tick 71 with recent changes and running attacks."""
    n = int(owners.max())
    engine = Engine(board, n, seed=3)
    engine.never_end()
    engine.max_ticks = 1_000
    engine.paint(owners)
    for p in range(1, n + 1):
        engine.place(p, troops=20_000 + 7_000 * p)
    engine.state.clock[TICK] = 60  # past immunity, and before anything could grow or be captured
    side = board.width
    for p, x, y, tick in plan:
        engine.state.clock[TICK] = tick
        engine.conquer(p, *((side - 1 - y, x) if turned else (x, y)))
    engine.state.clock[TICK] = 70
    for p in range(1, n + 1):
        for q in range(n + 1):
            if q != p and (p + q) % 3 == 0:
                engine.order(p, q, 1_000 * (p + 1) + 300 * q)
    # Attacks begin at the end of a tick and take nothing in it.
    engine.state.last_cluster_check[:] = 70
    engine.run(1)
    return engine


@pytest.mark.parametrize("seed", range(6))
def test_rotating_the_state_rotates_the_views_and_permutes_the_directions(seed: int) -> None:
    """Clockwise by 90 degrees: tile (x, y) goes to (side - 1 - y, x) and N becomes E."""
    side = 96  # cells of 3 tiles, blocks of 8
    played = _play(_match(f"generated:lakes:{side}x{side}:{seed}", seed), 14)
    owners = np.where(played.owner == 255, 0, played.owner).astype(np.int64)
    generator = np.random.default_rng(seed)
    land = np.argwhere(owners > 0)
    plan = [
        (int(generator.integers(1, 11)), int(x), int(y), 60 + i // 4)
        for i, (y, x) in enumerate(generator.permutation(land)[:24])
    ]
    straight = _painted(played.map, owners, False, plan)
    terrain = np.ascontiguousarray(np.rot90(played.map.terrain, -1))
    turned_map = TerritoryMap.from_terrain("turned", terrain)
    turned = _painted(turned_map, np.rot90(owners, -1), True, plan)
    np.testing.assert_array_equal(np.rot90(straight.owner, -1), turned.owner)
    assert straight.attacks() == turned.attacks() and len(straight.attacks()) >= 5
    images, masks, _ = observe(straight)
    images_turned, masks_turned, _ = observe(turned)
    for view in VIEWS:
        np.testing.assert_array_equal(
            np.rot90(images[view], -1, axes=(2, 3)), images_turned[view], err_msg=view
        )
    n_own = len(OWN_SCALARS)
    own, directions = np.split(images["scalars"], [n_own], axis=1)
    own_turned, directions_turned = np.split(images_turned["scalars"], [n_own], axis=1)
    np.testing.assert_array_equal(own, own_turned)
    directions = directions.reshape(len(own), 8, -1)
    np.testing.assert_array_equal(
        np.roll(directions, 2, axis=1), directions_turned.reshape(len(own), 8, -1)
    )
    np.testing.assert_array_equal(
        np.roll(masks[:, :40].reshape(-1, 8, 5), 2, axis=1), masks_turned[:, :40].reshape(-1, 8, 5)
    )
    assert masks[:, :40].any()


@pytest.mark.parametrize("rotation", [1, 7])
def test_nothing_depends_on_the_number_of_a_seat(rotation: int) -> None:
    """A rotation re-labels the seats; by spawn, everything that is seen stays the same."""
    board = load_map("generated:lakes:64x64:3")
    envs = TerritoryEnv(board, RULES), TerritoryEnv(board, RULES)
    seen = [env.reset(seed=3, options={"rotation": k * rotation})[0] for k, env in enumerate(envs)]
    assert (envs[0].engine.seat_of != envs[1].engine.seat_of).all()
    generator = np.random.default_rng(rotation)
    for _ in range(25):
        by_spawn: list[dict[int, dict[str, NDArray[Any]]]] = [
            {int(env.engine.spawn_of[int(agent[5:])]): each for agent, each in now.items()}
            for env, now in zip(envs, seen, strict=True)
        ]
        assert by_spawn[0].keys() == by_spawn[1].keys()
        actions: list[dict[str, int]] = [{}, {}]
        for spawn, mine in by_spawn[0].items():
            for key, values in mine.items():
                np.testing.assert_array_equal(values, by_spawn[1][spawn][key], err_msg=key)
            action = int(generator.choice(np.flatnonzero(mine["action_mask"])))
            for k, env in enumerate(envs):
                actions[k][f"seat_{env.engine.seat_of[spawn]}"] = action
        if not envs[0].agents:
            break
        seen = [env.step(actions[k])[0] for k, env in enumerate(envs)]


def test_scalars_without_views_are_those_of_the_observation_and_cost_the_views_nothing() -> None:
    cores = [_match("generated:continents:64x64:1", 5) for _ in range(2)]
    with_views, without = cores
    n = RULES.n_seats
    buffers = [obs.empty_views(n, SMALL_VIEWS) for _ in cores]
    actions = [np.zeros(MAX_SEATS, np.int64) for _ in cores]
    for decision in range(20):
        rows = np.flatnonzero(with_views.alive)
        with_views.observe(rows, buffers[0], rows)
        if decision == 7:  # views once in a while, as an opponent asks for them
            without.observe(rows, buffers[1], rows)
        elif decision < 19:
            before = buffers[1].local.copy()
            without.observe(rows, buffers[1], rows, with_views=False)
            assert (buffers[1].local == before).all()
        else:
            without.observe(rows, buffers[1], rows)
        names = ("scalars", "neighbours") if decision not in (7, 19) else as_dict(buffers[0])
        for name in names:
            one, other = (as_dict(each)[name] for each in buffers)
            assert (one[rows] == other[rows]).all(), (decision, name)
        for core, chosen in zip(cores, actions, strict=True):
            core.ask_agents(chosen)
            core.advance(chosen)
            core.refresh()
    assert as_dict(buffers[1])["local"].any()
