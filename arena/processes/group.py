"""Several processes that live and die as one: the ranks of a learner, on one machine or many.

Promises: to whoever holds it a group is one process (`supervisor.Process`); as soon as one member
has ended that should not have, all others are killed, and the exit is described as that member's;
members that ended because they lost another are never taken for the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from arena.processes.child import EXIT_LOST
from arena.processes.launch import name_exit
from arena.processes.messages import Crashed, Record
from arena.processes.supervisor import Clock, Process

_MAX_MESSAGES = 1000  # read from one member per poll
_GRACE_S = 5.0  # in which the others must follow one that has finished, or the reason must show


class ProcessGroup:
    """Members that are one process to their supervisor.

    Orders go to the first member, those of a class with `for_all_ranks = True` to all. What the
    first says is what the group says, except that a message of a class with `for_the_others = True`
    goes to the other members; of the others' messages only records, crashes and those of the
    classes in `heard_of_all` are passed on.

    Args:
        members: at least one, started.
        name: what a member is called in messages, before its number.
        heard_of_all: messages that count whoever sends them.
        release: called once when the group is closed.
    """

    def __init__(
        self,
        members: Sequence[Process],
        *,
        name: str = "rank",
        heard_of_all: tuple[type, ...] = (),
        release: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.members = list(members)
        self._name, self._heard_of_all = name, heard_of_all
        self._release, self._clock = release, clock
        self._codes: list[int | None] = [None] * len(self.members)  # of those that are closed
        self._crashes: dict[int, Crashed] = {}
        self._unread: list[object] = []  # by nobody yet, of members that are closed
        self._first_ended_at: float | None = None
        self._culprit: int | None = None  # the member by whose end the group ended
        self._is_over = False  # whoever still runs is killed
        self._has_told = False
        self._is_released = False

    @property
    def pid(self) -> int:
        """Process id of the first member."""
        return self.members[0].pid

    @property
    def handles(self) -> list[Any]:
        """See Process."""
        return [*dict.fromkeys(h for _, member in self._open() for h in member.handles)]

    def _open(self) -> list[tuple[int, Process]]:
        return [(i, m) for i, m in enumerate(self.members) if self._codes[i] is None]

    @property
    def is_placed(self) -> bool:
        """See Process."""
        return all(member.is_placed for _, member in self._open())

    @property
    def has_ended(self) -> bool:
        """Whether all members have ended, or one has that the others do not go on without.

        Those that still run are killed then.
        """
        for i, member in self._open():
            if member.has_ended:
                self._unread += self._passed_on(i, member.poll(None))
                self._took(i, member.close(1.0))
        if self._culprit is None and self._open():
            ended_at = self._first_ended_at
            if ended_at is None or self._clock() - ended_at < _GRACE_S:
                return False
        self._is_over = True
        for _, member in self._open():
            member.kill()
        return True

    def _took(self, i: int, code: int | None) -> None:
        """Note how a member ended, unless this group killed it after another."""
        self._codes[i] = -1 if code is None else code
        if self._first_ended_at is None:
            self._first_ended_at = self._clock()
        if self._culprit is None and not self._is_over and code not in (0, EXIT_LOST):
            self._culprit = i

    def send(self, message: object) -> bool:
        """See Process."""
        if not getattr(type(message), "for_all_ranks", False):
            return self._codes[0] is None and self.members[0].send(message)
        return all([member.send(message) for _, member in self._open()])

    def poll(self, limit: int | None = _MAX_MESSAGES) -> list[object]:
        """Return the messages that have arrived, at most `limit` of each member."""
        messages, self._unread = self._unread, []
        for i, member in self._open():
            messages += self._passed_on(i, member.poll(limit))
        if limit is None and not self._has_told and self.has_ended:
            self._has_told = True
            messages += [*self._unread, *self._reason()]
            self._unread = []
        return messages

    def _passed_on(self, i: int, messages: Sequence[object]) -> list[object]:
        """Return what the group says of a member's messages; crashes are kept until it is known
        which of them was the reason."""
        passed = []
        for message in messages:
            if isinstance(message, Crashed):
                self._crashes[i] = message
            elif i == 0 and getattr(type(message), "for_the_others", False):
                for other, member in self._open():
                    if other:
                        member.send(message)
            elif i == 0:
                passed.append(message)
            elif isinstance(message, Record):
                passed.append(replace(message, text=f"{self._name} {i}: {message.text}"))
            elif isinstance(message, self._heard_of_all):
                passed.append(message)
        return passed

    def _reason(self) -> list[Crashed]:
        """Return why the group ended, where the exit code of its first member does not say it."""
        i = self._culprit
        if i is None:
            return list(self._crashes.values())[:1] if self._exit_code() else []
        crash = self._crashes.get(i)
        if i == 0:
            return [] if crash is None else [crash]
        if crash is None:
            crash = Crashed(name_exit(self._codes[i]), self.members[i].last_output())
        return [replace(crash, reason=f"lost its {self._name} {i}, which {crash.reason}")]

    def hang_up(self) -> None:
        """See Process."""
        for _, member in self._open():
            member.hang_up()

    def terminate(self) -> None:
        """See Process."""
        for _, member in self._open():
            member.terminate()

    def kill(self) -> None:
        """See Process."""
        for _, member in self._open():
            member.kill()

    def join(self, timeout_s: float) -> bool:
        """See Process."""
        ends = self._clock() + timeout_s
        return all([member.join(ends - self._clock()) for _, member in self._open()])

    def close(self, grace_s: float) -> int | None:
        """See Process; the exit code is that of the member by whose end the group ended."""
        ends = self._clock() + grace_s
        for i, member in self._open():
            self._took(i, member.close(max(0.0, ends - self._clock())))
        if not self._is_released:
            self._is_released = True
            self._release()
        return self._exit_code()

    def _exit_code(self) -> int | None:
        i = self._culprit
        if i is not None:
            return self._codes[i]
        return 0 if 0 in self._codes else EXIT_LOST

    def last_output(self) -> str:
        """Return the end of the output of the member by whose end the group ended."""
        return self.members[self._culprit or 0].last_output()
