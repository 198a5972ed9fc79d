"""How snapshots and scripted members join the pool of a league, and with what rating.

Everything here runs inside the manager's transactions. Admission order for a snapshot: the file is
moved into the store, the row is committed, the offer is settled; after a crash in between all of it
is done again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from agents.description import SnapshotDescription, describe
from agents.errors import SnapshotError, SnapshotVersionError
from agents.scripted import other_names
from agents.snapshots import SnapshotStore
from arena.territory.observation.views import Views
from db import queries
from db.records import LearnerRecord, MemberRecord
from league.members.names import next_free_name
from league.members.taught import taught_note
from league.rating.season import Season
from league.rating.trueskill import MU, SIGMA, child_rating

log = logging.getLogger(__name__)


def admit_scripted(session: Session, anchors: Sequence[str], season: Season) -> None:
    """Make sure that the scripted members are in the pool and rated in this season."""
    for name in anchors:
        # A league of an older version holds the member under its former name.
        names = (name, *other_names(name))
        if all(queries.member_by_name(session, known) is None for known in names):
            queries.add_member(
                session, name=name, family="scripted", role="anchor", agent_spec=f"scripted:{name}"
            )
    for member in queries.list_members(session, statuses=("active", "suspended", "retired")):
        admit_rating(session, member, season)


def admit_rating(session: Session, member: MemberRecord, season: Season) -> None:
    """Give a member its first rating of the season: unknown, or its parent's made uncertain."""
    if queries.latest_rating(session, member.id, season.rules_sha256) is not None:
        return
    mu, sigma, allowance = MU, SIGMA, None
    if member.parent_id is not None:
        parent = queries.latest_rating(session, member.parent_id, season.rules_sha256)
        if parent is not None:
            allowance = season.sigma_allowance
            mu, sigma = child_rating(parent.mu, parent.sigma, allowance)
    queries.append_rating(
        session,
        member.id,
        mu,
        sigma,
        rules_sha256=season.rules_sha256,
        rating_version=season.rating_version,
        allowance=allowance,
    )


def admit_snapshot(
    session: Session,
    learner: LearnerRecord,
    sha256: str,
    description: SnapshotDescription,
    season: Season,
) -> MemberRecord:
    """Add a snapshot of a learner as a member; for a known snapshot, return its member.

    A name that somebody else has keeps nobody out, since refusing would fail every later start of
    the league: the snapshot gets the next free name, and an event says so.
    """
    for known in queries.members_by_snapshot(session, sha256):
        if known.status != "guest":
            return known
    generation = learner.generation
    parents = queries.members_by_snapshot(session, description.parent) if description.parent else []
    parents.sort(key=lambda parent: parent.status == "guest")  # a guest has no rating to start from
    wanted = name = f"{learner.name}-{generation:04d}"
    holder = queries.member_by_name(session, wanted)
    if holder is not None:
        name = next_free_name(session, wanted)
    member_id = queries.add_member(
        session,
        name=name,
        family=learner.family,
        role=learner.role,
        agent_spec=f"snapshot:{sha256}",
        parent_id=parents[0].id if parents else None,
        generation=generation,
        snapshot_sha256=sha256,
        trained_decisions=description.trained_decisions,
        taught=taught_note(description),
        relation_mask=description.relation_mask,
    )
    queries.record_snapshot(session, learner.id, member_id)
    if holder is not None:
        queries.add_event(
            session,
            "name_taken",
            f"a snapshot of {learner.name} joined as {name}: {wanted} is the name of another "
            f"member, which plays {holder.agent_spec}; `league members rename` can change either",
            level="warning",
            member_id=member_id,
        )
    member = queries.get_member(session, member_id)
    admit_rating(session, member, season)
    return member


def check_offer(store: SnapshotStore, sha256: str, views: Views) -> SnapshotDescription:
    """Check that an offer belongs to this league, and move it into the store.

    Raises:
        SnapshotError: it is damaged, or made for other views or versions; it stays an offer.
    """
    expected = views.shapes()

    def require_views(found: SnapshotDescription) -> None:
        if found.observation_version != views.observation_version:
            raise SnapshotVersionError(
                f"snapshot {sha256[:12]}: expected observation version "
                f"{views.observation_version} as the league has it, found "
                f"{found.observation_version}; it belongs to another league"
            )
        if (found.action_version, found.n_actions) != (views.action_version, views.n_actions):
            raise SnapshotVersionError(
                f"snapshot {sha256[:12]}: expected action version {views.action_version} with "
                f"{views.n_actions} actions as the league has it, found version "
                f"{found.action_version} with {found.n_actions}; it belongs to another league"
            )
        if not found.shapes.items() <= expected.items():  # a network need not read everything
            raise SnapshotError(
                f"snapshot {sha256[:12]}: expected views {expected} as the league has them, found "
                f"{dict(found.shapes)}"
            )

    return describe(store.admit(sha256, require_views))
