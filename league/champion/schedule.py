"""Owns which canaries a league has, whom they are about, and when the next round is due.

Promises: pure functions of the pool; a canary keeps its members until its round, and the re-test of
a failed one, are over.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from league.champion.book import Book, Entry
from league.champion.trials import Kind

# A scripted agent that everybody knows to be better, and one that is worse; both directions were
# settled by pits of 40 pairs, far from any doubt.
KNOWN_ORDER = (("tribe", "random"), ("tribe", "idle"))
# Near each other, so that a change of the game moves their score.
STEADY = ("tribe", "expander")
NO_POLICY = ("random", "idle")  # what anything that was trained must be better than
REPEAT_AFTER = timedelta(hours=6)
FAILING_AGAIN_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class Pool:
    """What the choice of trials depends on; all members are active.

    Attributes:
        scripted: id by name of the scripted agent, former names replaced.
        champion: id, or None.
        challenger: id of the member that challenges it, or None.
        trained: ids of members that are snapshots or plug-ins, and not anchors.
        lineages: by learner, ids of its newest trained snapshot and of the ancestor that it is
            held against.
        held_out: id of a member that no learner trains against, or None.
    """

    scripted: Mapping[str, int]
    champion: int | None
    challenger: int | None
    trained: frozenset[int]
    lineages: Mapping[str, tuple[int, int]]
    held_out: int | None = None


@dataclass(frozen=True)
class Wanted:
    """A canary that the league should have, about these members."""

    key: str
    kind: Kind
    a: int
    b: int | None
    lineage: str | None = None


def wanted(pool: Pool) -> list[Wanted]:
    """Return all canaries and the challenge, the most urgent first."""
    found = []
    for high, low in KNOWN_ORDER:
        if high in pool.scripted and low in pool.scripted:
            found.append(
                Wanted(f"order:{high}:{low}", "order", pool.scripted[high], pool.scripted[low])
            )
    for member_id in dict.fromkeys((pool.challenger, pool.champion)):
        if member_id is None or member_id not in pool.trained:
            continue
        for name in NO_POLICY:
            if name in pool.scripted:
                key = f"better:{member_id}:{name}"
                found.append(Wanted(key, "better", member_id, pool.scripted[name]))
    if pool.challenger is not None and pool.champion is not None:
        found.append(Wanted("challenge", "challenge", pool.challenger, pool.champion))
    for lineage, (newest, ancestor) in sorted(pool.lineages.items()):
        found.append(Wanted(f"forgetting:{lineage}", "forgetting", newest, ancestor, lineage))
        if pool.held_out is not None:
            key = f"heldout:{lineage}"
            found.append(Wanted(key, "heldout", newest, pool.held_out, lineage))
    subject = pool.champion if pool.champion in pool.trained else pool.scripted.get(STEADY[0])
    if subject is not None:
        found.append(Wanted("mirror", "mirror", subject, None))
    if all(name in pool.scripted for name in STEADY):
        first, second = (pool.scripted[name] for name in STEADY)
        found.append(Wanted("drift", "drift", first, second))
    return found


def is_due(entry: Entry | None, want: Wanted, now: datetime) -> bool:
    """Return whether a new round shall begin.

    The first time, for a re-test, and when the members are others than those of the latest round,
    at once; else after REPEAT_AFTER, or FAILING_AGAIN_AFTER while it is failing. The verdict on a
    member that does not change is not asked for twice unless it failed.
    """
    if entry is None:
        return True
    if entry.open:
        return False
    if entry.kind == "challenge":
        return True
    if entry.status == "suspect" or entry.judged_at is None:
        return True
    since = now - datetime.fromisoformat(entry.judged_at)
    if entry.status == "failing":
        return since >= FAILING_AGAIN_AFTER
    if entry.kind in ("forgetting", "heldout"):
        return (entry.a, entry.b) != (want.a, want.b)
    if entry.kind == "better":
        return False
    return since >= REPEAT_AFTER


def next_round(entry: Entry | None, want: Wanted, active: Container[int]) -> Entry:
    """Return the entry with a new round open; a re-test keeps the members while they are active."""
    if entry is None:
        return Entry(want.kind, want.a, want.b, lineage=want.lineage)
    members = (want.a, want.b)
    if entry.status == "suspect" and are_active(entry, active):
        members = (entry.a, entry.b)
    return Entry(
        kind=entry.kind,
        a=members[0],
        b=members[1],
        round=entry.round + 1,
        status=entry.status,
        said=entry.said,
        score=entry.score,
        judged_at=entry.judged_at,
        lineage=want.lineage,
        reference=entry.reference,
    )


def are_active(entry: Entry, active: Container[int]) -> bool:
    """Return whether the members of an entry can still play."""
    return entry.a in active and (entry.b is None or entry.b in active)


def stale(book: Book, wants: list[Wanted]) -> list[str]:
    """Return the keys of canaries about members that nothing depends on any more."""
    kept = {want.key for want in wants}
    return [key for key in book.entries if key not in kept]
