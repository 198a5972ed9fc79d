"""What a worker says of a match that failed: whose fault it was."""

from __future__ import annotations

import errno
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from agents.snapshots import SnapshotStore
from arena.agent import Agent
from arena.match import MatchResult, MatchSpec
from arena.processes.jobs import JobError
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import SMALL_VIEWS
from league.matches.recording import stale_weights
from league.matches.worker import PlayContext, play, setup
from tests.league.tiny_snapshots import tiny_description, tiny_network

LOAD_MAP = lru_cache(1)(load_map)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [("snapshot:" + "a" * 64, "machine"), ("plugin:mybots:make", "match")],
)
def test_a_snapshot_that_cannot_be_read_is_the_machines_fault_and_a_plugin_its_own(
    spec: str, fault: str
) -> None:
    def load(found: str) -> Agent:
        raise PermissionError(errno.EACCES, "Permission denied", found)

    match = MatchSpec(1, "generated:plains:64x64:1", (spec, spec), MatchRules(n_seats=2))
    (outcome,) = play(PlayContext(load, LOAD_MAP), [match], lambda ticks: None)
    assert isinstance(outcome, JobError)
    assert (outcome.fault, outcome.blamed) == (fault, (spec,))


def test_a_result_names_the_weights_that_played_it(tmp_path: Path) -> None:
    description = tiny_description()
    sha256 = SnapshotStore(tmp_path).save(tiny_network(description).state_dict(), description)
    context = setup({"snapshots": str(tmp_path)})
    seats = (f"snapshot:{sha256}", "scripted:idle")
    match = MatchSpec(1, "generated:plains:64x64:1", seats, MatchRules(20, n_seats=2), SMALL_VIEWS)
    (result,) = play(context, [match], lambda ticks: None)
    assert isinstance(result, MatchResult)
    assert result.weights == (sha256, "")
    assert stale_weights(seats, result) is None
    said = stale_weights((f"snapshot:{'b' * 64}", "scripted:idle"), result)
    assert said == (
        f"seat 0: expected a result of the weights bbbbbbbbbbbb of the line-up, found "
        f"{sha256[:12]}; it is refused, and the match played again"
    )
    silent = replace(result, weights=())
    assert "found no hash" in (stale_weights(seats, silent) or "")
