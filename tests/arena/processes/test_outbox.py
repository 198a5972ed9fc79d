"""Sending to a child that does not read: nobody waits, and the newest counts."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar

import pytest

from arena.processes.outbox import Outbox

BIG = b"x" * 4_000_000  # no pipe holds as much
PATIENCE_S = 30.0  # for a busy machine; nothing here waits so long when all is well

Ends = tuple[Connection, Connection]


@dataclass(frozen=True)
class News:
    number: int
    supersedes: ClassVar[bool] = True


OTHERS: set[threading.Thread] = set()  # threads of outboxes that an earlier test has not ended


@pytest.fixture
def ends() -> Iterator[Ends]:
    OTHERS.update(threading.enumerate())
    ours, theirs = Pipe(duplex=True)
    yield ours, theirs
    ours.close()
    theirs.close()


def senders() -> list[threading.Thread]:
    threads = set(threading.enumerate()) - OTHERS
    return [thread for thread in threads if thread.name == "outbox"]


def wait_for_bytes(pipe: Connection, n_bytes: int) -> None:
    """Return once `n_bytes` can be read from the pipe, and read none."""
    deadline = time.monotonic() + PATIENCE_S
    with socket.socket(fileno=os.dup(pipe.fileno())) as peeked:
        while len(peeked.recv(n_bytes, socket.MSG_PEEK)) < n_bytes:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_a_child_that_does_not_read_keeps_nobody_waiting_and_gets_the_newest(ends: Ends) -> None:
    ours, theirs = ends
    outbox = Outbox(ours)
    for message in (BIG, News(1), News(2), "stop", News(3)):
        assert outbox.put(message)  # returns, although nobody has read a byte
    assert theirs.recv() == BIG
    assert theirs.recv() == "stop"
    assert theirs.recv() == News(3)
    outbox.close()


def test_all_other_messages_arrive_in_their_order(ends: Ends) -> None:
    ours, theirs = ends
    outbox = Outbox(ours)
    for number in range(100):
        outbox.put(number)
    assert [theirs.recv() for _ in range(100)] == list(range(100))
    outbox.close()


def test_closing_wakes_a_blocked_thread_which_writes_nowhere_else(
    ends: Ends, tmp_path: Path
) -> None:
    ours, theirs = ends
    outbox = Outbox(ours)
    outbox.put(BIG)
    outbox.put("never sent")
    wait_for_bytes(theirs, 5)  # behind the 4 bytes of a length: the thread is in the message itself
    (thread,) = senders()
    number = ours.fileno()
    outbox.close()
    ours.close()
    with (tmp_path / "another").open("wb") as stream:
        assert stream.fileno() == number  # the number of the closed pipe is used again
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert (tmp_path / "another").read_bytes() == b""
    with pytest.raises(OSError, match="end of file during message"):
        theirs.recv()


def test_a_closed_outbox_and_a_child_that_is_gone_take_nothing(ends: Ends) -> None:
    ours, theirs = ends
    outbox = Outbox(ours)
    outbox.put(1)
    (thread,) = senders()
    assert theirs.recv() == 1
    theirs.close()
    outbox.put(2)  # nobody reads it: the thread notices
    thread.join(PATIENCE_S)
    assert not outbox.put(3)
    outbox.close()
    assert not outbox.put(4)


def test_without_a_message_there_is_no_thread(ends: Ends) -> None:
    outbox = Outbox(ends[0])
    assert senders() == []
    outbox.close()
