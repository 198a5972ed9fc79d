"""The manager: what it takes from learners, admits, sends, and does at the start and the end."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import queries
from db.errors import DatabaseBusyError
from db.records import MatchPlan, MatchRecord
from db.session import read_transaction, write_transaction
from league.config.tree import ANCHORS, HELD_OUT
from league.daemon.manager import Manager
from league.daemon.trouble import PassedTrouble, Trouble
from league.errors import ConfigError
from league.learner.messages import (
    Meets,
    Offered,
    Progress,
    Ready,
    Roster,
    Settled,
    Stop,
)
from league.learner.settings import learner_settings
from league.rating.trueskill import MU, SIGMA, child_rating
from league.report.document import report_document
from league.report.state import StateReader
from tests.league.daemon.managed import Run
from tests.league.daemon.scripted import League, ScriptedArena, new_league


@pytest.fixture
def league(tmp_path: Path) -> Iterator[League]:
    with new_league(tmp_path / "league") as made:
        yield made


def plan_like(match: MatchRecord) -> MatchPlan:
    return MatchPlan(
        purpose=match.purpose,
        seed=match.seed,
        map=match.map,
        map_sha256=match.map_sha256,
        rules_sha256=match.rules_sha256,
        spec=match.spec,
        line_up=match.line_up,
        rotation=match.rotation,
    )


@pytest.fixture
def run(league: League) -> Run:
    started = Run(league)
    started.turn()
    return started


def test_at_the_start_the_scripted_members_join_rated_as_unknown(run: Run) -> None:
    assert run.names() == [*ANCHORS, *HELD_OUT]
    with read_transaction(run.league.engine) as session:
        ratings = queries.latest_ratings(session, run.manager.season.rules_sha256).values()
    assert {(rating.mu, rating.sigma) for rating in ratings} == {(MU, SIGMA)}
    assert len(run.arena.submitted) == 4


def test_the_settings_are_remembered_and_a_frozen_one_is_refused_at_the_next_start(
    run: Run, tmp_path: Path
) -> None:
    with read_transaction(run.league.engine) as session:
        assert queries.get_league_value(session, "config") == run.league.config.to_json()
    changed = run.league.config.model_copy(
        update={"rules": run.league.config.rules.model_copy(update={"max_ticks": 900})}
    )
    with pytest.raises(ConfigError, match=r"rules.max_ticks was frozen .*stored 1500, given 900"):
        Manager(run.league.folder, changed, run.league.engine, arena=ScriptedArena())


def test_interrupted_matches_are_played_again_at_the_next_start(run: Run) -> None:
    first = [(job_id, spec) for job_id, spec, _ in run.arena.submitted]
    after = Run(run.league)  # the first one died without a word
    after.turn()
    assert [(job_id, spec) for job_id, spec, _ in after.arena.submitted] == first
    assert after.events("requeued") == ["4 interrupted matches will be played again"]


def test_matches_of_other_rules_stay_planned(run: Run) -> None:
    rules = run.league.config.rules.model_copy(update={"ticks_per_decision": 50})
    config = run.league.config.model_copy(update={"rules": rules})
    with write_transaction(run.league.engine) as session:
        queries.set_league_value(session, "config", config.to_json())
    other = Run(League(run.league.folder, config, run.league.engine))
    other.turn()
    assert not {job for job, _, _ in run.arena.submitted} & {
        job for job, _, _ in other.arena.submitted
    }


def test_each_learner_is_told_who_it_is(run: Run) -> None:
    assert {name: orders.family for name, orders in run.orders.items()} == {
        "attention": "attention",
        "baseline": "baseline",
    }
    assert len({orders.seed for orders in run.orders.values()}) == 2
    assert run.orders["attention"].snapshot is None
    assert run.orders["attention"].settings == learner_settings(run.league.config)


def test_a_ready_learner_is_marked_running_and_gets_its_roster(run: Run) -> None:
    run.processes["attention"].sent.clear()
    run.say(Ready(0))
    assert (run.learner().status, run.learner().pid) == ("running", 4711)
    (roster,) = run.told(Roster)
    assert isinstance(roster, Roster)
    assert sorted(roster.specs.values()) == sorted(f"scripted:{name}" for name in ANCHORS)


def test_progress_and_results_are_stored_under_the_members_that_were_met(run: Run) -> None:
    results = {"scripted:tribe": (10, 4.0), "scripted:nobody": (3, 3.0)}
    run.say(Progress(640, {"kl": 0.5}, results))
    run.say(Progress(1_280, {"kl": 0.25}, {"scripted:tribe": (2, 1.0)}))
    learner = run.learner()
    assert (learner.trained_decisions, learner.progress) == (1_280, {"kl": 0.25})
    with read_transaction(run.league.engine) as session:
        totals = queries.training_totals(session, learner.id)
        tribe = queries.member_by_name(session, "tribe")
        updates = queries.list_updates(session, learner.id)
    assert tribe is not None
    assert {k: (t.games, t.beats) for k, t in totals.items()} == {tribe.id: (12, 5.0)}
    assert [(u.trained_decisions, u.numbers, u.opponents) for u in updates] == [
        (640, {"kl": 0.5}, {str(tribe.id): [10, 4.0]}),
        (1_280, {"kl": 0.25}, {str(tribe.id): [2, 1.0]}),
    ]


def test_an_offered_snapshot_joins_the_pool_and_the_learner_is_told(run: Run) -> None:
    sha256 = run.offer()
    run.say(Offered(sha256, 640, "the untrained start of the lineage"))
    assert run.names()[-1] == "attention-0000"
    assert run.told(Settled) == [Settled(sha256, "the untrained start of the lineage")]
    assert run.manager.store.list_offers() == []
    assert run.manager.store.load(sha256).sha256 == sha256
    assert run.events("promotion") == [
        "attention-0000 joined the pool: the untrained start of the lineage"
    ]


def test_a_child_starts_with_its_parents_rating_made_uncertain(run: Run) -> None:
    parent = run.offer()
    run.say(Offered(parent, 640, "start"))
    rules_sha256 = run.manager.season.rules_sha256
    with write_transaction(run.league.engine) as session:
        member = queries.member_by_name(session, "attention-0000")
        assert member is not None
        queries.append_rating(
            session,
            member.id,
            31.0,
            1.5,
            rules_sha256=rules_sha256,
            rating_version="test",
            match_id=run.arena.submitted[0][0],
        )
    child = run.offer(parent=parent, seed=1)
    run.say(Offered(child, 1_280, "it beat its parent"))
    with read_transaction(run.league.engine) as session:
        second = queries.member_by_name(session, "attention-0001")
        assert second is not None and second.parent_id == member.id
        rating = queries.latest_rating(session, second.id, rules_sha256)
    assert rating is not None
    expected = child_rating(31.0, 1.5, run.league.config.rating.sigma_allowance)
    assert (rating.mu, rating.sigma) == expected


def test_a_snapshot_that_does_not_fit_is_refused_with_a_sentence(run: Run) -> None:
    sha256 = run.offer(global_size=32)
    run.say(Offered(sha256, 640, "start"))
    assert "attention-0000" not in run.names()
    (settled,) = run.told(Settled)
    assert isinstance(settled, Settled) and settled.sha256 == sha256
    assert "as the league has them, found" in settled.reason
    assert run.manager.store.list_offers() == [] and run.manager.store.shas() == []
    (event,) = run.events("offer_refused")
    assert "as the league has them, found" in event


def test_an_offer_that_the_machine_cannot_read_is_kept_and_admitted_later(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = run.offer()
    system_open = os.open

    def refuse(path: os.PathLike[str], flags: int, mode: int = 0o777) -> int:
        if sha256 in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return system_open(path, flags, mode)

    with monkeypatch.context() as patch:
        patch.setattr("arena.foreign.os.open", refuse)
        run.say(Offered(sha256, 640, "start"))
    assert "attention-0000" not in run.names() and run.told(Settled) == []
    assert [offer.sha256 for offer in run.manager.store.list_offers()] == [sha256]
    (event,) = run.events("machine_trouble")
    assert "is kept and read again" in event and run.events("offer_refused") == []
    later = time.monotonic() + 1.0  # the first pause
    monkeypatch.setattr("league.daemon.manager.time.monotonic", lambda: later)
    run.manager.turn(0.0)
    assert run.names()[-1] == "attention-0000"
    assert run.told(Settled) == [Settled(sha256, "start")]
    run.manager.turn(0.0)
    assert run.told(Settled) == [Settled(sha256, "start")]  # once


def test_what_was_offered_before_a_crash_is_admitted_at_the_next_start_once(run: Run) -> None:
    run.offer()
    Run(run.league)
    assert run.names()[-1] == "attention-0000"
    Run(run.league)
    assert run.names().count("attention-0000") == 1


def test_a_new_snapshot_is_told_to_all_learners_with_the_next_rosters(run: Run) -> None:
    run.say(Offered(run.offer(), 640, "start"))
    roster = run.told(Roster, learner="baseline")[-1]
    assert isinstance(roster, Roster)
    with read_transaction(run.league.engine) as session:
        member = queries.member_by_name(session, "attention-0000")
    assert member is not None and member.id in roster.specs


def test_learners_hear_how_long_a_run_with_an_end_still_lasts(league: League, run: Run) -> None:
    roster = run.told(Roster)[-1]
    assert isinstance(roster, Roster) and roster.seconds_left is None
    limited = Run(league, ends=time.monotonic() + 300.0)
    limited.turn()
    roster = limited.told(Roster)[-1]
    assert isinstance(roster, Roster) and roster.seconds_left is not None
    assert 200.0 < roster.seconds_left <= 300.0


def test_a_learner_that_is_started_again_goes_on_from_its_newest_member(run: Run) -> None:
    sha256 = run.offer()
    run.say(Offered(sha256, 640, "start"), Progress(640))
    again = Run(run.league)
    again.turn()
    assert again.orders["attention"].snapshot == sha256
    assert again.orders["attention"].trained_decisions == 640


def test_a_dying_learner_is_an_alarm_and_one_that_is_given_up_is_marked_stopped(run: Run) -> None:
    run.say(Ready(0))
    run.processes["attention"].exit_code = 1
    run.turn()
    assert run.learner().status == "starting"
    (event,) = run.events("learner_died")
    assert event == "learner attention exited with code 1; starting again in 1 s"
    for _ in range(4):
        run.manager.learners._places["attention"].start_at = 0.0
        run.turn()  # starts it
        run.processes["attention"].exit_code = 1
        run.turn()
    assert run.learner().status == "stopped"
    assert "is given up" in run.events("learner_died")[0]
    assert run.learner("baseline").status == "starting"  # the league goes on


def test_the_heartbeat_says_who_is_at_work(run: Run) -> None:
    with read_transaction(run.league.engine) as session:
        beat = queries.get_league_value(session, "daemon")
    assert beat is not None
    assert (beat["n_workers"], beat["n_playing"]) == (1, 4)
    assert beat["learners"] == {"attention": 4711, "baseline": 4711}
    assert (beat["ends_at"], beat["usage"]) == (None, {})  # nobody said


def test_a_lesson_stands_in_the_progress_and_among_the_updates(run: Run) -> None:
    numbers = {"imitation_rows": 80_000.0, "imitation_epoch": 3.0, "imitation_agreement": 0.86}
    run.say(Progress(0, numbers, phase="imitating"))
    assert run.learner().progress == {**numbers, "phase": "imitating"}
    with read_transaction(run.league.engine) as session:
        (update,) = queries.list_updates(session, run.learner().id)
    assert (update.trained_decisions, update.numbers) == (0, numbers)
    run.say(Progress(64, {"kl": 0.5}))
    assert run.learner().progress == {"kl": 0.5}


def test_a_lineage_that_begins_is_told_its_teacher(tmp_path: Path) -> None:
    sets = ("learner.teacher=strategist",)
    with new_league(tmp_path / "taught", *sets) as league:
        run = Run(league)
        run.turn()
        orders = run.orders["baseline"]
        assert (orders.teacher, orders.teacher_name) == ("scripted:strategist", "strategist")


def test_whom_a_learner_meets_stands_in_its_progress_and_in_the_report(run: Run) -> None:
    with read_transaction(run.league.engine) as session:
        tribe = queries.resolve_member(session, "tribe").id
    meets = Meets((tribe, None), ((tribe, 0.4, 1 / 3), (999, 0.5, 0.0)))
    run.say(Progress(64, {"kl": 0.5}, meets=meets))
    wave, foes = [tribe, None], [[tribe, 0.4, 0.3333], [999, 0.5, 0.0]]
    assert run.learner().progress == {"kl": 0.5, "meets": {"wave": wave, "foes": foes}}
    with StateReader(run.league.folder) as reader:
        document = report_document(reader.read())
    learner = next(row for row in document["learners"] if row["name"] == "attention")
    assert learner["progress"] == {"kl": 0.5}
    assert learner["meets"] == {
        "wave": ["tribe", None],
        "foes": [{"name": "tribe", "x": 0.4, "share": 0.3333}, {"name": "?", "x": 0.5, "share": 0}],
    }


def test_what_learners_and_workers_say_while_the_database_is_locked_is_stored_later(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.say(Ready(0))
    first, second = (job_id for job_id, _, _ in run.arena.submitted[:2])
    sha256 = run.offer()
    learner = run.processes["attention"]

    def locked(*_: object, **__: object) -> None:
        raise DatabaseBusyError("locked")

    with monkeypatch.context() as patch:
        patch.setattr("league.daemon.manager.write_transaction", locked)
        patch.setattr("league.daemon.matches.write_transaction", locked)
        learner.messages.extend([Progress(64), Offered(sha256, 640, "beats all")])
        run.arena.finish(first)
        for _ in range(2):  # a repeated round loses nothing either
            with pytest.raises(DatabaseBusyError):
                run.turn()
        learner.messages.append(Progress(128))
        run.arena.finish(second)
        run.manager.listen(0.0)  # touches no database
        assert not learner.messages and not run.arena.outcomes
    run.turn()
    assert run.learner().trained_decisions == 128
    assert "attention-0000" in run.names()
    with read_transaction(run.league.engine) as session:
        assert {queries.get_match(session, i).status for i in (first, second)} == {"finished"}


def test_trouble_that_is_over_is_in_the_journal_and_stray_matches_are_played(run: Run) -> None:
    playing = {job_id for job_id, _, _ in run.arena.submitted}
    with write_transaction(run.league.engine) as session:
        of_another = queries.get_match(session, min(playing))
        # what a commit leaves behind whose answer was lost with the connection
        stray = queries.plan_match(session, plan_like(of_another))
        queries.mark_started(session, stray)
    run.manager.trouble_passed(
        PassedTrouble(Trouble("database", "the database\n is busy"), 12.3, 4)
    )
    assert run.events("trouble_passed") == ["paused for 12 s: the database is busy"]
    run.arena.finish(*playing)
    run.turn()
    run.turn()
    assert stray in {job_id for job_id, _, _ in run.arena.submitted}
    assert len(run.arena.submitted) == len({job_id for job_id, _, _ in run.arena.submitted})


def test_closing_ends_all_processes_before_it_needs_the_database(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise DatabaseBusyError("locked")

    run.processes["attention"].messages.append(Progress(128))
    monkeypatch.setattr("league.daemon.manager.write_transaction", locked)
    with pytest.raises(DatabaseBusyError):
        run.manager.close(20.0)
    assert run.arena.closed_with == [2.0]
    assert all(process.has_ended for process in run.processes.values())


def test_closing_stops_everything_and_plans_running_matches_again(run: Run) -> None:
    run.say(Ready(0))
    run.processes["attention"].messages.append(Progress(128))
    run.manager.close(20.0)
    assert run.arena.closed_with == [2.0]
    assert all(process.sent[-1] == Stop() for process in run.processes.values())
    assert run.learner().trained_decisions == 128  # its last message was stored
    assert {run.learner(name).status for name in run.processes} == {"stopped"}
    with read_transaction(run.league.engine) as session:
        statuses = queries.matches_by_status(session)
    assert statuses == {"planned": 4}


def test_killing_leaves_no_process(run: Run) -> None:
    run.manager.kill()
    assert run.arena.closed_with == [0.0]
    assert all(process.was_killed for process in run.processes.values())


def test_the_lease_of_the_learners_is_a_setting(tmp_path: Path) -> None:
    with new_league(tmp_path / "impatient", "learner.lease_s=1e-9") as league:
        run = Run(league)
        run.turn()
        assert all(process.was_killed for process in run.processes.values())
        assert "said nothing for 1e-09 s and was killed" in run.events("learner_died")[0]
