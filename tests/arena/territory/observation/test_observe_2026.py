"""Version 3 of the observation: 2's numbers stay where they are, and 2026's stand after them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from arena import agent
from arena.errors import MatchError
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.match import MatchSpec
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    BOAT_LANDING,
    BOAT_OWNER,
    BOAT_TARGET,
    BOAT_TILE,
    CITIES_MADE,
    EXTENDS,
    GOLD,
    TRAITOR_UNTIL,
)
from arena.territory.maps import TerritoryMap, load_map
from arena.territory.observation import observation as obs
from arena.territory.observation.seeing import see, see_facts
from arena.territory.observation.space import observation_space
from arena.territory.observation.symmetry import renumbered, turned, turned_directions
from arena.territory.observation.views import (
    N_CHANNELS,
    N_NEIGHBOUR,
    N_SCALARS,
    SMALL_VIEWS,
    Views,
    scalar_names,
)
from arena.territory.observation.views_2026 import NEIGHBOUR_FACTS_2026

VIEWS = SMALL_VIEWS.of_edition("2026")
FACT = {name: N_NEIGHBOUR + i for i, (name, _) in enumerate(NEIGHBOUR_FACTS_2026)}
SCALAR = {name: i for i, name in enumerate(scalar_names(3))}
Seen = dict[str, NDArray[Any]]


def look(engine: Engine) -> Seen:
    """Facts and the observation of all players, by spawn index."""
    n = engine.n_players
    rows = np.arange(n)
    facts, views = obs.empty_facts(n, VIEWS.edition), obs.empty_views(n, VIEWS)
    scratch = obs.make_scratch(engine.state, VIEWS)
    see_facts(engine.state, scratch, rows, engine.max_ticks, facts)
    see(engine.state, scratch, rows, engine.max_ticks, facts.mask, views)
    return {**as_dict(views), **facts._asdict()}


def quarters(edition: str = "2026") -> Engine:
    """Four players on the quarters of a 32 x 32 plain (1 and 2 above, 3 and 4 below), at tick 60.

    1 has a city of level 2 at (14, 14), near all the others' land, 3 one under construction far
    from everybody; a boat of 1 sails to 3; 1 and 2 are allies; 2 is a traitor.
    """
    terrain = np.full((32, 32), 128, np.uint8)
    engine = Engine(TerritoryMap.from_terrain("plain", terrain), 4, seed=3, edition=edition)
    for p in range(1, 5):
        engine.place(p)
    engine.paint(np.kron(np.array([[1, 2], [3, 4]]), np.ones((16, 16), np.int64)))
    engine.max_ticks = 600
    engine.run(58)
    if edition == "2025":
        return engine
    s = engine.state
    engine.put_structure(1, "city", 14, 14, 2)
    s.ledger[3, GOLD] = 125_000
    engine.build(3, "city", 3, 28)
    engine.run(2)
    s.ledger[1, CITIES_MADE] = 2
    s.ledger[1:, GOLD] = [99_999, 9_999, 0, 0]
    columns = [BOAT_OWNER, BOAT_TARGET, BOAT_TILE, BOAT_LANDING]
    s.boats[0, columns] = [1, 3, tile(engine, 5, 5), tile(engine, 2, 17)]
    s.boat_troops[0] = 500
    for p, q in ((1, 2), (2, 1)):
        s.pacts[p, q, ALLIED_UNTIL] = 60 + 1_500
    s.ledger[2, TRAITOR_UNTIL] = 60 + 150
    s.troops[1:] = [1_500, 1_000, 500, 4_000]
    return engine


def tile(engine: Engine, x: int, y: int) -> int:
    return (y + 1) * int(engine.state.shape[2]) + x + 1


def test_the_versions_of_a_match_follow_from_its_rules() -> None:
    seats = ("scripted:idle",) * 10
    spec = MatchSpec(1, "generated:plains:32x32:0", seats, MatchRules(edition="2026"))
    assert spec.views == replace(SMALL_VIEWS, observation_version=3)
    assert MatchSpec.from_json(spec.to_json()) == spec
    assert (spec.views.n_actions, spec.views.action_version) == (71, 2)
    assert (SMALL_VIEWS.n_actions, SMALL_VIEWS.action_version) == (45, 1)
    back = MatchSpec(1, spec.map, seats, views=spec.views)  # of 2025 again
    assert back.views == SMALL_VIEWS
    older = replace(SMALL_VIEWS, observation_version=1)
    assert older.of_edition("2025") is older  # a league of 2025 keeps its own
    assert not spec.views.shows(SMALL_VIEWS) and SMALL_VIEWS.shows(older)
    with pytest.raises(MatchError, match=r"one of \(1, 2, 3\), found 4"):
        Views(observation_version=4)


def test_a_match_of_another_edition_is_not_observed() -> None:
    rules = MatchRules(n_seats=2, edition="2026")
    match = LiveMatch(load_map("generated:plains:32x32:0"), rules, SMALL_VIEWS, 1, 0, [None] * 2)
    with pytest.raises(MatchError, match=r"expected a match of edition 2025 .* found edition 2026"):
        Lockstep(1, SMALL_VIEWS).begin(0, match)
    Lockstep(1, VIEWS).begin(0, match)


def test_what_version_2_shows_stays_where_it_is() -> None:
    engine = quarters()
    seen = look(engine)
    rows, n = np.arange(4), 4
    facts, views = obs.empty_facts(n), obs.empty_views(n, SMALL_VIEWS)
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    obs.observe_facts(engine.state, scratch, rows, engine.max_ticks, facts)
    obs.observe(engine.state, scratch, rows, engine.max_ticks, seen["mask"], views)
    older = as_dict(views)
    for key in ("global", "local", "tactical"):
        np.testing.assert_array_equal(seen[key][:, :N_CHANNELS], older[key])
        assert seen[key].shape[1] == N_CHANNELS + 3
    np.testing.assert_array_equal(seen["scalars"][:, :N_SCALARS], older["scalars"])
    np.testing.assert_array_equal(seen["neighbours"][:, :, :N_NEIGHBOUR], older["neighbours"])
    np.testing.assert_array_equal(seen["own"][:, :6], facts.own)
    np.testing.assert_array_equal(seen["direction"][:, :, :7], facts.direction)


def test_the_scalars_of_2026_are_what_their_names_say() -> None:
    engine = quarters()
    first, second, third, _ = look(engine)["scalars"]
    assert first[SCALAR["gold"]] == pytest.approx(5 / 8)
    # Two built, two owned: the third costs 500,000.
    assert first[SCALAR["savings"]] == pytest.approx(99_999 / 599_999)
    assert first[SCALAR["price"]] == pytest.approx(math.log10(500_000) / 7)
    assert first[SCALAR["cities"]] == pytest.approx(2 / 6)
    assert (first[SCALAR["building"]], third[SCALAR["building"]]) == (0, 0.5)
    land = 2 * (256**0.6 * 1_000 + 50_000)
    assert first[SCALAR["city_cap"]] == pytest.approx(500_000 / (land + 500_000))
    assert (first[SCALAR["exposed"]], third[SCALAR["exposed"]]) == (1, 0)
    assert first[SCALAR["cap_rank"]] == pytest.approx((land + 500_000) / (2 * land + 500_000))
    assert second[SCALAR["gold_rank"]] == pytest.approx(9_999 / 109_998)
    assert (first[SCALAR["levels_rank"]], third[SCALAR["levels_rank"]]) == (1, 0)
    assert first[SCALAR["boats"]] == pytest.approx(1 / 3)
    assert first[SCALAR["at_sea"]] == 0.25  # 500 at sea, 1,500 at home
    assert third[SCALAR["landing_on_me"]] == 0.5
    assert (first[SCALAR["allies"]], third[SCALAR["allies"]]) == (pytest.approx(1 / 3), 0)
    assert second[SCALAR["traitor"]] == 0.5


def test_a_neighbours_facts_of_2026_are_what_their_names_say() -> None:
    seen = look(quarters())
    # Of player 1: 2 lies from north-east on, in row 1; 3 from south on, in row 4; of player 3: 1
    # from north on.
    two, three, one = seen["neighbours"][0, 1], seen["neighbours"][0, 4], seen["neighbours"][2, 0]
    assert two[FACT["gold"]] == pytest.approx(0.5)
    assert two[FACT["richer"]] == pytest.approx(9_999 / 109_998)
    assert (two[FACT["is_ally"]], two[FACT["alliance"]], two[FACT["traitor"]]) == (1, 0.5, 0.5)
    assert (three[FACT["is_ally"]], three[FACT["alliance"]]) == (0, 0)
    assert one[FACT["cities"]] == pytest.approx(2 / 6)
    assert one[FACT["cities_near"]] == pytest.approx(2 / 3)
    assert three[FACT["cities_near"]] == 0
    assert one[FACT["boats_on_me"]] == 0.5  # 500 against 500 at home
    assert one[FACT["at_sea"]] == 0.25
    assert one[FACT["allies"]] == pytest.approx(1 / 3)
    assert one[FACT["opinion"]] == 0.5


def test_a_wish_to_extend_an_alliance_is_seen_as_a_request_is() -> None:
    engine = quarters()
    assert look(engine)["neighbours"][0, 1][FACT["may_ask"]] == 0  # 1,500 ticks before its end
    for p, q in ((1, 2), (2, 1)):
        engine.state.pacts[p, q, ALLIED_UNTIL] = 60 + 300
    seen = look(engine)
    names = ("asks_me", "is_asked", "may_ask")
    two = seen["neighbours"][0, 1]
    assert [two[FACT[name]] for name in names] == [0, 0, 1]
    engine.state.pacts[2, 1, EXTENDS] = 1
    seen = look(engine)
    two = seen["neighbours"][0, 1]
    assert [two[FACT[name]] for name in names] == [1, 0, 1]
    assert seen["scalars"][0, SCALAR["asked"]] == pytest.approx(1 / 3)
    assert seen["scalars"][1, SCALAR["asking"]] == pytest.approx(1 / 3)
    assert seen["direction"][0, 1, [agent.ASKS_ME, agent.IS_ASKED]].tolist() == [1, 0]
    one = next(row for row in seen["neighbours"][1] if row[FACT["is_ally"]] == 1)
    assert [one[FACT[name]] for name in names] == [0, 1, 0]


def test_the_facts_of_2026_follow_those_of_2025() -> None:
    engine = quarters()
    seen = look(engine)
    own = seen["own"][0]
    assert own[[agent.GOLD, agent.CITY_PRICE]].tolist() == [99_999, 500_000]
    assert own[[agent.CITY_LEVELS, agent.CITY_LEVELS_OWNED]].tolist() == [2, 2]
    assert own[[agent.BOATS, agent.AT_SEA, agent.AT_SEA_TO_ME, agent.ALLIES]].tolist() == [
        *(1, 500, 0, 1)
    ]
    assert seen["own"][2, agent.AT_SEA_TO_ME] == 500 and seen["own"][1, agent.TRAITOR] == 150
    east = seen["direction"][0, 2]
    assert east[[agent.TARGET, agent.TARGET_GOLD, agent.ALLIED]].tolist() == [2, 9_999, 1_500]
    assert (east[agent.TARGET_TRAITOR], east[agent.TARGET_KIND]) == (150, 0)
    assert seen["direction"][2, 0, agent.TARGET_AT_SEA_TO_ME] == 500
    assert seen["direction"][2, 0, agent.TARGET_CITY_LEVELS] == 2


def test_an_ally_cannot_be_attacked_and_everybody_else_can() -> None:
    engine = quarters()
    mask = look(engine)["mask"][0, :40].reshape(8, 5)
    assert mask[2].tolist() == [0] * 5  # east, the ally
    assert mask[4].tolist() == [1] * 5  # south
    actions = np.full(4, 40, np.int64)
    actions[0] = 2 * 5
    engine.act(actions)
    engine.run(1)
    assert engine.illegal[0] == 1 and engine.attacks() == []
    actions[0] = 4 * 5
    engine.act(actions)
    engine.run(1)
    assert engine.illegal[0] == 1 and [attack[:2] for attack in engine.attacks()] == [(1, 3)]


def test_a_number_that_is_no_action_of_the_edition_counts_as_illegal() -> None:
    engine = quarters()
    engine.act(np.array([71, -1, 40, 44], np.int64))
    assert engine.illegal.tolist() == [1, 1, 0, 0]
    engine = quarters("2025")
    engine.act(np.array([45, 40, 40, 70], np.int64))
    assert engine.illegal.tolist() == [1, 0, 0, 1]


def test_cities_and_boats_stand_on_the_views_where_they_are() -> None:
    seen = look(quarters())
    whole = seen["global"][:, N_CHANNELS:]  # one cell a tile
    for row in range(4):
        assert whole[row, 0, 14, 14] == 170  # level 2 of 3
        assert whole[row, 0, 28, 3] == 63  # under construction
        assert (whole[row, 0] > 0).sum() == 2 and (whole[row, 1] > 0).sum() == 1
    assert whole[:, 1, 5, 5].tolist() == [127, 63, 255, 63]  # mine, another's, one for me
    assert (seen["local"][0, N_CHANNELS] > 0).sum() == 2


def test_version_3_turns_with_the_board_and_knows_no_numbers() -> None:
    engine = quarters()
    seen = look(engine)
    for times in range(4):
        for mirrored in (False, True):
            other = look(turned(engine, times, mirrored=mirrored))
            to = turned_directions(times, mirrored)
            turned_view = np.rot90(
                seen["global"][..., ::-1] if mirrored else seen["global"], -times, axes=(2, 3)
            )
            np.testing.assert_array_equal(other["global"], turned_view)
            np.testing.assert_array_equal(
                other["scalars"][:, N_SCALARS:], seen["scalars"][:, N_SCALARS:]
            )
            for row in range(4):
                rows = {tuple(facts[N_NEIGHBOUR:]) for facts in seen["neighbours"][row]}
                assert {tuple(facts[N_NEIGHBOUR:]) for facts in other["neighbours"][row]} == rows
            np.testing.assert_array_equal(other["landings"][:, to], seen["landings"])
            np.testing.assert_array_equal(
                other["mask"][:, :40].reshape(4, 8, 5)[:, to],
                seen["mask"][:, :40].reshape(4, 8, 5),
            )
    number_of = np.array([0, 3, 1, 4, 2])
    there = look(renumbered(engine, number_of))
    seen["scalars"] = seen["scalars"][:, N_SCALARS:]  # those of a direction: ties go to numbers
    there["scalars"] = there["scalars"][:, N_SCALARS:]
    for key in ("global", "local", "tactical", "scalars", "own"):
        np.testing.assert_array_equal(there[key][number_of[1:] - 1], seen[key], err_msg=key)


def test_everything_lies_inside_the_space() -> None:
    engine = quarters()
    seen = look(engine)
    space = observation_space(VIEWS, with_frames=False)
    assert set(space.spaces) == {*VIEWS.shapes(), "action_mask"}
    for row in range(4):
        one = {key: seen[key][row] for key in VIEWS.shapes()}
        assert space.contains({**one, "action_mask": seen["mask"][row]})
