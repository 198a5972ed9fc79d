"""The running time of a league over all its starts."""

from __future__ import annotations

from db import queries
from db.session import read_transaction, write_transaction
from league.daemon.manager import Manager
from league.daemon.running_time import RunningTime
from league.folder.memory import running_time_s
from tests.league.daemon.scripted import Clock, League, ScriptedArena, ScriptedProcess


def test_a_later_start_goes_on_counting_and_the_time_between_two_starts_is_left_out(
    league: League,
) -> None:
    clock = Clock()
    first = RunningTime(league.engine, clock)
    clock.now += 40.0
    with write_transaction(league.engine) as session:
        first.store(session)
    clock.now += 1_000.0  # the league is stopped
    second = RunningTime(league.engine, clock)
    clock.now += 2.5
    assert second.seconds == 42.5  # 40 + 2.5


def test_a_league_that_never_counted_says_so(league: League) -> None:
    with read_transaction(league.engine) as session:
        assert running_time_s(session) is None


def test_the_heartbeat_and_the_end_store_the_running_time(league: League) -> None:
    manager = Manager(
        league.folder,
        league.config,
        league.engine,
        arena=ScriptedArena(),
        launch=lambda name, orders: ScriptedProcess(),
    )
    clock = Clock()
    manager.running_time = RunningTime(league.engine, clock)
    clock.now += 7.0
    manager.turn(0.0)
    with read_transaction(league.engine) as session:
        assert running_time_s(session) == 7.0
    clock.now += 1.0  # no heartbeat is due
    manager.close(1.0)
    with read_transaction(league.engine) as session:
        assert running_time_s(session) == 8.0
        assert queries.get_league_value(session, "running_time") == {"seconds": 8.0}
