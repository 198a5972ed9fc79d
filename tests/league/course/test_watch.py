"""The watch over a lineage: from rated matches to events, over restarts, in one commit each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from db import queries
from db.records import EventRecord, MatchOutcome, MatchPlan, SeatOutcome
from league.course.watch import CourseSettings, CourseWatch, key_of, stirred_at
from league.rating.engines import CHAIN_VERSION, rate_by_chain
from tests.league.hand_made import MAP_SHA, NOON, RULES_SHA, STATE_SHA, add_rated

SETTINGS = CourseSettings(("keeper",), after=100, gain=0.3, responds=True)


class Pool:
    """A lineage of three snapshots, a held-out member and an anchor, without a match yet."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.ids = {"keeper": add_rated(session, "keeper"), "tribe": add_rated(session, "tribe")}
        parent = None
        for number, decisions in enumerate((0, 50, 150)):
            name = f"attention-{number:04d}"
            self.ids[name] = parent = add_rated(
                session,
                name,
                parent_id=parent,
                family="attention",
                trained_decisions=decisions,
                at=NOON + timedelta(minutes=number),
            )
        self.learner_id = queries.upsert_learner(
            session, name="attention", family="attention", role="main"
        )
        self.newest("attention-0000")

    def newest(self, name: str) -> None:
        queries.record_snapshot(self.session, self.learner_id, self.ids[name])
        decisions = queries.get_member(self.session, self.ids[name]).trained_decisions
        queries.record_progress(self.session, self.learner_id, trained_decisions=decisions)

    def play(self, *names: str, n: int = 1, minute: float = 10.0) -> None:
        """Rated matches in which these came first, second, ..., planned at this minute."""
        for _ in range(n):
            at = NOON + timedelta(minutes=minute)
            plan = MatchPlan(
                purpose="rating",
                seed=1,
                map="generated:plains:64x64:1",
                map_sha256=MAP_SHA,
                rules_sha256=RULES_SHA,
                spec={},
                line_up=tuple((self.ids[name], True) for name in names),
            )
            match_id = queries.plan_match(self.session, plan, at=at)
            queries.mark_started(self.session, match_id, at=at)
            queries.record_finished_match(
                self.session,
                match_id,
                MatchOutcome(1500, STATE_SHA, 1.0),
                [SeatOutcome(place, 1, 1) for place in range(1, len(names) + 1)],
                rate=rate_by_chain,
                rating_version=CHAIN_VERSION,
                at=at,
            )

    def look(self, watch: CourseWatch) -> list[str | None]:
        """Look and store, as the manager does; returns the verdicts."""
        findings = watch.look(self.session)
        for finding in findings:
            watch.store(self.session, finding)
        watch.stored(findings)
        return [finding.verdict for finding in findings]

    def events(self) -> list[EventRecord]:
        found = queries.list_events(self.session)
        return [event for event in found if event.kind.startswith("course_")]


@pytest.fixture
def pool(session: Session) -> Pool:
    return Pool(session)


@pytest.fixture
def make(session: Session) -> Callable[[], CourseWatch]:
    return lambda: CourseWatch(SETTINGS, RULES_SHA)


def test_a_lineage_that_gains_moves_its_reference_on(
    pool: Pool, make: Callable[[], CourseWatch]
) -> None:
    watch = make()
    assert pool.look(watch) == [None]  # a beginning
    pool.newest("attention-0001")
    # Above the held-out member with the reference below it: the value of each match is 1.
    pool.play("attention-0001", "keeper", "attention-0000", n=30)
    assert pool.look(watch) == ["progress"]
    (event,) = pool.events()
    assert (event.kind, event.level) == ("course_progress", "info")
    assert event.details["reference"] == "attention-0000" and event.details["gain"] == 1.0
    stored = queries.get_league_value(pool.session, key_of("attention"))
    assert stored is not None and stored["reference"] == pool.ids["attention-0001"]
    assert stirred_at(pool.session, "attention") is None


def test_a_lineage_that_falls_is_an_alarm_and_keeps_its_peak(
    pool: Pool, make: Callable[[], CourseWatch]
) -> None:
    watch = make()
    pool.look(watch)
    pool.newest("attention-0001")
    pool.play("attention-0000", "keeper", "attention-0001", n=30)
    assert pool.look(watch) == ["drift"]
    (event,) = pool.events()
    assert (event.kind, event.level) == ("course_drift", "alarm")
    assert "attention has drifted: it fell behind its peak" in event.message
    stored = queries.get_league_value(pool.session, key_of("attention"))
    assert stored is not None and stored["reference"] == pool.ids["attention-0000"]


def test_a_lineage_that_stands_still_is_a_warning_and_told_to_respond(
    pool: Pool, make: Callable[[], CourseWatch]
) -> None:
    watch = make()
    pool.look(watch)
    pool.newest("attention-0001")  # 50 decisions: too few to expect a gain
    pool.play("attention-0001", "attention-0000", "keeper", n=60)
    assert pool.look(watch) == []
    pool.newest("attention-0002")  # 150 of 100
    pool.play("attention-0002", "attention-0000", "keeper", n=60)
    assert pool.look(watch) == ["plateau"]
    (event,) = pool.events()
    assert (event.kind, event.level) == ("course_plateau", "warning")
    assert "less than 30 points gained in 100 decisions" in event.message
    assert "its schedules begin anew" in event.message
    assert stirred_at(pool.session, "attention") == 150


