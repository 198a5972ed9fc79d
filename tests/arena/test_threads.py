"""Threads share matches: the results are those of one thread, and errors come out."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.match import MatchResult, MatchSpec, play_matches
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.observation import empty_views
from arena.territory.observation.views import SMALL_VIEWS
from arena.threads import MatchThreads
from tests.arena.test_match import LOAD_MAP, MAP, RULES, AnyLegal


@pytest.mark.parametrize("n_threads", [1, 2, 3, 7])
def test_results_are_in_order(n_threads: int) -> None:
    threads = MatchThreads(n_threads)
    assert threads.map(lambda n: n * n, range(11)) == [n * n for n in range(11)]
    assert threads.map(lambda n: n, []) == []


def test_the_work_is_shared() -> None:
    both = threading.Barrier(2, timeout=10.0)  # passes only if two threads wait at a time
    names = MatchThreads(2).map(
        lambda _: both.wait() >= 0 and threading.current_thread().name, [0, 1]
    )
    assert len(set(names)) == 2


@pytest.mark.parametrize("broken", [0, 3])
def test_an_error_comes_out_after_all_have_ended(broken: int) -> None:
    done: list[int] = []

    def work(n: int) -> None:
        if n == broken:
            raise OSError("no room")
        done.append(n)

    with pytest.raises(OSError, match="no room"):
        MatchThreads(2).map(work, range(4))
    assert set(done) >= ({2, 3} if broken == 0 else {0, 1, 2})


def test_no_thread_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one thread"):
        MatchThreads(0)


def test_matches_end_alike_with_any_number_of_threads() -> None:
    specs = [MatchSpec(seed, MAP, ("any",) * 10, RULES) for seed in range(5)]

    def play(n_threads: int) -> list[tuple[object, ...]]:
        outcomes = play_matches(specs, lambda _: AnyLegal(), LOAD_MAP, n_threads=n_threads)
        results = [outcome for outcome in outcomes if isinstance(outcome, MatchResult)]
        return [(one.placements, one.ticks, one.actions) for one in results]

    alone = play(1)
    assert len(alone) == len(specs)
    assert play(2) == alone
    assert play(3) == alone


def test_observations_are_alike_with_any_number_of_threads() -> None:
    territory = load_map(MAP)

    def observed(n_threads: int) -> list[np.ndarray]:
        core = Lockstep(4, SMALL_VIEWS, n_threads)
        for slot in range(4):
            agents = [AnyLegal() for _ in range(10)]
            core.begin(slot, LiveMatch(territory, MatchRules(), SMALL_VIEWS, slot, 0, agents))
        actions = np.zeros(4 * MAX_SEATS, np.int64)
        for _ in range(12):
            core.refresh()
            core.ask_agents(actions)
            core.advance(actions)
        core.refresh()
        rows = np.flatnonzero(core.alive)
        views = empty_views(len(rows), SMALL_VIEWS)
        core.observe(rows, views)
        # Rows that go to and fro between matches share scratches: no thread may run them beside.
        mixed = empty_views(len(rows), SMALL_VIEWS)
        order = np.argsort(rows % MAX_SEATS, kind="stable")
        core.observe(rows[order], mixed, order)
        for one, other in zip(views, mixed, strict=True):
            assert np.array_equal(one, other)
        return [core.facts.direction, core.facts.own, *as_dict(views).values()]

    for one, other in zip(observed(1), observed(3), strict=True):
        assert np.array_equal(one, other)
