"""Members that think for long play as often as their share of the workers' time allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.registry import make_loader
from arena.match import MatchSpec, play_matches
from arena.processes.jobs import Done
from arena.territory.engine.rules import MatchRules
from db import queries
from db.models import Member
from db.session import read_transaction, write_transaction
from league.daemon.matches import RatedMatches
from league.daemon.slow_members import DECISION_S, SlowMembers
from league.folder.memory import WORKER_TIME_KEY
from league.matches.worker import cached_maps
from tests.league.daemon.rated import match_settings, season
from tests.league.daemon.scripted import Clock, League, ScriptedArena, result
from tests.league.hand_made import add_rated

PLANNER = "planner:decisions=2,copies=1,candidates=2"
RULES = MatchRules(max_ticks=100, ticks_per_decision=25, n_seats=4)


def spec_of(*agents: str) -> MatchSpec:
    return MatchSpec(1, "generated:plains:64x64:2", agents, RULES)


SCRIPTS = ("scripted:tribe", "scripted:turtle", "scripted:idle")


def with_planner(league: League, share: float | None = 0.2) -> SlowMembers:
    with write_transaction(league.engine) as session:
        rules = season(league).rules_sha256
        member_id = add_rated(session, "thinker", 30.0, 2.0, rules_sha256=rules)
        member = session.get(Member, member_id)
        assert member is not None
        member.agent_spec = PLANNER
    slow = SlowMembers(league.engine, share, RULES)
    slow.look()
    return slow


def played(*agents: str, worker_s: float, agent_s: dict[str, float]):  # type: ignore[no-untyped-def]
    return replace(result(spec_of(*agents)), worker_s=worker_s, agent_s=agent_s)


def test_a_planner_waits_until_the_others_have_played_for_long_enough(league: League) -> None:
    slow = with_planner(league)
    assert slow.specs == {PLANNER}
    assert slow.room([]) == 0  # nobody has played
    # Before it was measured a seat counts 0.15 s for each of 4 decisions: 0.6 s. Its room is x with
    # 0.6 x <= 0.2 (W + 0.6 x): 2.4 s of others allow one, 4.7 s not yet two.
    guess = DECISION_S * 4
    assert guess == pytest.approx(0.6)
    slow.add(played("scripted:tribe", *SCRIPTS, worker_s=2.3, agent_s={}))
    assert slow.room([]) == 0
    slow.add(played("scripted:tribe", *SCRIPTS, worker_s=2.4, agent_s={}))
    assert slow.room([]) == 1
    assert slow.room([(PLANNER, *SCRIPTS)]) == 0  # it plays already
    assert slow.room([SCRIPTS]) == 1


def test_what_was_measured_counts_and_not_the_guess(league: League) -> None:
    slow = with_planner(league)
    slow.add(played("scripted:tribe", *SCRIPTS, worker_s=90.0, agent_s={}))
    # 10 of 100 s are its own, and 10 + 10 x <= 0.2 (100 + 10 x): x = 1.25.
    slow.add(played(PLANNER, *SCRIPTS, worker_s=10.0, agent_s={PLANNER: 10.0}))
    assert slow.room([]) == 1
    slow.add(played(PLANNER, *SCRIPTS, worker_s=10.0, agent_s={PLANNER: 10.0}))
    assert slow.room([]) == 0  # 20 of 110 s: 30 of 120 would be more than 20 %


def test_without_a_limit_or_without_a_planner_anybody_plays(league: League) -> None:
    assert SlowMembers(league.engine, 0.2, RULES).room([]) is None
    assert with_planner(league, None).room([]) is None


def test_a_plug_in_is_slow_when_a_seat_takes_longer_than_all_else_of_a_match(
    league: League,
) -> None:
    slow = SlowMembers(league.engine, 0.2, RULES)
    quick, long = "plugin:pack.quick:make", "plugin:pack.long:make"
    agents = (quick, long, "scripted:idle", "scripted:idle")
    slow.add(played(*agents, worker_s=5.0, agent_s={quick: 0.5, long: 3.0}))
    assert slow.specs == {long}  # 3.0 s against 2.0 s of all else; the other 0.5 against 4.5


def test_the_account_outlives_a_restart(league: League) -> None:
    slow = with_planner(league)
    slow.add(played("scripted:tribe", *SCRIPTS, worker_s=90.0, agent_s={}))
    slow.add(played(PLANNER, *SCRIPTS, worker_s=10.0, agent_s={PLANNER: 8.0}))
    with write_transaction(league.engine) as session:
        slow.store(session)
    again = SlowMembers(league.engine, 0.2, RULES)
    again.look()
    assert again.room([]) == slow.room([])
    with read_transaction(league.engine) as session:
        stored = queries.get_league_value(session, WORKER_TIME_KEY)
    assert stored is not None
    assert stored["share"] == pytest.approx(0.08, rel=0.01)
    assert stored["slow"] == [PLANNER]


def test_a_running_league_keeps_a_planner_within_its_share(league: League) -> None:
    """Fast matches take 1 s of a worker, every seat of the planner 10 s more."""
    with_planner(league)
    arena = ScriptedArena()
    settings = replace(match_settings(league), slow_member_share=0.2, matches_per_worker=4)
    rated = RatedMatches(
        league.folder, settings, league.engine, season(league), arena, [], clock=Clock()
    )
    total, own, n_own = 0.0, 0.0, 0
    done = 0
    for _ in range(40):
        rated.turn(0.0)
        for job_id, spec, alone in arena.submitted[done:]:
            assert alone == (PLANNER in spec.agents)  # a batch would end with its slowest match
            seconds = 10.0 * spec.agents.count(PLANNER)
            n_own += spec.agents.count(PLANNER)
            own += seconds
            total += 1.0 + seconds
            measured = replace(result(spec), worker_s=1.0 + seconds, agent_s={PLANNER: seconds})
            arena.outcomes.append(Done(job_id, measured))
        done = len(arena.submitted)
    assert n_own >= 3  # it does play
    assert own / total <= 0.2 + 10.0 / total  # one match more than its share at most, at first


def test_a_match_says_what_each_agent_took_and_what_its_worker_did() -> None:
    outcomes = play_matches(
        [spec_of(PLANNER, *SCRIPTS), spec_of("scripted:tribe", *SCRIPTS)],
        make_loader(),
        cached_maps(None),
    )
    with_planner, without = outcomes
    assert with_planner.agent_s.keys() == {PLANNER, *SCRIPTS}  # type: ignore[union-attr]
    assert with_planner.agent_s[PLANNER] > 0.0  # type: ignore[union-attr]
    assert PLANNER not in without.agent_s  # type: ignore[union-attr]
    for each in outcomes:
        taken = sum(each.agent_s.values())  # type: ignore[union-attr]
        assert each.worker_s > taken  # type: ignore[union-attr]
