"""An action of 2026 is legal when the engine then does what it says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from arena.agent import LANDING
from arena.territory.engine import actions
from arena.territory.engine.actions import ALLY, BREAK, BUILD, UPGRADE, WAIT
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import ALLIED_UNTIL, GOLD, TRAITOR_UNTIL
from arena.territory.maps import TerritoryMap
from arena.territory.observation import observation as obs
from arena.territory.observation.seeing import see, see_facts
from arena.territory.observation.views import SMALL_VIEWS
from arena.territory.observation.views_2026 import LANDING_FACTS

VIEWS = SMALL_VIEWS.of_edition("2026")
NAMES = [name for name, _ in LANDING_FACTS]
EAST, WEST = 2, 6


def halves(side: int = 32) -> Engine:
    """Two players on the halves of a plain, 1 in the west, after their immunity."""
    terrain = np.full((side, side), 128, np.uint8)
    engine = Engine(TerritoryMap.from_terrain("plain", terrain), 2, seed=3, edition="2026")
    for p in (1, 2):
        engine.place(p)
    engine.paint(np.kron(np.array([[1, 2]]), np.ones((side, side // 2), np.int64)))
    engine.run(50)
    return engine


def masks(engine: Engine) -> NDArray[np.int8]:
    n = engine.n_players
    facts, scratch = obs.empty_facts(n, VIEWS.edition), obs.make_scratch(engine.state, VIEWS)
    see_facts(engine.state, scratch, np.arange(n), 1_000, facts)
    return facts.mask


def play(engine: Engine, first: int, second: int = WAIT, ticks: int = 1) -> None:
    engine.act(np.array([first, second], np.int64))
    engine.run(ticks)


def test_a_city_can_be_built_with_gold_and_space_and_then_stands() -> None:
    engine = halves()
    engine.state.ledger[1, GOLD] = 124_999
    assert masks(engine)[0, [BUILD, UPGRADE]].tolist() == [0, 0]
    play(engine, BUILD)
    assert engine.illegal[0] == 1
    engine.state.ledger[1, GOLD] = 125_000
    assert masks(engine)[0, [BUILD, UPGRADE]].tolist() == [1, 0]
    place, _ = engine.best_places(1)
    play(engine, BUILD, ticks=2)
    assert engine.illegal[0] == 1
    (city,) = engine.structures()
    assert ((city.x, city.y), city.owner, city.kind) == (place, 1, "city")
    engine.run(22)
    engine.state.ledger[1, GOLD] = 250_000  # of the second
    assert masks(engine)[0, UPGRADE] == 1
    play(engine, UPGRADE)
    assert [built.level for built in engine.structures()] == [2]


def test_where_there_is_no_room_no_city_can_be_built() -> None:
    engine = halves(16)  # 8 x 16 tiles each; a city keeps 15 tiles to the next
    engine.state.ledger[1:, GOLD] = 1_000_000
    assert masks(engine)[:, BUILD].tolist() == [1, 1]
    engine.put_structure(1, "city", 7, 8)
    engine.state.ledger[1:, GOLD] = 1_000_000
    found = [engine.best_places(p)[0] is not None for p in (1, 2)]
    assert masks(engine)[:, BUILD].tolist() == [int(each) for each in found] == [0, 0]
    play(engine, BUILD, BUILD)
    assert engine.illegal.tolist() == [1, 1]


def test_an_alliance_is_asked_accepted_and_broken_by_the_target_of_a_direction() -> None:
    engine = halves()
    mask = masks(engine)
    assert [d for d in range(8) if mask[0, ALLY + d]] == [1, 2, 3]  # NE, E, SE lead to 2
    assert not mask[:, BREAK : BREAK + 8].any()
    play(engine, ALLY + EAST)
    assert masks(engine)[0, ALLY + EAST] == 0  # its request waits
    assert masks(engine)[1, ALLY + WEST] == 1 and not engine.is_allied(1, 2)
    play(engine, WAIT, ALLY + WEST)
    assert engine.is_allied(1, 2)
    mask = masks(engine)
    assert not mask[:, ALLY : ALLY + 8].any()
    assert mask[0, BREAK + EAST] == mask[1, BREAK + WEST] == 1
    assert not mask[:, :WAIT].any()  # no attack on an ally, and there is nobody else
    play(engine, BREAK + EAST, ticks=2)
    assert not engine.is_allied(1, 2)
    assert engine.state.ledger[1, TRAITOR_UNTIL] > engine.tick
    assert engine.illegal.tolist() == [0, 0]
    play(engine, BREAK + EAST)
    assert engine.illegal.tolist() == [1, 0]


def ally(engine: Engine, n_ticks: int) -> None:
    """Ally the two for so many ticks more."""
    for p, q in ((1, 2), (2, 1)):
        engine.state.pacts[p, q, ALLIED_UNTIL] = engine.tick + n_ticks


def test_an_alliance_can_be_extended_in_its_last_300_ticks_and_takes_both() -> None:
    engine = halves()
    ally(engine, 302)
    assert not masks(engine)[:, ALLY : ALLY + 8].any()
    play(engine, ALLY + EAST)
    assert engine.illegal.tolist() == [1, 0]  # 302 ticks before its end
    engine.run(1)
    assert masks(engine)[0, ALLY + EAST] == masks(engine)[1, ALLY + WEST] == 1  # 300 before
    play(engine, ALLY + EAST)
    assert masks(engine)[0, ALLY + EAST] == 0  # it has agreed
    assert masks(engine)[1, ALLY + WEST] == 1
    play(engine, WAIT, ALLY + WEST)
    assert engine.state.pacts[1, 2, ALLIED_UNTIL] == engine.tick + 3_000 - 1
    assert not masks(engine)[:, ALLY : ALLY + 8].any()
    assert engine.illegal.tolist() == [1, 0]


def test_an_extension_that_one_side_asks_for_lets_the_alliance_end() -> None:
    engine = halves()
    ally(engine, 3)
    play(engine, ALLY + EAST, ticks=2)
    assert engine.is_allied(1, 2)
    engine.run(1)
    assert not engine.is_allied(1, 2)
    assert masks(engine)[0, ALLY + EAST] == 1  # a request, which that wish does not hinder


def test_a_nation_answers_the_wish_to_extend_an_alliance() -> None:
    engine = halves()
    engine.give_mind(2, "nation", "easy", 5)
    ally(engine, 300)
    ends_at = engine.state.pacts[1, 2, ALLIED_UNTIL]
    play(engine, ALLY + EAST, ticks=200)
    assert engine.state.pacts[1, 2, ALLIED_UNTIL] > ends_at + 2_000


def test_a_boat_goes_in_a_direction_that_has_a_landing_three_at_a_time() -> None:
    owners = np.zeros((8, 24), np.int64)
    owners[:, :8], owners[:, 16:] = 1, 2
    terrain = np.full(owners.shape, 128, np.uint8)
    terrain[:, 8:16] = 0  # a strait of 8 tiles
    terrain[:, [7, 16]] |= 64
    engine = Engine(TerritoryMap.from_terrain("strait", terrain), 2, seed=3, edition="2026")
    for p in (1, 2):
        engine.place(p)
    engine.paint(owners)
    assert not masks(engine)[:, actions.BOAT : ALLY].any()  # two humans in their first 50 ticks
    engine.run(50)
    rows, n = np.arange(2), 2
    facts, views = obs.empty_facts(n, VIEWS.edition), obs.empty_views(n, VIEWS)
    scratch = obs.make_scratch(engine.state, VIEWS)
    see_facts(engine.state, scratch, rows, 1_000, facts)
    see(engine.state, scratch, rows, 1_000, facts.mask, views)
    boat = actions.BOAT + EAST
    assert facts.mask[0, boat] == 1 and facts.mask[0, actions.BOAT + WEST] == 0
    assert facts.direction[0, EAST, LANDING] == 2 and facts.direction[0, WEST, LANDING] == -1
    landing = dict(zip(NAMES, views.landings[0, EAST].tolist(), strict=True))
    assert (landing["is_legal"], landing["is_rival"], landing["is_overseas"]) == (1, 1, 1)
    # From coast to coast: 9 tiles, counted in steps of two.
    assert landing["crossing"] == pytest.approx(np.log2(1 + 10) / 10)
    assert landing["strength"] == landing["land"] == 0.5
    home = int(engine.troops[0])
    play(engine, boat)
    (first,) = engine.boats_at_sea()
    assert (first.owner, first.target) == (1, 2) and first.troops == home // 5
    for _ in range(2):
        play(engine, boat)
    assert len(engine.boats_at_sea()) == 3 and engine.illegal[0] == 0
    assert not masks(engine)[0, actions.BOAT : ALLY].any()
    play(engine, boat)
    assert len(engine.boats_at_sea()) == 3 and engine.illegal[0] == 1


def test_every_action_that_the_mask_refuses_is_counted_and_gives_no_order() -> None:
    engine = halves()
    mask = masks(engine)
    refused = [action for action in range(71) if not mask[0, action]]
    assert set(refused) >= {BUILD, UPGRADE, BREAK, actions.BOAT}
    for n, action in enumerate(refused, start=1):
        play(engine, action, ticks=0)
        assert engine.illegal[0] == n
    engine.run(1)
    assert engine.attacks() == [] and engine.structures() == []
