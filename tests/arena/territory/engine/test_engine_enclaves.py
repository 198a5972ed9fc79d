"""How players end: elimination below 100 tiles, and enclaves that change hands without a fight."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from arena.territory.engine import rules
from arena.territory.engine.engine import Engine
from tests.arena.territory.engine.engine_checks import board, check_state, drawn

A, B, C = 1, 2, 3


# --- elimination ----------------------------------------------------------------------------------


def attack_until_a_tile_falls(engine: Engine, attacker: int, target: int, troops: float) -> None:
    engine.run(49 - engine.tick)
    engine.state.troops[attacker] = 200_000
    engine.order(attacker, target, troops)
    before = int(engine.tiles[target - 1])
    for _ in range(5):
        engine.run(1)
        if engine.tiles[target - 1] < before:
            return
    raise AssertionError("no tile fell")


def test_a_player_that_falls_below_100_tiles_falls_apart_at_once() -> None:
    owners = np.full((30, 30), A)
    owners[10:20, 10:20] = B  # 100 tiles; one less and passes eat the block ring by ring
    engine = board(owners)
    engine.state.last_cluster_check[:] = 60  # no enclave check meanwhile
    attack_until_a_tile_falls(engine, A, B, 20_000.0)
    assert engine.tiles.tolist() == [900, 0]
    assert engine.state.eliminated_tick[B] == engine.tick - 1
    check_state(engine)


def test_a_player_with_100_tiles_left_stays() -> None:
    owners = np.full((1, 300), A)
    owners[0, 199:] = B  # 101 tiles in a corridor: one falls per tick
    engine = board(owners)
    attack_until_a_tile_falls(engine, A, B, 50_000.0)
    assert engine.tiles.tolist() == [200, 100]
    engine.run(1)
    assert engine.tiles.tolist() == [300, 0]  # 99, and the row follows in one pass


def test_the_rest_goes_to_the_attacker_first_then_to_other_neighbours_and_islands_stay() -> None:
    # A's attack takes B's tile at its side. Of the rest, what touches A goes to A, tile by tile
    # along the row; the piece that touches only C goes to C; the island in the lake stays.
    rows = [
        "A" * 20,
        "AAAABBBBAAAAAAAAAAAA",
        "A" * 20,
        "CCCCCCCCCCCCCCCCCCCC",
        "CCCCCCBBBCCCCCC~~~CC",
        "CCCCCCBBBCCCCCC~B~CC",
        "CCCCCCCCCCCCCCC~~~CC",
    ]
    engine = drawn(*rows)
    attack_until_a_tile_falls(engine, A, B, 20_000.0)
    assert (engine.owner[1, 4:8] == A).all()
    assert (engine.owner[4:6, 6:9] == C).all()
    assert engine.owner[5, 16] == B
    assert engine.tiles[1] == 1  # it survives
    assert engine.state.eliminated_tick[B] == -1
    check_state(engine)


def test_ten_passes_do_not_reach_the_middle_of_neutral_land() -> None:
    # A touches the row's left end; the passes see tiles that moved earlier in the same pass, but
    # tiles beside neutral land only have nobody to go to.
    engine = drawn("A" * 6 + "B" * 6, "." * 12, "." * 5 + "BB" + "." * 5)
    attack_until_a_tile_falls(engine, A, B, 20_000.0)
    assert engine.tiles.tolist() == [12, 2]
    assert (engine.owner[2, 5:7] == B).all()


# --- enclaves -------------------------------------------------------------------------------------


def test_a_surrounded_main_cluster_falls_with_everything_inside_it() -> None:
    owners = np.full((20, 20), A)
    owners[5:12, 5:12] = B
    engine = board(owners)
    home = int(engine.troops[0])
    engine.conquer(A, 5, 5)  # a tile changed, dated tick 0: after `last` = 0 it must be later
    engine.run(1)
    engine.conquer(A, 6, 5)  # dated tick 1
    engine.run(20)  # ticks 1 .. 20: t - last = 20 is not yet more than 20
    assert engine.tiles[1] == 47
    engine.run(1)  # tick 21
    assert engine.tiles.tolist() == [400, 0]
    assert engine.state.eliminated_tick[B] == 21
    assert engine.troops[0] > home  # nothing was fought
    assert engine.troops[1] > 25_000  # troops stay with the dead
    assert engine.attacks() == []


@pytest.mark.parametrize("offset", [0, 7, 19])
def test_the_first_check_comes_21_ticks_after_the_offset(offset: int) -> None:
    owners = np.full((20, 20), A)
    owners[5:12, 5:12] = B
    engine = board(owners)
    engine.state.last_cluster_check[B] = offset
    engine.run(offset + 1)
    engine.conquer(A, 5, 5)  # dated tick offset + 1
    engine.run(20)
    assert engine.tiles[1] == 48
    engine.run(1)
    assert engine.tiles[1] == 0
    assert engine.state.eliminated_tick[B] == offset + 21


def test_nothing_is_checked_while_no_tile_changes() -> None:
    owners = np.full((20, 20), A)
    owners[5:12, 5:12] = B
    engine = board(owners)
    engine.run(200)
    assert engine.tiles[1] == 49


def shaken(engine: Engine, x: int, y: int) -> NDArray[np.uint8]:
    """Let one enclave check of everybody happen: touch a tile of each owner, then wait."""
    engine.run(1)
    engine.state.last_change[1:] = engine.tick
    engine.run(40)
    owner: NDArray[np.uint8] = engine.owner
    check_state(engine)
    assert owner[y, x] != rules.WATER
    return owner


@pytest.mark.parametrize(
    ("why", "rows", "falls"),
    [
        ("inside A", ["AAAAAA", "AABBAA", "AAAAAA", "AAAAAA"], True),
        ("on the edge of the map", ["AABBAA", "AABBAA", "AAAAAA", "AAAAAA"], False),
        ("beside neutral land", ["AAAAAA", "AABBAA", "AA.AAA", "AAAAAA"], False),
        ("beside water", ["AAAAAA", "AABBAA", "AA~AAA", "AAAAAA"], False),
        ("between two enemies", ["AAAAAA", "AABBCC", "AAAACC", "AAAAAA"], False),
        ("on a shore, which does not matter", ["AAAAAA", "AAbBAA", "AAAAAA", "AAAAAA"], True),
        (
            "touching a neutral tile at a corner only",
            ["AAAAAA", "AABBAA", "A.AAAA", "AAAAAA"],
            True,
        ),
    ],
)
def test_the_main_cluster(why: str, rows: list[str], falls: bool) -> None:
    assert (shaken(drawn(*rows), 3, 1)[1, 3] == A) == falls, why


BIG_B = ["B" * 24, "B" * 24, "B" * 24]  # B's main cluster, on the edge: it never falls


@pytest.mark.parametrize(
    ("why", "rows", "falls"),
    [
        ("inside A", ["AAAAAA", "AABBAA", "AAAAAA", "AAAAAA"], True),
        ("on the edge of the map", ["AAAAAA", "AAAAAA", "AAAAAA", "AABBAA"], False),
        ("on a shore", ["AAAAAA", "AAbBAA", "AAAAAA", "AAAAAA"], False),
        (
            "beside neutral land inside the box of enemies",
            ["AAAAAA", "AABBAA", "AAA.AA", "AAAAAA"],
            True,
        ),
        ("between two enemies", ["AAAAAA", "AABBCC", "AAAACC", "AAAAAA"], True),
        (
            "open to one side, inside the box of enemies all the same",
            ["AAAAAA", "AABB..", "AAAA..", "AAAAAA"],
            True,
        ),
        (
            "with enemies to the north only: their box is a row above",
            ["AAAAAA", "..BB..", "......", "AAAAAA"],
            False,
        ),
        ("no enemy at all", ["......", "..BB..", "......", "......"], False),
    ],
)
def test_a_detached_cluster(why: str, rows: list[str], falls: bool) -> None:
    whole = [*BIG_B, *(row + "A" * 18 for row in ["A" * 6, *rows])]
    y = 3 + 1 + next(i for i, row in enumerate(rows) if "B" in row.upper())
    engine = drawn(*whole)
    x = next(row for row in rows if "B" in row.upper()).upper().index("B")
    assert (shaken(engine, x, y)[y, x] != B) == falls, why
    assert (engine.owner[:3] == B).all()


def test_the_captor_is_the_neighbour_with_the_largest_attack_else_the_first_met() -> None:
    rows = [*BIG_B, "A" * 24, "A" * 24, "AAAABBCCCCCCCCCCCCCCCCCC", "C" * 24, "C" * 24]
    engine = drawn(*rows)
    assert (shaken(engine, 4, 5)[5, 4:6] == A).all()  # N of the first tile is A

    engine = drawn(*rows)
    engine.run(49)
    engine.state.troops[1:] = (30_000, 5_000_000, 30_000)  # too strong for a quick advance
    engine.state.last_cluster_check[1:] = 49
    engine.order(A, B, 100.0)
    engine.order(C, B, 20_000.0)
    engine.run(1)
    a, c = engine.state.slot_of[A, B], engine.state.slot_of[C, B]
    # Hold both attacks in retreat, so that they are running but take nothing.
    engine.state.retreat_tick[[a, c]] = 47
    engine.state.last_change[B] = 50
    engine.state.last_cluster_check[B] = 29
    engine.run(1)
    assert (engine.owner[5, 4:6] == C).all()


def test_neighbours_are_met_north_south_west_east() -> None:
    rows = [*BIG_B, "A" * 24, "AAAAB" + "C" * 19, "AAAAB" + "C" * 19, "AAAAB" + "C" * 19, "C" * 24]
    engine = drawn(*rows)
    assert (shaken(engine, 4, 5)[4:7, 4] == A).all()  # the first tile is the upper one; N is A

    engine = drawn(*rows)
    for y in (4, 6):  # these two leave B's border and join it again at its end
        engine.conquer(A, 4, y)
        engine.conquer(B, 4, y)
    # Now the middle one is first: N and S are its own, W is A, E is C.
    assert (shaken(engine, 4, 5)[4:7, 4] == A).all()

    engine = drawn(*(row.translate(str.maketrans("AC", "CA")) for row in rows))
    for y in (4, 6):
        engine.conquer(C, 4, y)
        engine.conquer(B, 4, y)
    assert (shaken(engine, 4, 5)[4:7, 4] == C).all()  # the same with the names exchanged

    engine = drawn(*rows)
    for y in (4, 5):  # the lower one is first: N is its own, S is C and comes before W, which is A
        engine.conquer(A, 4, y)
        engine.conquer(B, 4, y)
    assert (shaken(engine, 4, 5)[4:7, 4] == C).all()


def test_a_cluster_whose_first_neighbour_is_neutral_stays_neutral_to_capture() -> None:
    # N of the first border tile is neutral; the box of A's tiles around it contains it.
    rows = [*BIG_B, "A" * 24, "AAAA.AAAAAAAAAAAAAAAAAAA", "AAAABAAAAAAAAAAAAAAAAAAA", "A" * 24]
    engine = drawn(*rows)
    assert shaken(engine, 4, 5)[5, 4] == B


def test_a_cluster_that_fell_with_another_in_the_same_check_is_skipped() -> None:
    # B's outer ring falls to A and takes the whole block along, the inner ring around C included.
    owners = np.full((11, 11), A)
    owners[2:9, 2:9] = B
    owners[5, 5] = C
    engine = board(owners)
    for x, y in [(5, 4), (4, 5), (6, 5)]:  # they join B's border again, behind (5, 6)
        engine.conquer(C, x, y)
        engine.conquer(B, x, y)
    engine.state.last_cluster_check[C] = 1_000  # C itself is not checked
    engine.run(1)
    engine.state.last_change[B] = engine.tick
    engine.run(21)
    # (5, 6) is the first of the inner cluster, and C the first that it meets: it gets nothing.
    assert engine.tiles.tolist() == [121 - 1, 0, 1]


def test_diagonal_tiles_form_one_cluster_but_only_the_first_region_falls() -> None:
    # Two tiles that touch at a corner: one 8-connected cluster, two 4-connected regions.
    rows = [*BIG_B, "A" * 24, "AAAABAAAAAAAAAAAAAAAAAAA", "AAAAABAAAAAAAAAAAAAAAAAA", "A" * 24]
    engine = drawn(*rows)
    engine.run(1)
    engine.state.last_change[B] = engine.tick
    engine.run(21)
    assert engine.owner[4, 4] == A
    assert engine.owner[5, 5] == B


def test_border_lists_keep_the_order_of_joining() -> None:
    engine = board(np.array([[A, 0, 0, 0, 0]]))
    for x in (3, 1, 4, 2):
        engine.conquer(A, x, 0)
    # 0 and 1 left when 1 and 2 came; a tile that rejoins goes to the end
    assert int(engine.state.border_head[A]) == -1
    engine.conquer(0, 2, 0)
    order = []
    tile = int(engine.state.border_head[A])
    while tile >= 0:
        order.append(tile % 7 - 1)
        tile = int(engine.state.border_next[tile])
    assert order == [1, 3]  # neighbours join W before E
    engine.conquer(0, 4, 0)
    assert int(engine.state.border_tail[A]) % 7 - 1 == 3  # it was a border tile already
