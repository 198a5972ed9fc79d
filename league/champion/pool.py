"""Reads what the choice of trials depends on: scripted members, champion, challenger, lineages."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from agents.in_tick import is_equal
from agents.registry import present_spec
from db import queries
from league.champion.schedule import Pool
from league.folder.memory import stored_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import MemberRecord

Ratings = Mapping[int, tuple[float, int]]  # mu and number of rated matches by member id
OVERTAKEN_BY = 2.0  # rating points, several times the +- of a member with hundreds of matches
MIN_MATCHES = 30  # rated matches before a member's rating counts for anything here


def active_members(session: Session) -> dict[int, MemberRecord]:
    """Return the active members by id."""
    return {m.id: m for m in queries.list_members(session, statuses=("active",))}


def read_pool(
    session: Session,
    ratings: Ratings,
    members: Mapping[int, MemberRecord],
    champion: int | None,
    tried: Container[int],
) -> Pool:
    """Return what the choice of trials depends on.

    Args:
        ratings: mu and number of rated matches by member id.
        members: the active ones.
        champion: id, or None.
        tried: ids of members that shall not challenge this champion, or not again.
    """
    scripted = {
        present_spec(m.agent_spec).removeprefix("scripted:"): m.id
        for m in members.values()
        if m.family == "scripted"
    }
    return Pool(
        scripted=scripted,
        champion=champion,
        challenger=challenger(ratings, members, champion, tried),
        trained=frozenset(m.id for m in members.values() if m.role != "anchor"),
        lineages=_lineages(session, members),
        held_out=_held_out(session, members),
    )


def can_reign(members: Mapping[int, MemberRecord]) -> dict[int, MemberRecord]:
    """Return the members that may be champion: none that plays with a handicap of its own.

    A nation or a tribe on its own terms starts and grows unlike all others: what it wins says
    nothing of how well it plays.
    """
    return {i: member for i, member in members.items() if is_equal(member.agent_spec)}


def best_rated(ratings: Ratings, members: Container[int], *, above: int | None = None) -> list[int]:
    """Return members with MIN_MATCHES by mu, best first; those above a member, if it is given."""
    bar = -float("inf") if above is None else ratings.get(above, (-float("inf"), 0))[0]
    found = [
        member_id
        for member_id, (mu, n_matches) in ratings.items()
        if member_id in members and n_matches >= MIN_MATCHES and mu > bar
    ]
    return sorted(found, key=lambda member_id: (-ratings[member_id][0], member_id))


def challenger(
    ratings: Ratings,
    members: Mapping[int, MemberRecord],
    champion: int | None,
    tried: Container[int],
) -> int | None:
    """Return the best rated member above the champion that has not been tried against it.

    Ratings only choose who is tried: they decide nothing.
    """
    if champion is None:
        return None
    ranked = best_rated(ratings, can_reign(members), above=champion)
    return next((i for i in ranked if i != champion and i not in tried), None)


def _held_out(session: Session, members: Mapping[int, MemberRecord]) -> int | None:
    """Return the first held-out member of the settings that is active, or None."""
    settings = stored_settings(session) or {}
    by_name = {member.name: member.id for member in members.values()}
    names = settings.get("rating", {}).get("held_out", ())
    return next((by_name[name] for name in names if name in by_name), None)


def _lineages(session: Session, members: Mapping[int, MemberRecord]) -> dict[str, tuple[int, int]]:
    """Return per learner its newest trained snapshot and the ancestor with about half its training.

    A lineage that has forgotten what it knew loses to what it was; its parent alone would hide a
    loss that is spread over many snapshots.
    """
    found = {}
    for learner in queries.list_learners(session):
        newest = members.get(learner.member_id or 0)
        if newest is None or newest.trained_decisions == 0:
            continue
        chain = [
            members[i]
            for i in queries.ancestors(session, newest.id)
            if i in members and members[i].trained_decisions > 0
        ]
        if chain:
            half = newest.trained_decisions / 2
            ancestor = min(chain, key=lambda m: (abs(m.trained_decisions - half), m.id))
            found[learner.name] = (newest.id, ancestor.id)
    return found
