"""What follows from canaries and challenges: alarms, recoveries, champions."""

from __future__ import annotations

import numpy as np
import pytest

from db import queries
from league.champion import throne
from league.champion.book import load
from tests.league.champion.conftest import Court


def champion(court: Court) -> str | None:
    reign = throne.reigning(court.session)
    return None if reign is None else reign.name


def with_champion(court: Court) -> None:
    """Attention-0001 reigns, and attention-0003 is rated above it."""
    court.rate("attention-0001", 26.0)
    court.advance()
    court.rate("attention-0003", 28.0)
    court.advance()


def pass_better(court: Court, *names: str) -> None:
    for name in names:
        for foe in ("random", "idle"):
            court.play(f"better:{court.ids[name]}:{foe}", 1.0, 12)


def test_the_first_champion_is_the_best_by_ratings_once_it_has_played(court: Court) -> None:
    court.advance()
    assert champion(court) is None  # nobody has 30 rated matches
    court.rate("attention-0002", 27.0, matches=29)
    court.rate("tribe", 25.5)
    court.advance()
    assert champion(court) == "tribe"
    assert throne.history(court.session)[0].by == "ratings"


def test_a_better_rated_member_becomes_champion_only_by_winning_its_challenge(
    court: Court,
) -> None:
    with_champion(court)
    assert champion(court) == "attention-0001"
    trial = court.trial("challenge")
    assert (trial.a, trial.b) == (court.ids["attention-0003"], court.ids["attention-0001"])
    pass_better(court, "attention-0003")
    court.play("challenge", 1.0, 5)
    court.advance()
    assert champion(court) == "attention-0001"  # five pairs show nothing
    court.play("challenge", 1.0, 10)
    court.advance()
    assert champion(court) == "attention-0003"
    (reign,) = [r for r in throne.history(court.session) if r.by == "test"]
    assert reign.why == (
        "attention-0003 against attention-0001 is above: 100.0 % in 15 mirrored pairs"
    )


def test_a_challenger_that_loses_is_not_tried_again_and_the_next_one_is(court: Court) -> None:
    with_champion(court)
    court.rate("expander", 27.0)
    court.play("challenge", 0.0, 20)
    court.advance()
    assert champion(court) == "attention-0001"
    assert court.trial("challenge").a == court.ids["expander"]
    court.play("challenge", 0.0, 20)
    court.advance()
    assert "challenge" not in load(court.session).entries  # nobody else is rated above it
    assert len(court.events("challenge")) == 2


def test_a_challenger_that_was_overtaken_gives_way_and_may_challenge_again(court: Court) -> None:
    with_champion(court)
    court.play("challenge", 0.5, 30)  # nearly alike: nothing is shown
    court.rate("attention-0002", 29.9)
    court.advance()
    assert court.trial("challenge").a == court.ids["attention-0003"]  # little better: it waits
    court.rate("attention-0002", 30.1)
    court.advance()
    trial = court.trial("challenge")
    assert (trial.a, trial.round) == (court.ids["attention-0002"], 2)
    (event,) = court.events("challenge")
    assert event == (
        "challenge of attention-0003 put off: attention-0002 is rated 2.1 above it and challenges "
        "first"
    )
    court.play("challenge", 0.0, 20)
    court.advance()
    trial = court.trial("challenge")  # it has not lost: it is tried again, on seeds of its own
    assert (trial.a, trial.round) == (court.ids["attention-0003"], 3)
    assert champion(court) == "attention-0001"


def test_who_was_rolled_back_does_not_challenge_again(court: Court) -> None:
    with_champion(court)
    pass_better(court, "attention-0003")
    court.play("challenge", 1.0, 15)
    court.advance()
    throne.roll_back(court.session, "it cannot play lakes")
    court.advance()
    assert champion(court) == "attention-0001"
    assert "challenge" not in load(court.session).entries


def test_a_canary_fails_only_after_a_second_round_on_fresh_seeds(court: Court) -> None:
    court.advance()
    court.play("order:tribe:random", 0.0, 15)
    first = court.trial("order:tribe:random")
    court.advance()
    assert court.status("order:tribe:random") == "suspect"
    assert court.events("canary") == []
    second = court.trial("order:tribe:random")  # open at once
    assert second.round == first.round + 1 and second.series_key != first.series_key
    court.play("order:tribe:random", 0.0, 15)
    court.advance()
    assert court.status("order:tribe:random") == "failing"
    (said,) = court.events("canary")
    assert said.startswith("canary order:tribe:random: tribe against random is below: 0.0 %")


def test_a_failed_round_that_the_re_test_does_not_repeat_is_no_alarm(court: Court) -> None:
    court.advance()
    court.play("order:tribe:idle", 0.0, 15)
    court.advance()
    court.play("order:tribe:idle", 1.0, 15)
    court.advance()
    assert court.status("order:tribe:idle") == "passing"
    assert court.events("canary") == [] and len(court.events("canary_recovered")) == 1


