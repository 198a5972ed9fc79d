"""What matchmaking knows about the pool, as a roster for each learner.

Reads the database inside the manager's transactions and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy.orm import Session

from db import queries
from db.records import LearnerRecord, MemberRecord
from league.champion import book, throne
from league.course.watch import stirred_at
from league.learner.messages import Restarted, Roster
from league.matchmaking.opponents import Foe
from league.matchmaking.required import Candidate, met, required
from league.rating.payoff import Payoff, with_training
from league.rating.season import Season
from league.rating.trueskill import conservative

Gaussian = tuple[float, float]


class Rosters:
    """Makes rosters from a payoff that it keeps up to date, match by match.

    Attributes:
        payoff: as of the newest reading.
    """

    def __init__(
        self, season: Season, held_out: Collection[str] = (), ladder: Collection[str] = ()
    ) -> None:
        self.payoff = Payoff()
        self._ladder = ladder
        self._season = season
        self._held_out = held_out
        self._seq = 0
        self._restarted: dict[str, Restarted] = {}

    def restarted(self, name: str, message: Restarted | None) -> None:
        """Take note that a learner began again, or (None) that its newest weights are a member."""
        if message is None:
            self._restarted.pop(name, None)
        else:
            self._restarted[name] = message

    def read(self, session: Session, names: Iterable[str]) -> dict[str, Roster]:
        """Return the roster of each of these learners."""
        rules_sha256 = self._season.rules_sha256
        if self._seq:
            rows = queries.common_placements(session, rules_sha256, after_seq=self._seq)
            self.payoff.add_rows(rows)
            self._seq = max((row.seq for row in rows), default=self._seq)
        else:
            log = queries.placement_rows(session, rules_sha256)
            self.payoff.add_log(log)
            self._seq = int(log[:, 0].max(initial=0))
        rosters = {}
        for name in names:
            learner = queries.learner_by_name(session, name)
            assert learner is not None
            rosters[name] = make_roster(
                session,
                learner,
                self.payoff,
                self._season,
                self._held_out,
                self._restarted.get(name),
                self._ladder,
            )
        return rosters


def make_roster(
    session: Session,
    learner: LearnerRecord,
    payoff: Payoff,
    season: Season,
    held_out: Collection[str] = (),
    restarted: Restarted | None = None,
    ladder: Collection[str] = (),
) -> Roster:
    """Return whom a learner may meet, its x against each of them, and whom it must beat.

    Both are the rules of league.matchmaking.required.

    Args:
        held_out: names of members that learners never meet.
        restarted: what the learner said when its weights were replaced after its newest snapshot:
            nothing is known of them but what those that they descend from have shown, and the
            training since.
        ladder: names of its rungs.
    """
    known: Mapping[int, Gaussian] = {
        member_id: (rating.mu, rating.sigma)
        for member_id, rating in queries.latest_ratings(session, season.rules_sha256).items()
    }
    active = {m.id: m for m in queries.list_members(session, statuses=("active",))}
    pool = met([_candidate(m, known) for m in active.values()], held_out)
    members = {m.id: active[m.id] for m in pool}
    parents = {m.id: m.parent_id for m in queries.list_members(session)}
    totals = queries.training_totals(session, learner.id)
    base = learner.member_id if restarted is None else _member_of(session, restarted.parent)
    own = set(queries.ancestors(session, base)) if base else set()
    own |= {base} if base else set()
    mains = {
        other.member_id
        for other in queries.list_learners(session)
        if other.role == "main" and other.member_id is not None
    }
    main_ancestors = {a for main in mains for a in queries.ancestors(session, main)}
    forgotten = book.forgotten(session, learner.name)
    foes = []
    for member in members.values():
        prior = 0.5
        if base is not None and base != member.id:
            prior = payoff.estimate(base, member.id, known, parents)
        total = totals.get(member.id)
        x = with_training(prior, total.games, total.beats) if total else prior
        foes.append(
            Foe(
                member_id=member.id,
                x=min(x, forgotten.get(member.id, 1.0)),  # drawn the more, the lower it is
                role=member.role,
                own_ancestor=member.id in own,
                current_main=member.id in mains,
                main_ancestor=member.id in main_ancestors,
                is_rung=member.name in ladder,
            )
        )
    reign = throne.reigning(session)
    champion = None if reign is None else reign.member_id
    wanted = required(learner.role, pool, parent=base, champion=champion, mains=mains)
    return Roster(
        tuple(foes),
        {m.id: m.agent_spec for m in members.values()},
        tuple(dict.fromkeys(members[i].agent_spec for i in wanted)),
        early_ancestors=_early_ancestors(members, main_ancestors, learner.family),
        stirred_at=stirred_at(session, learner.name),
    )


def _candidate(member: MemberRecord, known: Mapping[int, Gaussian]) -> Candidate:
    rating = known.get(member.id)
    return Candidate(
        id=member.id,
        name=member.name,
        agent_spec=member.agent_spec,
        conservative=None if rating is None else conservative(*rating),
        is_anchor=member.role == "anchor",
    )


def _member_of(session: Session, sha256: str | None) -> int | None:
    """Return the id of the member with this snapshot; one that plays comes before a guest."""
    if sha256 is None:
        return None
    found = queries.members_by_snapshot(session, sha256)
    found.sort(key=lambda member: member.status == "guest")
    return found[0].id if found else None


def _early_ancestors(
    members: Mapping[int, MemberRecord], main_ancestors: Collection[int], family: str
) -> tuple[str, ...]:
    """Return the specs of trained ancestors of the mains with networks of a family."""
    found = [
        member
        for member_id, member in members.items()
        if member_id in main_ancestors and member.family == family and member.trained_decisions > 0
    ]
    found.sort(key=lambda member: (member.trained_decisions, member.id))
    return tuple(member.agent_spec for member in found if member.snapshot_sha256 is not None)
