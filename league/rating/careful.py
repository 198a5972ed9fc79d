"""TrueSkill's truncation where the package's own loses all digits; `trueskill.rate_match` falls
back on it.

Promises: finite numbers for any two ratings and margins of DRAW_PROBABILITY's size, equal to the
limit of exact arithmetic.

The package computes what a tie leaves of a variance as 1 - w, where w is within 1e-12 of 1 and
carries an error of 1e-10: the difference is noise, harmless until it is exactly 0 (seen in one of
590,000 matches). It refuses a win between members more than 38 standard deviations apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trueskill import TrueSkill

_FAR = 30.0  # standard deviations: the asymptotic series is right to 1e-9 from here on


def careful_copy(rules: TrueSkill) -> TrueSkill:
    """Return an environment of the same constants whose truncation keeps its digits."""
    from trueskill import TrueSkill

    copy = TrueSkill(
        mu=rules.mu,
        sigma=rules.sigma,
        beta=rules.beta,
        tau=rules.tau,
        draw_probability=rules.draw_probability,
        backend=(rules.cdf, rules.pdf, rules.ppf),
    )
    copy.v_win, copy.w_win = v_win, w_win  # the instance's functions win over the class's
    copy.v_draw, copy.w_draw = v_draw, w_draw
    return copy


def v_win(diff: float, margin: float) -> float:
    """Return how far the mean of N(diff, 1) moves when it is cut off below `margin`."""
    return _win(diff - margin)[0]


def w_win(diff: float, margin: float) -> float:
    """Return the share of the variance that such a cut takes away, 0 <= w < 1."""
    return _win(diff - margin)[1]


def v_draw(diff: float, margin: float) -> float:
    """Return how far the mean of N(diff, 1) moves when it is cut to -margin..margin."""
    return _draw(diff, margin)[0]


def w_draw(diff: float, margin: float) -> float:
    """Return the share of the variance that such a cut takes away, 0 <= w < 1."""
    return _draw(diff, margin)[1]


def _win(x: float) -> tuple[float, float]:
    if x < -_FAR:  # Mills' ratio; source: Abramowitz and Stegun 26.2.12
        step = (1.0 - 2.0 / x**2 + 10.0 / x**4) / -x
        return step - x, 1.0 - (1.0 - 6.0 / x**2 + 50.0 / x**4) / x**2
    density = math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    v = density / (0.5 * math.erfc(-x / math.sqrt(2.0)))
    return v, v * (v + x)


def _draw(diff: float, margin: float) -> tuple[float, float]:
    """Return (v, w); a margin far below 1 leaves the density exp(diff * x) on -margin..margin."""
    tilt = abs(diff) * margin
    if tilt < 1e-2:
        mean, variance = margin * tilt / 3.0, margin**2 / 3.0 * (1.0 - tilt**2 / 5.0)
    else:
        mean = margin * (1.0 / math.tanh(tilt) - 1.0 / tilt)
        cut = 1.0 / math.sinh(tilt) ** 2 if tilt < 300.0 else 0.0
        variance = margin**2 * (1.0 / tilt**2 - cut)
    return math.copysign(mean, diff) - diff, 1.0 - variance
