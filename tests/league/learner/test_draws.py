"""Whom a learner's matches seat besides itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from league.learner.draws import draw_seats, draw_wave, whom_it_meets
from league.learner.environment import SELF_PLAY
from league.learner.messages import Meets, Roster
from league.learner.settings import OpponentSettings
from league.matchmaking.opponents import Foe

WAVE = ["scripted:tribe", "scripted:turtle", "scripted:expander"]


def draws(settings: OpponentSettings, role: str = "main", n: int = 300) -> list[list[str]]:
    rng = np.random.default_rng(0)
    return [draw_seats(WAVE, role, 5, rng, settings) for _ in range(n)]


WHOM = OpponentSettings(4, one_opponent_share=0.5, self_play_share=0.0)


def shares(*, one_opponent: float, self_play: float) -> OpponentSettings:
    return OpponentSettings(4, one_opponent_share=one_opponent, self_play_share=self_play)


def test_what_is_told_of_a_wave_are_its_members_and_every_foe_by_its_share() -> None:
    foes = (Foe(1, 0.5), Foe(2, 0.0), Foe(3, 1.0))
    specs = {1: "scripted:tribe", 2: "scripted:turtle", 3: "scripted:expander"}
    roster = Roster(foes, specs, ())
    wave = ["scripted:turtle", SELF_PLAY, "scripted:turtle"]
    found = whom_it_meets(roster, "main", wave, WHOM)
    assert found.wave == (2, None, 2)
    # (1 - x)^2 = 1, 0.25 and 0: shares 0.8, 0.2 and 0 of the hard draws, 10 of 13 draws
    expected = [(2, 0.0, 0.8 * 10 / 13), (1, 0.5, 0.2 * 10 / 13), (3, 1.0, 0.0)]
    assert list(found.foes) == [pytest.approx(foe) for foe in expected]
    assert whom_it_meets(Roster((), {}, ()), "main", [], WHOM) == Meets()


@pytest.mark.parametrize("setting", ["ring_share", "ladder_share"])
def test_a_wave_holds_own_snapshots_and_rungs_as_often_as_the_settings_say(setting: str) -> None:
    second = Foe(2, 1.0, own_ancestor=setting == "ring_share", is_rung=setting == "ladder_share")
    roster = Roster((Foe(1, 0.5, role="anchor"), second), {1: WAVE[0], 2: WAVE[1]}, ())
    for share in (0.0, 0.3):
        whom = replace(WHOM, **{setting: share})
        wave = draw_wave(roster, "main", 2_000, np.random.default_rng(0), whom)
        found = float(np.mean([spec == WAVE[1] for spec in wave]))
        assert found == pytest.approx(share, abs=0.05)
        shown = {foe: p for foe, _, p in whom_it_meets(roster, "main", wave, whom).foes}
        assert shown.get(2, 0.0) == pytest.approx(share)


def test_matches_against_one_member_come_as_often_as_the_setting_says() -> None:
    found = draws(shares(one_opponent=0.5, self_play=0.0))
    alike = np.mean([len(set(seats)) == 1 for seats in found])
    # Five seats that draw for themselves among three are alike once in 81.
    assert alike == pytest.approx(0.5 + 0.5 / 81, abs=0.09)
    assert all(SELF_PLAY not in seats for seats in found)


def test_self_play_takes_its_share_of_the_seats_that_draw_for_themselves() -> None:
    found = draws(shares(one_opponent=0.0, self_play=0.4))
    assert np.mean([[name == SELF_PLAY for name in seats] for seats in found]) == pytest.approx(
        0.4, abs=0.05
    )


def test_without_a_wave_all_other_seats_are_self_play() -> None:
    settings = shares(one_opponent=1.0, self_play=0.0)
    assert draw_seats([], "main", 3, np.random.default_rng(0), settings) == [SELF_PLAY] * 3


def test_only_a_main_plays_its_current_weights() -> None:
    settings = shares(one_opponent=0.0, self_play=1.0)
    assert draws(settings, "main", n=1) == [[SELF_PLAY] * 5]
    assert all(SELF_PLAY not in seats for seats in draws(settings, "main_exploiter"))


def test_a_wave_names_the_agents_of_the_drawn_members_and_is_self_play_without_any() -> None:
    rng = np.random.default_rng(0)
    roster = Roster((Foe(7, 0.5), Foe(9, 0.5)), {7: WAVE[0], 9: WAVE[1]}, ())
    # Eight draws among two equal members miss one of them once in 128.
    assert set(draw_wave(roster, "league_exploiter", 8, rng, WHOM)) == set(WAVE[:2])
    assert draw_wave(Roster((), {}, ()), "main", 2, rng, WHOM) == [SELF_PLAY] * 2
