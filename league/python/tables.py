"""Owns what stands in the tables of a league: rows and columns, before pandas sees them.

Times are UTC; ratings are on the reported scale, on which `tribe` is at 25.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from db import queries
from league.errors import UsageError
from league.folder.memory import stored_season, stored_settings
from league.rating.standings import scale_anchor_id, scale_shift

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import LearnerRecord
    from league.report.state import MemberRow

Rows = Iterator[Mapping[str, Any]]

# Column of the standings -> field of a report's row.
STANDINGS = {
    "rank": "rank",
    "low": "rank_low",
    "high": "rank_high",
    "tier": "tier",
    "name": "name",
    "family": "family",
    "role": "role",
    "status": "status",
    "mu": "mu",
    "half_width": "half_width",
    "sigma": "sigma",
    "conservative": "conservative",
    "matches": "matches",
    "wins": "wins",
    "place": "mean_placement",
    "decisions": "trained_decisions",
    "created_at": "created_at",
}
MATCHES = (
    *("match", "finished_at", "purpose", "map", "winner", "ticks", "seconds", "seed", "has_replay"),
)
RATINGS = ("seq", "at", "match", "mu", "sigma", "raw_mu")
TRAINING = ("number", "decisions", "at")
HELD_OUT = ("member", "decisions", "created_at", "matches", "score")


def standing_rows(members: Sequence[MemberRow]) -> Rows:
    """Yield the standings."""
    for row in members:
        yield {column: getattr(row, field) for column, field in STANDINGS.items()}


def rating_rows(session: Session, member: str) -> Rows:
    """Yield the ratings of a member by `seq`, each on the scale of its moment.

    Raises:
        NotFoundError: there is no such member.
    """
    member_id = queries.resolve_member(session, member).id
    season = stored_season(session)
    if season is None:
        return
    anchor_id = scale_anchor_id(queries.list_members(session))
    anchor = (
        [] if anchor_id is None else queries.rating_history(session, anchor_id, season.rules_sha256)
    )
    at, shift = 0, 0.0
    for row in queries.rating_history(session, member_id, season.rules_sha256):
        # A match changes the ratings of all its seats: the scale is that of its end.
        while at < len(anchor) and (
            anchor[at].seq <= row.seq or (row.match_id and anchor[at].match_id == row.match_id)
        ):
            shift = scale_shift({0: (anchor[at].mu, anchor[at].sigma)}, 0)
            at += 1
        values = (row.seq, row.finished_at, row.match_id, row.mu + shift, row.sigma, row.mu)
        yield dict(zip(RATINGS, values, strict=True))


def match_rows(
    session: Session,
    *,
    member: str | None,
    map_part: str | None,
    since: datetime | str | None,
    purpose: str | None,
    last: int | None,
) -> Rows:
    """Yield finished matches in the order of their ends.

    Raises:
        NotFoundError: there is no such member.
        UsageError: `since` is not a time.
    """
    found = queries.played_matches(
        session,
        purpose=purpose,
        member_id=None if member is None else queries.resolve_member(session, member).id,
        map_part=map_part,
        since=_utc(since),
        limit=last,
    )
    for row in found:
        yield {
            "match": row.id,
            "finished_at": row.finished_at,
            "purpose": row.purpose,
            "map": row.map,
            "winner": ", ".join(row.winners),
            "ticks": row.ticks,
            "seconds": row.wall_s,
            "seed": row.seed,
            "has_replay": row.replay_path is not None,
        }


def training_rows(session: Session, learner: str, *, lasting: bool) -> Rows:
    """Yield the updates of a learner with all that they measured.

    Raises:
        UsageError: there is no such learner.
    """
    updates = queries.list_updates(session, _learner(session, learner).id)
    for update in queries.lasting_updates(updates) if lasting else updates:
        facts = (update.number, update.trained_decisions, update.at)
        yield {**dict(zip(TRAINING, facts, strict=True)), **update.numbers}


def held_out_rows(session: Session, learner: str) -> Rows:
    """Yield the snapshots of a learner in their order, with their scores on held-out members.

    Raises:
        UsageError: there is no such learner.
    """
    found = _learner(session, learner)
    season, settings = stored_season(session), stored_settings(session)
    if found.member_id is None or season is None or settings is None:
        return
    names = settings["rating"].get("held_out", ())
    members = {row.id: row for row in queries.list_members(session)}
    chain = [found.member_id, *queries.ancestors(session, found.member_id)][::-1]
    held_out = [row.id for row in members.values() if row.name in names]
    scores = queries.held_out_scores(session, chain, held_out, season.rules_sha256)
    for member in (members[i] for i in chain):
        score = scores.get(member.id)
        facts = (member.name, member.trained_decisions, member.created_at)
        known = (0, None) if score is None else (score.matches, score.score)
        yield dict(zip(HELD_OUT, (*facts, *known), strict=True))


def _learner(session: Session, name: str) -> LearnerRecord:
    found = queries.learner_by_name(session, name)
    if found is None:
        names = ", ".join(row.name for row in queries.list_learners(session)) or "none"
        raise UsageError(f"expected a learner of this league ({names}), found {name!r}")
    return found


def _utc(since: datetime | str | None) -> datetime | None:
    if isinstance(since, str):
        try:
            since = datetime.fromisoformat(since)
        except ValueError:
            raise UsageError(
                f"since: expected a time such as 2026-11-25T18:00, found {since!r}"
            ) from None
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return since
