"""Whom learners may draw, and whom a snapshot must beat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from db import queries
from db.records import LearnerRecord
from league.champion import throne
from league.champion.book import Book, Entry, save
from league.daemon.roster import make_roster
from league.learner.messages import Restarted, Roster
from league.matchmaking.opponents import Foe
from league.rating.payoff import Payoff
from league.rating.season import Season
from tests.league.hand_made import RULES_SHA, add_rated

SEASON = Season(RULES_SHA, sigma_allowance=4.0)
AWAY = ("retired", "suspended", "quarantined", "guest")


def _learner(
    session: Session, member_id: int | None = None, name: str = "attention", role: str = "main"
) -> LearnerRecord:
    """A learner whose newest member is `member_id`."""
    learner_id = queries.upsert_learner(session, name=name, family="attention", role=role)
    if member_id is not None:
        queries.record_snapshot(session, learner_id, member_id)
    found = queries.learner_by_name(session, name)
    assert found is not None
    return found


def _roster(session: Session, learner: LearnerRecord, payoff: Payoff | None = None) -> Roster:
    return make_roster(session, learner, payoff or Payoff(), SEASON)


def _foes(roster: Roster) -> dict[int, Foe]:
    return {foe.member_id: foe for foe in roster.foes}


def _anchor(session: Session, name: str, mu: float, sigma: float = 1.0, **fields: Any) -> int:
    return add_rated(session, name, mu, sigma, role="anchor", **fields)


@pytest.mark.parametrize("status", AWAY)
def test_a_member_that_is_not_active_is_neither_met_nor_required(
    session: Session, status: str
) -> None:
    anchor = _anchor(session, "tribe", 20.0)
    _anchor(session, "away-anchor", 50.0, status=status)
    away = add_rated(session, "away-parent", 40.0, 1.0, status=status)
    # By rating and by descent the two would be champion, best anchor and parent.
    roster = _roster(session, _learner(session, away))
    assert list(_foes(roster)) == [anchor]
    assert roster.specs == {anchor: "scripted:tribe"}
    assert roster.required == ("scripted:tribe",)


def test_a_snapshot_must_beat_its_parent_the_champion_and_the_best_anchor(
    session: Session,
) -> None:
    _anchor(session, "idle", 10.0)
    _anchor(session, "tribe", 20.0)
    parent = add_rated(session, "parent", 25.0, 1.0)
    add_rated(session, "champion", 35.0, 1.0)
    add_rated(session, "other", 30.0, 1.0)
    roster = _roster(session, _learner(session, parent))
    assert roster.required == ("scripted:parent", "scripted:champion", "scripted:tribe")


def test_the_crowned_champion_must_be_beaten_and_not_the_best_rated(session: Session) -> None:
    _anchor(session, "tribe", 20.0)
    crowned = add_rated(session, "crowned", 25.0, 1.0)
    add_rated(session, "rated-higher", 35.0, 1.0)
    throne.crown(session, queries.get_member(session, crowned), "test", "won its challenge")
    required = _roster(session, _learner(session)).required
    assert required == ("scripted:crowned", "scripted:tribe")
    queries.set_status(session, crowned, "retired")
    required = _roster(session, _learner(session)).required
    assert required == ("scripted:rated-higher", "scripted:tribe")


def test_an_ancestor_that_a_lineage_has_fallen_behind_is_met_as_what_it_has_become(
    session: Session,
) -> None:
    ancestor = add_rated(session, "ancestor", 20.0, 1.0)
    newest = add_rated(session, "newest", 30.0, 1.0, parent_id=ancestor)
    learner = _learner(session, newest)
    before = _foes(_roster(session, learner))[ancestor].x
    assert before > 0.5
    entry = Entry("forgetting", newest, ancestor, status="suspect", score=0.31)
    for status, x in (("passing", before), ("suspect", 0.31), ("failing", 0.31)):
        save(session, Book({f"forgetting:{learner.name}": replace(entry, status=status)}))
        assert _foes(_roster(session, learner))[ancestor].x == x


def test_the_champion_is_the_best_by_mu_minus_three_sigma(
    session: Session,
) -> None:
    add_rated(session, "lucky", 40.0, 8.0)  # 40 - 24 = 16
    add_rated(session, "proven", 30.0, 1.0)  # 30 - 3 = 27
    _anchor(session, "lucky-anchor", 29.0, 8.0)  # 29 - 24 = 5
    _anchor(session, "tribe", 20.0, 1.0)  # 20 - 3 = 17
    assert _roster(session, _learner(session)).required == ("scripted:proven", "scripted:tribe")


def test_one_member_in_three_parts_is_required_once(session: Session) -> None:
    # An anchor at the top: champion and best anchor are the same member.
    _anchor(session, "tribe", 35.0)
    parent = add_rated(session, "parent", 25.0, 1.0)
    required = _roster(session, _learner(session, parent)).required
    assert required == ("scripted:parent", "scripted:tribe")


def test_an_unrated_member_is_met_and_is_not_the_champion(session: Session) -> None:
    tribe, new = _anchor(session, "tribe", 20.0), add_rated(session, "new", None)
    roster = _roster(session, _learner(session))
    assert set(_foes(roster)) == {tribe, new}
    assert roster.required == ("scripted:tribe",)


def test_x_is_the_payoff_of_the_newest_member_moved_by_the_results_since(
    session: Session,
) -> None:
    mine, tribe = add_rated(session, "mine", 25.0, 1.0), _anchor(session, "tribe", 25.0)
    learner = _learner(session, mine)
    payoff = Payoff()
    for placements in ([1, 2], [1, 2], [1, 2], [2, 1], [1, 2], [1, 2], [1, 2], [1, 2]):
        payoff.add_match([mine, tribe], placements)
    rate = payoff.beat_rate(mine, tribe, decayed=True)
    assert rate is not None and rate > 0.85  # 7 of 8: enough games for no prior
    assert _foes(_roster(session, learner, payoff))[tribe].x == pytest.approx(rate)
    # 24 games since the snapshot, all lost, weigh three times as much as the prior's 8.
    queries.add_training_results(session, learner.id, {tribe: (24, 0.0)})
    moved = _foes(_roster(session, learner, payoff))[tribe]
    assert moved.x == pytest.approx(8 * rate / (8 + 24))


def test_a_learner_without_a_member_knows_nothing_but_its_training(session: Session) -> None:
    tribe, random = _anchor(session, "tribe", 40.0), _anchor(session, "random", 10.0)
    learner = _learner(session)
    queries.add_training_results(session, learner.id, {tribe: (8, 2.0)})
    foes = _foes(_roster(session, learner))
    # (0.5 * 8 + 2) / (8 + 8) = 0.375, and no idea of the other
    assert (foes[tribe].x, foes[random].x) == (0.375, 0.5)


def test_ancestors_are_marked_for_the_learner_and_for_those_who_exploit_it(
    session: Session,
) -> None:
    old = add_rated(session, "old", 20.0, 1.0)
    new = add_rated(session, "new", 22.0, 1.0, parent_id=old)
    hole = add_rated(session, "hole", 21.0, 1.0, role="main_exploiter")
    main = _learner(session, new)
    exploiter = _learner(session, hole, "exploiter", "main_exploiter")
    of_main, of_exploiter = (_foes(_roster(session, who)) for who in (main, exploiter))
    marks = {i: (f.own_ancestor, f.current_main, f.main_ancestor) for i, f in of_main.items()}
    assert marks == {
        old: (True, False, True),
        new: (True, True, False),
        hole: (False, False, False),
    }
    marks = {i: (f.own_ancestor, f.current_main, f.main_ancestor) for i, f in of_exploiter.items()}
    assert marks == {
        old: (False, False, True),
        new: (False, True, False),
        hole: (True, False, False),
    }
    assert of_main[hole].role == "main_exploiter"


def test_a_held_out_member_is_rated_and_met_by_no_learner(session: Session) -> None:
    best = _anchor(session, "strategist-eager", 40.0)
    other = _anchor(session, "tribe", 25.0)
    roster = make_roster(session, _learner(session), Payoff(), SEASON, ("strategist-eager",))
    assert set(_foes(roster)) == {other}
    assert set(roster.specs) == {other}
    assert roster.required == ("scripted:tribe",)
    assert {a.member_id for a in queries.active_agents(session)} == {best, other}


def test_a_learner_knows_the_rungs_of_the_ladder_by_their_names(session: Session) -> None:
    rung = _anchor(session, "tribe", 25.0)
    other = _anchor(session, "turtle", 25.0)
    roster = make_roster(session, _learner(session), Payoff(), SEASON, ladder=("tribe", "idle"))
    assert {i: foe.is_rung for i, foe in _foes(roster).items()} == {rung: True, other: False}


def test_a_planner_is_rated_and_neither_met_nor_to_be_beaten_by_a_learner(
    session: Session,
) -> None:
    thinker = add_rated(session, "planner", 50.0, 1.0, agent_spec="planner:")
    other = _anchor(session, "tribe", 25.0)
    roster = make_roster(session, _learner(session), Payoff(), SEASON)
    assert set(_foes(roster)) == {other}
    assert roster.required == ("scripted:tribe",)
    assert {a.member_id for a in queries.active_agents(session)} == {thinker, other}


def _two_mains(session: Session) -> tuple[int, int, int]:
    """Two mains of different families; the first has a trained and an untrained ancestor."""
    start = add_rated(session, "start", 20.0, 1.0, family="attention")
    early = add_rated(
        session,
        "early",
        22.0,
        1.0,
        family="attention",
        parent_id=start,
        trained_decisions=10,
        snapshot_sha256="1" * 64,
    )
    one = add_rated(
        session,
        "one",
        30.0,
        1.0,
        family="attention",
        parent_id=early,
        trained_decisions=20,
        snapshot_sha256="2" * 64,
    )
    other = add_rated(session, "other", 29.0, 1.0, family="baseline", trained_decisions=20)
    _learner(session, one, "attention")
    _learner(session, other, "baseline")
    return early, one, other


def test_an_exploiter_must_beat_those_whom_it_exploits(session: Session) -> None:
    _two_mains(session)
    add_rated(session, "champion", 40.0, 1.0)
    _anchor(session, "tribe", 20.0)
    hole = add_rated(session, "hole", 10.0, 1.0, role="main_exploiter")
    exploiter = _learner(session, hole, "exploiter", "main_exploiter")
    assert _roster(session, exploiter).required == ("scripted:one", "scripted:other")
    league = _learner(session, hole, "league-exploiter", "league_exploiter")
    assert _roster(session, league).required == (
        *("scripted:champion", "scripted:tribe"),
        *("scripted:one", "scripted:other"),
    )


def test_early_ancestors_are_trained_and_of_the_learners_own_family(session: Session) -> None:
    _two_mains(session)
    hole = add_rated(session, "hole", 10.0, 1.0, role="main_exploiter")
    exploiter = _learner(session, hole, "exploiter", "main_exploiter")
    assert exploiter.family == "attention"
    # Not the untrained start, and not the main itself.
    assert _roster(session, exploiter).early_ancestors == ("scripted:early",)


def test_weights_that_were_replaced_are_not_taken_for_the_newest_snapshot(
    session: Session,
) -> None:
    early, one, _ = _two_mains(session)
    hole = add_rated(session, "hole", 10.0, 1.0, role="main_exploiter")
    exploiter = _learner(session, hole, "exploiter", "main_exploiter")
    payoff = Payoff()
    for _ in range(8):  # what the newest snapshot and the early ancestor have shown
        payoff.add_match([hole, one], [2, 1])
        payoff.add_match([early, one], [1, 2])

    def x(restarted: Restarted | None) -> float:
        roster = make_roster(session, exploiter, payoff, SEASON, (), restarted)
        return _foes(roster)[one].x

    assert x(None) == pytest.approx(0.0)
    assert x(Restarted(None)) == 0.5  # untrained: nothing is known
    assert x(Restarted("1" * 64)) == pytest.approx(1.0)
    assert x(Restarted("9" * 64)) == 0.5  # of a snapshot that is no member


def test_a_roster_says_where_the_newest_plateau_was(session: Session) -> None:
    learner = _learner(session)
    assert _roster(session, learner).stirred_at is None
    queries.set_league_value(session, "course:attention", {"reference": 1, "stirred_at": 240_000})
    assert _roster(session, learner).stirred_at == 240_000
