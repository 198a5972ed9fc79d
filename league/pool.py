"""The pool of members: who is in it, how they enter, and what the matchmaking knows of them.

Everything here runs inside the manager's transactions.  Admission order for a snapshot: the file is
moved into the store, the row is committed, the offer is settled; a crash in between is repaired by
doing it again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from agents.description import SnapshotDescription, describe
from agents.errors import SnapshotError
from agents.snapshots import SnapshotStore
from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION
from db import queries
from db.records import LearnerRecord, MemberRecord
from league.config import LeagueConfig
from league.config_learner import LineageConfig
from league.folder import LeagueFolder
from league.matchmaking import Candidate, Foe
from league.messages import Roster
from league.payoff import Payoff, with_training
from league.ratings import MU, RATING_VERSION, SIGMA, child_rating, conservative

log = logging.getLogger(__name__)

Gaussian = tuple[float, float]


@dataclass(frozen=True)
class Season:
    """The rules that ratings belong to, and how new members start."""

    rules_sha256: str
    sigma_allowance: float


def open_store(folder: LeagueFolder) -> SnapshotStore:
    """The league's snapshots."""
    return SnapshotStore(
        folder.snapshots, observation_version=OBSERVATION_VERSION, action_version=ACTION_VERSION
    )


def admit_scripted(session: Session, config: LeagueConfig, season: Season) -> None:
    """Make sure that the scripted members are in the pool and rated in this season."""
    for name in config.rating.anchors:
        member = queries.member_by_name(session, name)
        if member is None:
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
        rating_version=RATING_VERSION,
        allowance=allowance,
    )


def admit_snapshot(
    session: Session, learner: LearnerRecord, sha256: str, description: SnapshotDescription,
    season: Season,
) -> MemberRecord:
    """Add a snapshot of a learner as a member; the same snapshot again gives the same member."""
    for known in queries.members_by_snapshot(session, sha256):
        if known.status != "guest":
            return known
    generation = learner.generation
    parents = (
        queries.members_by_snapshot(session, description.parent) if description.parent else []
    )
    parents.sort(key=lambda parent: parent.status == "guest")  # a guest has no rating to start from
    name = f"{learner.name}-{generation:04d}"
    if queries.member_by_name(session, name) is not None:
        # A person gave that name to somebody else: refusing would stop the league at every start.
        name = f"{name}-{sha256[:8]}"
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
    )
    queries.record_snapshot(session, learner.id, member_id)
    member = queries.get_member(session, member_id)
    admit_rating(session, member, season)
    return member


def check_offer(store: SnapshotStore, sha256: str, config: LeagueConfig) -> SnapshotDescription:
    """Move an offer into the store and check that it belongs to this league.

    Raises:
        SnapshotError: it is damaged, or made for other views or versions.
    """
    path = store.admit(sha256)
    description = describe(path)
    expected = config.views.to_views().shapes()
    if {k: tuple(v) for k, v in description.shapes.items()} != expected:
        raise SnapshotError(
            f"snapshot {sha256[:12]} was made for views {dict(description.shapes)}, the league's "
            f"are {expected}"
        )
    return description


def candidates(session: Session, season: Season) -> list[Candidate]:
    """The active members as the rating matchmaking sees them."""
    ratings = queries.latest_ratings(session, season.rules_sha256)
    games = queries.match_counts(session, season.rules_sha256)
    return [
        Candidate(
            member.id,
            ratings[member.id].mu,
            ratings[member.id].sigma,
            games.get(member.id, 0),
            member.role == "anchor",
        )
        for member in queries.list_members(session, statuses=("active",))
        if member.id in ratings
    ]


def make_roster(
    session: Session,
    lineage: LineageConfig,
    learner: LearnerRecord,
    payoff: Payoff,
    season: Season,
) -> Roster:
    """Whom a learner may meet, with its x against each, and whom it must beat."""
    members = {m.id: m for m in queries.list_members(session, statuses=("active",))}
    known: Mapping[int, Gaussian] = {
        member_id: (rating.mu, rating.sigma)
        for member_id, rating in queries.latest_ratings(session, season.rules_sha256).items()
    }
    parents = {m.id: m.parent_id for m in queries.list_members(session)}
    totals = queries.training_totals(session, learner.id)
    own = set(queries.ancestors(session, learner.member_id)) if learner.member_id else set()
    own |= {learner.member_id} if learner.member_id else set()
    mains = {
        other.member_id
        for other in queries.list_learners(session)
        if other.role == "main" and other.member_id is not None
    }
    main_ancestors = {a for main in mains for a in queries.ancestors(session, main)}
    foes = []
    for member in members.values():
        prior = 0.5
        if learner.member_id is not None and learner.member_id != member.id:
            prior = payoff.estimate(learner.member_id, member.id, known, parents)
        total = totals.get(member.id)
        foes.append(
            Foe(
                member_id=member.id,
                x=with_training(prior, total.games, total.beats) if total else prior,
                role=member.role,
                own_ancestor=member.id in own,
                current_main=member.id in mains,
                main_ancestor=member.id in main_ancestors,
            )
        )
    ranked = sorted(
        (m for m in members.values() if m.id in known),
        key=lambda m: conservative(*known[m.id]),
        reverse=True,
    )
    champion = ranked[:1]
    anchor = [m for m in ranked if m.role == "anchor"][:1]
    parent = [members[learner.member_id]] if learner.member_id in members else []
    required = dict.fromkeys(m.agent_spec for m in (*parent, *champion, *anchor))
    return Roster(
        tuple(foes), {m.id: m.agent_spec for m in members.values()}, tuple(required)
    )
