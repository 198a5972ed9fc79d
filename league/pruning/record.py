"""Owns what a league remembers of pruning: totals, what is still to be unlinked, and the reasons.

It is one object in the table `league` and the events of kind "pruned". The rows change first, in
the transaction that also lists the files as pending; a process or a machine that dies before they
are unlinked leaves the list, and whoever prunes next finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from db import queries

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import MemberRecord

MB = 1e6


@dataclass(frozen=True)
class Budgets:
    """Bytes that replays and snapshots may take; None sets no limit."""

    replays: float | None = None
    snapshots: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Budgets:
        """Return the budgets of the settings of a league, which may be older than budgets."""
        keep = settings.get("keep") or {}
        sizes = [keep.get(kind) for kind in ("replays", "snapshots")]
        return cls(*[None if size is None else size * MB for size in sizes])

    @property
    def is_off(self) -> bool:
        """Whether nothing is ever pruned."""
        return self.replays is None and self.snapshots is None


@dataclass(frozen=True)
class Total:
    """All that was ever pruned of one kind, and how much there was at the last look, in bytes."""

    n: int = 0
    n_bytes: int = 0
    at: str | None = None
    measured: int | None = None

    def with_more(self, n: int, n_bytes: int) -> Total:
        """Return the total after more was pruned."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(self, n=self.n + n, n_bytes=self.n_bytes + n_bytes, at=now)


@dataclass(frozen=True)
class PruningRecord:
    """What the object in the table `league` holds.

    Attributes:
        pending_replays: match id and path of replays whose rows are changed and files not unlinked.
        pending_snapshots: the same by hash, with the UTC time from which the file may go.
    """

    replays: Total = Total()
    snapshots: Total = Total()
    pending_replays: tuple[tuple[int, str], ...] = ()
    pending_snapshots: Mapping[str, str] = field(default_factory=dict)


def read_record(session: Session, *, to_change: bool = False) -> PruningRecord:
    """Return the record of a league; an empty one if nothing was ever pruned."""
    stored = queries.get_league_value(session, queries.PRUNING_KEY, to_change=to_change) or {}
    return PruningRecord(
        Total(**stored.get("replays", {})),
        Total(**stored.get("snapshots", {})),
        tuple((int(match_id), str(path)) for match_id, path in stored.get("pending_replays", ())),
        dict(stored.get("pending_snapshots", {})),
    )


def write_record(session: Session, record: PruningRecord) -> None:
    """Store the record."""
    queries.set_league_value(session, queries.PRUNING_KEY, asdict(record))


def ranges(numbers: Sequence[int]) -> list[list[int]]:
    """Return sorted numbers as [first, last] of every run without a gap."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def why_replay_is_gone(session: Session, match_id: int) -> str | None:
    """Return what the journal says about the pruning of a match's replay, or None."""
    for event in queries.events_of_kind(session, queries.PRUNED_EVENT):
        if any(first <= match_id <= last for first, last in event.details.get("matches", ())):
            return f"pruned on {event.at:%Y-%m-%d}: {event.details.get('reason', event.message)}"
    return None


def why_snapshot_is_gone(member: MemberRecord) -> str | None:
    """Return why a member's snapshot was pruned, or None if it was not."""
    note = member.details.get(queries.PRUNED_EVENT)
    return None if note is None else f"pruned on {str(note['at'])[:10]}: {note['reason']}"
