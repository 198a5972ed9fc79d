"""Calibration of intervals of ratings and ranks, and of what `league report --payoff` claims."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from league.rating.beats import count_beats
from league.rating.contradictions import (
    PitScores,
    matches_against_ratings,
    pits_against_ratings,
)
from league.rating.deviation import deviation_ratings
from league.rating.errors import rating_errors
from league.rating.standings import standings
from league.rating.trueskill import win_probability
from tests.calibration.harness import Effort, Measured, Row, at_most
from tests.calibration.pools import Pool, play_pool


def _over_pools(
    effort: Effort,
    rng: Generator,
    of_pool: Callable[[Pool], float],
    what: str,
    *,
    low: float = 0.93,
    high: float = 0.97,
    long: int = 800,
    **pool: Any,
) -> Measured:
    """Return the mean share over pools; its error is that of pools: their members share one."""
    n = long if effort == "long" else max(long // 50, 8)
    shares = [of_pool(play_pool(rng, **pool)) for _ in range(n)]
    mean = float(np.mean(shares))
    error = max(float(np.std(shares, ddof=1)) / math.sqrt(n), 0.5 / (n * 20))
    size = f"{pool['n_members']} members and {pool['n_matches']:,} matches"
    detail = f"{what}, {n} simulated leagues of {size}"
    return Measured(mean, error, detail, low - 3 * error <= mean <= high + 3 * error)


def ratings_hold(pool: Pool) -> float:
    """Return how many intervals on the scale of member 1 hold the true difference from it."""
    table = standings(pool.ratings, anchor_id=1, errors=rating_errors(pool.columns, pool.ratings))
    truth = pool.truth - pool.truth[0] + 25.0
    held = [
        abs(row.mu - truth[row.member_id - 1]) <= row.half_width
        for row in table
        if row.half_width is not None
    ]
    return float(np.mean(held))


def _ranks_hold(pool: Pool) -> float:
    table = standings(pool.ratings, anchor_id=1, errors=rating_errors(pool.columns, pool.ratings))
    ranks = 1 + (pool.truth[None, :] > pool.truth[:, None]).sum(axis=1)
    assert all(row.rank_low <= row.rank <= row.rank_high for row in table)
    held = [row.rank_low <= ranks[row.member_id - 1] <= row.rank_high for row in table]
    return float(np.mean(held))


def _rating_row(name: str, before: str, target: str, **given: Any) -> Row:
    printed = "`league report`: `+-95 %` of mu on the anchor's scale"

    def measured(effort: Effort, rng: Generator) -> Measured:
        return _over_pools(effort, rng, ratings_hold, "intervals", **given)

    return Row(name, printed, before, target, measured)


def _rank_row(name: str, high: float, **given: Any) -> Row:
    def measured(effort: Effort, rng: Generator) -> Measured:
        return _over_pools(effort, rng, _ranks_hold, "rank intervals", high=high, **given)

    return Row(
        name,
        "`league report`: ranks that the tests of differences allow",
        ".99 to 1.00, ranks outside their own interval",
        f".93 to {high:.2f}".replace("0.", "."),
        measured,
    )


_ORDINARY: dict[str, Any] = {"n_members": 22, "n_matches": 1600}
_COMPANY: dict[str, Any] = {**_ORDINARY, "company": 0.25}


def _beats_hold(effort: Effort, rng: Generator, *, together: bool) -> Measured:
    def of_pool(pool: Pool) -> float:
        ids = sorted(pool.ratings)
        beats = count_beats(pool.columns, ids)
        pairs = np.triu(beats.decided(), 1)
        true = np.array(
            [
                [win_probability((a, 0.0), (b, 0.0)) for b in pool.truth.tolist()]
                for a in pool.truth.tolist()
            ]
        )
        low, high = beats.intervals(int(pairs.sum()) if together else 1)
        held = ((low <= true) & (true <= high))[pairs]
        return float(held.all() if together else held.mean())

    low, high = (0.95, 1.0) if together else (0.94, 0.98)
    what = "leagues in which all pairs hold" if together else "pairs"
    return _over_pools(effort, rng, of_pool, what, low=low, high=high, **_COMPANY)


def _contradicts(effort: Effort, rng: Generator, company: float) -> Measured:
    n = 800 if effort == "long" else 16
    found = []
    for _ in range(n):
        pool = play_pool(rng, n_members=22, n_matches=1600, company=company)
        beats = count_beats(pool.columns, sorted(pool.ratings))
        errors = rating_errors(pool.columns, pool.ratings)
        found.append(
            bool(matches_against_ratings(beats, pool.ratings, errors)) or bool(beats.cycles())
        )
    return at_most(found, 0.05, "leagues of 22 with a contradiction or a cycle that is none")


def _pit_contradicts(effort: Effort, rng: Generator) -> Measured:
    """Head-to-heads that are played until they contradict the ratings, at most 100 pairs each."""
    n = 400 if effort == "long" else 10
    found = []
    for _ in range(n):
        pool = play_pool(rng, n_members=22, n_matches=1600, company=0.25)
        errors = rating_errors(pool.columns, pool.ratings)
        scores = []
        for _ in range(10):
            first, second = (rng.permutation(22)[:2] + 1).tolist()
            p = win_probability((pool.truth[first - 1], 0.0), (pool.truth[second - 1], 0.0))
            played = rng.beta(6 * p, 6 * (1 - p), 100).tolist()
            scores.append((first, second, played))
        found.append(
            any(
                row.is_sure
                for n_pairs in (16, 32, 64, 100)
                for row in pits_against_ratings(
                    [PitScores(a, b, tuple(played[:n_pairs])) for a, b, played in scores],
                    pool.ratings,
                    errors,
                )
            )
        )
    return at_most(found, 0.05, "leagues with ten head-to-heads, looked at four times")


def _clones(effort: Effort, rng: Generator) -> Measured:
    n = 200 if effort == "long" else 12
    moved = 0.0
    for _ in range(n):
        size = int(rng.integers(3, 12))
        noise = rng.normal(0.0, 0.1, (size, size))
        rates = np.clip(0.5 + noise - noise.T, 0.0, 1.0)
        copied = int(rng.integers(size))
        of = np.append(np.arange(size), np.full(50, copied))
        after = deviation_ratings(rates[np.ix_(of, of)]).rating
        moved = max(moved, float(np.abs(after[:size] - deviation_ratings(rates).rating).max()))
    return Measured(moved, 0.0, f"{n} pools of 3 to 11 members and 50 copies of one", moved < 1e-6)


ROWS: tuple[Row, ...] = (
    _rating_row("rating-interval", ".79 to .85", ".93 to .97", **_ORDINARY),
    _rating_row("rating-interval-company", ".82 to .89", ".93 to .97", **_COMPANY),
    _rating_row(
        "rating-interval-few-matches",
        "-",
        ".93 to .97",
        n_members=22,
        n_matches=200,
        share=4,
        company=0.25,
    ),
    _rating_row(
        "rating-interval-one-line-up", "-", ".93 to .97", n_members=10, n_matches=800, spread=4.0
    ),
    _rating_row(
        "rating-interval-wide-pool",
        ".85; .87 without the step",
        ".93 to .98",
        high=0.98,
        spread=8.0,
        **_ORDINARY,
    ),
    _rank_row("rank-interval-200", 0.97, long=150, n_members=200, n_matches=5000, share=4),
    _rank_row("rank-interval-50", 0.97, n_members=50, n_matches=3200, share=4, company=0.25),
    _rank_row("rank-interval-22", 0.98, **_COMPANY),
    Row(
        "beat-rate-interval",
        "`league report --payoff`: interval of each beat rate (JSON)",
        "-",
        ".94 to .98 (exact intervals are wide)",
        lambda effort, rng: _beats_hold(effort, rng, together=False),
    ),
    Row(
        "beat-rates-together",
        "all pairs of a league at once",
        ".23 by the normal distribution",
        ".95 at least",
        lambda effort, rng: _beats_hold(effort, rng, together=True),
    ),
    Row(
        "contradictions",
        "`league report --payoff`: contradictions and cycles where none are",
        "-",
        ".05 at most",
        lambda effort, rng: _contradicts(effort, rng, 0.0),
    ),
    Row(
        "contradictions-company",
        "the same where strength depends on company",
        "-",
        ".05 at most",
        lambda effort, rng: _contradicts(effort, rng, 0.25),
    ),
    Row(
        "contradictions-pits",
        "`league report --payoff`: head-to-heads marked `differs` where ratings are right",
        "-",
        ".05 at most, looked at while they are played",
        _pit_contradicts,
    ),
    Row(
        "clones",
        "`league report --payoff`: the clone-proof ranking with 50 copies of one member",
        "-",
        "moves by less than 1e-6",
        _clones,
    ),
)
