"""What matchmaking knows about the pool, as a roster for each learner.

Reads the database inside the manager's transactions and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy.orm import Session

from db import queries
from db.records import LearnerRecord
from league.learner.messages import Roster
from league.matchmaking.opponents import Foe
from league.rating.payoff import Payoff, with_training
from league.rating.season import Season
from league.rating.trueskill import conservative

Gaussian = tuple[float, float]


class Rosters:
    """Makes rosters from a payoff that it keeps up to date, match by match.

    Attributes:
        payoff: as of the newest reading.
    """

    def __init__(self, season: Season, held_out: Collection[str] = ()) -> None:
        self.payoff = Payoff()
        self._season = season
        self._held_out = held_out
        self._seq = 0

    def read(self, session: Session, names: Iterable[str]) -> dict[str, Roster]:
        """Return the roster of each of these learners."""
        rules_sha256 = self._season.rules_sha256
        rows = queries.common_placements(session, rules_sha256, after_seq=self._seq)
        self.payoff.add_rows(rows)
        self._seq = max((row.seq for row in rows), default=self._seq)
        rosters = {}
        for name in names:
            learner = queries.learner_by_name(session, name)
            assert learner is not None
            rosters[name] = make_roster(session, learner, self.payoff, self._season, self._held_out)
        return rosters


def make_roster(
    session: Session,
    learner: LearnerRecord,
    payoff: Payoff,
    season: Season,
    held_out: Collection[str] = (),
) -> Roster:
    """Return whom a learner may meet, its x against each of them, and whom it must beat.

    Args:
        held_out: names of members that learners never meet.
    """
    members = {
        m.id: m
        for m in queries.list_members(session, statuses=("active",))
        if m.name not in held_out
    }
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
    return Roster(tuple(foes), {m.id: m.agent_spec for m in members.values()}, tuple(required))
