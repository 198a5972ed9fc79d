"""What becomes of a match that was not played or not recorded, and of the members it blames.

Promises: an exception over one match sets that match aside with an alarm and ends nothing else; a
member that keeps failing is taken out of play.
"""

from __future__ import annotations

import logging
import traceback

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from arena.processes.jobs import Failed
from db import queries
from db.errors import ConflictError, DatabaseError, NotFoundError
from db.records import MatchRecord
from db.session import write_transaction

log = logging.getLogger(__name__)

QUARANTINE_AFTER = 5  # failures in a row


def is_of_one_match(error: Exception) -> bool:
    """Return whether an error over a match says something about that match alone.

    Errors of the machine and of the whole database (a full disk, a lock, no memory) do not: they
    are met again with the next match, and pass.
    """
    if isinstance(error, ConflictError | NotFoundError):
        return True
    return not isinstance(error, DatabaseError | OSError | MemoryError)


def set_aside(engine: Engine, match: MatchRecord, error: Exception) -> None:
    """Make a match failed for good, with the traceback, and raise an alarm; rate nobody."""
    log.error("match %d is set aside", match.id, exc_info=error)
    trace = "".join(traceback.format_exception(error))
    said = f"{type(error).__name__}: {error}"
    with write_transaction(engine) as session:
        is_known = queries.set_aside(session, match.id, f"{said}\n{trace}")
        queries.add_event(
            session,
            "match_set_aside",
            f"match {match.id} could not be recorded and is set aside, nobody is rated by it: "
            f"{said}; `league doctor` looks for what contradicts it, and logs/league.log has the "
            "traceback",
            level="alarm",
            match_id=match.id if is_known else None,
        )


def record_failure(engine: Engine, match: MatchRecord, failed: Failed) -> MatchRecord | None:
    """Count a failure; return the match when it is to be played again."""
    with write_transaction(engine) as session:
        members = {m.agent_spec: m for m in queries.list_members(session)}
        blamed = [members[spec].id for spec in failed.blamed if spec in members]
        log.warning("match %d failed: %s\n%s", match.id, failed.error, failed.traceback)
        status = queries.record_failed(
            session, match.id, f"{failed.error}\n{failed.traceback}".strip(), blamed=blamed
        )
        queries.add_event(
            session,
            "match_failed",
            f"match {match.id}: {failed.error}",
            level="warning",
            match_id=match.id,
        )
        for member_id in blamed:
            _suspend_if_broken(session, member_id)
        return queries.get_match(session, match.id) if status == "planned" else None


def _suspend_if_broken(session: Session, member_id: int) -> None:
    member = queries.get_member(session, member_id)
    if member.failures_in_row < QUARANTINE_AFTER or member.status != "active":
        return
    # Weights may have been damaged on the disk: they are checked before the member comes back.
    status = "quarantined" if member.snapshot_sha256 else "suspended"
    check = "checks its snapshot and " if member.snapshot_sha256 else ""
    queries.set_status(session, member_id, status)
    queries.add_event(
        session,
        status,
        f"{member.name} failed {member.failures_in_row} matches in a row and is {status}; "
        f"`league members resume {member.name}` {check}lets it play again",
        level="alarm",
        member_id=member_id,
    )
