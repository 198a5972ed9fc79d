"""Renaming members, and removing those that left no trace; the rating log stays without a gap."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from db.errors import ConflictError, NotFoundError
from db.models import Event, Learner, Match, Member, Rating, Seat, TrainingResult
from db.queries._shared import change
from db.queries.ratings import lock_rating_log


def rename_member(session: Session, member_id: int, name: str) -> None:
    """Give a member another name.

    Raises:
        ConflictError: another member has the name.
        NotFoundError: there is no such member.
    """
    taken = session.scalar(select(Member.id).where(Member.name == name, Member.id != member_id))
    if taken is not None:
        raise ConflictError(
            f"a member named {name!r} already exists (id {taken}); choose another name"
        )
    if change(session, update(Member).where(Member.id == member_id).values(name=name)) != 1:
        raise NotFoundError(f"there is no member with id {member_id}")


def traces_of_member(session: Session, member_id: int) -> list[str]:
    """Return what a member left behind that others rest on, in words; empty if nothing."""
    counts = {
        "seats in matches": session.scalar(
            select(func.count()).select_from(Seat).where(Seat.member_id == member_id)
        ),
        "matches that were planned, failed or are running": sum(
            member_id in {entry[0] for entry in line_up}
            for line_up in session.scalars(select(Match.line_up).where(Match.status != "finished"))
        ),
        "children": session.scalar(
            select(func.count()).select_from(Member).where(Member.parent_id == member_id)
        ),
        "learners that train on from it": session.scalar(
            select(func.count()).select_from(Learner).where(Learner.member_id == member_id)
        ),
        "results in training": session.scalar(
            select(func.count())
            .select_from(TrainingResult)
            .where(TrainingResult.opponent_id == member_id)
        ),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def remove_member(session: Session, member_id: int) -> None:
    """Delete a member without traces, and its admissions from the rating log.

    Later rows of the log move up, in their order, so that `seq` stays without a gap; events keep
    their message and forget the member.

    Raises:
        ConflictError: it has played, or something else rests on it.
        NotFoundError: there is no such member.
    """
    if session.get(Member, member_id) is None:
        raise NotFoundError(f"there is no member with id {member_id}")
    traces = traces_of_member(session, member_id)
    if traces:
        raise ConflictError(f"member {member_id} cannot be removed: it has {', '.join(traces)}")
    lock_rating_log(session)
    own = select(Rating.seq).where(Rating.member_id == member_id).order_by(Rating.seq.desc())
    for seq in list(session.scalars(own)):
        session.execute(delete(Rating).where(Rating.seq == seq))
        _close_gap(session, seq)
    session.execute(update(Event).where(Event.member_id == member_id).values(member_id=None))
    session.execute(delete(Member).where(Member.id == member_id))
    session.expire_all()


def _close_gap(session: Session, seq: int) -> None:
    """Move all rows of the log after a removed one up by one."""
    last = session.scalar(select(func.max(Rating.seq))) or 0
    if last < seq:
        return
    # In two steps: the numbers are unique at every row of a statement, and the order in which a
    # database updates rows is its own affair.
    session.execute(update(Rating).where(Rating.seq > seq).values(seq=Rating.seq + last))
    session.execute(update(Rating).where(Rating.seq > last).values(seq=Rating.seq - last - 1))
