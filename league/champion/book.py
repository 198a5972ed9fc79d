"""Owns what is remembered of the canaries and challenges: one JSON object of the league.

Promises: evidence is not in here but in the matches of each round; what is here can be read by a
report without computing anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from db import queries
from league.champion.trials import Kind, Trial
from league.champion.verdicts import Reference

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEY = "canaries"  # of the league table
Status = Literal["untested", "passing", "suspect", "failing"]


@dataclass(frozen=True)
class Entry:
    """One canary, or the challenge, over all its rounds.

    Attributes:
        a, b: ids of the members of the present round, else of the latest; b is None for a mirror.
        open: whether a round is being played.
        status: passing or failing by the latest rounds; suspect after one failed round, until a
            second one on fresh seeds has decided.
        said: what the latest finished round said.
        score: its mean pair score, or None.
        judged_at: when it was judged, ISO 8601, or None.
        lineage: the learner that a canary watches, None for those about no learner.
        reference: earlier rounds of a canary that compares with them.
    """

    kind: Kind
    a: int
    b: int | None
    round: int = 1
    open: bool = True
    status: Status = "untested"
    said: str = ""
    score: float | None = None
    judged_at: str | None = None
    lineage: str | None = None
    reference: Reference | None = None

    def trial(self, key: str) -> Trial:
        """Return the present round."""
        return Trial(key, self.kind, self.a, self.b, self.round)


@dataclass(frozen=True)
class Book:
    """All canaries by key, and who has challenged the present champion.

    Attributes:
        champion: id of the champion whom `settled` is about.
        settled: outcome by id of the members that have challenged it.
        waiting: id of a challenger that has won and waits for a canary to recover, or None.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    champion: int | None = None
    settled: Mapping[int, str] = field(default_factory=dict)
    waiting: int | None = None

    def with_entry(self, key: str, entry: Entry) -> Book:
        """Return the book with one canary replaced or added."""
        return replace(self, entries={**self.entries, key: entry})

    def without(self, key: str) -> Book:
        """Return the book without one canary."""
        return replace(self, entries={k: e for k, e in self.entries.items() if k != key})


def load(session: Session) -> Book:
    """Return what the league remembers; an empty book before the first canary."""
    stored = queries.get_league_value(session, KEY)
    if stored is None:
        return Book()
    return Book(
        entries={key: _entry(values) for key, values in stored["entries"].items()},
        champion=stored["champion"],
        settled={int(key): outcome for key, outcome in stored["settled"].items()},
        waiting=stored["waiting"],
    )


def save(session: Session, book: Book) -> None:
    """Store a book, inside the caller's transaction."""
    queries.set_league_value(
        session,
        KEY,
        {
            "entries": {key: asdict(entry) for key, entry in book.entries.items()},
            "champion": book.champion,
            "settled": {str(key): outcome for key, outcome in book.settled.items()},
            "waiting": book.waiting,
        },
    )


def _entry(values: Mapping[str, Any]) -> Entry:
    reference = values.get("reference")
    return Entry(**{**values, "reference": None if reference is None else Reference(**reference)})


@dataclass(frozen=True)
class Blocker:
    """A canary that keeps a member from becoming champion."""

    key: str
    status: Status
    said: str

    def __str__(self) -> str:
        return f"canary {self.key} is {self.status}: {self.said}"


def blockers(book: Book, member_id: int, lineage: str | None) -> list[Blocker]:
    """Return the canaries, suspect or failing, that keep a member from becoming champion.

    Mirror, known order and drift say that matches themselves cannot be trusted and block everybody;
    the others block the member, or the lineage, that they are about.
    """
    return [
        Blocker(key, entry.status, entry.said)
        for key, entry in book.entries.items()
        if entry.status in ("suspect", "failing")
        and entry.kind != "challenge"
        and (entry.kind != "better" or entry.a == member_id)
        and (entry.lineage is None or entry.lineage == lineage)
    ]


def forgotten(session: Session, lineage: str) -> dict[int, float]:
    """Return ancestors that a lineage has fallen behind, with its score against them.

    Its learner should meet them more often until the canary passes again.
    """
    entry = load(session).entries.get(f"forgetting:{lineage}")
    if entry is None or entry.status not in ("suspect", "failing"):
        return {}
    return {} if entry.b is None or entry.score is None else {entry.b: entry.score}
