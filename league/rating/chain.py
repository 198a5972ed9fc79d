"""TrueSkill's factor graph for members with one seat each: a chain, compiled.

The members of a match stand in the order of their places. Member i has a performance p[i], its
skill with noise of variance beta^2; each neighbouring pair has a difference d[i] = p[i] - p[i + 1],
above the draw margin for a win and within it for a tie. Messages go down the chain and up again
until no difference changes by more than MIN_DELTA: the schedule of the package `trueskill`, to
which the tests hold these numbers.

Promises: finite numbers for all ratings within engines.LARGEST, with ties in any number and members
however far apart; a match never raises a sigma; and the same bits for the same ratings and places
in seat order, on every machine. No message is ever divided out of a product: all are kept apart, so
that a tie, which is 1e12 times as precise as anything else, drowns nothing.

Source: Herbrich, Minka, Graepel, TrueSkill (NIPS 2006).
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from league.rating.compiled import compiled
from league.rating.truncation import tie, win

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MIN_DELTA = 1e-4  # the package's; it is what decides the fifth digit
# The package stops after 10 sweeps, converged or not. Random members with a spread of 15 points
# take 5 to 8; a strong upset across hundreds of points takes more.
MAX_SWEEPS = 200

# Rows of the scratch array. Pairs are (precision, precision * mean); means are relative to that of
# the member in the first place.
PRIOR = 0  # of performances
ABOVE = 2  # what d[i - 1] says about p[i]
BELOW = 4  # what d[i] says about p[i]
SAYS = 6  # what the result says about d[i]
SEEN = 8  # what the performances say about d[i], kept for ties
N_SCRATCH = 10


def scratch(n_seats: int) -> tuple[Floats, Integers]:
    """Return room for matches of up to `n_seats` rated seats."""
    return np.empty((N_SCRATCH, n_seats)), np.empty(n_seats, np.int64)


@compiled(internal=True)
def _add(pi: float, tau: float, more_pi: float, more_tau: float) -> tuple[float, float]:
    """Return the sum of two independent normals: means and variances add; `more_pi` may be 0."""
    total = 1.0 / (pi + more_pi)
    return pi * more_pi * total, (tau * more_pi + more_tau * pi) * total


@compiled(internal=True)
def _tell_below(work: Floats, i: int) -> None:
    """Set what d[i] says about p[i + 1] = p[i] - d[i]."""
    pi, tau = _add(
        work[PRIOR, i] + work[ABOVE, i],
        work[PRIOR + 1, i] + work[ABOVE + 1, i],
        work[SAYS, i],
        -work[SAYS + 1, i],
    )
    work[ABOVE, i + 1] = pi
    work[ABOVE + 1, i + 1] = tau


@compiled(internal=True)
def _tell_above(work: Floats, i: int) -> None:
    """Set what d[i] says about p[i] = p[i + 1] + d[i]."""
    pi, tau = _add(
        work[PRIOR, i + 1] + work[BELOW, i + 1],
        work[PRIOR + 1, i + 1] + work[BELOW + 1, i + 1],
        work[SAYS, i],
        work[SAYS + 1, i],
    )
    work[BELOW, i] = pi
    work[BELOW + 1, i] = tau


@compiled(internal=True)
def _compare(work: Floats, i: int, is_tie: bool, margin: float) -> float:
    """Set what the result says about d[i]; return by how much that changed, squared.

    What a tie says about d[i] hardly changes, and its rounding is larger than all else: there the
    change is that of what the performances say.
    """
    variance_a = 1.0 / (work[PRIOR, i] + work[ABOVE, i])
    variance_b = 1.0 / (work[PRIOR, i + 1] + work[BELOW, i + 1])
    mean = (work[PRIOR + 1, i] + work[ABOVE + 1, i]) * variance_a
    mean -= (work[PRIOR + 1, i + 1] + work[BELOW + 1, i + 1]) * variance_b
    per_s = 1.0 / sqrt(variance_a + variance_b)
    if is_tie:
        w, u, b = tie(mean * per_s, margin * per_s)
    else:
        w, u, b = win(mean * per_s, margin * per_s)
    scale = per_s / u
    pi = w * scale * per_s
    tau = b * scale
    change_pi = abs(pi - work[SAYS, i])
    change_tau = abs(tau - work[SAYS + 1, i])
    work[SAYS, i] = pi
    work[SAYS + 1, i] = tau
    if is_tie:
        seen_pi = per_s * per_s
        seen_tau = mean * seen_pi
        change_pi = abs(seen_pi - work[SEEN, i])
        change_tau = abs(seen_tau - work[SEEN + 1, i])
        work[SEEN, i] = seen_pi
        work[SEEN + 1, i] = seen_tau
    return max(change_tau * change_tau, change_pi)


@compiled(internal=True)
def _sort(places: Integers, first: int, n: int, order: Integers) -> None:
    """Set `order` to the seats by place, best first, equal ones by seat."""
    for seat in range(n):
        at = seat
        while at > 0 and places[first + order[at - 1]] > places[first + seat]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = seat


@compiled(internal=True)
def _sweep(work: Floats, order: Integers, places: Integers, first: int, n: int, e: float) -> float:
    """Send messages down the chain and up again; return the largest change, squared."""
    largest = 0.0
    if n == 2:
        tied = places[first + order[0]] == places[first + order[1]]
        return _compare(work, 0, tied, e)
    for i in range(n - 2):
        tied = places[first + order[i]] == places[first + order[i + 1]]
        largest = max(largest, _compare(work, i, tied, e))
        _tell_below(work, i)
    for i in range(n - 2, 0, -1):
        tied = places[first + order[i]] == places[first + order[i + 1]]
        largest = max(largest, _compare(work, i, tied, e))
        _tell_above(work, i)
    return largest


@compiled()
def rate_rows(
    starts: Integers,
    members: Integers,
    places: Integers,
    mu: Floats,
    sigma: Floats,
    new_mu: Floats,
    new_sigma: Floats,
    beta: float,
    margin: float,
    work: Floats,
    order: Integers,
) -> None:
    """Rate matches one after the other.

    Args:
        starts: int64 [matches + 1], the first row of each match and the end of the last one; a
            match has at least two rows, and not more than the scratch has room for.
        members: int64 [rows], index into `mu` and `sigma`; distinct within a match.
        places: int64 [rows], 1 is best, equal numbers are a tie.
        mu, sigma: float64 [members], the ratings before; afterwards those after the last match.
        new_mu, new_sigma: float64 [rows], set to the ratings after each match.
        beta, margin: standard deviation of a performance, and the difference below which two
            performances tie.
        work, order: of `scratch`.
    """
    for match in range(len(starts) - 1):
        first = starts[match]
        n = starts[match + 1] - first
        _sort(places, first, n, order)
        level = mu[members[first + order[0]]]
        for i in range(n):
            member = members[first + order[i]]
            for row in range(ABOVE, N_SCRATCH):
                work[row, i] = 0.0
            pi = 1.0 / (sigma[member] * sigma[member] + beta * beta)
            work[PRIOR, i] = pi
            work[PRIOR + 1, i] = pi * (mu[member] - level)
        for _ in range(MAX_SWEEPS):
            if _sweep(work, order, places, first, n, margin) <= MIN_DELTA * MIN_DELTA:
                break
        _tell_above(work, 0)
        _tell_below(work, n - 2)
        for i in range(n):
            row = first + order[i]
            member = members[row]
            pi = work[ABOVE, i] + work[BELOW, i]
            tau = work[ABOVE + 1, i] + work[BELOW + 1, i]
            share = 1.0 / (1.0 + beta * beta * pi)  # what the noise of a performance leaves
            variance = sigma[member] * sigma[member]
            scale = 1.0 + variance * share * pi
            step = variance * share * (tau - pi * (mu[member] - level)) / scale
            new_mu[row] = mu[member] + step
            new_sigma[row] = sigma[member] / sqrt(scale)
        for row in range(first, first + n):
            mu[members[row]] = new_mu[row]
            sigma[members[row]] = new_sigma[row]
