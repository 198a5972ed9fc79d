"""An action of 2026 is legal when the engine then does what it says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine import actions
from arena.territory.engine.actions import ALLY, BREAK, BUILD, UPGRADE, WAIT
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import GOLD, TRAITOR_UNTIL
from arena.territory.maps import TerritoryMap
from arena.territory.observation import observation as obs
from arena.territory.observation.seeing import see_facts
from arena.territory.observation.views import SMALL_VIEWS

VIEWS = SMALL_VIEWS.of_edition("2026")
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
