"""Whom rated matches are drawn from, and what the planner knows of them without reading it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event

from db import queries
from db.records import MatchOutcome, MatchPlan, MatchRecord, SeatOutcome
from db.session import read_transaction, write_transaction
from league.daemon.planner import RECENT_MATCHES, SCALE_ANCHOR_WEIGHT, Planner
from league.matchmaking import lineups
from league.matchmaking.lineups import Candidate
from league.rating.trueskill import RATING_VERSION, rate_match
from tests.league.daemon.rated import matches, rated_matches, season
from tests.league.daemon.scripted import League, ScriptedArena
from tests.league.hand_made import add_rated

AWAY = ("retired", "suspended", "quarantined", "guest")


def planner_of(league: League) -> Planner:
    settings = rated_matches(league, ScriptedArena()).settings
    return Planner(settings, league.engine, season(league), league.folder.root)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, Candidate]]:
    """The candidates of each plan, by member id."""
    plans: list[dict[int, Candidate]] = []

    def choose(candidates: Sequence[Candidate], *args: Any, **kwargs: Any) -> Any:
        plans.append({c.member_id: c for c in candidates})
        return lineups.choose_line_ups(candidates, *args, **kwargs)

    monkeypatch.setattr("league.daemon.planner.choose_line_ups", choose)
    return plans


def insert(league: League, plans: Sequence[MatchPlan]) -> list[MatchRecord]:
    with write_transaction(league.engine) as session:
        return [queries.get_match(session, queries.plan_match(session, p)) for p in plans]


def finish(league: League, match: MatchRecord) -> None:
    with write_transaction(league.engine) as session:
        queries.record_finished_match(
            session,
            match.id,
            MatchOutcome(ticks=10, final_state_sha256="c" * 64, wall_s=0.1),
            [SeatOutcome(place, 1, 1) for place in range(1, len(match.line_up) + 1)],
            rate=rate_match,
            rating_version=RATING_VERSION,
        )


def test_only_active_members_are_drawn_for_rated_matches(
    league: League, seen: list[dict[int, Candidate]]
) -> None:
    rules = season(league).rules_sha256
    with write_transaction(league.engine) as session:
        active = {m.id for m in queries.list_members(session)}
        active.add(add_rated(session, "active", 30.0, 2.0, rules_sha256=rules))
        for status in AWAY:
            add_rated(session, status, 31.0, 2.0, status=status, rules_sha256=rules)
    planner_of(league).plan(2, [])
    assert seen[0].keys() == active


def test_a_member_without_a_rating_in_this_season_is_not_drawn(
    league: League, seen: list[dict[int, Candidate]]
) -> None:
    with write_transaction(league.engine) as session:
        rated = {m.id for m in queries.list_members(session)}
        add_rated(session, "unrated", None)
        add_rated(session, "elsewhere", 30.0, 2.0, rules_sha256="e" * 64)
    planner_of(league).plan(2, [])
    assert seen[0].keys() == rated


def test_a_candidate_carries_what_was_played_since_the_last_plan(
    league: League, seen: list[dict[int, Candidate]]
) -> None:
    planner = planner_of(league)
    first, second = insert(league, drawn := planner.plan(2, []))
    planner.inserted(drawn)
    finish(league, first)
    planner.plan(2, [second])
    with read_transaction(league.engine) as session:
        ratings = queries.latest_ratings(session, season(league).rules_sha256)
        counts = queries.match_counts(session, season(league).rules_sha256)
        members = {m.id: m for m in queries.list_members(session)}
    flying = {member_id for member_id, _ in second.line_up}
    played = {member_id for member_id, _ in first.line_up}
    for member_id, found in seen[1].items():
        rating, n_flying = ratings[member_id], int(member_id in flying)
        assert (found.mu, found.sigma) == (rating.mu, rating.sigma)
        assert found.games == counts.get(member_id, 0) + n_flying
        assert found.in_flight == n_flying
        assert found.recent == n_flying + (member_id in played)
        assert found.anchor and found.is_free  # all are scripts of the league's own
        is_tribe = members[member_id].name == "tribe"
        assert found.weight == (SCALE_ANCHOR_WEIGHT if is_tribe else 1.0)


def test_a_planner_that_starts_knows_what_one_that_was_there_knows(
    league: League, seen: list[dict[int, Candidate]]
) -> None:
    planner = planner_of(league)
    for _ in range(3):
        inserted = insert(league, drawn := planner.plan(2, []))
        planner.inserted(drawn)
        for match in inserted:
            finish(league, match)
    planner.plan(2, [])
    planner_of(league).plan(2, [])
    assert seen[-1] == seen[-2]


def test_only_so_many_matches_are_recent_as_give_everybody_forty(
    league: League, seen: list[dict[int, Candidate]]
) -> None:
    planner = planner_of(league)
    plans = planner.plan(100, [])
    planner.inserted(plans)
    planner.plan(2, [])
    # all members are anchors and scripts; 10 matches of 4 seats give each of n members 40 / n
    n = len(seen[-1])
    assert sum(c.recent for c in seen[-1].values()) == RECENT_MATCHES * n < 100 * 4


def test_planning_reads_what_has_changed_and_locks_nothing(league: League) -> None:
    planner = planner_of(league)
    for match in insert(league, planner.plan(2, [])):
        finish(league, match)
    planner.plan(2, [])
    statements: list[str] = []

    def heard(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(league.engine, "before_cursor_execute", heard)
    planner.plan(2, [])
    # the active members, and the changes after the newest known one
    reads = [s for s in statements if s.startswith("SELECT")]
    assert len(reads) == 2 and "ratings.seq > ?" in reads[1]
    assert not any("IMMEDIATE" in s or "INSERT" in s for s in statements)


def test_a_member_that_was_retired_since_it_was_drawn_does_not_play(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Planner.plan

    def plan_and_retire(self: Planner, *args: Any, **kwargs: Any) -> list[MatchPlan]:
        drawn = plan(self, *args, **kwargs)
        with write_transaction(league.engine) as session:
            queries.set_status(
                session, min(set(drawn[0].line_up) - set(drawn[1].line_up))[0], "retired"
            )
        return drawn

    monkeypatch.setattr(Planner, "plan", plan_and_retire)
    arena = ScriptedArena()
    rated_matches(league, arena).turn(0.0)
    with read_transaction(league.engine) as session:
        (out,) = queries.list_members(session, statuses=("retired",))
    assert matches(league) and len(arena.submitted) < 4
    assert all(out.agent_spec not in spec.agents for _, spec, _ in arena.submitted)


def test_matches_in_flight_are_told_to_the_planner(
    league: League, seen: list[dict[int, Candidate]]
) -> None:
    arena = ScriptedArena()
    rated = rated_matches(league, arena)
    rated.turn(0.0)  # 4 matches of 4 seats
    arena.finish(*[job for job, _, _ in arena.submitted[:2]])
    rated.turn(0.0)  # records two
    rated.turn(0.0)  # plans two more
    assert sum(c.in_flight for c in seen[1].values()) == 2 * 4
    assert sum(c.games for c in seen[1].values()) == 4 * 4
