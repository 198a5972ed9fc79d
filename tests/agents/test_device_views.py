"""Views that a device draws have the bytes of those that the game writes: here, on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from agents import device_boards
from agents.device_views import DeviceViews
from agents.registry import make_loader
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.observation import empty_views
from arena.territory.observation.views import CHANNEL_NAMES, Views

SCRIPTS = ("tribe", "opportunist", "expander", "random", "turtle")
RULES = MatchRules(max_ticks=1_500)
CROWD = MatchRules(max_ticks=1_500, crowd="tribes=70")
CPU = torch.device("cpu")
KEYS = ("global", "local", "tactical")


def _live(reference: str, seed: int, views: Views, rules: MatchRules = RULES) -> LiveMatch:
    load = make_loader()
    agents = {name: load(f"scripted:{name}") for name in SCRIPTS}
    seated = [agents[SCRIPTS[seat % len(SCRIPTS)]] for seat in range(rules.n_seats)]
    return LiveMatch(load_map(reference), rules, views, seed, 0, seated)


class _Both:
    """Matches that are seen by the game and drawn by a device."""

    def __init__(self, n_slots: int, views: Views) -> None:
        self.views = views
        self.core = Lockstep(n_slots, views)
        self.drawn = DeviceViews(n_slots, views, CPU)
        self.actions = np.zeros(n_slots * MAX_SEATS, np.int64)
        n = n_slots * MAX_SEATS
        self.expected = empty_views(n, views)
        shapes = views.shapes()
        self.tensors = {key: torch.zeros((n, *shapes[key]), dtype=torch.uint8) for key in KEYS}

    def begin(self, slot: int, match: LiveMatch) -> None:
        self.core.begin(slot, match)
        self.core.refresh()

    def play(self, n_decisions: int) -> None:
        for _ in range(n_decisions):
            self.core.ask_agents(self.actions)
            self.core.advance(self.actions)
            self.core.refresh()

    def compare(self, rows: Sequence[int] | None = None) -> None:
        alive = np.flatnonzero(self.core.alive) if rows is None else np.array(rows)
        self.core.observe(alive, self.expected, alive)
        self.drawn.observe(self.core, alive, self.tensors, alive)
        expected = as_dict(self.expected)
        for key in KEYS:
            found = self.tensors[key].numpy()
            for c, name in enumerate(CHANNEL_NAMES):
                different = np.flatnonzero(
                    (found[alive, c] != expected[key][alive, c]).any(axis=(1, 2))
                )
                assert not len(different), f"{key}, {name}: rows {alive[different]}"


@pytest.mark.parametrize(
    ("reference", "views"),
    [
        ("generated:continents:128x128:1", Views(32, 32, 16)),
        ("generated:lakes:100x70:2", Views(32, 32, 16)),  # cells of 4 tiles, cut off at the edge
        ("generated:plains:65x97:3", Views(16, 64, 32)),  # odd sides; windows larger than the map
    ],
)
def test_all_channels_of_all_seats_are_equal_to_the_last_bit(reference: str, views: Views) -> None:
    both = _Both(1, views)
    both.begin(0, _live(reference, 5, views))
    both.compare()
    for n_decisions in (1, 1, 3, 10, 20, 15):
        both.play(n_decisions)
        both.compare()


def test_seats_that_are_not_asked_for_and_seats_that_die_change_nothing_of_the_others() -> None:
    views = Views(32, 32, 16)
    both = _Both(1, views)
    both.begin(0, _live("generated:islands:96x96:4", 7, views))
    both.play(3)
    both.compare([1, 4, 8])
    both.play(45)
    assert not both.core.alive[:10].all()  # some have died
    both.compare()


def test_matches_on_maps_of_different_sizes_lie_side_by_side_and_follow_each_other() -> None:
    views = Views(32, 32, 16)
    both = _Both(3, views)
    both.begin(0, _live("generated:plains:64x64:1", 1, views))
    both.begin(2, _live("generated:continents:96x160:1", 2, views))
    both.play(2)
    both.compare()
    both.begin(1, _live("generated:highlands:160x96:1", 3, views))  # makes all boards larger
    both.compare()
    both.play(4)
    both.begin(2, _live("generated:plains:64x64:9", 4, views))  # a smaller map in a larger's place
    both.compare()
    both.play(2)
    both.compare()


def test_players_of_a_crowd_are_drawn_as_the_game_shows_them() -> None:
    views = Views(32, 32, 16)
    both = _Both(2, views)
    both.begin(0, _live("generated:plains:64x64:1", 1, views))  # with fewer players
    both.begin(1, _live("generated:continents:128x128:1", 2, views, CROWD))
    both.compare()
    both.play(5)
    both.compare()


def test_a_board_that_changed_more_often_than_the_ring_holds_is_brought_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    views = Views(32, 32, 16)
    both = _Both(1, views)
    both.begin(0, _live("generated:plains:64x64:1", 1, views))
    both.compare()
    begun = []
    begin = device_boards.DeviceBoards._begin

    def counted(self: device_boards.DeviceBoards, slot: int, match: LiveMatch) -> None:
        begun.append(slot)
        begin(self, slot, match)

    monkeypatch.setattr(device_boards.DeviceBoards, "_begin", counted)
    both.play(2)
    both.compare()
    assert begun == []
    monkeypatch.setattr(device_boards, "MOST_CHANGES", 3)
    both.play(2)
    both.compare()
    assert begun == [0]
