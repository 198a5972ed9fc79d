"""Owns who is compared with whom: in every league the two snapshots with equally much training.

Promises: pure functions; the same level for all leagues, the highest that every lineage of every
league has reached, so that no seed counts for more training than another; nobody chooses it after
seeing results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from league.compare.leagues import SeedLeague, Snapshot
from league.errors import CompareError

Measure = Literal["decisions", "minutes"]
MEASURES: tuple[Measure, ...] = ("decisions", "minutes")
TOLERANCE = 0.1  # of the level; snapshots are 120,000 decisions apart, after a million 1 in 8


@dataclass(frozen=True)
class Pairing:
    """The two members that stand for both lineages in one league."""

    league: SeedLeague
    a: Snapshot
    b: Snapshot


@dataclass(frozen=True)
class Equals:
    """The members that are compared at one level of training, a pair per league.

    Attributes:
        level: trained decisions, or minutes of running time.
    """

    measure: Measure
    level: float
    pairings: tuple[Pairing, ...]

    @property
    def unequal(self) -> tuple[Pairing, ...]:
        """Pairings whose members differ by more than a tenth of the level."""
        return tuple(
            pairing
            for pairing in self.pairings
            if abs(amount(pairing.a, self.measure) - amount(pairing.b, self.measure))
            > TOLERANCE * self.level
        )


def amount(snapshot: Snapshot, measure: Measure) -> float:
    """Return how much training is in a snapshot: decisions, or minutes."""
    return snapshot.trained_decisions if measure == "decisions" else snapshot.minutes


def find_equals(
    leagues: Sequence[SeedLeague], measure: Measure, level: float | None = None
) -> Equals:
    """Return the snapshot of every lineage that is nearest to the level.

    Args:
        level: None takes the highest that every lineage has reached.

    Raises:
        CompareError: a lineage has no trained snapshot.
    """
    for league in leagues:
        if not league.a or not league.b:
            raise CompareError(
                f"{league.name}: expected a trained snapshot of both lineages, found "
                f"{len(league.a)} and {len(league.b)}; let the league run longer"
            )
    chains = [chain for league in leagues for chain in (league.a, league.b)]
    if level is None:
        level = min(max(amount(row, measure) for row in chain) for chain in chains)
    return Equals(
        measure=measure,
        level=level,
        pairings=tuple(
            Pairing(league, _nearest(league.a, measure, level), _nearest(league.b, measure, level))
            for league in leagues
        ),
    )


def _nearest(chain: Sequence[Snapshot], measure: Measure, level: float) -> Snapshot:
    """Return the snapshot nearest to the level, of two equally near ones the later."""
    return min(
        chain, key=lambda row: (abs(amount(row, measure) - level), -row.trained_decisions, row.name)
    )
