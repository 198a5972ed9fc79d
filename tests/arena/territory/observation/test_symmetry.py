"""A view is a function of the board and the seat: not of history, numbers, or which way is north.

The windows are checked against the rule of docs/observation.md in exact fractions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.registry import make_loader
from arena.errors import MatchError
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import TerritoryMap, load_map
from arena.territory.observation import observation as obs
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.symmetry import (
    border_of,
    copied,
    neighbours_by_direction,
    renumbered,
    reordered,
    turned,
    turned_directions,
)
from arena.territory.observation.views import OWN_SCALARS, SMALL_VIEWS
from tests.arena.territory.engine.engine_checks import check_borders, check_land

SCRIPTS = ("tribe", "opportunist", "expander", "random", "turtle")
RULES = MatchRules(max_ticks=600)
L, T = SMALL_VIEWS.local_size, SMALL_VIEWS.tactical_size

Seen = dict[str, NDArray[Any]]


def see(engine: Engine) -> Seen:
    """Views, scalars, masks, facts and the windows' corners of all players, by spawn index."""
    n = engine.n_players
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    facts, views = obs.empty_facts(n), obs.empty_views(n, SMALL_VIEWS)
    obs.observe_facts(engine.state, scratch, np.arange(n), engine.max_ticks, facts)
    obs.observe(engine.state, scratch, np.arange(n), engine.max_ticks, facts.mask, views)
    return {**as_dict(views), **facts._asdict(), "origin": scratch.origin[1:]}


