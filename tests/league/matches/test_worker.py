"""What a worker says of a match that failed: whose fault it was."""

from __future__ import annotations

import errno
from functools import lru_cache

import pytest

from arena.agent import Agent
from arena.match import MatchSpec
from arena.processes.jobs import JobError
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from league.matches.worker import PlayContext, play

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
