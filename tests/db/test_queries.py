"""The promises of the tables: what is refused, what happens once, what the sums say."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.errors import ConflictError, DatabaseError, NotFoundError
from db.session import read_transaction, write_transaction
from tests.db.conftest import RULES
from tests.db.hand_made import OUTCOME, add, admit, finish, plan, results

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def test_a_finished_rating_match_is_rated_exactly_once(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random", "idle")
        match_id = queries.plan_match(session, plan(ids))
        assert queries.mark_started(session, match_id)
        assert not queries.mark_started(session, match_id)
    with write_transaction(writer) as session:
        assert finish(session, match_id, 2, 1, 3)
    with write_transaction(writer) as session:
        assert not finish(session, match_id, 1, 2, 3)
    with read_transaction(writer) as session:
        ratings = queries.latest_ratings(session, RULES)
        assert [ratings[i].mu for i in ids] == [23.0, 24.0, 22.0]  # 25 - placement
        assert [ratings[i].seq for i in ids] == [4, 5, 6]  # after three admissions
        assert queries.rating_log_is_gap_free(session)
        assert [seat.placement for seat in queries.match_seats(session, match_id)] == [2, 1, 3]


def test_result_seats_and_ratings_are_one_transaction(writer: Engine) -> None:
    def crash(ratings: object, placements: object) -> list[tuple[float, float]]:
        raise RuntimeError("power cut")

    with write_transaction(writer) as session:
        match_id = queries.plan_match(session, plan(admit(session, "tribe", "random")))
    with pytest.raises(RuntimeError), write_transaction(writer) as session:
        finish(session, match_id, 1, 2, rate=crash)
    with read_transaction(writer) as session:
        assert queries.get_match(session, match_id).status == "planned"
        assert queries.match_seats(session, match_id) == []
        assert len(queries.rating_log(session, RULES)) == 2


@pytest.mark.parametrize("mu, sigma", [(math.nan, 1.0), (math.inf, 1.0), (25.0, 0.0), (25.0, -1.0)])
def test_a_rating_that_is_no_number_is_refused(writer: Engine, mu: float, sigma: float) -> None:
    with write_transaction(writer) as session:
        member_id = add(session, "tribe")
    with pytest.raises(DatabaseError), write_transaction(writer) as session:
        queries.append_rating(session, member_id, mu, sigma, rules_sha256=RULES, rating_version="t")


def test_a_placement_below_one_is_refused(writer: Engine) -> None:
    with write_transaction(writer) as session:
        match_id = queries.plan_match(session, plan(admit(session, "tribe", "random")))
    with pytest.raises(ConflictError, match="placement"), write_transaction(writer) as session:
        finish(session, match_id, 0, 1)


def test_unrated_seats_play_but_change_no_rating(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")
        line_up = ((a, True), (b, True), (a, False), (b, False))
        match_id = queries.plan_match(session, plan([], line_up=line_up))
        assert finish(session, match_id, 1, 4, 3, 2)
    with read_transaction(writer) as session:
        assert [row.placement for row in queries.common_placements(session, RULES)] == [1, 4]
        totals = queries.member_totals(session, RULES)
        assert (totals[a].games, totals[a].wins, totals[a].mean_placement) == (1, 1, 1.0)
        assert (totals[b].games, totals[b].wins, totals[b].mean_placement) == (1, 0, 4.0)


def test_line_ups_that_cannot_be_rated_are_refused(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")
        for line_up, purpose, words in (
            (((a, True), (a, True)), "rating", "one rated seat"),
            (((a, True), (b, False)), "rating", "alone"),
            (((a, True),), "rating", "at least 2"),
            (((a, True), (b, True)), "training", "only matches of purpose 'rating'"),
        ):
            with pytest.raises(ConflictError, match=words):
                queries.plan_match(session, plan([], line_up=line_up, purpose=purpose))


def test_a_member_without_admission_cannot_be_rated(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = [add(session, "tribe"), add(session, "random")]
        match_id = queries.plan_match(session, plan(ids))
    with pytest.raises(ConflictError, match="admit"), write_transaction(writer) as session:
        finish(session, match_id, 1, 2)


def test_seasons_do_not_mix(writer: Engine) -> None:
    other = "d" * 64
    with write_transaction(writer) as session:
        (member_id,) = admit(session, "tribe")
        queries.append_rating(session, member_id, 30.0, 5.0, rules_sha256=other, rating_version="t")
        with pytest.raises(ConflictError, match="admitted"):
            queries.append_rating(session, member_id, 1, 1, rules_sha256=other, rating_version="t")
        assert queries.latest_ratings(session, RULES)[member_id].mu == 25.0
        assert queries.latest_ratings(session, other)[member_id].mu == 30.0
        assert queries.next_rating_seq(session) == 3


def test_what_was_running_at_the_end_is_planned_again(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        first, second = (queries.plan_match(session, plan(ids)) for _ in range(2))
        queries.mark_started(session, first)
    with write_transaction(writer) as session:
        assert queries.requeue_interrupted(session) == [first]
    with read_transaction(writer) as session:
        matches = queries.list_matches(session, status="planned")
        assert [(m.id, m.attempts, m.failures) for m in matches] == [(first, 1, 0), (second, 0, 0)]


def test_a_finished_match_is_not_planned_again(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        match_id = queries.plan_match(session, plan(ids))
        finish(session, match_id, 1, 2)
    with write_transaction(writer) as session:
        assert queries.requeue_interrupted(session) == []
        assert queries.get_match(session, match_id).status == "finished"


def test_interruptions_are_no_failures_however_many(writer: Engine) -> None:
    with write_transaction(writer) as session:
        match_id = queries.plan_match(session, plan(admit(session, "tribe", "random")))
        for _ in range(50):
            queries.mark_started(session, match_id)
            assert queries.requeue_interrupted(session) == [match_id]
        match = queries.get_match(session, match_id)
        assert (match.status, match.attempts, match.failures) == ("planned", 50, 0)


def test_a_match_that_is_being_played_is_not_planned_again(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        playing, stray = (queries.plan_match(session, plan(ids)) for _ in range(2))
        for match_id in (playing, stray):
            queries.mark_started(session, match_id)
        assert queries.requeue_interrupted(session, except_for=[playing]) == [stray]
        assert queries.get_match(session, playing).status == "running"


def test_a_match_set_aside_has_failed_and_a_finished_one_stays_finished(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        first, second = (queries.plan_match(session, plan(ids)) for _ in range(2))
        finish(session, second, 1, 2)
        for match_id in (first, second):
            queries.set_aside(session, match_id, "ValueError: no")
        matches = [queries.get_match(session, match_id) for match_id in (first, second)]
    assert [(m.status, m.error) for m in matches] == [
        ("failed", "ValueError: no"),
        ("finished", None),
    ]


def test_the_third_failure_fails_a_match_and_a_result_then_is_ignored(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")
        match_id = queries.plan_match(session, plan([a, b]))
        statuses = []
        for attempt in range(3):
            queries.mark_started(session, match_id)
            error = f"Traceback {attempt}"
            statuses.append(queries.record_failed(session, match_id, error, blamed=[b]))
        assert statuses == ["planned", "planned", "failed"]
        assert queries.get_match(session, match_id).error == "Traceback 2"
        assert not finish(session, match_id, 1, 2)
        assert queries.get_member(session, b).failures_in_row == 3
        assert queries.get_member(session, a).failures == 0
        assert finish(session, queries.plan_match(session, plan([a, b])), 1, 2)
        assert queries.get_member(session, b).failures_in_row == 0  # a finished game ends the run
        assert queries.get_member(session, b).failures == 3


def test_a_pair_half_counts_once_and_a_failed_half_may_be_planned_again(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        fields = {"purpose": "pit", "series_key": "s", "pair_key": "s:1", "rated": False}
        halves = [plan(ids, pair_half=half, **fields) for half in (0, 1)]
        first, second = (queries.plan_match(session, half) for half in halves)
        assert queries.record_finished_match(session, first, OUTCOME, results(1, 2))
        assert queries.record_failed(session, second, "crash", max_failures=1) == "failed"
        queries.plan_match(session, halves[1])
        for half in (0, 1):  # one is finished, the other planned
            with pytest.raises(ConflictError, match=f"half {half} of pair 's:1'"):
                queries.plan_match(session, halves[half])
        assert queries.matches_by_status(session, "pit") == {
            "finished": 1,
            "failed": 1,
            "planned": 1,
        }


@pytest.mark.parametrize("match_id", [1, -1, 2**63 - 1, 2**63, 10**30])
def test_a_match_that_nobody_planned_is_not_found_however_large_its_number(
    writer: Engine, match_id: int
) -> None:
    with write_transaction(writer) as session, pytest.raises(NotFoundError, match="no match with"):
        queries.get_match(session, match_id)


def test_members_are_found_by_name_spec_and_hash_prefix(writer: Engine) -> None:
    with write_transaction(writer) as session:
        spec = {"family": "attention", "role": "main"}
        one = add(session, "att-1", snapshot_sha256="3fa9" + "1" * 60, **spec)
        add(session, "att-2", snapshot_sha256="3fa9" + "2" * 60, **spec)
        assert queries.resolve_member(session, "att-1").id == one
        assert queries.resolve_member(session, "snapshot:3fa91").id == one
        assert queries.resolve_member(session, "3FA91").id == one
        assert queries.resolve_member(session, "scripted:att-2").name == "att-2"
        with pytest.raises(NotFoundError, match="fits 2 members"):
            queries.resolve_member(session, "3fa9")
        with pytest.raises(NotFoundError, match="league members"):
            queries.resolve_member(session, "3fa")
        with pytest.raises(ConflictError, match="choose another name"):
            add(session, "att-1")


def test_ancestors_are_listed_nearest_first(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a = add(session, "a")
        b = add(session, "b", parent_id=a, generation=1)
        c = add(session, "c", parent_id=b, generation=2)
        assert queries.ancestors(session, c) == [b, a]
        assert queries.ancestors(session, a) == []
        with pytest.raises(ConflictError, match="parent"):
            add(session, "d", parent_id=99)


def test_statuses_are_known_words_and_select_members(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = add(session, "a"), add(session, "b")
        queries.set_status(session, a, "retired")
        assert [m.id for m in queries.list_members(session, statuses=["active"])] == [b]
        with pytest.raises(NotFoundError):
            queries.set_status(session, 99, "active")
    with pytest.raises(ConflictError), write_transaction(writer) as session:
        queries.set_status(session, a, "asleep")


def test_times_come_back_in_utc_to_the_microsecond(writer: Engine) -> None:
    with write_transaction(writer) as session:
        queries.add_event(session, "promotion", "up", at=NOW.astimezone(None))
        (event,) = queries.list_events(session)
    assert event.at == NOW and event.at.utcoffset() == timedelta(0)


def test_throughput_counts_the_window_only(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        for age_s in (10, 50, 70):
            match_id = queries.plan_match(session, plan(ids))
            finish(session, match_id, 1, 2, at=NOW - timedelta(seconds=age_s))
        work = queries.throughput(session, 60.0, now=NOW)
        assert (work.matches, work.ticks, work.seats) == (2, 3000, 4)
        assert work.matches_per_s == pytest.approx(2 / 60)
        assert len(queries.recent_matches(session, 2)) == 2
        assert queries.match_counts(session, RULES) == {ids[0]: 3, ids[1]: 3}


def test_the_latest_results_are_those_after_a_moment_with_members_by_place(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random", "idle")
        played = [queries.plan_match(session, plan(ids)) for _ in range(3)]
        for n, match_id in enumerate(played):
            finish(session, match_id, 2, 1, 3, at=NOW + timedelta(seconds=n))
        other = queries.plan_match(session, plan(ids, purpose="canary", rated=False))
        finish(session, other, 1, 2, 3, at=NOW + timedelta(seconds=9))
    with read_transaction(writer) as session:
        found = queries.recent_results(session, 2)
        assert [row.id for row in found] == [played[2], played[1]]
        assert found[0].members == (ids[1], ids[0], ids[2])
        assert (found[0].ticks, found[0].replay_path) == (1500, "replays/1")
        after = queries.recent_results(session, 9, after=NOW + timedelta(seconds=1))
        assert [row.id for row in after] == [played[2]]


def test_rating_points_are_those_of_matches_after_a_number_or_a_moment(writer: Engine) -> None:
    with write_transaction(writer) as session:
        ids = admit(session, "tribe", "random")
        for n in range(3):
            match_id = queries.plan_match(session, plan(ids))
            finish(session, match_id, 1, 2, at=NOW + timedelta(seconds=n))
    with read_transaction(writer) as session:
        points = queries.rating_points(session, RULES)
        # two admissions, then two changes a match
        assert [point.seq for point in points] == [3, 4, 5, 6, 7, 8]
        assert points[0].member_id == ids[0] and points[0].finished_at == NOW
        assert [p.seq for p in queries.rating_points(session, RULES, after_seq=6)] == [7, 8]
        since = NOW + timedelta(seconds=0.5)
        assert [p.seq for p in queries.rating_points(session, RULES, since=since)] == [5, 6, 7, 8]
        assert queries.rating_points(session, RULES, since=NOW + timedelta(days=1)) == []
        assert queries.rating_points(session, "f" * 64) == []


def test_the_rating_log_holds_every_change(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")  # seq 1, 2
        finish(session, queries.plan_match(session, plan([a, b])), 1, 2)  # seq 3, 4
        finish(session, queries.plan_match(session, plan([b, a])), 1, 2)  # seq 5 (b), 6 (a)
        log = queries.rating_log(session, RULES)
        assert [(r.seq, r.mu) for r in log if r.member_id == a] == [(1, 25.0), (3, 24.0), (6, 22.0)]
        assert queries.latest_ratings(session, RULES)[a].mu == 22.0
        after = queries.common_placements(session, RULES, after_seq=4)
        assert [(row.member_id, row.placement) for row in after] == [(b, 1), (a, 2)]


def test_training_results_start_at_zero_after_a_snapshot(writer: Engine) -> None:
    with write_transaction(writer) as session:
        foe, child = add(session, "tribe"), add(session, "att-1", family="attention", role="main")
        key = {"name": "main-0", "family": "attention", "role": "main"}
        learner = queries.upsert_learner(session, **key, pid=1)
        queries.add_training_results(session, learner, {foe: (4, 2.5)})
        queries.add_training_results(session, learner, {foe: (6, 3.0)})
        totals = queries.training_totals(session, learner)[foe]
        assert (totals.games, totals.beats) == (10, 5.5)
        assert queries.record_snapshot(session, learner, child) == 1
        assert queries.training_totals(session, learner) == {}
        queries.record_progress(session, learner, trained_decisions=7, progress={"loss": 0.5})
        assert queries.upsert_learner(session, **key, pid=2) == learner
        (record,) = queries.list_learners(session)
        assert (record.trained_decisions, record.progress, record.pid) == (7, {"loss": 0.5}, 2)
        with pytest.raises(ConflictError, match="another name"):
            queries.upsert_learner(session, name="main-0", family="baseline", role="main")
        assert queries.learner_by_name(session, "main-0") == record


def test_more_beats_than_games_are_refused(writer: Engine) -> None:
    with write_transaction(writer) as session:
        foe = add(session, "tribe")
        learner = queries.upsert_learner(session, name="m", family="attention", role="main")
    with pytest.raises(ConflictError, match="beats"), write_transaction(writer) as session:
        queries.add_training_results(session, learner, {foe: (1, 2.0)})


def test_league_values_are_replaced(writer: Engine) -> None:
    with write_transaction(writer) as session:
        assert queries.get_league_value(session, "config") is None
        queries.set_league_value(session, "config", {"seats": 10})
        queries.set_league_value(session, "config", {"seats": 8})
    with read_transaction(writer) as session:
        assert queries.get_league_value(session, "config") == {"seats": 8}


def test_the_number_of_results_must_be_the_number_of_seats(writer: Engine) -> None:
    with write_transaction(writer) as session:
        match_id = queries.plan_match(session, plan(admit(session, "tribe", "random")))
        with pytest.raises(ConflictError, match="2 seats, found results for 3"):
            finish(session, match_id, 1, 2, 3)
        with pytest.raises(NotFoundError):
            finish(session, 99, 1, 2)


def test_postgresql_processes_that_rate_at_once_leave_no_gap(fresh_postgresql: Engine) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from db.migrate import upgrade

    upgrade(fresh_postgresql)
    with write_transaction(fresh_postgresql) as session:
        ids = admit(session, "tribe", "random")
        matches = [queries.plan_match(session, plan(ids)) for _ in range(12)]

    def play(match_id: int) -> None:
        with write_transaction(fresh_postgresql) as session:
            finish(session, match_id, 1, 2)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(play, matches))
    with read_transaction(fresh_postgresql) as session:
        assert queries.rating_log_is_gap_free(session)
        # 12 wins of `tribe`, each of which saw all before it: 25 - 12 * 1.
        assert queries.latest_ratings(session, RULES)[ids[0]].mu == 13.0
        assert session.execute(text("SELECT count(*) FROM ratings")).scalar() == 2 + 24


def test_ratings_before_a_match_are_those_it_was_played_with(writer: Engine) -> None:
    with write_transaction(writer) as session:
        a, b = admit(session, "tribe", "random")
        first = queries.plan_match(session, plan([a, b]))
        second = queries.plan_match(session, plan([a, b]))
        pit = queries.plan_match(session, plan([a, b], rated=False, purpose="pit"))
        third = queries.plan_match(session, plan([a, b]))
        for match_id in (first, second, third):
            queries.mark_started(session, match_id)
            finish(session, match_id, 1, 2)
        late = admit(session, "idle")[0]

    def mus(match_id: int) -> dict[int, float]:
        with read_transaction(writer) as session:
            found = queries.ratings_before(session, match_id, [a, b, late], RULES)
            return {member_id: mu for member_id, (mu, _) in found.items()}

    # a loses 1 and b 2 in each match, from 25; whoever came later has none
    assert mus(first) == {a: 25.0, b: 25.0}
    assert mus(second) == {a: 24.0, b: 23.0}
    assert mus(third) == {a: 23.0, b: 21.0}
    # A head-to-head is not rated: as the newest match before it (the second) left them.
    assert mus(pit) == {a: 23.0, b: 21.0}
