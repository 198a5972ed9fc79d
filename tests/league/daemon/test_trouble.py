"""How long the daemon waits for the machine."""

from __future__ import annotations

import errno

import pytest

from db.errors import (
    ConflictError,
    DatabaseBusyError,
    DatabaseFullError,
    DatabaseUnreachableError,
)
from league.daemon.trouble import Patience, Trouble, TroubleError, trouble_of
from tests.league.daemon.scripted import Clock

BUSY = Trouble("database", "locked")
FULL = Trouble("disk_full", "no space")


def test_pauses_double_up_to_the_longest_one() -> None:
    clock = Clock()
    patience = Patience(600.0, clock=clock)
    assert [patience.next_pause_s(BUSY) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    patience.forget()
    assert patience.next_pause_s(BUSY) == 1


def test_the_last_attempt_is_made_when_the_limit_is_reached() -> None:
    clock = Clock()
    patience = Patience(10.0, clock=clock)
    slept = 0.0
    pauses = []
    with pytest.raises(TroubleError, match="waited 10 s"):
        while True:
            pauses.append(patience.next_pause_s(BUSY))
            slept += pauses[-1]
            clock.now += pauses[-1]
    assert pauses == [1, 2, 4, 3] and slept == 10.0  # 3 instead of 8: 10 - 7 are left


def test_a_full_disk_is_waited_for_without_a_limit() -> None:
    clock = Clock()
    patience = Patience(10.0, clock=clock)
    for _ in range(100):
        clock.now += patience.next_pause_s(FULL)
    assert patience.next_pause_s(BUSY) <= 10.0  # the limit of the other kind begins here
    passed = patience.passed()
    assert passed is not None
    # 1 + 2 + 4 + 8 + 16, then 95 pauses of 30 s
    assert (passed.trouble, passed.n_attempts, passed.seconds) == (BUSY, 101, 31 + 95 * 30)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left"), "the disk is full ([Errno 28] No space left)"),
        (DatabaseFullError("the disk is full (x)"), "the disk is full (x)"),
        (DatabaseBusyError("the database is busy (x)"), "the database is busy (x)"),
        (DatabaseUnreachableError("no answer:\n\tno socket"), "no answer: no socket"),
        (MemoryError(), "the machine is in trouble (MemoryError)"),
    ],
)
def test_trouble_is_said_once_and_in_one_line(error: Exception, said: str) -> None:
    assert str(trouble_of(error)) == said


def test_whose_fault_an_error_is() -> None:
    def kind(error: Exception) -> str | None:
        trouble = trouble_of(error)
        return None if trouble is None else trouble.kind

    assert kind(DatabaseFullError("")) == kind(OSError(errno.EDQUOT, "")) == "disk_full"
    assert kind(DatabaseBusyError("")) == "database"
    assert kind(MemoryError()) == kind(PermissionError(errno.EACCES, "")) == "machine"
    assert kind(ConflictError("")) is kind(ValueError("")) is kind(BrokenPipeError(32, "")) is None
