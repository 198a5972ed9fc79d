"""Which member makes worker processes exit: found by elimination, from who sat where.

Promises: the same deaths lead to the same suspect, with no clock and no chance. A process that dies
says nothing about whose code it ran; but a match that was alone in its process has its own line-up
to answer for, most of all plug-ins, which run foreign code, and among them those that never
finished a match. Until that is settled, suspects are not drawn for new matches.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from arena.processes.jobs import Failed

# Sent from outside or by a system without memory: these say nothing about who was playing.
_FROM_OUTSIDE = frozenset(
    -number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
)


@dataclass(frozen=True)
class Seated:
    """A member of a line-up, as far as suspicion goes.

    Attributes:
        is_plugin: whether it runs code that is not ours.
        n_finished: rated matches that it finished.
    """

    member_id: int
    is_plugin: bool
    n_finished: int


def is_own_death(failed: Failed) -> bool:
    """Return whether a process died, or stood still, by what it was doing itself."""
    if failed.fault == "timeout":
        return True
    return failed.fault == "worker" and (
        failed.exit_code is not None and failed.exit_code not in _FROM_OUTSIDE
    )


class Suspicion:
    """Who is suspected of ending worker processes."""

    def __init__(self) -> None:
        self._open: dict[int, frozenset[int]] = {}  # match over which one died -> suspects
        self._accusable: list[frozenset[int]] = []  # of each death of a match played alone

    @property
    def suspects(self) -> frozenset[int]:
        """Ids of the members that are not drawn until their matches, played alone, have ended."""
        return frozenset().union(*self._open.values())

    def died_together(self, match_id: int, seated: Iterable[Seated]) -> None:
        """A process died over several matches, this one among them."""
        plugins = frozenset(member.member_id for member in seated if member.is_plugin)
        self._open[match_id] = plugins

    def died_alone(self, match_id: int, seated: Sequence[Seated], *, last: bool) -> int | None:
        """A process died over one match; return the id of the member to accuse, or None.

        Plug-ins come before others, members without a finished match before the rest. Where that
        leaves several, those stay who were in the line-ups of earlier such deaths as well; where
        it still does, the next death decides, and at the `last` one the newest member is accused.
        A member that is not a plug-in is accused only at the last death, and only if it alone never
        finished a match.
        """
        plugins = [member for member in seated if member.is_plugin]
        fresh = [member for member in plugins or seated if member.n_finished == 0]
        ids = {member.member_id for member in fresh or plugins}
        if not plugins:
            return ids.pop() if last and len(ids) == 1 else None
        for earlier in self._accusable:
            ids = ids & earlier or ids
        self._accusable.append(frozenset(ids))
        self._open[match_id] = frozenset(ids)
        return max(ids) if last or len(ids) == 1 else None

    def finished(self, member_ids: Iterable[int]) -> None:
        """A match ended as it should: nobody in it is suspected any longer."""
        cleared = frozenset(member_ids)
        self._open = {match_id: ids - cleared for match_id, ids in self._open.items()}
        self._accusable = [left for ids in self._accusable if (left := ids - cleared)]

    def closed(self, match_id: int) -> None:
        """A match will not be played again: nobody is suspected on its account any longer."""
        self._open.pop(match_id, None)

    def explained_by(self, member_id: int) -> None:
        """A member was accused and taken out of play; what it did says nothing about others."""
        self._accusable = [ids for ids in self._accusable if member_id not in ids]
