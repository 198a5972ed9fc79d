"""Owns who is compared with whom: in every league the two snapshots with equally much training.

Promises: pure functions; the same level for all leagues, near the highest that every lineage of
every league has reached, so that no seed counts for more training than another; it follows from the
training alone, and nobody chooses it after seeing results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from league.compare.leagues import SeedLeague, Snapshot
from league.errors import CompareError

Measure = Literal["decisions", "minutes"]
MEASURES: tuple[Measure, ...] = ("decisions", "minutes")
# Shares of the level. The last snapshot of a run comes at any number of decisions, and the other
# lineage may have none near it: then a level a little lower makes the fairer comparison.
EQUAL_ENOUGH = 0.05
TOLERANCE = 0.1  # members further apart than this are named
LOWEST_LEVEL = 0.75  # of the highest that all have reached


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
            if _difference(pairing, self.measure) > TOLERANCE * self.level
        )


def amount(snapshot: Snapshot, measure: Measure) -> float:
    """Return how much training is in a snapshot: decisions, or minutes."""
    return snapshot.trained_decisions if measure == "decisions" else snapshot.minutes


def find_equals(
    leagues: Sequence[SeedLeague], measure: Measure, level: float | None = None
) -> Equals:
    """Return the snapshot of every lineage that is nearest to the level.

    Args:
        level: None takes, between the highest that every lineage has reached and three quarters of
            it, the highest at which all pairings are within 5 % of the level, else the level at
            which the largest difference is smallest.

    Raises:
        CompareError: a lineage has no trained snapshot.
    """
    for league in leagues:
        if not league.a or not league.b:
            raise CompareError(
                f"{league.name}: expected a trained snapshot of both lineages, found "
                f"{len(league.a)} and {len(league.b)}; let the league run longer"
            )
    if level is None:
        level = _level(leagues, measure)
    return _at(leagues, measure, level)


def _level(leagues: Sequence[SeedLeague], measure: Measure) -> float:
    chains = [chain for league in leagues for chain in (league.a, league.b)]
    top = min(max(amount(row, measure) for row in chain) for chain in chains)
    levels = {amount(row, measure) for chain in chains for row in chain}

    def preference(level: float) -> tuple[float, float]:
        worst = max(_difference(p, measure) for p in _at(leagues, measure, level).pairings)
        return max(worst / level - EQUAL_ENOUGH, 0.0), -level

    return min((x for x in levels if LOWEST_LEVEL * top <= x <= top), key=preference)


def _at(leagues: Sequence[SeedLeague], measure: Measure, level: float) -> Equals:
    return Equals(
        measure=measure,
        level=level,
        pairings=tuple(
            Pairing(league, *(_nearest(chain, measure, level) for chain in (league.a, league.b)))
            for league in leagues
        ),
    )


def _difference(pairing: Pairing, measure: Measure) -> float:
    return abs(amount(pairing.a, measure) - amount(pairing.b, measure))


def _nearest(chain: Sequence[Snapshot], measure: Measure, level: float) -> Snapshot:
    """Return the snapshot nearest to the level, of two equally near ones the later."""
    return min(
        chain, key=lambda row: (abs(amount(row, measure) - level), -row.trained_decisions, row.name)
    )
