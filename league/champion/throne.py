"""Owns who is champion: the journal's events of kind `champion`, folded into a history.

Promises: the history is only ever appended to, so that every change keeps its reason; rolling back
returns to the champion before, and whom it took from the throne is not tried again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from agents.in_tick import is_equal
from db import queries
from league.errors import ChampionError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import MemberRecord

EVENT = "champion"
By = Literal["ratings", "test", "hand", "rollback"]
_MAX_EVENTS = 1_000_000


@dataclass(frozen=True)
class Reign:
    """One change of champion.

    Attributes:
        by: what decided it: a sequential test against the champion before, ratings where there was
            none, a person (`league promote`), or a rollback.
        previous: name of the champion before, None for the first.
    """

    member_id: int
    name: str
    since: datetime
    by: str
    why: str
    previous: str | None


def history(session: Session) -> list[Reign]:
    """Return all changes of champion, oldest first; names are the present ones."""
    names = {member.id: member.name for member in queries.list_members(session)}
    found = queries.list_events(session, kind=EVENT, limit=_MAX_EVENTS)
    return [
        Reign(
            member_id=event.member_id,
            name=names[event.member_id],
            since=event.at,
            by=str(event.details["by"]),
            why=str(event.details["why"]),
            previous=names.get(event.details.get("previous_id") or 0),
        )
        for event in reversed(found)
        if event.member_id is not None
    ]


def reigning(session: Session) -> Reign | None:
    """Return the present champion's reign; None if there is none, or it is not active any more."""
    stack = _stack(history(session))
    if not stack:
        return None
    member = queries.get_member(session, stack[-1].member_id)
    return stack[-1] if member.status == "active" else None


def dismissed(session: Session) -> set[int]:
    """Return the ids of members that a rollback took from the throne and nobody put back."""
    out: set[int] = set()
    stack: list[Reign] = []
    for reign in history(session):
        if reign.by == "rollback":
            while stack and stack[-1].member_id != reign.member_id:
                out.add(stack.pop().member_id)
        else:
            stack.append(reign)
            out.discard(reign.member_id)
    return out


def crown(
    session: Session,
    member: MemberRecord,
    by: By,
    why: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Make a member the champion, inside the caller's transaction.

    Args:
        details: what else the journal shall keep, such as the evidence.

    Raises:
        ChampionError: it is not active, plays on the terms of a tribe or nation, or is the champion
            already.
    """
    if member.status != "active":
        raise ChampionError(
            f"expected an active member as champion, found {member.name}, which is "
            f"{member.status}; `league members resume {member.name}` lets it play"
        )
    if not is_equal(member.agent_spec):
        raise ChampionError(
            f"expected a champion on the terms of a human, found {member.name}, which plays with a "
            f"handicap of its own ({member.agent_spec})"
        )
    before = reigning(session)
    if before is not None and before.member_id == member.id:
        raise ChampionError(f"{member.name} is the champion already, since {before.since:%F %H:%M}")
    queries.add_event(
        session,
        EVENT,
        f"{member.name} is champion ({by}): {why}",
        member_id=member.id,
        details={
            **(details or {}),
            "by": by,
            "why": why,
            "previous_id": None if before is None else before.member_id,
        },
    )


def roll_back(session: Session, why: str) -> tuple[str, str]:
    """Put the champion before the present one back; return the names (dismissed, put back).

    Former champions that are no longer active are passed over.

    Raises:
        ChampionError: there is no champion before the present one.
    """
    stack = _stack(history(session))
    if not stack:
        raise ChampionError("expected a champion to go back from, found none so far")
    present = stack.pop()
    while stack:
        member = queries.get_member(session, stack[-1].member_id)
        if member.status == "active" and member.id != present.member_id:
            crown(session, member, "rollback", why)
            return present.name, member.name
        stack.pop()
    raise ChampionError(
        f"expected an active champion before {present.name}, found none; "
        "`league promote MEMBER --why TEXT` makes any member champion"
    )


def _stack(reigns: list[Reign]) -> list[Reign]:
    """Return the reigns that lead to the present one, without those that were rolled back."""
    stack: list[Reign] = []
    for reign in reigns:
        if reign.by == "rollback":
            while stack and stack[-1].member_id != reign.member_id:
                stack.pop()
        else:
            stack.append(reign)
    return stack
