"""Owns what follows from the trials: canaries that fail and recover, challenges, the champion.

Promises: everything happens in the caller's transaction, from the matches that are stored by then,
so that a killed daemon decides the same at its next start; every change leaves an event with its
reason; nobody becomes champion by a test while a canary that concerns it is failing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from db import queries
from league.champion import schedule, throne
from league.champion.book import Book, Entry, Status, blockers, load, save
from league.champion.pool import (
    OVERTAKEN_BY,
    active_members,
    best_rated,
    can_reign,
    challenger,
    read_pool,
)
from league.champion.trials import Trial, share_above
from league.champion.verdicts import (
    Reference,
    Verdict,
    judge_challenge,
    judge_drift,
    judge_forgetting,
    judge_heldout,
    judge_mirror,
    judge_order,
)

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from sqlalchemy.orm import Session

    from db.records import MemberRecord, SeriesResult
    from league.champion.pool import Ratings


def advance(
    session: Session,
    ratings: Ratings,
    now: datetime,
    *,
    changed: Container[str] | None = None,
) -> Book:
    """Judge what has been played, draw the consequences, open the rounds that are due.

    Args:
        ratings: mu and number of rated matches by member id: they choose who is tried.
        changed: keys of the series with new results; None judges all open rounds.

    Returns:
        the book as it is stored, whose open entries are to be played.
    """
    before = book = load(session)
    members = active_members(session)
    book = _drop_unplayable(book, members)
    for key, entry in book.entries.items():
        is_new = changed is None or entry.trial(key).series_key in changed
        if entry.open and is_new and key != "challenge":
            book = _judge(session, book, key, entry, members, now)
    book = _champion_of(session, book, ratings, members)
    book = _judge_challenge(session, book, members, now, changed)
    book = _crown_waiting(session, book, members)
    book = _give_way(session, book, ratings, members)
    book = _open_due(session, book, ratings, members, now)
    if book != before:
        save(session, book)
    return book


def judge(entry: Entry, key: str, results: Sequence[SeriesResult]) -> Verdict:
    """Return what the present round of an entry says, from the matches of its series."""
    trial = entry.trial(key)
    if trial.b is None:
        return judge_mirror([row.placements for row in results if row.status == "finished"])
    scores = pair_scores(trial, results)
    match entry.kind:
        case "forgetting":
            return judge_forgetting(scores)
        case "challenge":
            return judge_challenge(scores)
        case "drift":
            return judge_drift(scores, entry.reference)
        case "heldout":
            return judge_heldout(scores, entry.reference)
        case _:
            return judge_order(entry.kind, scores)


def pair_scores(trial: Trial, results: Sequence[SeriesResult]) -> list[float]:
    """Return the scores of the first member, in the order of the seeds, up to an open pair.

    A pair with a failed match counts for nobody. What comes after an open pair waits for it: quick
    matches would otherwise be judged first.
    """
    assert trial.b is not None
    pairs: dict[int, list[SeriesResult]] = {}
    for row in results:
        pairs.setdefault(row.seed, []).append(row)
    scores = []
    for _, pair in sorted(pairs.items()):
        if any(row.status in ("planned", "running") for row in pair):
            break
        if len(pair) == 2 and all(row.status == "finished" for row in pair):
            shares = (share_above(r.placements, r.members, trial.a, trial.b) for r in pair)
            scores.append(sum(shares) / 2)
    return scores


def _drop_unplayable(book: Book, members: Mapping[int, MemberRecord]) -> Book:
    """Close the open rounds of members that are no longer active."""
    for key, entry in book.entries.items():
        if entry.open and not schedule.are_active(entry, members):
            status = "untested" if entry.status == "suspect" else entry.status
            book = book.with_entry(key, replace(entry, open=False, judged_at=None, status=status))
    return book


def _judge(
    session: Session,
    book: Book,
    key: str,
    entry: Entry,
    members: Mapping[int, MemberRecord],
    now: datetime,
) -> Book:
    results = queries.series_results(session, entry.trial(key).series_key)
    verdict = judge(entry, key, results)
    if verdict.outcome == "running":
        return book
    said = _in_words(entry, members, verdict)
    judged = replace(entry, open=False, said=said, score=verdict.score, judged_at=now.isoformat())
    if verdict.outcome == "failed":
        status: Status = "failing" if entry.status in ("suspect", "failing") else "suspect"
        if status != entry.status:
            level, kind = (
                ("alarm", "canary") if status == "failing" else ("warning", "canary_suspect")
            )
            more = (
                "; no champion is made by a test" if status == "failing" else "; it is tried again"
            )
            queries.add_event(
                session,
                kind,
                f"canary {key}: {said}{more}",
                level=level,
                member_id=entry.a,
                details={"canary": key, "score": verdict.score, "n": verdict.n},
            )
        return book.with_entry(key, replace(judged, status=status))
    if entry.status in ("suspect", "failing"):
        queries.add_event(
            session,
            "canary_recovered",
            f"canary {key}: {said}",
            member_id=entry.a,
            details={"canary": key, "score": verdict.score, "n": verdict.n},
        )
    if entry.kind in ("drift", "heldout"):
        scores = pair_scores(entry.trial(key), results)
        judged = replace(
            judged, reference=(entry.reference or Reference(0, 0.0, 0.0)).joined(scores)
        )
    return book.with_entry(key, replace(judged, status="passing"))


def _in_words(entry: Entry, members: Mapping[int, MemberRecord], verdict: Verdict) -> str:
    a = members[entry.a].name
    if entry.b is None:
        return f"{a} against itself: {verdict.said}"
    return f"{a} against {members[entry.b].name} {verdict.said}"


def _champion_of(
    session: Session, book: Book, ratings: Ratings, members: Mapping[int, MemberRecord]
) -> Book:
    """Fill an empty throne by ratings; forget the challenges of a former champion."""
    reign = throne.reigning(session)
    if reign is None:
        out = throne.dismissed(session)
        ranked = [i for i in best_rated(ratings, can_reign(members)) if i not in out]
        if ranked:
            member = members[ranked[0]]
            why = "the best by ratings, as there was no champion to test it against"
            throne.crown(session, member, "ratings", why)
            reign = throne.reigning(session)
    champion = None if reign is None else reign.member_id
    if champion == book.champion:
        return book
    entry = book.entries.get("challenge")
    if entry is not None and entry.open:
        book = book.with_entry("challenge", replace(entry, open=False))
    return replace(book, champion=champion, settled={}, waiting=None)


def _judge_challenge(
    session: Session,
    book: Book,
    members: Mapping[int, MemberRecord],
    now: datetime,
    changed: Container[str] | None,
) -> Book:
    entry = book.entries.get("challenge")
    if entry is None or not entry.open:
        return book
    series_key = entry.trial("challenge").series_key
    if changed is not None and series_key not in changed:
        return book
    results = queries.series_results(session, series_key)
    verdict = judge(entry, "challenge", results)
    if verdict.outcome == "running":
        return book
    said = _in_words(entry, members, verdict)
    queries.add_event(
        session,
        "challenge",
        f"challenge {verdict.outcome}: {said}",
        member_id=entry.a,
        details={
            "champion_id": entry.b,
            "outcome": verdict.outcome,
            "score": verdict.score,
            "n": verdict.n,
        },
    )
    book = book.with_entry(
        "challenge",
        replace(entry, open=False, said=said, score=verdict.score, judged_at=now.isoformat()),
    )
    book = replace(book, settled={**book.settled, entry.a: verdict.outcome})
    return replace(book, waiting=entry.a) if verdict.outcome == "passed" else book


def _crown_waiting(session: Session, book: Book, members: Mapping[int, MemberRecord]) -> Book:
    """Crown a challenger that has won, unless a canary keeps it waiting."""
    if book.waiting is None:
        return book
    member = members.get(book.waiting)
    if member is None:
        return replace(book, waiting=None)
    blocked = blockers(book, member.id, lineage_of(session, member))
    if any(canary.status == "failing" for canary in blocked):
        if book.settled.get(member.id) != "blocked":
            queries.add_event(
                session,
                "promotion_blocked",
                f"{member.name} has beaten the champion and is not promoted while "
                f"{'; '.join(str(canary) for canary in blocked)}",
                level="alarm",
                member_id=member.id,
            )
        book = replace(book, settled={**book.settled, member.id: "blocked"})
        return replace(book, waiting=None) if _by_itself(book, member.id) else book
    is_tested = all(
        entry.status != "untested"
        for entry in book.entries.values()
        if entry.kind == "better" and entry.a == member.id
    )
    if blocked or not is_tested:
        return book
    entry = book.entries["challenge"]
    throne.crown(session, member, "test", entry.said, {"score": entry.score})
    return replace(book, champion=member.id, settled={}, waiting=None)


def _tried(session: Session, book: Book) -> set[int]:
    """Return the ids of those that do not challenge this champion, or not again."""
    return {*book.settled, *throne.dismissed(session)}


def _give_way(
    session: Session, book: Book, ratings: Ratings, members: Mapping[int, MemberRecord]
) -> Book:
    """Put a challenge off whose challenger has been overtaken; it may challenge again later.

    Two that are nearly alike take up to 200 pairs, while learners outgrow both. It depends on
    ratings alone, which these matches do not change: no test ends because of what it showed.
    """
    entry = book.entries.get("challenge")
    if entry is None or not entry.open or entry.a not in ratings:
        return book
    best = challenger(ratings, members, book.champion, _tried(session, book))
    if best is None or ratings[best][0] <= ratings[entry.a][0] + OVERTAKEN_BY:
        return book
    ahead = ratings[best][0] - ratings[entry.a][0]
    queries.add_event(
        session,
        "challenge",
        f"challenge of {members[entry.a].name} put off: {members[best].name} is rated "
        f"{ahead:.1f} above it and challenges first",
        member_id=entry.a,
        details={"champion_id": entry.b, "outcome": "put off", "overtaken_by": best},
    )
    return book.with_entry("challenge", replace(entry, open=False))


def _by_itself(book: Book, member_id: int) -> bool:
    """Return whether a member is worse than no policy: then others may challenge in its place."""
    return any(
        entry.kind == "better" and entry.a == member_id and entry.status == "failing"
        for entry in book.entries.values()
    )


def lineage_of(session: Session, member: MemberRecord) -> str | None:
    """Return the name of the learner that a snapshot comes from, or None."""
    for learner in queries.list_learners(session):
        if learner.member_id is None:
            continue
        if member.id == learner.member_id or member.id in queries.ancestors(
            session, learner.member_id
        ):
            return learner.name
    return None


def _open_due(
    session: Session,
    book: Book,
    ratings: Ratings,
    members: Mapping[int, MemberRecord],
    now: datetime,
) -> Book:
    """Open the rounds that are due, and forget canaries that nothing depends on any more."""
    challenge = book.entries.get("challenge")
    pool = read_pool(session, ratings, members, book.champion, _tried(session, book))
    if challenge is not None and challenge.open:  # a slightly better one waits for its turn
        pool = replace(pool, challenger=challenge.a)
    elif book.waiting is not None:
        pool = replace(pool, challenger=book.waiting)
    wants = schedule.wanted(pool)
    for key in schedule.stale(book, wants):
        book = book.without(key)
    for want in wants:
        entry = book.entries.get(want.key)
        if want.kind == "challenge" and book.waiting is not None:
            continue
        if schedule.is_due(entry, want, now):
            book = book.with_entry(want.key, schedule.next_round(entry, want, members))
    return book
