"""Owns the progress of a league's learners: their snapshots in order, and what they must beat.

Promises: a pure function of a report's state, which is one reading of the database; every rating is
the present one (snapshots are frozen, so more matches only make it more certain), on the reported
scale, on which `tribe` is at 25.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from league.curves.bar_history import Passage, passages
from league.report.state import LearnerRow, MemberRow, ReportState

if TYPE_CHECKING:
    from db.records import RatingMoment

# A lineage has learned the game when a snapshot is rated above the four scripts that play it well.
RIVAL_SPECS = tuple(f"scripted:{name}" for name in ("tribe", "expander", "turtle", "opportunist"))
# Measured in ten-seat matches: sigma is 8.33 at first, 1.2 after 16, 0.9 after 29, 0.75 after 41.
# From then on mu - 3 sigma grows with skill rather than with the number of matches alone.
MIN_MATCHES = 30


@dataclass(frozen=True)
class Rated:
    """A member and its rating; the rating is None before admission, the placement before matches.

    `minutes` count from the league's first start, including pauses; `half_width` is of the 95 %
    interval of mu on the reported scale, None for the anchor of the scale.
    """

    name: str
    trained_decisions: int
    minutes: float
    mu: float | None
    sigma: float | None
    conservative: float | None
    half_width: float | None
    matches: int
    mean_placement: float | None


@dataclass(frozen=True)
class Lineage:
    """The snapshots of one learner by trained decisions, and which of them are above the bar.

    `first_above` is the earliest snapshot above it by today's ratings; `passage` follows the newest
    snapshot by the ratings at each moment. `taught_by` is the teacher of its newest snapshot that
    was taught, None for a lineage from nothing.
    """

    name: str
    family: str
    role: str
    snapshots: tuple[Rated, ...]
    first_above: Rated | None
    passage: Passage
    taught_by: str | None = None

    def best(self, min_matches: int) -> Rated | None:
        """Return the snapshot with enough matches and the highest conservative rating, or None."""
        proven = [row for row in self.snapshots if _is_proven(row, min_matches)]
        return max(proven, key=lambda row: row.conservative or 0.0, default=None)


@dataclass(frozen=True)
class Bar:
    """What a snapshot must be above: the best rival's conservative rating.

    Attributes:
        rivals: the names of the rivals in this league; all must be passed.
        missing: rivals that this league does not have.
        unproven: rivals with too few matches; until they have enough, no snapshot is above the bar.
        highest: the rival that sets the bar, None without rated rivals.
        conservative: its mu - 3 sigma.
    """

    rivals: tuple[str, ...]
    missing: tuple[str, ...]
    unproven: tuple[str, ...]
    highest: str | None
    conservative: float | None


@dataclass(frozen=True)
class LeagueCurves:
    """The curves of one league; `first_start` is None while it has no members."""

    league: str
    at: datetime
    first_start: datetime | None
    min_matches: int
    anchors: tuple[Rated, ...]
    bar: Bar
    lineages: tuple[Lineage, ...]


def league_curves(
    state: ReportState,
    moments: Sequence[RatingMoment] = (),
    *,
    min_matches: int = MIN_MATCHES,
    name: str | None = None,
) -> LeagueCurves:
    """Compute the curves of a state.

    The first start is when the first member joined: it admits the scripted members.

    Args:
        moments: the rating log, for the passages; without it no snapshot was ever above the bar.
        min_matches: rated matches that a member needs before its rating counts.
        name: what to call the league; None takes the name of its folder.
    """
    first_start = min((row.created_at for row in state.members), default=None)
    anchors = [row for row in state.members if row.role == "anchor" and row.mu is not None]
    bar = _bar(anchors, min_matches)
    chains = {
        names: sorted(rows, key=lambda row: (row.trained_decisions, row.created_at, row.id))
        for names, rows in _chains(state).items()
    }
    walked = passages(
        moments,
        {key: [row.id for row in chain] for key, chain in chains.items()},
        [row.id for row in anchors if row.agent_spec in RIVAL_SPECS],
        {row.id: row.name for row in state.members},
        first_start or state.at,
        min_matches,
    )
    lineages = []
    for key, chain in chains.items():
        snapshots = tuple(_rated(row, first_start) for row in chain)
        first = next((row for row in snapshots if _is_above(row, bar, min_matches)), None)
        taught = [row.taught_by for row in chain if row.taught_by is not None]
        lineages.append(
            Lineage(*key, snapshots, first, walked[key], taught[-1] if taught else None)
        )
    return LeagueCurves(
        league=name or state.league,
        at=state.at,
        first_start=first_start,
        min_matches=min_matches,
        anchors=tuple(_rated(row, first_start) for row in anchors),
        bar=bar,
        lineages=tuple(lineages),
    )


def curves_document(leagues: Sequence[LeagueCurves]) -> dict[str, Any]:
    """Return the JSON of `league curves`: {"leagues": [{"league", "bar", "anchors", ...}, ...]}."""
    return {"leagues": [_league(curves) for curves in leagues]}


def in_words(names: Sequence[str]) -> str:
    """Return the names as `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _league(curves: LeagueCurves) -> dict[str, Any]:
    start = curves.first_start
    return {
        "league": curves.league,
        "at": curves.at.isoformat(),
        "first_start": None if start is None else start.isoformat(),
        "min_matches": curves.min_matches,
        "bar": asdict(curves.bar),
        "anchors": [asdict(row) for row in curves.anchors],
        "lineages": [asdict(lineage) for lineage in curves.lineages],
    }


def _chains(state: ReportState) -> Mapping[tuple[str, str, str], list[MemberRow]]:
    """Return the snapshots by (name, family, role) of their lineage, those of learners first.

    The manager names a learner's snapshots LEARNER-GENERATION, followed by their hash if another
    member has that name. Following `parent_id` from the newest one is not enough: it stops at a
    parent that is not in the pool. A snapshot that was added by hand begins a lineage of its own,
    named after the oldest of its ancestors that was added by hand too.
    """
    chains: dict[tuple[str, str, str], list[MemberRow]] = {
        (row.name, row.family, row.role): [] for row in state.learners
    }
    by_id = {row.id: row for row in state.members if row.snapshot is not None}
    owners = {
        row.id: (learner.name, learner.family, learner.role)
        for row in by_id.values()
        for learner in state.learners
        if _is_snapshot_of(row, learner)
    }
    for row in by_id.values():
        if row.id in owners:
            chains[owners[row.id]].append(row)
            continue
        root = row
        while root.parent_id in by_id and root.parent_id not in owners:
            root = by_id[root.parent_id]
        chains.setdefault((root.name, root.family, root.role), []).append(row)
    return chains


def _is_snapshot_of(row: MemberRow, learner: LearnerRow) -> bool:
    own = f"{learner.name}-{row.generation:04d}"
    names = (own, f"{own}-{(row.snapshot or '')[:8]}", learner.latest_member)
    return row.name in names and row.family == learner.family


def _bar(anchors: Iterable[MemberRow], min_matches: int) -> Bar:
    rivals = [row for spec in RIVAL_SPECS for row in anchors if row.agent_spec == spec]
    found = {row.agent_spec for row in rivals}
    highest = max(rivals, key=lambda row: row.conservative or 0.0, default=None)
    return Bar(
        rivals=tuple(row.name for row in rivals),
        missing=tuple(s.removeprefix("scripted:") for s in RIVAL_SPECS if s not in found),
        unproven=tuple(row.name for row in rivals if row.matches < min_matches),
        highest=None if highest is None else highest.name,
        conservative=None if highest is None else highest.conservative,
    )


def _rated(row: MemberRow, first_start: datetime | None) -> Rated:
    since = 0.0 if first_start is None else (row.created_at - first_start).total_seconds()
    return Rated(
        name=row.name,
        trained_decisions=row.trained_decisions,
        minutes=since / 60,
        mu=row.mu,
        sigma=row.sigma,
        conservative=row.conservative,
        half_width=row.half_width,
        matches=row.matches,
        mean_placement=row.mean_placement,
    )


def _is_proven(row: Rated, min_matches: int) -> bool:
    return row.conservative is not None and row.matches >= min_matches


def _is_above(row: Rated, bar: Bar, min_matches: int) -> bool:
    if bar.conservative is None or bar.unproven or row.conservative is None:
        return False
    return _is_proven(row, min_matches) and row.conservative > bar.conservative
