"""Members: insertion, look-up by name or snapshot, lineage, status and failure counts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select, update
from sqlalchemy.orm import Session

from db.errors import ConflictError, NotFoundError
from db.models import Member
from db.queries._shared import change, to_record, utc_now
from db.queries.pruning import set_pruned
from db.records import MemberRecord

MIN_PREFIX = 4


def add_member(
    session: Session,
    *,
    name: str,
    family: str,
    role: str,
    agent_spec: str,
    status: str = "active",
    parent_id: int | None = None,
    generation: int = 0,
    snapshot_sha256: str | None = None,
    trained_decisions: int = 0,
    taught: Mapping[str, Any] | None = None,
    relation_mask: bool = False,
    at: datetime | None = None,
) -> int:
    """Insert a member and return its id.

    Args:
        taught: who taught it, for its details; None for nobody.
        relation_mask: whether it plays with that mask, likewise.

    Raises:
        ConflictError: the name is taken, the parent is unknown, or a value breaks a CHECK.
    """
    taken = session.scalar(select(Member.id).where(Member.name == name))
    if taken is not None:
        raise ConflictError(
            f"a member named {name!r} already exists (id {taken}); choose another name"
        )
    if parent_id is not None and session.get(Member, parent_id) is None:
        raise ConflictError(
            f"expected a member as the parent of {name!r}, found none with id {parent_id}"
        )
    member = Member(
        name=name,
        family=family,
        role=role,
        agent_spec=agent_spec,
        status=status,
        parent_id=parent_id,
        generation=generation,
        snapshot_sha256=snapshot_sha256,
        trained_decisions=trained_decisions,
        failures=0,
        failures_in_row=0,
        # Also: whether its snapshot was pruned (db.queries.pruning).
        details={
            **({} if taught is None else {"taught": dict(taught)}),
            **({"relation_mask": True} if relation_mask else {}),
        },
        created_at=at or utc_now(),
    )
    session.add(member)
    session.flush()
    return member.id


def get_member(session: Session, member_id: int) -> MemberRecord:
    """Return the member with this id; raise NotFoundError."""
    member = session.get(Member, member_id)
    if member is None:
        raise NotFoundError(f"there is no member with id {member_id}")
    return to_record(member, MemberRecord)


def member_names(session: Session, member_ids: Iterable[int]) -> dict[int, str]:
    """Return the present names of members by id; an unknown id is absent."""
    query = select(Member.id, Member.name).where(Member.id.in_(sorted(set(member_ids))))
    return {member_id: name for member_id, name in session.execute(query)}


def member_by_name(session: Session, name: str) -> MemberRecord | None:
    """Return the member with exactly this name, or None."""
    member = session.scalar(select(Member).where(Member.name == name))
    return None if member is None else to_record(member, MemberRecord)


def members_by_snapshot(session: Session, sha256: str) -> list[MemberRecord]:
    """Return all members that play these weights, oldest first."""
    found = session.scalars(
        select(Member).where(Member.snapshot_sha256 == sha256).order_by(Member.id)
    )
    return [to_record(member, MemberRecord) for member in found]


def resolve_member(session: Session, text: str) -> MemberRecord:
    """Return the member that a person means by a name, an agent spec or a hash prefix.

    A prefix of a snapshot hash needs four characters or more, with or without `snapshot:`.

    Raises:
        NotFoundError: no member fits, or several do, and the message names them.
    """
    named = member_by_name(session, text)
    if named is not None:
        return named
    found = list(session.scalars(select(Member).where(Member.agent_spec == text)))
    prefix = text.removeprefix("snapshot:").lower()
    is_prefix = len(prefix) >= MIN_PREFIX and set(prefix) <= set("0123456789abcdef")
    if not found and is_prefix:
        found = list(
            session.scalars(
                select(Member).where(Member.snapshot_sha256.startswith(prefix)).order_by(Member.id)
            )
        )
    if len(found) > 1:  # a guest of a head-to-head and a member may play the same snapshot
        found = [member for member in found if member.status != "guest"] or found
    if len(found) == 1:
        return to_record(found[0], MemberRecord)
    if found:
        names = ", ".join(member.name for member in found[:5])
        raise NotFoundError(f"{text!r} fits {len(found)} members ({names}); give the full name")
    near = difflib.get_close_matches(text, session.scalars(select(Member.name)).all(), n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise NotFoundError(
        f"expected a member's name, agent spec or snapshot hash, found no member for {text!r}; "
        f"{hint}`league members` lists them"
    )


def list_members(session: Session, *, statuses: Iterable[str] | None = None) -> list[MemberRecord]:
    """Return members in the order of their ids: all, or those with one of the statuses."""
    query = select(Member).order_by(Member.id)
    if statuses is not None:
        query = query.where(Member.status.in_(list(statuses)))
    return [to_record(member, MemberRecord) for member in session.scalars(query)]


def ancestors(session: Session, member_id: int) -> list[int]:
    """Return the ids of a member's parent, grandparent, ..., nearest first."""
    start = select(Member.parent_id.label("id"), literal(1).label("depth"))
    steps = start.where(Member.id == member_id).cte("lineage", recursive=True)
    steps = steps.union_all(
        select(Member.parent_id, steps.c.depth + 1).where(Member.id == steps.c.id)
    )
    rows = session.execute(
        select(steps.c.id).where(steps.c.id.is_not(None)).order_by(steps.c.depth)
    )
    return [int(row[0]) for row in rows]


def set_status(session: Session, member_id: int, status: str) -> None:
    """Set a member's status; raise NotFoundError.

    Activation resets its failures in a row, and the note that its snapshot was pruned.
    """
    values: dict[str, Any] = {"status": status}
    if status == "active":
        values["failures_in_row"] = 0
        set_pruned(session, member_id, None)
    if change(session, update(Member).where(Member.id == member_id).values(values)) != 1:
        raise NotFoundError(f"there is no member with id {member_id}")


def count_failure(session: Session, member_id: int) -> int:
    """Count one failed match for a member; return how many it has failed in a row."""
    session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(failures=Member.failures + 1, failures_in_row=Member.failures_in_row + 1)
    )
    count = session.scalar(select(Member.failures_in_row).where(Member.id == member_id))
    if count is None:
        raise NotFoundError(f"there is no member with id {member_id}")
    return count
