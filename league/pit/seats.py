"""Whether some seats come first more often than others; units are what is independent."""

from __future__ import annotations

import math
from collections.abc import Sequence

from league.pit.statistics import PitMatch

MIN_EXPECTED = 5.0  # first places per seat and match of a unit below which a test means nothing
BIAS_BELOW = 0.01  # the alarm: said of 1 % of fair head-to-heads


def seat_bias_p_value(units: Sequence[Sequence[PitMatch]]) -> float | None:
    """Return p of a test that all seats come first equally often; None if there are too few.

    The matches of a unit share a seed and its spawns, and are not independent: the shares of first
    places are averaged over each unit, and the spread between units is estimated. If all seats are
    alike the covariance of K shares is c (I - 1 / K), with one unknown c: the sum of squares
    between seats over that within them is F with K - 1 and (N - 1)(K - 1) degrees of freedom, the
    first-order correction of Rao and Scott (1981) for clustered counts. A shared first place is
    split among its seats.
    """
    if not units:
        return None
    n_seats, n = len(units[0][0].placements), len(units)
    if n / n_seats < MIN_EXPECTED:
        return None
    shares = [_firsts(unit) for unit in units]
    means = [math.fsum(share[seat] for share in shares) / n for seat in range(n_seats)]
    within = math.fsum(
        (share[seat] - means[seat]) ** 2 for share in shares for seat in range(n_seats)
    )
    between = n * math.fsum((mean - 1.0 / n_seats) ** 2 for mean in means)
    if within <= 0.0:
        return 0.0 if between > 0.0 else 1.0
    from scipy.special import fdtrc

    degrees = n_seats - 1
    ratio = between / degrees / (within / ((n - 1) * degrees))
    return float(fdtrc(degrees, (n - 1) * degrees, ratio))


def _firsts(unit: Sequence[PitMatch]) -> list[float]:
    """Return each seat's share of the first places of a unit."""
    shares = [0.0] * len(unit[0].placements)
    for match in unit:
        winners = [seat for seat, place in enumerate(match.placements) if place == 1]
        for seat in winners:
            shares[seat] += 1.0 / (len(winners) * len(unit))
    return shares
