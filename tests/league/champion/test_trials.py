"""Who sits where in the matches of a canary."""

from __future__ import annotations

from collections import Counter

from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.champion.trials import Stage, Trial, line_up, match_spec, share_above

TRIAL = Trial("challenge", "challenge", 7, 8, 2)
MAPS = tuple(f"generated:plains:64x64:{n}" for n in range(4))


def stage(n_seats: int = 10, anchors: tuple[int, ...] = (1, 2, 3)) -> Stage:
    return Stage(MatchRules(n_seats=n_seats), Views(), MAPS, anchors)


def test_both_members_hold_three_of_ten_seats_among_the_anchors_and_exchange_them() -> None:
    first, second = (line_up(TRIAL, stage(), 5, half) for half in (0, 1))
    assert first is not None and second is not None
    assert Counter(first) == {7: 3, 8: 3, 3: 2, 1: 1, 2: 1}  # index 5 begins with the third anchor
    exchange = {7: 8, 8: 7}
    assert second == tuple(exchange.get(member, member) for member in first)


def test_seats_are_drawn_anew_for_every_seed_and_are_the_same_the_next_time() -> None:
    drawn = [line_up(TRIAL, stage(), index, 0) for index in range(20)]
    assert len({tuple(m == 7 for m in seats or ()) for seats in drawn}) > 10
    assert drawn == [line_up(TRIAL, stage(), index, 0) for index in range(20)]
    again = Trial("challenge", "challenge", 7, 8, 3)
    assert [line_up(again, stage(), index, 0) for index in range(20)] != drawn


def test_an_anchor_on_trial_is_no_company_and_without_company_the_seats_are_halved() -> None:
    two_anchors = Trial("order:1:2", "order", 1, 2, 1)
    seats = line_up(two_anchors, stage(anchors=(1, 2)), 0, 0)
    assert seats is not None and Counter(seats) == {1: 5, 2: 5}
    assert line_up(two_anchors, stage(5, (1, 2)), 0, 0) is None  # cannot be shared out


def test_a_mirror_has_one_member_in_all_seats() -> None:
    assert line_up(Trial("mirror", "mirror", 7, None, 1), stage(4), 0, 0) == (7, 7, 7, 7)


def test_maps_are_drawn_in_turn_and_both_halves_are_played_on_one() -> None:
    specs = {1: "scripted:tribe", 2: "scripted:idle", 3: "scripted:turtle", 7: "a", 8: "b"}
    played = []
    for index in range(4):
        halves = [
            match_spec(TRIAL, stage(), specs, index, line_up(TRIAL, stage(), index, half) or ())
            for half in (0, 1)
        ]
        assert halves[0].map == halves[1].map and halves[0].seed == halves[1].seed
        played.append(halves[0].map)
    assert sorted(played) == sorted(MAPS)


def test_the_share_above_counts_ties_half() -> None:
    # seats of 7: places 1 and 3; seats of 8: 3 and 4. 1 > 3, 1 > 4, 3 = 3, 3 > 4: 3.5 of 4
    assert share_above([1, 3, 2, 3, 4], [7, 8, 1, 7, 8], 7, 8) == 0.875