def test_a_plateau_ends_no_stage_and_comes_again_after_as_much_training(
    pool: Pool, make: Callable[[], CourseWatch]
) -> None:
    watch = make()
    pool.look(watch)
    pool.newest("attention-0002")
    pool.play("attention-0002", "attention-0000", "keeper", n=60)
    assert pool.look(watch) == ["plateau"]
    pool.play("attention-0002", "attention-0000", "keeper", n=60)
    assert pool.look(watch) == pool.look(make()) == []  # no further training; nor after a restart
    # A fall is shown by all matches of the stage, those before the plateau too.
    pool.play("attention-0000", "keeper", "attention-0002", n=60)
    found = watch.look(pool.session)
    again = make().look(pool.session)
    assert [f.verdict for f in found] == [f.verdict for f in again] == ["drift"]
    assert found[0].course.stage.standing == again[0].course.stage.standing
    assert found[0].course.stage.standing.n_matches > 120
    assert stirred_at(pool.session, "attention") == 150


def test_the_response_can_be_switched_off(pool: Pool) -> None:
    watch = CourseWatch(CourseSettings(("keeper",), 100, 0.3, responds=False), RULES_SHA)
    pool.look(watch)
    pool.newest("attention-0002")
    pool.play("attention-0002", "attention-0000", "keeper", n=60)
    assert pool.look(watch) == ["plateau"]
    assert stirred_at(pool.session, "attention") is None
    assert "begin anew" not in pool.events()[0].message


def test_a_restart_decides_the_same(pool: Pool, make: Callable[[], CourseWatch]) -> None:
    watch = make()
    pool.look(watch)
    pool.newest("attention-0001")
    pool.play("attention-0001", "keeper", "attention-0000", n=3)
    assert pool.look(watch) == []
    again = make()  # the three matches are read again
    pool.play("attention-0001", "keeper", "attention-0000", n=6)
    found, other = watch.look(pool.session), again.look(pool.session)
    assert [f.verdict for f in found] == [f.verdict for f in other] == ["progress"]
    assert found[0].course.stage.standing == other[0].course.stage.standing


def test_what_was_not_stored_is_found_again(pool: Pool, make: Callable[[], CourseWatch]) -> None:
    watch = make()
    pool.look(watch)
    pool.newest("attention-0001")
    pool.play("attention-0001", "keeper", "attention-0000", n=30)
    first = watch.look(pool.session)
    pool.play("attention-0000", "keeper", "attention-0001", n=30)
    assert [finding.verdict for finding in first] == ["progress"]  # and the commit failed
    assert pool.look(watch) == ["progress"]
    assert len(pool.events()) == 1


def test_only_matches_after_the_beginning_and_with_a_held_out_member_count(
    pool: Pool, make: Callable[[], CourseWatch]
) -> None:
    watch = make()
    pool.newest("attention-0000")
    pool.play("attention-0000", "keeper", "attention-0001", n=30)  # before
    pool.look(watch)
    pool.newest("attention-0001")
    pool.play("attention-0000", "tribe", "attention-0001", n=30)  # nobody is held out
    # Planned at noon, when the newest did not exist, by whichever way it got there.
    pool.play("attention-0000", "keeper", "attention-0001", n=30, minute=0.0)
    assert pool.look(watch) == [] and pool.events() == []


@pytest.mark.parametrize(
    "settings",
    [CourseSettings((), 100, 0.3, True), CourseSettings(("keeper",), None, 0.3, True)],
)
def test_without_held_out_members_or_switched_off_nothing_is_watched(
    settings: CourseSettings,
) -> None:
    assert not CourseWatch(settings, RULES_SHA).is_due()


def test_a_retired_reference_gives_way(pool: Pool, make: Callable[[], CourseWatch]) -> None:
    watch = make()
    pool.look(watch)
    queries.set_status(pool.session, pool.ids["attention-0000"], "retired")
    pool.newest("attention-0001")
    assert pool.look(watch) == [None]
    stored = queries.get_league_value(pool.session, key_of("attention"))
    assert stored is not None and stored["reference"] == pool.ids["attention-0001"]


def test_scores_against_held_out_members_by_snapshot(pool: Pool) -> None:
    pool.play("attention-0001", "keeper", "attention-0000", n=3)
    pool.play("keeper", "attention-0001", n=1)
    members = [pool.ids[name] for name in ("attention-0000", "attention-0001", "attention-0002")]
    found = queries.held_out_scores(pool.session, members, [pool.ids["keeper"]], RULES_SHA)
    assert {i: (s.matches, s.score) for i, s in found.items()} == {
        pool.ids["attention-0000"]: (3, 0.0),
        pool.ids["attention-0001"]: (4, 0.75),
    }
