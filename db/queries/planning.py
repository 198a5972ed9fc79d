"""What a planner of rated matches reads: who is active, what has changed since, what was planned.

Each query costs as much as it returns, however long the league is: the totals of all seats took
1.2 s of a league of 200 members and 100,000 matches, the latest ratings 0.3 s.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Match, Member, Rating
from db.records import ActiveAgent, RatingChange, RatingState


def active_agents(session: Session) -> list[ActiveAgent]:
    """Return the active members in the order of their ids."""
    query = select(Member.id, Member.agent_spec, Member.role)
    query = query.where(Member.status == "active").order_by(Member.id)
    return [ActiveAgent(*row) for row in session.execute(query)]


def rating_states(session: Session, rules_sha256: str) -> list[RatingState]:
    """Return the newest rating of every member of a season, and how many matches it has.

    A member is admitted to a season once, so that its changes but one are matches.
    """
    newest = (
        select(Rating.member_id, func.count().label("n"), func.max(Rating.seq).label("seq"))
        .where(Rating.rules_sha256 == rules_sha256)
        .group_by(Rating.member_id)
        .subquery()
    )
    query = select(Rating.seq, Rating.member_id, Rating.mu, Rating.sigma, newest.c.n - 1)
    query = query.join(newest, newest.c.seq == Rating.seq)
    return [RatingState(*row) for row in session.execute(query)]


def rating_changes(session: Session, rules_sha256: str, after_seq: int) -> list[RatingChange]:
    """Return the changes of a season's ratings after a number of the log, in its order.

    The season is compared here and not in SQL, where the index on it would be searched from its
    beginning (0.3 s among a million changes) instead of the log from `after_seq`.
    """
    query = select(
        Rating.rules_sha256,
        Rating.seq,
        Rating.member_id,
        Rating.mu,
        Rating.sigma,
        Rating.match_id.is_not(None),
    )
    query = query.where(Rating.seq > after_seq).order_by(Rating.seq)
    return [
        RatingChange(seq, member_id, mu, sigma, bool(is_match))
        for rules, seq, member_id, mu, sigma, is_match in session.execute(query)
        if rules == rules_sha256
    ]


def recent_line_ups(session: Session, rules_sha256: str, limit: int) -> list[tuple[int, ...]]:
    """Return the rated members of the latest rating matches that were not given up, oldest first.

    Planned and running ones are among them.
    """
    query = (
        select(Match.line_up, Match.rules_sha256)
        .where(Match.purpose == "rating", Match.status.in_(("planned", "running", "finished")))
        .order_by(Match.id.desc())
        .limit(limit)
    )
    found = [
        tuple(int(member_id) for member_id, is_rated in line_up if is_rated)
        for line_up, rules in session.execute(query)
        if rules == rules_sha256
    ]
    return found[::-1]
