"""A run that has an end: no match is begun that cannot be finished."""

from __future__ import annotations

from league.daemon.pace import Pace
from tests.league.daemon.rated import rated_matches
from tests.league.daemon.scripted import Clock, League, ScriptedArena


def test_near_the_end_of_a_run_only_as_many_matches_are_begun_as_have_time_to_end(
    league: League,
) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = rated_matches(league, arena, clock=clock, ends=clock() + 1_000.0)
    clock.now += 900.0  # a long run, so that whole batches of two would do
    rated.turn(0.0)
    assert rated.n_playing == 4  # nothing is known yet: two batches of two
    clock.now += 40.0
    arena.finish(*[job_id for job_id, _, _ in arena.submitted[:2]])
    rated.turn(0.0)
    # 2 matches in 40 s: of the 60 s that are left, 40 go to the two in play; there is time for
    # 60 * 2 / 40 - 2 = 1 more.
    rated.turn(0.0)
    assert rated.n_playing == 3
    clock.now += 30.0
    arena.finish(*[job_id for job_id, _, _ in arena.submitted[2:]])
    rated.turn(0.0)
    # 5 in 70 s, 30 s left: 30 * 5 / 70 = 2.1
    rated.turn(0.0)
    assert rated.n_playing == 2
    clock.now += 25.0
    arena.finish(*[job_id for job_id, _, _ in arena.submitted[5:]])
    rated.turn(0.0)
    rated.turn(0.0)
    assert rated.n_playing == 0  # 7 in 95 s, 5 s left: 5 * 7 / 95 = 0.4
    assert len(arena.submitted) == 7


def test_batches_are_small_while_nobody_knows_the_pace_and_where_it_is_slow() -> None:
    clock = Clock()
    pace = Pace(clock() + 300.0, n_workers=1, clock=clock)
    assert pace.batch(16) == 4
    pace.began()
    clock.now += 20.0
    for _ in range(4):
        pace.finished()
    assert pace.batch(16) == 6  # 4 in 20 s: in a tenth of the run, 30 s, six of them
    clock.now += 180.0
    assert pace.batch(16) == 1  # 4 in 200 s
    for _ in range(996):
        pace.finished()
    assert pace.batch(16) == 16
    assert Pace(None, clock=clock).batch(16) == 16


def test_a_run_without_an_end_always_plays_whole_batches(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = rated_matches(league, arena, clock=clock)
    rated.turn(0.0)
    clock.now += 1e6
    arena.finish(*[job_id for job_id, _, _ in arena.submitted])
    rated.turn(0.0)
    rated.turn(0.0)
    assert rated.n_playing == 4
