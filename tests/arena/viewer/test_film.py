"""A film ends as its replay says, its frames are the board's, and packed numbers come back."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from arena.errors import ReplayError
from arena.replay import Replay, playing, read_replay
from arena.territory.maps import load_map
from arena.viewer.film import (
    NO_ORDER,
    Film,
    Reel,
    apply_change,
    by_seat,
    change_between,
    frame_hash,
    record_film,
)
from arena.viewer.packing import from_signed, from_varints, pack, signed, unpack, varints
from arena.viewer.payload import film_payload, member_names

RECORDED = Path("docs/images/observation.replay")
"""A match of a release before 0.2.0, without names; 10 ticks a decision."""


@lru_cache(1)
def recorded() -> Replay:
    return read_replay(RECORDED)


@lru_cache(1)
def film() -> Film:
    return record_film(recorded(), load_map)


def test_every_frame_of_a_film_is_the_board_at_that_decision() -> None:
    frames = film().frames()
    reel = Reel(film())
    n_frames = 0
    for index, (match, actions) in enumerate(playing(recorded(), load_map)):
        owner = by_seat(match)
        assert np.array_equal(next(frames), owner)
        assert np.array_equal(reel.frame(index), owner)
        engine = match.engine
        tiles, troops = engine.by_seat(engine.tiles), engine.by_seat(engine.troops)
        assert film().tiles[index].tolist() == tiles
        assert film().hashes[index] == frame_hash(
            engine.tick, owner, np.array(tiles), np.array(troops)
        )
        # by_seat: seat s owns what the engine gives to the player who spawned there
        seat = int(engine.seat_of[0])
        assert ((owner == seat + 1) == (engine.owner == 1)).all()
        expected = np.full(10, NO_ORDER) if actions is None else actions
        assert film().orders[index].tolist() == expected.tolist()
        n_frames += 1
    # 1,070 ticks, 10 a decision: 107 decisions and the end
    assert n_frames == len(film()) == 108
    assert film().ticks[-1] == 1070


def test_a_reel_shows_frames_in_any_order() -> None:
    frames = list(film().frames())
    reel = Reel(film())
    for index in (50, 3, 107, 0, 49, 51, 17, 16, 15):
        assert np.array_equal(reel.frame(index), frames[index])


def test_a_hash_covers_tick_land_tiles_and_troops() -> None:
    owner = np.zeros((2, 3), np.uint8)
    counts = np.array([4, 5])
    hashes = {
        frame_hash(7, owner, counts, counts),
        frame_hash(8, owner, counts, counts),
        frame_hash(7, owner + 1, counts, counts),
        frame_hash(7, owner, counts + 1, counts),
        frame_hash(7, owner, counts, counts + 1),
    }
    assert len(hashes) == 5


def test_a_replay_that_does_not_end_as_recorded_makes_no_film() -> None:
    with pytest.raises(ReplayError, match="the replay ends differently"):
        record_film(replace(recorded(), final_state_sha256="0" * 64), load_map)
    # WAIT instead of the first 200 actions: the match goes another way, or its actions run out.
    actions = recorded().actions.copy()
    actions[:200] = 40
    with pytest.raises(ReplayError, match=r"the replay (ends differently|holds)"):
        record_film(replace(recorded(), actions=actions), load_map)


def test_a_thinned_film_keeps_its_frames_their_hashes_and_the_end() -> None:
    thin = film().thinned(4)
    # 0, 4, ..., 104 and 107
    assert thin.decisions.tolist() == [*range(0, 107, 4), 107]
    frames = list(film().frames())
    for shown, decision in zip(thin.frames(), thin.decisions, strict=True):
        assert np.array_equal(shown, frames[decision])
    assert thin.hashes == tuple(film().hashes[decision] for decision in thin.decisions)


def test_a_payload_leaves_out_frames_until_it_fits() -> None:
    whole = film_payload(film())
    assert (whole["n_frames"], whole["n_decisions"]) == (108, 108)
    small = film_payload(film(), most_bytes=len(whole["bytes"]) - 1)
    # every second frame of 108, and the last one: 0, 2, ..., 106, 107
    assert (small["n_frames"], small["n_decisions"]) == (55, 108)
    assert len(small["bytes"]) < len(whole["bytes"])


def test_a_match_of_some_hundred_decisions_takes_at_most_40_kb() -> None:
    assert len(film_payload(film())["bytes"]) < 40_000


def test_names_come_from_the_agents_where_an_old_replay_has_none() -> None:
    assert recorded().label.names == ()
    assert member_names(recorded())[:2] == ("tribe", "opportunist")


def test_numbers_come_back_from_their_bytes() -> None:
    values = np.array([0, 1, 127, 128, 16_383, 16_384, 2**31, 2**62])
    assert len(varints(values)) == 1 + 1 + 1 + 2 + 2 + 3 + 5 + 9
    assert from_varints(varints(values)).tolist() == values.tolist()
    both = np.array([0, -1, 1, -64, 64, -(2**40)])
    assert from_signed(signed(both)).tolist() == both.tolist()
    assert from_varints(b"").tolist() == [] and varints(np.array([], np.int64)) == b""
    assert unpack(pack({"a": b"one", "b": b"", "c": b"three"})) == {
        "a": b"one",
        "b": b"",
        "c": b"three",
    }


def test_a_change_holds_what_differs_and_nothing_else() -> None:
    before = np.array([[0, 0, 0, 255], [1, 1, 2, 2]], np.uint8)
    after = np.array([[0, 1, 1, 255], [1, 2, 2, 1]], np.uint8)
    change = change_between(before, after)
    # 1-2 become 1; 5 becomes 2; 7 becomes 1
    assert [part.tolist() for part in change] == [[1, 5, 7], [2, 1, 1], [1, 2, 1]]
    apply_change(before, change)
    assert np.array_equal(before, after)
