"""Alliances of edition 2026: requests, how long they last, their breach, who may attack whom."""

from __future__ import annotations

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    EMBARGO_UNTIL,
    IS_PENDING,
    REQUESTED_AT,
    TRAITOR_UNTIL,
)
from arena.territory.maps import TerritoryMap

A, B, C = 1, 2, 3
START = 60  # after everybody's immunity


def three(*, kinds: tuple[str, ...] = ("human",) * 3, size: int = 24) -> Engine:
    """Three strips of a plain, A, B, C from the left, at tick 60, 100,000 troops each."""
    plain = TerritoryMap.from_terrain("plain", np.full((size, size), 128, np.uint8))
    engine = Engine(plain, 3, seed=1, edition="2026")
    engine.never_end()
    for p, kind in enumerate(kinds, start=1):
        engine.place(p, kind=kind)
    owners = np.full((size, size), C)
    owners[:, : size // 3] = A
    owners[:, size // 3 : 2 * size // 3] = B
    engine.paint(owners)
    engine.run(START)
    engine.state.troops[1:] = 100_000
    return engine


def allied(engine: Engine) -> list[tuple[int, int]]:
    return [(p, q) for p, q in ((A, B), (A, C), (B, C)) if engine.is_allied(p, q)]


def test_two_requests_make_an_alliance_at_the_end_of_the_tick_of_the_second() -> None:
    engine = three()
    engine.ask_alliance(A, B)
    engine.run(5)
    assert allied(engine) == []
    engine.ask_alliance(B, A)
    engine.run(1)
    assert allied(engine) == [(A, B)]
    assert engine.is_allied(B, A)
    # each thinks 100 better of the other, and forgets 0.05 of it per tick
    assert engine.relation(A, B) == engine.relation(B, A) == 100.0
    engine.run(100)
    assert engine.relation(A, B) == pytest.approx(95.0)


def test_a_request_lapses_after_200_ticks_and_is_not_repeated_within_300() -> None:
    engine = three()
    engine.ask_alliance(A, B)
    engine.run(202)
    engine.ask_alliance(B, A)  # the other's request has lapsed: this is a first one
    engine.run(1)
    assert allied(engine) == []
    engine = three()
    engine.ask_alliance(A, B)
    engine.run(299)
    engine.ask_alliance(A, B)
    engine.run(1)
    assert engine.state.pacts[A, B, REQUESTED_AT] == START
    engine.run(1)
    engine.ask_alliance(A, B)
    engine.run(1)
    assert engine.state.pacts[A, B, REQUESTED_AT] == START + 301


def test_an_alliance_lasts_3000_ticks_unless_both_extend_it() -> None:
    engine = three()
    engine.ally(A, B)
    engine.extend_alliance(A, B)
    engine.run(2_999)
    assert allied(engine) == [(A, B)]
    engine.run(1)
    assert allied(engine) == []
    engine = three()
    engine.ally(A, B)
    engine.extend_alliance(A, B)
    engine.run(100)
    engine.extend_alliance(B, A)
    engine.run(1)
    assert engine.state.pacts[A, B, ALLIED_UNTIL] == START + 100 + 3_000
    assert engine.state.pacts[B, A, ALLIED_UNTIL] == START + 100 + 3_000


def test_allies_cannot_attack_and_a_running_attack_comes_home_whole() -> None:
    engine = three()
    engine.order(A, B, 50_000.0)
    engine.run(3)
    assert len(engine.attacks()) == 1
    away, home = engine.attacks()[0][2], int(engine.troops[0])
    tiles = int(engine.tiles[0])
    engine.ally(A, B)
    engine.order(B, A, 10_000.0)
    engine.run(1)
    assert engine.attacks() == []
    assert engine.tiles[0] == tiles
    # all that was away, and a tick's growth (10 + T^0.73 / 4, less than 2,000)
    assert 0 <= engine.troops[0] - home - int(away) < 2_000


def test_who_breaks_an_alliance_is_a_traitor_for_300_ticks_from_the_next_tick() -> None:
    engine = three()
    engine.ally(A, B)
    engine.break_alliance(A, B)
    engine.run(1)
    assert allied(engine) == [(A, B)]
    engine.run(1)
    assert allied(engine) == []
    assert engine.state.ledger[A, TRAITOR_UNTIL] == START + 1 + 300
    # the betrayed -100 and, as it is near too, -40 more, which is below the least
    assert engine.relation(B, A) == -100.0
    assert engine.relation(C, A) == 0.0  # C does not touch A


def test_breaking_with_a_traitor_is_no_treason() -> None:
    engine = three()
    engine.ally(A, B)
    engine.state.ledger[B, TRAITOR_UNTIL] = START + 100
    engine.break_alliance(A, B)
    engine.run(2)
    assert allied(engine) == []
    assert engine.state.ledger[A, TRAITOR_UNTIL] == 0


def test_a_traitors_land_is_cheaper() -> None:
    taken = []
    for until in (0, START + 300):
        engine = three()
        engine.state.ledger[B, TRAITOR_UNTIL] = until
        engine.order(A, B, 40_000.0)
        engine.run(8)
        taken.append((int(engine.tiles[0]), engine.attacks()[0][2]))
    (tiles, left), (tiles_of_traitor, left_of_traitor) = taken
    assert tiles_of_traitor > tiles
    assert left_of_traitor > left


def test_an_attack_costs_relation_and_rejects_what_the_target_has_asked() -> None:
    engine = three()
    engine.ask_alliance(B, A)
    engine.run(1)
    assert engine.state.pacts[B, A, IS_PENDING] == 1
    engine.order(A, B, 1_000.0)
    engine.run(1)
    assert engine.state.pacts[B, A, IS_PENDING] == 0
    assert engine.state.pacts[B, A, EMBARGO_UNTIL] == START + 1 + 3_001
    assert engine.relation(B, A) == -70.0


def test_a_dead_player_has_no_allies() -> None:
    engine = three()
    engine.ally(A, B)
    for x in range(8, 16):
        for y in range(24):
            engine.conquer(C, x, y)
    engine.run(2)
    assert allied(engine) == []


def test_an_ally_takes_nothing_of_a_player_that_falls_apart() -> None:
    plain = TerritoryMap.from_terrain("plain", np.full((1, 30), 128, np.uint8))
    for are_allies in (False, True):
        engine = Engine(plain, 3, seed=1, edition="2026")
        engine.never_end()
        for p in (A, B, C):
            engine.place(p)
        owners = np.full((1, 30), A)
        owners[0, 10:20] = B
        owners[0, 20:] = C
        engine.paint(owners)
        engine.run(START)
        engine.state.troops[1:] = (100_000, 100, 100_000)
        if are_allies:
            engine.ally(B, C)
        engine.order(A, B, 50_000.0)
        engine.run(3)
        # the passes go tile by tile from the left and from the right alike
        assert (engine.tiles[2] > 10) == (not are_allies)
        assert engine.tiles[1] == 0


def test_2025_has_no_alliances() -> None:
    plain = TerritoryMap.from_terrain("plain", np.full((8, 8), 128, np.uint8))
    engine = Engine(plain, 2, seed=1)
    assert not engine.is_allied(1, 2)
    with pytest.raises(MatchError, match="edition 2025 has no alliances"):
        engine.ask_alliance(1, 2)
