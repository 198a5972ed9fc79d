"""The chain of league.rating.chain in high-precision arithmetic, written after the paper, slowly.

Messages are (precision, precision * mean) in mpmath numbers; truncations are integrals of the
normal density in closed form, with no series and no limit; what a factor says is the marginal
divided by what it was told, as in the paper. Only the stopping rule is the compiled chain's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath

from league.rating.chain import MAX_SWEEPS, MIN_DELTA

Gaussian = tuple[float, float]
Pair = tuple[Any, Any]


def _moments(z: Any, low: Any, high: Any) -> Pair:
    """Mean and variance of N(z, 1) between `low` and `high`."""
    a, b = low - z, high - z
    if a > 0:  # so that the two cdf are small, and their difference keeps its digits
        mean, variance = _moments(-z, -high, -low)
        return -mean, variance
    pdf_a = mpmath.npdf(a) if mpmath.isfinite(a) else mpmath.mpf(0)
    pdf_b = mpmath.npdf(b)
    mass = mpmath.ncdf(b) - mpmath.ncdf(a)
    shift = (pdf_a - pdf_b) / mass
    inner = ((a * pdf_a if mpmath.isfinite(a) else 0) - b * pdf_b) / mass
    return z + shift, 1 + inner - shift * shift


def rate(
    ratings: Sequence[Gaussian],
    places: Sequence[int],
    *,
    beta: float,
    margin: float,
    digits: int = 50,
    sweeps: int = MAX_SWEEPS,
    min_delta: float = MIN_DELTA,
) -> list[tuple[Any, Any]]:
    """Return (mu, sigma) after the match as mpmath numbers, in seat order."""
    with mpmath.workdps(digits):
        order = sorted(range(len(places)), key=lambda seat: (places[seat], seat))
        n = len(order)
        skill = [(mpmath.mpf(ratings[s][0]), mpmath.mpf(ratings[s][1]) ** 2) for s in order]
        noise = mpmath.mpf(beta) ** 2
        prior = [(1 / (v + noise), m / (v + noise)) for m, v in skill]
        nothing = (mpmath.mpf(0), mpmath.mpf(0))
        above, below, says = [nothing] * n, [nothing] * n, [nothing] * (n - 1)
        seen = [nothing] * (n - 1)

        def add(one: Pair, other: Pair, sign: int) -> Pair:
            if other[0] == 0:
                return nothing
            variance = 1 / one[0] + 1 / other[0]
            return 1 / variance, (one[1] / one[0] + sign * other[1] / other[0]) / variance

        def compare(i: int) -> Any:
            a = prior[i][0] + above[i][0], prior[i][1] + above[i][1]
            b = prior[i + 1][0] + below[i + 1][0], prior[i + 1][1] + below[i + 1][1]
            mean, variance = a[1] / a[0] - b[1] / b[0], 1 / a[0] + 1 / b[0]
            s = mpmath.sqrt(variance)
            tied = places[order[i]] == places[order[i + 1]]
            e = mpmath.mpf(margin) / s
            if tied:
                q, u = _moments(mean / s, -e, e)
            else:
                q, u = _win(mean / s, e)
            new = 1 / (u * variance) - 1 / variance, q / (u * s) - mean / variance
            old, says[i] = says[i], new
            if tied:
                new = 1 / variance, mean / variance
                old, seen[i] = seen[i], new
            return max(abs(new[1] - old[1]), mpmath.sqrt(abs(new[0] - old[0])))

        def down(i: int) -> None:
            one = prior[i][0] + above[i][0], prior[i][1] + above[i][1]
            above[i + 1] = add(one, says[i], -1)

        def up(i: int) -> None:
            one = prior[i + 1][0] + below[i + 1][0], prior[i + 1][1] + below[i + 1][1]
            below[i] = add(one, says[i], 1)

        for _ in range(sweeps):
            delta = mpmath.mpf(0)
            if n == 2:
                delta = compare(0)
            for i in range(n - 2):
                delta = max(delta, compare(i))
                down(i)
            for i in range(n - 2, 0, -1):
                delta = max(delta, compare(i))
                up(i)
            if delta <= min_delta:
                break
        up(0)
        down(n - 2)
        after: list[tuple[Any, Any]] = [nothing] * n
        for i, seat in enumerate(order):
            pi, tau = above[i][0] + below[i][0], above[i][1] + below[i][1]
            share = 1 / (1 + noise * pi)
            precision = 1 / skill[i][1] + share * pi
            mu = (skill[i][0] / skill[i][1] + share * tau) / precision
            after[seat] = mu, 1 / mpmath.sqrt(precision)
        return after


def _win(z: Any, e: Any) -> Pair:
    """Mean and variance of N(z, 1) above e."""
    x = z - e
    v = mpmath.npdf(x) / mpmath.ncdf(x)
    return z + v, 1 - v * (v + x)
