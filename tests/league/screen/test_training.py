"""What the screen says of a learner's next snapshot is what the manager and the learner go by."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from db import queries
from league.daemon.roster import make_roster
from league.rating.payoff import Payoff
from league.rating.season import Season
from league.report.state import read_state
from league.screen.training import TrainingMemory, decisions_left, required_members
from tests.league.hand_made import RULES_SHA, add_rated

SEASON = Season(RULES_SHA, sigma_allowance=4.0)
SETTINGS = {"learner": {"snapshot_every": 120_000, "first_snapshot": 10_000}}


@pytest.fixture
def league(session: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Two mains and two exploiters among anchors and members of other times."""
    monkeypatch.setattr("league.report.state.stored_season", lambda session: SEASON)
    add_rated(session, "tribe", 25.0, 1.0, role="anchor")
    add_rated(session, "expander", 29.0, 1.0, role="anchor")
    add_rated(session, "away", 40.0, 1.0, role="anchor", status="retired")
    add_rated(session, "thinker", 41.0, 1.0, agent_spec="planner:")
    ids = [
        add_rated(session, f"{name}-0001", mu, 1.0, family=name, trained_decisions=10_000)
        for name, mu in (("attention", 33.0), ("baseline", 24.0))
    ]
    for name, role, member_id in (
        ("attention", "main", ids[0]),
        ("baseline", "main", ids[1]),
        ("hunter", "main_exploiter", None),
        ("breaker", "league_exploiter", ids[1]),
    ):
        family = name if role == "main" else "attention"
        learner_id = queries.upsert_learner(session, name=name, family=family, role=role)
        if member_id is not None:
            queries.record_snapshot(session, learner_id, member_id)
        queries.record_progress(session, learner_id, trained_decisions=12_500)
        queries.add_training_results(session, learner_id, {ids[0]: (40, 22.0)})
        for n in range(3):
            queries.add_update(session, learner_id, 4_000 * (n + 1), {"entropy": 1.0 + n})
    return session


@pytest.mark.parametrize("name", ["attention", "baseline", "hunter", "breaker"])
def test_whom_a_snapshot_must_beat_is_as_the_roster_says(league: Session, name: str) -> None:
    learner = queries.learner_by_name(league, name)
    assert learner is not None
    roster = make_roster(league, learner, Payoff(), SEASON)
    report = read_state(league, "x")
    (row,) = (row for row in report.learners if row.name == name)
    shown = [member.agent_spec for member in required_members(row, report)]
    assert sorted(shown) == sorted(roster.required) and shown
    assert "planner:" not in shown  # best rated, and never met
    # Nobody must beat a member that learners never meet, the best one least of all.
    met = [member for member in report.members if member.name != "thinker"]
    best = max(met, key=lambda member: member.conservative or 0.0).name
    roster = make_roster(league, learner, Payoff(), SEASON, (best,))
    shown = [member.agent_spec for member in required_members(row, report, (best,))]
    assert sorted(shown) == sorted(roster.required)


def test_the_next_snapshot_and_what_has_been_shown_since_the_newest(league: Session) -> None:
    report = read_state(league, "x")
    found = TrainingMemory().read(league, report, SETTINGS)["attention"]
    # the newest has 10,000 decisions, the next mark is 20,000, and 12,500 are done
    assert found.left == 7_500
    assert found.games == {"attention-0001": 40}
    needs = {need.name: (need.beats, need.games) for need in found.needs}
    assert needs == {"attention-0001": (22.0, 40), "expander": (0.0, 0)}
    assert found.curves["entropy"] == (1.0, 2.0, 3.0)


def test_updates_are_read_once(league: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = TrainingMemory()
    report = read_state(league, "x")
    memory.read(league, report, SETTINGS)
    asked: list[int] = []
    before = queries.list_updates
    monkeypatch.setattr(
        queries, "list_updates", lambda *a, **k: asked.append(k["after"]) or before(*a, **k)
    )
    learner = queries.learner_by_name(league, "attention")
    assert learner is not None
    queries.add_update(league, learner.id, 16_000, {"entropy": 9.0})
    found = memory.read(league, report, SETTINGS)
    assert asked == [3, 3, 3, 3] and found["attention"].curves["entropy"][-1] == 9.0


def test_a_learner_without_a_member_has_no_mark_that_is_known(league: Session) -> None:
    hunter = queries.learner_by_name(league, "hunter")
    assert hunter is not None
    report = read_state(league, "x")
    assert decisions_left(hunter, report.members, SETTINGS["learner"]) is None