def test_a_failing_canary_blocks_promotion_until_it_recovers(court: Court) -> None:
    with_champion(court)
    for _ in range(2):
        court.play("order:tribe:random", 0.0, 15)
        court.advance()
    pass_better(court, "attention-0003")
    court.play("challenge", 1.0, 15)
    court.advance()
    assert champion(court) == "attention-0001"
    assert load(court.session).waiting == court.ids["attention-0003"]
    (said,) = court.events("promotion_blocked")
    assert "attention-0003 has beaten the champion and is not promoted while canary order" in said
    court.advance(minutes=31)  # the failing one is tried again
    assert len(court.events("promotion_blocked")) == 1  # said once
    court.play("order:tribe:random", 1.0, 15)
    court.advance()
    assert champion(court) == "attention-0003"


def test_a_challenger_must_be_better_than_no_policy(court: Court) -> None:
    with_champion(court)
    court.play("challenge", 1.0, 15)
    court.advance()
    assert champion(court) == "attention-0001"  # nothing is known about it yet
    key = f"better:{court.ids['attention-0003']}:random"
    for _ in range(2):
        court.play(key, 0.0, 15)
        court.advance()
    (said,) = court.events("canary")
    assert said.startswith(f"canary {key}: attention-0003 against random is below")
    assert champion(court) == "attention-0001"
    assert load(court.session).waiting is None  # others may challenge
    assert len(court.events("promotion_blocked")) == 1


def test_a_lineage_is_held_against_its_ancestor_with_half_its_training(court: Court) -> None:
    court.advance()
    trial = court.trial("forgetting:attention")
    assert (trial.a, trial.b) == (court.ids["attention-0003"], court.ids["attention-0002"])
    for _ in range(2):
        court.play("forgetting:attention", 0.0, 15)
        court.advance()
    assert court.status("forgetting:attention") == "failing"
    (said,) = court.events("canary")
    assert "attention-0003 against attention-0002 is below" in said


def test_a_new_snapshot_waits_for_the_end_of_the_round_of_the_one_before(court: Court) -> None:
    court.advance()
    before = court.trial("forgetting:attention")
    newest = court.join("attention-0004")
    court.advance()
    assert court.trial("forgetting:attention") == before
    court.play("forgetting:attention", 1.0, 15)
    court.advance()
    # half of 500,000 is nearest to 200,000
    after = court.trial("forgetting:attention")
    assert (after.a, after.b) == (newest, court.ids["attention-0002"])


def test_a_passing_canary_is_tried_again_after_six_hours(court: Court) -> None:
    court.advance()
    court.play("order:tribe:idle", 1.0, 15)
    court.advance()
    entry = load(court.session).entries["order:tribe:idle"]
    assert (entry.status, entry.open) == ("passing", False)
    court.advance(minutes=359)
    assert not load(court.session).entries["order:tribe:idle"].open
    court.advance(minutes=2)
    assert court.trial("order:tribe:idle").round == entry.round + 1


def test_the_mirror_looks_for_favoured_seats(court: Court) -> None:
    court.advance()
    assert court.trial("mirror").a == court.ids["tribe"]  # no champion yet
    rng = np.random.default_rng(5)
    court.play_mirror(100, lambda index: (rng.permutation(10) + 1).tolist())
    court.advance()
    assert court.status("mirror") == "passing"


def test_drift_keeps_its_earlier_rounds_as_reference(court: Court) -> None:
    court.advance()
    court.play("drift", 0.6, 40)
    court.advance()
    reference = load(court.session).entries["drift"].reference
    assert reference is not None and (reference.n, reference.mean) == (40, pytest.approx(0.6))
    court.advance(minutes=361)
    court.play("drift", 0.05, 40)
    court.advance()
    assert court.status("drift") == "suspect"
    kept = load(court.session).entries["drift"].reference
    assert kept == reference  # a failed round is no reference


def test_a_lineage_is_held_against_what_it_scored_with_a_held_out_member(court: Court) -> None:
    court.hold_out("expander")
    court.advance()
    trial = court.trial("heldout:attention")
    assert (trial.a, trial.b) == (court.ids["attention-0003"], court.ids["expander"])
    court.play("heldout:attention", 0.6, 40)
    court.advance()
    assert court.status("heldout:attention") == "passing"  # the reference
    for name in ("attention-0004", "attention-0005"):
        court.join(name)
        court.advance()
        court.play("heldout:attention", 0.05 if name == "attention-0005" else 0.7, 40)
        court.advance()
    assert court.status("heldout:attention") == "suspect"
    court.play("heldout:attention", 0.05, 40)
    court.advance()
    assert court.status("heldout:attention") == "failing"
    (said,) = court.events("canary")
    # 0.6 and 0.7 over 40 pairs each: 65 %
    assert "attention-0005 against expander against 65.0 % before" in said


def test_a_retired_member_ends_its_round_and_its_reign(court: Court) -> None:
    with_champion(court)
    queries.set_status(court.session, court.ids["attention-0001"], "retired")
    court.advance()
    assert champion(court) == "attention-0003"  # the best by ratings that is left
    entry = load(court.session).entries.get("challenge")
    assert entry is None or not entry.open


def test_an_unfinished_pair_holds_back_the_pairs_after_it(court: Court) -> None:
    court.advance()
    trial = court.trial("order:tribe:random")
    plan = court._plan(
        "canary",
        [trial.a, trial.b or 0],
        seed=10_000,
        series_key=trial.series_key,
        pair_key="open",
        pair_half=0,
    )
    queries.plan_match(court.session, plan)
    court.play("order:tribe:random", 1.0, 15)
    court.advance()
    assert court.status("order:tribe:random") == "untested"
