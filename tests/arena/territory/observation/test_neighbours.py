"""Neighbours: one row for each owner that may be attacked, with what it is and what it did.

What is remembered is counted again in plain Python, from the orders and boards of every tick.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.registry import make_loader
from arena.errors import MatchError
from arena.lockstep import LiveMatch, Lockstep
from arena.match import MatchSpec
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.engine.state import N_ORDERS
from arena.territory.maps import load_map
from arena.territory.observation import observation as obs
from arena.territory.observation.space import observation_space
from arena.territory.observation.views import (
    DIRECTION_SCALARS,
    N_NEIGHBOUR,
    N_NEIGHBOUR_MEMBERSHIP,
    NEIGHBOUR_FACTS,
    OWN_SCALARS,
    SMALL_VIEWS,
    Views,
)
from tests.arena.territory.observation.view_checks import observe, plain

NAMES = tuple(name for name, _ in NEIGHBOUR_FACTS)
SCRIPTS = ("tribe", "opportunist", "expander", "turtle", "strategist")
Facts = dict[str, float]


def neighbours(engine: Engine) -> NDArray[np.float32]:
    return np.asarray(observe(engine)[0]["neighbours"])


def facts(engine: Engine, p: int, q: int) -> Facts:
    """What player p sees of its neighbour q, by name."""
    rows = neighbours(engine)[p - 1]
    targets = obs.empty_facts(engine.n_players)
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    obs.observe_facts(engine.state, scratch, np.arange(engine.n_players), engine.max_ticks, targets)
    row = rows[int(np.flatnonzero(targets.direction[p - 1, :, 0] == q)[0])]
    assert row[N_NEIGHBOUR_MEMBERSHIP] == 1.0
    return dict(zip(NAMES, map(float, row[N_NEIGHBOUR_MEMBERSHIP:]), strict=True))


def board(*troops: int) -> Engine:
    """Players side by side in columns of 16 tiles from the west; neutral land in the east."""
    engine = Engine(plain(64), len(troops), seed=3)
    owners = np.zeros((64, 64), np.int64)
    for p, held in enumerate(troops, start=1):
        engine.place(p, troops=held)
        owners[:, 16 * (p - 1) : 16 * p] = p
    engine.paint(owners)
    engine.never_end()
    return engine


def started(seed: int, n_seats: int = 8) -> LiveMatch:
    load = make_loader()
    agents = {name: load(f"scripted:{name}") for name in SCRIPTS}
    seated = [agents[SCRIPTS[(seat + seed) % len(SCRIPTS)]] for seat in range(n_seats)]
    land = load_map(f"generated:continents:64x64:{seed}")
    rules = MatchRules(max_ticks=900, n_seats=n_seats)
    return LiveMatch(land, rules, SMALL_VIEWS, seed, 0, seated)


def play(match: LiveMatch, n_decisions: int, ticks: int | None = None) -> Engine:
    """Play decisions of a match, in steps of `ticks` if given."""
    core = Lockstep(1, SMALL_VIEWS)
    core.begin(0, match)
    actions = np.zeros(MAX_SEATS, np.int64)
    for _ in range(n_decisions):
        core.refresh()
        core.ask_agents(actions)
        if ticks is None:
            core.advance(actions)
        else:
            match.engine.act(actions[: match.rules.n_seats])
            for _ in range(match.rules.ticks_per_decision // ticks):
                match.engine.run(ticks)
    return match.engine


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_each_target_has_one_row_that_its_directions_share(seed: int) -> None:
    match = started(seed)
    merged = 0
    for _ in range(4):
        engine = play(match, 6)
        seen, mask, _ = observe(engine)
        facts = obs.empty_facts(engine.n_players)
        scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
        rows = np.arange(engine.n_players)
        obs.observe_facts(engine.state, scratch, rows, engine.max_ticks, facts)
        for p in np.flatnonzero(engine.tiles > 0):
            targets, contacts = facts.direction[p, :, 0], facts.direction[p, :, 1]
            scalars = seen["scalars"][p, len(OWN_SCALARS) :].reshape(8, -1)
            expected = np.zeros((8, N_NEIGHBOUR), np.float32)
            for q in np.unique(targets[targets >= 0]):
                its = targets == q
                first = int(np.flatnonzero(its)[0])
                merged += int(its.sum() > 1)
                named = dict(zip([n for n, _ in DIRECTION_SCALARS], scalars[first], strict=True))
                named |= {"used": 1.0, "contact": math.log2(1 + contacts[its].sum()) / 10}
                expected[first, :8] = its
                for i, name in enumerate(NAMES[:11]):
                    expected[first, 8 + i] = named[name]
                assert (mask[p].reshape(9, 5)[:8, 4][its] == named["is_legal"]).all()
            found = seen["neighbours"][p]
            np.testing.assert_allclose(found[:, : 8 + 11], expected[:, : 8 + 11], rtol=1e-6)
            unused = expected[:, 8] == 0
            assert (found[unused] == 0).all()
            assert (found[expected[:, 9] == 1, 8 + 11 :] == 0).all()  # land remembers nothing
    assert merged > 20


def test_the_dead_have_no_neighbours() -> None:
    engine = board(10_000, 10_000)
    for y, x in np.argwhere(engine.owner == 2):
        engine.conquer(1, int(x), int(y))
    assert not neighbours(engine)[1].any()
    # north, east and south-east of the first player's land lies neutral land alone
    assert neighbours(engine)[0, :, N_NEIGHBOUR_MEMBERSHIP].sum() == 1


def test_version_1_shows_everything_else_alike_and_no_neighbours() -> None:
    engine = play(started(0), 12)
    older = replace(SMALL_VIEWS, observation_version=1)
    assert "neighbours" not in older.shapes() and "neighbours" not in observation_space(older)
    newer, mask, _ = observe(engine)
    scratch = obs.make_scratch(engine.state, older)
    buffers = obs.empty_views(engine.n_players, older)
    obs.observe(engine.state, scratch, np.arange(engine.n_players), engine.max_ticks, mask, buffers)
    assert buffers.neighbours.size == 0
    np.testing.assert_array_equal(buffers.global_, newer["global"])
    np.testing.assert_array_equal(buffers.local, newer["local"])
    np.testing.assert_array_equal(buffers.tactical, newer["tactical"])
    np.testing.assert_array_equal(buffers.scalars, newer["scalars"])


def test_views_that_name_no_version_are_of_version_1_and_read_back_the_same() -> None:
    sizes = {"global_size": 32, "local_size": 32, "tactical_size": 16}
    older = Views.from_json(sizes)  # of a replay or match of before
    assert older == replace(SMALL_VIEWS, observation_version=1) and older.to_json() == sizes
    for views in (older, SMALL_VIEWS):
        spec = MatchSpec(1, "generated:plains:64x64:1", ("scripted:idle",) * 10, views=views)
        assert MatchSpec.from_json(spec.to_json()) == spec
    assert SMALL_VIEWS.shows(older) and not older.shows(SMALL_VIEWS)
    with pytest.raises(MatchError, match=r"expected one of \(1, 2, 3\), found 4"):
        Views(observation_version=4)


def test_every_value_of_a_match_lies_in_the_space() -> None:
    space = observation_space(SMALL_VIEWS, with_mask=False)["neighbours"]
    match = started(1)
    for _ in range(6):
        for row in neighbours(play(match, 5)):
            assert space.contains(row), row


# --- memory, by hand ------------------------------------------------------------------------------


def test_an_attack_is_remembered_with_its_size_and_what_it_was_worth() -> None:
    engine = board(20_000, 10_000, 40_000)
    engine.run(60)
    home = engine.troops.copy()  # players grow before the orders of a tick leave
    before = facts(engine, 1, 2)
    assert before["strikes"] == before["attacks_on_me"] == before["latest_on_me"] == 0.0
    assert before["pause"] == 1.0

    engine.order(2, 1, 3_000)
    engine.run(1)
    grown = engine.troops[1] + 3_000
    rival = int(engine.troops[0])
    seen = facts(engine, 1, 2)
    assert seen["strikes"] == pytest.approx(1 / (1 + (61 - 49) / 100))
    assert seen["strike_size"] == pytest.approx(3_000 / grown)
    assert seen["strike_strength"] == pytest.approx(rival / (rival + grown))
    assert seen["strike_answers"] == seen["strike_pressed"] == 0.0
    assert seen["strikes_on_me"] == 1.0
    assert seen["attacks_on_me"] == pytest.approx(1 / 3)
    force = 3_000 / (3_000 + rival)
    assert seen["force_on_me"] == pytest.approx(force / (1 + force))
    assert seen["latest_on_me"] == pytest.approx(1 - 1 / 400)
    cap = 2 * (1_024**0.6 * 1_000 + 50_000)  # 16 x 64 tiles
    assert seen["strike_fullness"] == pytest.approx(grown / cap, rel=1e-3)
    assert grown > home[1]
    # the third player knows of it, but not as an attack on itself
    other = facts(engine, 3, 2)
    assert other["strikes"] == seen["strikes"] and other["strikes_on_me"] == 0.0
    assert other["attacks_on_me"] == other["force_on_me"] == other["latest_on_me"] == 0.0
    assert other["out_on_others"] > 0.0 and seen["out_on_others"] == 0.0
    # nothing of it is the attacked one's doing
    assert facts(engine, 2, 1)["strikes"] == 0.0


def test_answers_and_attacks_on_the_pressed_are_told_apart() -> None:
    engine = board(20_000, 40_000, 30_000)
    engine.run(60)
    engine.order(1, 2, 4_000)
    engine.run(1)
    engine.order(2, 1, 1_000)  # answers, and what is left of the first attack is 3,000
    engine.run(1)
    assert facts(engine, 1, 2)["strike_answers"] == 1.0
    assert facts(engine, 2, 1)["strike_answers"] == 0.0
    ((_, _, left),) = engine.attacks()
    engine.order(3, 2, 2_000)
    engine.run(1)
    ((_, _, now), _) = engine.attacks()
    seen = facts(engine, 2, 3)
    assert left > now and seen["strike_answers"] == 0.0
    held = int(engine.troops[1])
    assert seen["strike_pressed"] == pytest.approx(int(now) / (int(now) + held), rel=1e-3)


def test_attacks_on_land_are_remembered_apart_with_how_they_vary() -> None:
    engine = board(50_000, 30_000)
    sent = []
    for share in (0.2, 0.4):
        engine.run(30)
        grown = int(engine.troops[1])
        engine.order(2, 0, share * grown)
        engine.run(1)
        sent.append(share * grown / (engine.troops[1] + math.floor(share * grown)))
    seen = facts(engine, 1, 2)
    assert seen["strikes"] == seen["strike_size"] == 0.0
    assert seen["spreads"] == pytest.approx(2 / (2 + 0.62))  # in 62 ticks
    assert seen["spread_size"] == pytest.approx(np.mean(sent))
    assert seen["spread_varies"] == pytest.approx(2 * np.std(sent), rel=1e-3)
    assert seen["pause"] == pytest.approx(0.31)  # orders of ticks 30 and 61
    assert seen["out_on_land"] > 0.0 and seen["out_on_others"] == 0.0


def test_growth_looks_back_to_the_newest_look_that_is_old_enough() -> None:
    engine = board(50_000, 30_000)
    assert facts(engine, 1, 2)["growth_100"] == facts(engine, 1, 2)["gain_100"] == 0.5
    tiles, troops, full = [1_024], [30_000], []
    for tick in range(1, 461):
        engine.run(1)
        if tick % 7 == 0:
            x, y = divmod(tick, 60)
            engine.conquer(2, 40 + x, y)
        tiles.append(int(engine.tiles[1]))
        troops.append(int(engine.troops[1]))
        if tick in (30, 100, 130, 425, 460):
            seen = facts(engine, 1, 2)
            hundred = max(tick - 100, 0) // 25 * 25
            long = max(tick - 400, 0) // 25 * 25
            assert seen["growth_100"] == pytest.approx(tiles[tick] / (tiles[tick] + tiles[hundred]))
            assert seen["growth_400"] == pytest.approx(tiles[tick] / (tiles[tick] + tiles[long]))
            gained = troops[tick] / (troops[tick] + troops[hundred])
            assert seen["gain_100"] == pytest.approx(gained)
            # the look of tick t is taken before that tick's growth
            caps = [2 * (t**0.6 * 1_000 + 50_000) for t in tiles]
            full = [troops[t] / caps[t] for t in range(0, tick, 25)]
            assert seen["mean_fullness"] == pytest.approx(np.mean(full), rel=1e-6)


def test_how_long_two_were_neighbours_begins_anew_when_they_part() -> None:
    engine = board(50_000, 30_000)
    engine.run(126)
    assert facts(engine, 1, 2)["neighbour_time"] == pytest.approx(126 / 400)
    for y in range(64):
        engine.conquer(0, 16, y)  # a strip between them
    engine.run(30)
    for y in range(64):
        engine.conquer(2, 16, y)
    assert facts(engine, 1, 2)["neighbour_time"] == 0.0  # seen apart at tick 150
    engine.run(30)
    assert facts(engine, 2, 1)["neighbour_time"] == pytest.approx((186 - 175) / 400)


# --- memory, counted again ------------------------------------------------------------------------


def _recount(match: LiveMatch, n_decisions: int) -> dict[int, dict[str, list[Any]]]:
    """Every attack of a match by player, from the orders and the troops after each."""
    found: dict[int, dict[str, list[Any]]] = {
        p: {"strikes": [], "spreads": []} for p in range(1, match.rules.n_seats + 1)
    }
    core = Lockstep(1, SMALL_VIEWS)
    core.begin(0, match)
    actions = np.zeros(MAX_SEATS, np.int64)
    engine = match.engine
    for _ in range(n_decisions):
        core.refresh()
        core.ask_agents(actions)
        engine.act(actions[: match.rules.n_seats])
        orders = engine.state.orders[: int(engine.state.clock[N_ORDERS])].copy()
        tick = engine.tick
        engine.run(1)
        home = engine.troops.copy()
        for p, target, sent, *_ in reversed(orders.tolist()):  # the last left last: give them back
            p, target = int(p), int(target)
            home[p - 1] += int(sent)
            order = {"tick": tick, "sent": sent, "home": int(home[p - 1])}
            if target == 0:
                found[p]["spreads"].append(order)
            else:
                theirs = int(home[target - 1])
                found[p]["strikes"].append({**order, "target": target, "theirs": theirs})
        engine.run(match.rules.ticks_per_decision - 1)
    return found


@pytest.mark.parametrize("seed", [0, 2])
def test_what_is_remembered_of_a_match_equals_a_recount(seed: int) -> None:
    match = started(seed)
    counted = _recount(match, 24)
    engine = match.engine
    facts = obs.empty_facts(engine.n_players)
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    obs.observe_facts(engine.state, scratch, np.arange(engine.n_players), engine.max_ticks, facts)
    rows, tick, compared, struck = neighbours(engine), engine.tick, 0, 0
    for p in np.flatnonzero(engine.tiles > 0):
        for d in range(8):
            q = int(facts.direction[p, d, 0])
            if q <= 0 or not rows[p, d, 8]:
                continue
            strikes, spreads = counted[q]["strikes"], counted[q]["spreads"]
            on_me = [order for order in strikes if order["target"] == p + 1]
            ticks = sorted(order["tick"] for order in strikes + spreads)
            n, m = len(strikes), len(on_me)
            force = sum(o["sent"] / (o["sent"] + o["theirs"]) for o in on_me)
            shares = [o["sent"] / o["home"] for o in spreads]
            expected = {
                "strikes": n / (n + (tick - 49) / 100),
                "strikes_on_me": m / max(n, 1),
                "attacks_on_me": m / (m + 2),
                "force_on_me": force / (force + 1),
                "latest_on_me": max([0.0, *(1 - (tick - order["tick"]) / 400 for order in on_me)]),
                "strike_size": _mean([o["sent"] / o["home"] for o in strikes]),
                "strike_strength": _mean(
                    [o["theirs"] / (o["theirs"] + o["home"]) for o in strikes]
                ),
                "spreads": len(spreads) / (len(spreads) + tick / 100),
                "spread_size": _mean(shares),
                "spread_varies": 2 * float(np.std(shares)) if shares else 0.0,
                "pause": min(float(np.diff(ticks).mean()) / 100, 1) if len(ticks) > 1 else 1.0,
            }
            found = dict(zip(NAMES, rows[p, d, 8:], strict=True))
            for name, value in expected.items():
                assert found[name] == pytest.approx(value, abs=2e-3), (p + 1, q, name)
            compared += 1
            struck += m
    assert compared > 5 and struck > 0


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0


# --- memory of the match, and of nothing else -----------------------------------------------------


def test_steps_of_any_length_lead_to_the_same_memory() -> None:
    whole, stepped = play(started(0), 14), play(started(0), 14, ticks=1)
    np.testing.assert_array_equal(neighbours(whole), neighbours(stepped))
    assert neighbours(whole)[:, :, 8 + 11 :].any()


def test_a_clone_remembers_what_the_match_does_and_goes_on_from_there() -> None:
    match = started(1)
    engine = play(match, 12)
    seen, twin, dream = neighbours(engine), engine.clone(None), engine.clone(77)
    np.testing.assert_array_equal(neighbours(twin), seen)
    np.testing.assert_array_equal(neighbours(dream), seen)
    orders = np.full(engine.n_players, 4, np.int64)  # north, with 75 %
    for other in (dream, twin, engine):
        other.act(orders)
        other.run(25)
    np.testing.assert_array_equal(neighbours(twin), neighbours(engine))
    assert (neighbours(engine) != seen).any()
    dream.run(200)  # shares nothing
    np.testing.assert_array_equal(neighbours(twin), neighbours(engine))


def test_memory_is_not_part_of_the_state_s_hash_and_changes_nothing() -> None:
    engine = play(started(1), 12)
    forgetful = engine.clone(None)
    for values in (forgetful.state.habits, forgetful.state.dealings, forgetful.state.past):
        values[...] = 0
    assert forgetful.state_sha256() == engine.state_sha256()
    for other in (forgetful, engine):
        other.run(100)
    assert forgetful.state_sha256() == engine.state_sha256()
