"""What scripted agents do in edition 2026: cities first where they build them, else as before."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator

from agents.errors import AgentError
from agents.in_tick import check_edition
from agents.orders import BUILD, UPGRADE, WAIT
from agents.planner import Planner, candidates
from agents.registry import make_loader
from agents.scripted import SCRIPTED, SCRIPTED_2026, Tribe
from arena.agent import (
    ALLIED,
    ASKS_ME,
    CAP,
    CONTACT,
    MAX_TICKS,
    N_ALIVE,
    TARGET,
    TARGET_TROOPS,
    TICK,
    TILES,
    TROOPS,
    IntArray,
    SeatBatch,
)
from arena.match import MatchResult, MatchSpec, play_matches
from arena.territory.engine.actions import ALLY, BREAK
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map

EAST = 2
STEADY = [name for name in SCRIPTED if name not in ("idle", "random", "tribe")]


def batch(n_actions: int, *legal: int) -> SeatBatch:
    """One seat with neutral land in the east and a home that is half full; `legal` besides."""
    mask = np.zeros((1, n_actions), np.bool_)
    mask[0, [*range(WAIT, WAIT + 5), *range(EAST * 5, EAST * 5 + 5), *legal]] = True
    own = np.zeros((1, 6 if n_actions == 45 else 15), np.int64)
    own[0, [MAX_TICKS, TILES, TROOPS, CAP, N_ALIVE]] = [1_000, 50, 50_000, 100_000, 4]
    directions = np.zeros((1, 8, 7 if n_actions == 45 else 17), np.int64)
    directions[0, :, TARGET] = -1
    directions[0, EAST, [TARGET, CONTACT]] = [0, 9]
    one = np.zeros(1, np.int64)
    return SeatBatch(one, mask, own, directions, one, one, one, dict)


def choice(name: str, seen: SeatBatch) -> int:
    agent = make_loader()(f"scripted:{name}")
    agent.reset(seen.rows)
    return int(agent.act(seen, Generator(np.random.PCG64(0)))[0])


@pytest.mark.parametrize("name", ["builder", "strategist", "strategist-eager"])
def test_a_builder_builds_where_it_can_and_raises_a_city_where_it_can_only_do_that(
    name: str,
) -> None:
    assert choice(name, batch(71, BUILD, UPGRADE)) == BUILD
    assert choice(name, batch(71, UPGRADE)) == UPGRADE
    assert choice(name, batch(71)) // 5 == EAST  # no gold: neutral land


@pytest.mark.parametrize("name", STEADY)
def test_the_compass_orders_are_those_of_2025(name: str) -> None:
    assert choice(name, batch(71)) == choice(name, batch(45))


def test_a_builder_without_gold_is_an_expander_and_a_member_of_2026_alone() -> None:
    assert choice("builder", batch(71)) == choice("expander", batch(71))
    assert set(SCRIPTED_2026) == {"builder", "diplomat"}
    check_edition("scripted:builder", "2026")
    with pytest.raises(AgentError, match=r"leagues of edition 2026 alone .* scripted:expander"):
        check_edition("scripted:builder", "2025")


def among(home: int, rivals: dict[int, tuple[int, bool]], *legal: int) -> SeatBatch:
    """One seat with `home` troops of 100,000 and rivals: direction -> (home troops, allied)."""
    seen = batch(71, *legal)
    seen.action_mask[0, EAST * 5 : EAST * 5 + 5] = False
    seen.directions[0, EAST, [TARGET, CONTACT]] = [-1, 0]
    seen.own[0, TROOPS] = home
    for direction, (troops, allied) in rivals.items():
        columns = [TARGET, CONTACT, TARGET_TROOPS, ALLIED]
        seen.directions[0, direction, columns] = [direction + 1, 5, troops, 100 * allied]
        if not allied:
            seen.action_mask[0, direction * 5 : direction * 5 + 5] = True
    return seen


def test_a_diplomat_asks_the_strongest_and_never_the_weakest_that_is_no_ally() -> None:
    asked = [ALLY + direction for direction in (0, 4, 6)]
    three = {0: (60_000, False), 4: (90_000, False), 6: (45_000, False)}
    assert choice("diplomat", among(50_000, three, *asked)) == ALLY + 4
    assert choice("diplomat", among(50_000, three, ALLY)) == ALLY  # the others were asked already
    alone = {0: (60_000, False)}
    assert choice("diplomat", among(50_000, alone, ALLY)) == WAIT
    peace = {4: (90_000, True), 0: (60_000, False)}
    assert choice("diplomat", among(50_000, peace, ALLY)) == WAIT


def test_a_diplomat_breaks_with_the_weakest_ally_from_a_full_home_if_all_are_allies() -> None:
    both = [BREAK, BREAK + 4]
    allies = {0: (30_000, True), 4: (45_000, True)}
    assert choice("diplomat", among(85_000, allies, *both)) == BREAK
    assert choice("diplomat", among(75_000, allies, *both)) == WAIT  # not full
    assert choice("diplomat", among(85_000, {0: (60_000, True)}, BREAK)) == WAIT  # too strong
    with_a_foe = {**allies, 6: (84_000, False)}
    assert choice("diplomat", among(85_000, with_a_foe, *both)) == WAIT


def test_a_diplomat_strikes_a_rival_that_a_strategist_leaves_alone() -> None:
    rival = {2: (37_000, False)}
    assert choice("diplomat", among(65_000, rival)) // 5 == EAST
    assert choice("strategist", among(65_000, rival)) == WAIT


def tribe_in_turn(*decisions: tuple[int, SeatBatch]) -> list[int]:
    """What one tribe chooses at these ticks, after one decision of its own at tick 0."""
    agent = make_loader()("scripted:tribe")
    agent.reset(np.zeros(1, np.int64))
    chosen = []
    for tick, seen in ((0, among(95_000, {0: (60_000, False)})), *decisions):
        seen.own[0, TICK] = tick
        chosen.append(int(agent.act(seen, Generator(np.random.PCG64(0)))[0]))
    return chosen[1:]


def asked_by(direction: int, seen: SeatBatch) -> SeatBatch:
    seen.directions[0, direction, ASKS_ME] = 1
    seen.action_mask[0, ALLY + direction] = True
    return seen


# A beat takes 40 to 79 ticks: one begins in 1..100 and in 103..200, and here none in 101..102.
def test_a_tribe_answers_all_who_ask_on_its_beat_and_attacks_those_who_did_not() -> None:
    three = {0: (60_000, False), 4: (50_000, False), 6: (50_000, False)}
    two = {**three, 0: (60_000, True)}
    one = {**two, 4: (50_000, True)}
    late = {**one, 6: (50_000, False)}
    first, second, attack, done, off_beat, on_beat = tribe_in_turn(
        (100, asked_by(0, asked_by(4, among(95_000, three)))),
        (101, asked_by(4, among(95_000, two))),
        (102, among(95_000, one)),
        (102, among(95_000, one)),
        (102, asked_by(6, among(95_000, late))),
        (200, asked_by(6, among(95_000, late))),
    )
    assert (first, second, attack // 5) == (ALLY, ALLY + 4, 6)
    assert (done, off_beat, on_beat) == (WAIT, WAIT, ALLY + 6)


def test_a_tribe_agrees_to_extend_an_alliance_and_leaves_allies_alone() -> None:
    allies = {0: (30_000, True), 4: (45_000, True)}
    legal = [ALLY, ALLY + 4, BREAK, BREAK + 4]
    wish = asked_by(4, among(95_000, allies, *legal))
    quiet = [(tick, among(95_000, allies, *legal)) for tick in range(200, 1_000, 100)]
    assert tribe_in_turn((100, wish), *quiet) == [ALLY + 4, *[WAIT] * len(quiet)]


def test_a_tribe_that_chose_an_enemy_before_they_became_allies_chooses_another() -> None:
    foes = {0: (60_000, False), 4: (50_000, False)}
    enemy = tribe_in_turn((100, among(95_000, foes)))[0] // 5
    friends = {**foes, enemy: (60_000, True)}
    before, after = tribe_in_turn((100, among(95_000, foes)), (180, among(95_000, friends)))
    assert before // 5 == enemy and after // 5 == 4 - enemy


class Watched(Tribe):
    """A tribe that writes down its orders."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[int] = []

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        chosen = super().act(batch, rng)
        self.given += chosen.tolist()
        return chosen


def test_tribes_of_a_match_answer_a_diplomat_and_order_nothing_illegal() -> None:
    watched, others = Watched(), make_loader()
    agents = ("scripted:diplomat", *["tribe"] * 4)
    rules = MatchRules(max_ticks=600, n_seats=5, edition="2026")
    spec = MatchSpec(1, "generated:plains:64x64:0", agents, rules)
    (result,) = play_matches(
        [spec], lambda name: watched if name == "tribe" else others(name), load_map
    )
    assert isinstance(result, MatchResult), result
    assert sum(result.n_illegal) == 0
    given = np.array(watched.given)
    assert ((given >= ALLY) & (given < BREAK)).any() and not (given >= BREAK).any()


def test_a_planner_tries_cities_before_targets() -> None:
    first = candidates(batch(71, BUILD, UPGRADE), 0, BUILD, Planner())
    assert first[:3] == [BUILD, WAIT, UPGRADE] and first[3] // 5 == EAST
    assert candidates(batch(45), 0, WAIT, Planner())[0] == WAIT