def positions(seed: int) -> list[Engine]:
    """A match of scripted agents at its decisions 0, 2, 8 and 20; at first all discs are alike."""
    load = make_loader()
    agents = {name: load(f"scripted:{name}") for name in SCRIPTS}
    seated = [agents[SCRIPTS[seat % len(SCRIPTS)]] for seat in range(RULES.n_seats)]
    board = load_map(f"generated:lakes:64x64:{seed}")
    match = LiveMatch(board, RULES, SMALL_VIEWS, seed, 0, seated)
    core = Lockstep(1, SMALL_VIEWS)
    core.begin(0, match)
    actions = np.zeros(MAX_SEATS, np.int64)
    found = []
    for decision in range(21):
        core.refresh()
        if decision in (0, 2, 8, 20):
            found.append(copied(match.engine))
        core.ask_agents(actions)
        core.advance(actions)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_a_position_came_about_does_not_show(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for engine in positions(seed):
        seen = see(engine)
        for _ in range(3):
            other = reordered(engine, rng)
            assert any(
                (border_of(other.state, p) != border_of(engine.state, p)).any()
                for p in range(1, engine.n_players + 1)
            )
            check_borders(other)
            for key, values in see(other).items():
                np.testing.assert_array_equal(values, seen[key], err_msg=key)


def test_land_that_was_won_tile_by_tile_in_any_order_looks_the_same() -> None:
    """Sixteen squares with gaps on a plain: many blocks are equally hot."""
    owners = np.kron(np.arange(1, 17).reshape(4, 4), np.ones((16, 16), np.int64))
    owners[::5] = 0
    tiles = np.argwhere(owners > 0)
    seen = []
    for order in (np.arange(len(tiles)), np.random.default_rng(1).permutation(len(tiles))):
        engine = Engine(_plain(64), 16, seed=1)
        for p in range(1, 17):
            engine.place(p)
        for y, x in tiles[order]:
            engine.conquer(int(owners[y, x]), int(x), int(y))
        engine.run(120)  # what was won at the start has faded
        seen.append(see(engine))
    for key, values in seen[0].items():
        np.testing.assert_array_equal(values, seen[1][key], err_msg=key)


@pytest.mark.parametrize("seed", range(3))
def test_other_owner_numbers_show_nowhere_but_as_the_targets_of_the_facts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    changed = 0
    for engine in positions(seed):
        n = engine.n_players
        number_of = np.concatenate([[0], 1 + rng.permutation(n)])
        other = renumbered(engine, number_of)
        check_land(other)
        check_borders(other)
        np.testing.assert_array_equal(other.by_seat(other.tiles), engine.by_seat(engine.tiles))
        seen, there = see(engine), see(other)
        targets = seen["direction"][:, :, 0].copy()
        seen["direction"][:, :, 0] = np.where(targets >= 0, number_of[targets], -1)
        changed += int((seen["direction"][:, :, 0] != targets).sum())
        tied = _ties(engine)
        for key in seen:
            mine, theirs = seen[key], there[key][number_of[1:] - 1]
            if key == "neighbours":  # of players whose targets do not depend on the numbers
                free = ~tied.any(axis=1)
                mine, theirs = mine[free], theirs[free]
            if key in ("scalars", "mask", "direction"):
                mine, theirs = _without(mine, tied, key), _without(theirs, tied, key)
            np.testing.assert_array_equal(mine, theirs, err_msg=key)
    assert changed > 10


def _ties(engine: Engine) -> NDArray[np.bool_]:
    """bool[P, 8]: directions in which several owners have the longest contact."""
    n = engine.n_players
    contact = engine.state.contact[1:, :, : n + 1]
    touches = contact[:, ::2].sum(axis=1) > 0
    counted = np.where(touches[:, None, :], contact, 0)
    longest = counted.max(axis=2)
    tied: NDArray[np.bool_] = (longest > 0) & ((counted == longest[..., None]).sum(axis=2) > 1)
    return tied


def _without(values: NDArray[Any], tied: NDArray[np.bool_], key: str) -> NDArray[Any]:
    """Zeros where a tied direction's target shows."""
    values = values.copy()
    first = {"scalars": len(OWN_SCALARS), "mask": 0, "direction": 0}[key]
    blocks = values[:, first : first + 40] if key == "mask" else values[:, first:]
    blocks.reshape(len(values), 8, -1)[tied] = 0
    return values


@pytest.mark.parametrize(("quarters", "mirrored"), [(1, False), (2, False), (3, False), (0, True)])
def test_turning_a_match_turns_its_views(quarters: int, mirrored: bool) -> None:
    # The discs of the start have ties that "clockwise" decides: a mirror decides them otherwise.
    for engine in positions(4)[2 if mirrored else 0 :]:
        other = turned(engine, quarters, mirrored=mirrored)
        check_land(other)
        check_borders(other)
        seen, there = see(engine), see(other)
        for key in VIEW_NAMES:
            image = seen[key][..., ::-1] if mirrored else seen[key]
            np.testing.assert_array_equal(
                np.rot90(image, -quarters, axes=(2, 3)), there[key], err_msg=key
            )
        to = turned_directions(quarters, mirrored)
        for key, first, last in (
            ("scalars", len(OWN_SCALARS), None),
            ("mask", 0, 40),
            ("direction", 0, None),
        ):
            blocks, turned_blocks = (
                look[key][:, first:last].reshape(engine.n_players, 8, -1) for look in (seen, there)
            )
            np.testing.assert_array_equal(blocks, turned_blocks[:, to], err_msg=key)
            np.testing.assert_array_equal(seen[key][:, :first], there[key][:, :first], err_msg=key)
        rows, turned_rows = (neighbours_by_direction(look["neighbours"]) for look in (seen, there))
        turned_rows[:, :, :8] = turned_rows[:, :, to]
        np.testing.assert_array_equal(rows, turned_rows[:, to], err_msg="neighbours")


def test_only_a_square_that_the_cells_fill_can_be_turned() -> None:
    with pytest.raises(MatchError, match="square map"):
        turned(Engine(_plain(64, 96), 1, seed=1), 1)
    with pytest.raises(MatchError, match="32 x 32 cells fill"):
        turned(Engine(_plain(50), 1, seed=1), 1)


# --- where the windows lie ------------------------------------------------------------------------

Place = tuple[Fraction, Fraction]


def _plain(side: int, width: int | None = None) -> TerritoryMap:
    return TerritoryMap.from_terrain("plain", np.full((side, width or side), 128, np.uint8))


def _first(places: list[Place], mean: Place, middle: Place) -> Place:
    """The rule for ties, as the page words it."""

    def key(place: Place) -> tuple[Fraction, ...]:
        to_mean = (mean[0] - middle[0], mean[1] - middle[1])
        to_place = (place[0] - middle[0], place[1] - middle[1])
        clockwise = to_mean[0] * to_place[1] - to_mean[1] * to_place[0]  # y points down
        from_mean = (place[0] - mean[0]) ** 2 + (place[1] - mean[1]) ** 2
        return from_mean, to_place[0] ** 2 + to_place[1] ** 2, -clockwise, place[1], place[0]

    return min(places, key=key)


def _slow_windows(engine: Engine, p: int) -> list[int]:
    """Corners of p's windows (local x, y, tactical x, y) from the page's words."""
    height, width = engine.owner.shape
    framed = np.pad(engine.owner, 1, constant_values=254)
    sides = np.stack([framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:]])
    mine = engine.owner == p
    land = (sides != p) & (sides < 254)
    front = mine & land.any(axis=0)
    border = mine & ((sides != p) & (sides != 254)).any(axis=0)
    middle = (Fraction(width, 2), Fraction(height, 2))
    mean = middle
    if border.any():
        ys, xs = np.nonzero(front if front.any() else border)
        mean = (
            Fraction(int(xs.sum()), len(xs)) + Fraction(1, 2),
            Fraction(int(ys.sum()), len(ys)) + Fraction(1, 2),
        )
    near_x, near_y = (int(m) // 2 * 2 for m in mean)
    corners = [
        (Fraction(near_x + dx), Fraction(near_y + dy)) for dx in (-2, 0, 2) for dy in (-2, 0, 2)
    ]
    corner = _first(corners, mean, middle)
    mine_now = float(engine.troops[p - 1])
    out, into = np.zeros(256), np.zeros(256)
    for attacker, target, troops in engine.attacks():
        if attacker == p:
            out[target] = troops / (troops + mine_now)
        if target == p:
            into[attacker] = troops / (troops + mine_now)
    block = T // 2
    heat: dict[Place, Fraction] = {}
    for y, x in np.argwhere(front):
        centre = tuple(Fraction(int(v) // block * block + block // 2) for v in (x, y))
        for q in sides[land[:, y, x], y, x]:
            hot = 1 + 3 * out[q] if q == 0 else 2 + 8 * into[q] + 4 * out[q]
            parts = Fraction(int(hot * 2**30), 2**30)
            heat[centre] = heat.get(centre, Fraction(0)) + parts  # type: ignore[index,arg-type]
    if heat:
        places = [place for place, hot in heat.items() if hot == max(heat.values())]
    else:
        places = [
            (Fraction(x + block // 2), Fraction(y + block // 2))
            for x in range(0, width, block)
            for y in range(0, height, block)
        ]
    centre_x, centre_y = _first(places, mean, middle)
    return [int(corner[0]) - L, int(corner[1]) - L, int(centre_x) - block, int(centre_y) - block]


@pytest.mark.parametrize("seed", range(2))
def test_the_windows_of_a_match_lie_where_the_rule_says(seed: int) -> None:
    for engine in positions(seed):
        origin = see(engine)["origin"]
        for p in np.flatnonzero(engine.tiles) + 1:
            assert origin[p - 1].tolist() == _slow_windows(engine, int(p))


# One player's rectangles (x, y, width, height) on 64 x 64 tiles of open land or, for "island", on
# an island of just that shape: no front, the mean of the border counts.
SHAPES = {
    "two blocks, one nearer to the middle": [(2, 10, 4, 4), (26, 10, 4, 4)],
    "mirrored left and right of the middle": [(10, 10, 4, 4), (50, 10, 4, 4)],
    "mirrored above and below the middle": [(10, 10, 4, 4), (10, 50, 4, 4)],
    "on both sides of the diagonal": [(10, 18, 4, 4), (18, 10, 4, 4)],
    "four corners, the mean is the middle": [
        (10, 10, 4, 4),
        (50, 10, 4, 4),
        (10, 50, 4, 4),
        (50, 50, 4, 4),
    ],
    "an odd mean": [(20, 41, 2, 2)],
    "an odd mean on the far side": [(40, 13, 2, 2)],
    "island over four blocks": [(6, 38, 4, 4)],
    "island in the middle": [(28, 28, 8, 8)],
    "island on the middle line": [(28, 6, 8, 4)],
    "island on the other middle line": [(6, 28, 4, 8)],
    "the whole map": [(0, 0, 64, 64)],
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("quarters", range(4))
def test_ties_of_windows_are_decided_by_place(name: str, quarters: int) -> None:
    owners = np.zeros((64, 64), np.int64)
    for x, y, width, height in SHAPES[name]:
        owners[y : y + height, x : x + width] = 1
    owners = np.rot90(owners, -quarters)
    terrain = np.full((64, 64), 128, np.uint8)
    if name.startswith("island"):
        terrain[owners == 0] = 0
    engine = Engine(TerritoryMap.from_terrain(name, terrain), 1, seed=1)
    engine.place(1)
    engine.paint(owners)
    assert see(engine)["origin"][0].tolist() == _slow_windows(engine, 1)
