"""Owns which snapshots may go, in which order, and why the others stay.

Promises: the snapshot of an anchor, a champion, a living ancestor, a member of a cycle or of a
head-to-head is never pruned, nor one that something rests on: a learner, a match that is planned
or running, a verdict that is still to come. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import queries
from league.champion import book, throne
from league.folder.memory import stored_settings
from league.pruning.record import why_snapshot_is_gone
from league.rating.trueskill import conservative

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import MemberRecord
    from league.rating.payoff import Payoff

# mu - 3 sigma of a newcomer is low whatever it can do; by then sigma is about 1.
MATCHES_BEFORE_VERDICT = 100
# Who does not play goes before who does.
_ORDER = ("retired", "guest", "quarantined", "suspended", "active")


@dataclass(frozen=True)
class PrunableSnapshot:
    """A snapshot that may go: its members, and why it is among the first."""

    sha256: str
    members: tuple[MemberRecord, ...]
    reason: str


@dataclass(frozen=True)
class Choice:
    """Which snapshots may go, first come first, and why each other member's snapshot stays."""

    prunable: tuple[PrunableSnapshot, ...]
    stay: Mapping[str, str]


def choose_snapshots(session: Session, rules_sha256: str, payoff: Payoff) -> Choice:
    """Divide the snapshots that are there into those that may go and those that stay.

    Args:
        payoff: of the present season, up to date to about a minute.
    """
    members = queries.list_members(session)
    ratings = {
        member_id: conservative(rating.mu, rating.sigma)
        for member_id, rating in queries.latest_ratings(session, rules_sha256).items()
    }
    games = queries.match_counts(session, rules_sha256)
    why = _protected(session, members, ratings, games, payoff)
    holders: dict[str, list[MemberRecord]] = {}
    for member in members:
        if member.snapshot_sha256 is not None:
            holders.setdefault(member.snapshot_sha256, []).append(member)
    prunable: list[tuple[tuple[int, float], PrunableSnapshot]] = []
    stay: dict[str, str] = {}
    for sha256, held_by in holders.items():
        if all(why_snapshot_is_gone(member) for member in held_by):
            continue
        reasons = [why[member.id] for member in held_by if member.id in why]
        if reasons:
            stay |= {member.name: reasons[0] for member in held_by}
            continue
        last = max(held_by, key=lambda member: _ORDER.index(member.status))
        rating = ratings.get(last.id, 0.0)
        is_active = last.status == "active"
        reason = (
            f"the weakest that plays and that nothing rests on (mu - 3 sigma {rating:.2f})"
            if is_active
            else f"it is {last.status} and does not play"
        )
        place = (_ORDER.index(last.status), rating if is_active else float(last.id))
        prunable.append((place, PrunableSnapshot(sha256, tuple(held_by), reason)))
    prunable.sort(key=lambda entry: entry[0])
    return Choice(tuple(snapshot for _, snapshot in prunable), stay)


def still_prunable(session: Session, snapshot: PrunableSnapshot) -> bool:
    """Return whether nothing has changed about a snapshot since it was chosen: a quick check."""
    held_by = queries.members_by_snapshot(session, snapshot.sha256)
    ids = {member.id for member in held_by}
    return (
        {(m.id, m.status) for m in held_by} == {(m.id, m.status) for m in snapshot.members}
        and not ids & queries.members_of_open_matches(session)
        and not ids & queries.members_of_pits(session)
        and not ids & _members_of_canaries(session)
        and not ids & {reign.member_id for reign in throne.history(session)}
        and not ids & {learner.member_id for learner in queries.list_learners(session)}
    )


def _protected(
    session: Session,
    members: Sequence[MemberRecord],
    ratings: Mapping[int, float],
    games: Mapping[int, int],
    payoff: Payoff,
) -> dict[int, str]:
    """Return why a member's snapshot stays, by id; the weightiest reason counts."""
    active = [member for member in members if member.status == "active"]
    rated = [member for member in active if member.id in ratings]
    reasons: list[tuple[str, Iterable[int]]] = [
        ("it is an anchor", [m.id for m in members if m.role == "anchor"]),
        ("it is a champion", _champions(rated, ratings)),
        ("it was champion, and may be again", {r.member_id for r in throne.history(session)}),
        ("a canary is played with it", _members_of_canaries(session)),
        ("it is a living ancestor", _living_ancestors(session, active)),
        ("a learner goes on from it", _newest_of_learners(session)),
        (
            "it is part of a cycle",
            {i for cycle in payoff.cycles([m.id for m in rated], limit=10**6) for i in cycle},
        ),
        ("it has played head to head", queries.members_of_pits(session)),
        ("a match with it is planned or running", queries.members_of_open_matches(session)),
        (
            f"it has played fewer than {MATCHES_BEFORE_VERDICT} rated matches",
            [m.id for m in active if games.get(m.id, 0) < MATCHES_BEFORE_VERDICT],
        ),
    ]
    found: dict[int, str] = {}
    for reason, ids in reasons:
        for member_id in ids:
            found.setdefault(member_id, reason)
    return found


def _champions(rated: Sequence[MemberRecord], ratings: Mapping[int, float]) -> set[int]:
    """Return the best of all, of each family and of each role, by mu - 3 sigma."""
    groups: dict[str, list[int]] = {}
    for member in rated:
        for group in ("all", f"family {member.family}", f"role {member.role}"):
            groups.setdefault(group, []).append(member.id)
    return {max(ids, key=lambda i: (ratings[i], -i)) for ids in groups.values()}


def _members_of_canaries(session: Session) -> set[int]:
    """Return the members that a canary or a challenge is played with, now or again."""
    entries = book.load(session).entries.values()
    return {i for entry in entries for i in (entry.a, entry.b) if i is not None}


def _newest_of_learners(session: Session) -> set[int]:
    """Return the newest snapshot of every lineage: it goes on from it when its name comes back."""
    learners = queries.list_learners(session)
    return {learner.member_id for learner in learners if learner.member_id is not None}


def _living_ancestors(session: Session, active: Sequence[MemberRecord]) -> set[int]:
    """Return the members that play and that a main which trains descends from.

    Mains are trained against their own past, exploiters against that of the mains; an exploiter
    starts anew after each snapshot, so that its former ones are nobody's ancestors.
    """
    lineages = {entry["name"] for entry in (stored_settings(session) or {}).get("learners", ())}
    plays = {member.id for member in active}
    found: set[int] = set()
    for learner in queries.list_learners(session):
        if learner.role == "main" and learner.name in lineages and learner.member_id is not None:
            found |= {learner.member_id, *queries.ancestors(session, learner.member_id)} & plays
    return found
