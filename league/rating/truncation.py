"""What a win or a tie says about the difference of two performances: the factor's message.

Promises: digits are kept at any distance, with a win as likely or unlikely as you like and a tie of
any width; and the same bits on every machine: there are only additions, multiplications, divisions
and square roots here, which IEEE 754 fixes, and no library's exp or erfc, which differ.

A difference d has the mean z and the standard deviation 1 (the caller scales by s). A win says
d > e, a tie -e < d < e. What is left of d has the mean q and the variance u; the message that takes
N(z, 1) there has the precision w / u, where w = 1 - u, and the precision-weighted mean b / u, where
b = q - u z. Each of w, u, b is computed in the form that loses no digits: u is not 1 - w where w is
near 1, and b is not a difference of large numbers.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import NDArray

from league.rating.compiled import compiled

# Between LOW and HIGH, v(x) = pdf(x) / cdf(x) comes from a Taylor polynomial around the nearest of
# the points that are 1 / PER_UNIT apart. Below, the continued fraction of Mills' ratio converges;
# above, v is below 1e-22, which no double notices beside 1.
LOW, HIGH, PER_UNIT = -3, 10, 16
N_TERMS = 11  # of the polynomial: the next one is below 1e-17
N_FRACTION = 50  # of the continued fractions: converged to 1e-16 at -3, and at a tilt of 40
WIDE = 40.0  # exp(-2 WIDE) is below 1e-34: from this tilt on, the density sits at one edge

_HALF_PI = Decimal("1.570796326794896619231321691639751442098584699")


def taylor_table() -> NDArray[np.float64]:
    """Return float64 [points, N_TERMS]: the coefficients of v around LOW, LOW + 1 / PER_UNIT, ...

    v' = -v (v + x), so that each coefficient follows from those before it.
    """
    points = range(LOW * PER_UNIT, HIGH * PER_UNIT + 1)
    x = np.array(points) / PER_UNIT
    table = np.empty((len(points), N_TERMS))
    table[:, 0] = [_v(Decimal(point) / PER_UNIT) for point in points]
    for k in range(N_TERMS - 1):
        total = x * table[:, k]
        if k > 0:
            total += table[:, k - 1]
        for j in range(k + 1):
            total += table[:, j] * table[:, k - j]
        table[:, k + 1] = total / -(k + 1)
    return table


def _v(x: Decimal) -> float:
    """Return pdf(x) / cdf(x) in decimal arithmetic, rounded once.

    Its reciprocal is sqrt(pi / 2) exp(x^2 / 2) + x + x^3 / 3 + x^5 / (3 * 5) + ...
    """
    with localcontext() as context:
        context.prec = 34
        total, term, odd = _HALF_PI.sqrt() * (x * x / 2).exp(), x, 1
        while abs(term) > total.scaleb(-32):
            total += term
            odd += 2
            term *= x * x / odd
        return float(1 / total)


TABLE = taylor_table()


@compiled(internal=True)
def win(z: float, e: float) -> tuple[float, float, float]:
    """Return (w, u, b) of a win, for any z and e >= 0."""
    x = z - e
    if x < LOW:
        # pdf / cdf = t + delta with delta = 1 / (t + g), g = 2 / (t + 3 / (t + 4 / ...)), t = -x.
        # Source: Abramowitz and Stegun 26.2.14.
        t = -x
        g = 0.0
        for k in range(N_FRACTION, 1, -1):
            g = k / (t + g)
        delta = 1.0 / (t + g)
        u = delta * (g - delta)
        w = 1.0 - u
        return w, u, delta + u * t + w * e
    if x >= HIGH:
        return 0.0, 1.0, 0.0
    point = int((x - LOW) * PER_UNIT + 0.5)
    h = x - (LOW + point / PER_UNIT)
    v = TABLE[point, N_TERMS - 1]
    for k in range(N_TERMS - 2, -1, -1):
        v = v * h + TABLE[point, k]
    delta = v + x
    w = v * delta
    u = 1.0 - w
    if x < 0.0:
        return w, u, delta - u * x + w * e
    return w, u, v + w * x + w * e


@compiled(internal=True)
def tie(z: float, e: float) -> tuple[float, float, float]:
    """Return (w, u, b) of a tie whose width e is far below 1.

    The density on -e..e is exp(z d) then, since d^2 / 2 is below e^2 / 2. With the tilt k = z e its
    mean is e L(k) and its variance e^2 L'(k), of Langevin's function L = coth k - 1 / k.
    """
    k = abs(z) * e
    if k < WIDE:
        # L(k) = k / (3 + k^2 / (5 + k^2 / (7 + ...))), Lambert's continued fraction.
        square = k * k
        ratio = 0.0
        for odd in range(2 * N_FRACTION + 1, 3, -2):
            ratio = square / (odd + ratio)
        slope = 1.0 / (3.0 + ratio)  # L / k
        mean = k * slope
        spread = 1.0 - 2.0 * slope - mean * mean
    else:
        mean = 1.0 - 1.0 / k
        spread = 1.0 / (k * k)
    u = e * e * spread
    q = e * mean
    if z < 0.0:
        q = -q
    return 1.0 - u, u, q - u * z
