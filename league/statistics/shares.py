"""A share of independent trials with its exact interval."""

from __future__ import annotations

from dataclasses import dataclass

from league.errors import StatisticsError


@dataclass(frozen=True)
class ShareInterval:
    """A share and its interval."""

    share: float
    low: float
    high: float


def exact_interval(n_won: float, n: int, confidence: float = 0.95) -> ShareInterval:
    """Return won / n with the interval of Clopper and Pearson (1934), which never covers less.

    A shared first place is a part of a win; the interval is then that of the nearest chances, as
    the beta distribution takes any number.

    Raises:
        StatisticsError: there is no trial, or more was won than there were.
    """
    if n < 1 or not 0.0 <= n_won <= n:
        raise StatisticsError(f"expected 0 to n wins in n >= 1 trials, found {n_won:g} in {n}")
    from scipy.special import betaincinv

    tail = (1.0 - confidence) / 2.0
    low = 0.0 if n_won == 0 else float(betaincinv(n_won, n - n_won + 1.0, tail))
    high = 1.0 if n_won == n else float(betaincinv(n_won + 1.0, n - n_won, 1.0 - tail))
    return ShareInterval(n_won / n, low, high)
