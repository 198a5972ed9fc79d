"""Each section's sentence, against a league whose truth is known (known.py)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from league.page.facts import PageFacts, Training, read_facts
from league.page.notable import notable
from league.page.sections import (
    attention,
    beats,
    maps,
    matches,
    opponents,
    places,
    progress,
    run,
    standings,
    training,
)
from league.page.sights import Attention, Moment, View
from tests.league.hand_made import NOON
from tests.league.page.known import CLOSEST, LONGEST, N_MATCHES, UPSET, make_known_league


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> PageFacts:
    return read_facts(make_known_league(tmp_path_factory.mktemp("known") / "my-league"), at=NOON)


def id_of(facts: PageFacts, name: str) -> int:
    return next(i for i, found in facts.names.items() if found == name)


def test_the_leader_is_named_and_how_sure_that_is(facts: PageFacts) -> None:
    # First on continents, second on lakes; expander is first or last.
    assert standings.answer(facts).startswith("attention-0001 leads with a rating of ")
    assert "attention-0001 leads the networks" in standings.headline(facts)
    assert "the best script" in standings.headline(facts)


def test_a_difference_is_that_of_the_ratings_with_the_error_of_both(facts: PageFacts) -> None:
    best, worst = id_of(facts, "attention-0001"), id_of(facts, "attention-0000")
    distance, error = facts.difference(best, worst)
    assert distance == pytest.approx(facts.ratings[best][0] - facts.ratings[worst][0])
    assert facts.difference(worst, best) == pytest.approx((-distance, error))
    assert 0.0 < error < 4.0


def test_a_lineage_that_got_better_is_said_to_and_by_how_much(facts: PageFacts) -> None:
    gain, error = facts.difference(id_of(facts, "attention-0001"), id_of(facts, "attention-0000"))
    said = progress.answer(facts)
    assert said == f"attention got better by {gain:.2f} ± {1.96 * error:.2f} points."


def test_two_families_are_compared_at_the_decisions_that_both_have(facts: PageFacts) -> None:
    curves = facts.curves
    ours = next(lineage for lineage in curves.lineages if lineage.name == "attention")
    theirs = dataclasses.replace(ours, name="baseline", family="baseline")
    both = dataclasses.replace(curves, lineages=(ours, theirs))
    said = progress.answer(dataclasses.replace(facts, curves=both))
    assert "after 9,000 decisions attention-0001 is not surely above attention-0001" in said


def test_cycles_and_contradictions_are_named_and_their_absence_too(facts: PageFacts) -> None:
    a, b, c = (id_of(facts, name) for name in ("tribe", "expander", "attention-0000"))
    plain = dataclasses.replace(facts.payoff, cycles=(), contradictions=(), pits=())
    # Four members that always meet: six pairs.
    said = beats.answer(dataclasses.replace(facts, payoff=plain))
    assert said.startswith("Yes, as far as 6 pairs can tell")
    cyclic = dataclasses.replace(plain, cycles=((a, b, c),))
    said = beats.answer(dataclasses.replace(facts, payoff=cyclic))
    assert said == "No: there is 1 sure cycle (tribe > expander > attention-0000 > tribe)."


def test_the_heat_map_counts_common_matches_and_is_grey_below_eight(facts: PageFacts) -> None:
    view = beats.beats(facts).view
    row, column = view["names"].index("expander"), view["names"].index("tribe")
    cell = view["cells"][row][column]
    # Above tribe in the 40 matches on lakes and in none of the 40 on continents; the upset of
    # match 70 was on continents.
    assert (cell.games, cell.rate, cell.is_few) == (N_MATCHES, 0.5, False)
    assert view["cells"][row][row] is None
    few = dataclasses.replace(facts.payoff.beats, games=facts.payoff.beats.games * 0 + 7)
    payoff = dataclasses.replace(facts.payoff, beats=few)
    view = beats.beats(dataclasses.replace(facts, payoff=payoff)).view
    assert view["cells"][row][column].is_few


def test_the_most_spread_and_the_steadiest_member_are_named(facts: PageFacts) -> None:
    # expander: 40 times first, 40 times last. tribe: 40 times third, 40 times second or third.
    rows = places.rows_of(facts)
    spread = {row.name: row for row in rows}
    assert spread["expander"].counts == (40, 0, 0, 40)
    assert spread["expander"].spread == pytest.approx(1.5)
    assert spread["expander"].dead == pytest.approx(0.5)
    said = places.answer(rows)
    assert said.startswith("expander is the most all-or-nothing, first or last in 100 %")
    assert "attention-0001 is the steadiest" in said or "tribe is the steadiest" in said


def test_a_seat_that_always_wins_is_unfair(facts: PageFacts) -> None:
    seats = maps.seats_of(facts)
    assert seats is not None
    # 80 wins in seat 2, 20 expected in each: 3 * 20 + 60^2 / 20 = 240.
    assert [row.firsts for row in seats.rows] == [0, 0, 80, 0]
    assert seats.chi_square == pytest.approx(240.0) and seats.freedom == 3
    assert "Seats are not equal" in maps.seat_answer(seats)
    assert "seat 2 comes first in 100.0 % of matches instead of 25.0 %" in maps.seat_answer(seats)


def test_equal_seats_are_said_to_be_unequal_in_one_league_of_twenty(facts: PageFacts) -> None:
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        order = rng.permuted(np.tile(np.arange(1, 5), (N_MATCHES, 1)), axis=1).ravel()
        seats = facts.seats.copy()
        seats["placement"] = order
        found = maps.seats_of(dataclasses.replace(facts, seats=seats))
        assert found is not None
        wrong += found.p < maps.UNUSUAL
    assert 1 <= wrong <= 22  # 10 expected, binomial standard deviation 3.1


def test_members_that_differ_between_maps_are_named_with_their_places(facts: PageFacts) -> None:
    heads, rows = maps.maps_of(facts)
    assert {name: n for name, n, _ in heads} == {"lakes": 40, "continents": 40}
    said = maps.map_answer(heads, rows)
    assert "expander the most (mean place" in said
    assert "1.00 on lakes" in said and "4.00 on continents" in said


def test_equal_maps_are_seldom_said_to_differ(facts: PageFacts) -> None:
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(200):
        seats = facts.seats.copy()
        order = rng.permuted(np.tile(np.arange(1, 5), (N_MATCHES, 1)), axis=1).ravel()
        seats["placement"] = order
        _, rows = maps.maps_of(dataclasses.replace(facts, seats=seats))
        wrong += any(cell.differs for row in rows for cell in row.cells)
    assert wrong <= 22  # 10 at most expected, all cells together


def test_training_is_told_by_places_health_and_time(facts: PageFacts) -> None:
    # 6 of 10 seconds are the update's.
    assert training.answer(facts) == (
        "attention: mean place 3.00 at first and 1.50 now, no sign of trouble; 60 % of its time "
        "goes to the update of the network."
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("explained_variance", 0.05, "its values explain little"),
        ("clip_share", 0.6, "its updates are large"),
        ("entropy", 0.01, "its choices are nearly certain"),
        ("rolled_back", 1.0, "were rolled back"),
    ],
)
def test_signs_of_trouble_are_named(facts: PageFacts, key: str, value: float, said: str) -> None:
    (each,) = facts.trainings
    updates = [
        dataclasses.replace(update, numbers={**update.numbers, key: value})
        for update in each.updates
    ]
    (found,) = training.signs(Training(each.name, each.family, updates))
    assert said in found


def test_opponents_are_told_by_games_and_by_who_is_hardest_now(facts: PageFacts) -> None:
    # 30 of 40 games of each update against expander, 10 of 30 won; x .3 against .5.
    assert opponents.answer(facts) == (
        "attention met expander most (75 % of its games, above it in 33 %); its hardest foe now is "
        "expander (x 0.30), the most drawn foe with 60 %."
    )


def test_four_different_matches_are_worth_a_look(facts: PageFacts) -> None:
    found = {each.what: each.match.id for each in notable(facts)}
    assert found == {"last": 80, "longest": LONGEST, "closest": CLOSEST, "upset": UPSET}
    said = matches.answer(facts, notable(facts))
    assert f"the greatest upset is match {UPSET}: attention-0000 came first" in said
    assert "half of them over by tick 1,000, the longest after 1,900" in said


def test_matches_with_a_replay_are_preferred(facts: PageFacts) -> None:
    kept = [
        dataclasses.replace(match, replay_path="replays/x.replay") if match.id <= 4 else match
        for match in facts.matches
    ]
    found = notable(dataclasses.replace(facts, matches=kept))
    assert {each.match.id for each in found if each.match.replay_path} >= {4}
    assert found[0].match.id == 4  # the last with a replay


def test_attention_is_told_by_region_view_and_evenness() -> None:
    def view(name: str, border: float) -> View:
        shares = {"own_border": border, "own": 0.4, "rivals": 0.6 - border}
        areas = {"own_border": 0.1, "own": 0.4, "rivals": 0.5}
        return View(name, "data:,", "data:,", shares, areas, 0.8)

    views = (view("global", 0.1), view("local", 0.2), view("tactical", 0.3))
    weights = {"global": 0.2, "local": 0.3, "tactical": 0.5}
    found = Attention("attention-0006", 12, 3, weights, (Moment(5, 125, "WAIT", views),))
    said = attention.answer(found)
    assert "attends unevenly to the map (evenness 0.80 of 1)" in said
    assert "its own border (tactical view, 3.0 times)" in said
    assert "the tactical view weighs most (50 %)" in said


def test_attention_on_neighbours_is_told_against_an_even_spread() -> None:
    moments = (
        Moment(5, 125, "WAIT", (), (("N rival", 0.8), ("S neutral", 0.2))),
        Moment(9, 225, "WAIT", (), (("N rival", 0.6), ("S neutral", 0.3), ("E rival", 0.1))),
    )
    # (0.8 + 0.6) / 2, against (1/2 + 1/3) / 2.
    assert attention.answer(Attention("attention-0006", 12, 3, {}, moments)) == (
        "In these 2 moments attention-0006 gives 70 % of its attention to one neighbour, where an "
        "even spread would give 42 %."
    )


def test_the_run_is_told_by_settings_and_alarms(facts: PageFacts) -> None:
    assert facts.settings is not None
    changed = list(run.differences(facts.settings))
    assert {(key, theirs) for key, _, theirs in changed} == {
        ("rules.n_seats", 4),
        ("learner.seats_per_match", 2),
    }
    said = run.run(facts).answer
    assert "2 settings differ from the preset small" in said
    assert said.endswith("there was 1 alarm and 0 failed matches.")


def test_the_address_of_a_database_is_not_shown(facts: PageFacts) -> None:
    assert facts.settings is not None
    settings = {**facts.settings, "database": {"url": "postgresql://me:secret@host/db"}}
    assert ("database.url", None, "set") in list(run.differences(settings))
