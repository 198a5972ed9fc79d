"""The likelihood of performances with a strength and a noise per name, with its gradient.

A seat of name i performs as strength_i + noise_i times a standard normal number (Thurstone 1927,
case III). Its chance to come first among seats of other names is a Gauss-Hermite sum over its own
performance; two seats are in order with probability Phi of their distance. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Gauss-Hermite nodes for the standard normal distribution.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_LEAST = -80.0  # ln of a chance that stands for none
_TINY = 1e-12


@dataclass(frozen=True)
class Counts:
    """What the likelihood takes of matches among k names.

    Attributes:
        compositions: float64[c, k], seats of each name in a match.
        firsts: float64[c, k], how often each name came first in matches of a composition.
        wins: float64[k, k], for i < j the seat pairs with i above j, else 0.
        pairs: float64[k, k], for i < j all seat pairs of i and j, else 0.
        pair_weight: of a seat pair beside a first place.
    """

    compositions: Floats
    firsts: Floats
    wins: Floats
    pairs: Floats
    pair_weight: float


def log_likelihood(strength: Floats, log_noise: Floats, counts: Counts) -> tuple[float, Floats]:
    """Return (composite log-likelihood, its gradient by strength and log noise, float64[2 k])."""
    noise = np.exp(log_noise)
    of_firsts, by_firsts = _firsts(strength, noise, counts)
    of_pairs, by_pairs = _pairs(strength, noise, counts)
    return (
        of_firsts + counts.pair_weight * of_pairs,
        np.asarray(by_firsts + counts.pair_weight * by_pairs),
    )


def first_chances(strength: Floats, noise: Floats, compositions: Floats) -> Floats:
    """Return the chance that some seat of each name comes first, float64[c, k]."""
    chances = np.stack(
        [
            _first_terms(i, strength, noise, compositions)[0].sum(axis=1)
            for i in range(len(strength))
        ],
        axis=1,
    )
    return np.asarray(chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-300))


def pair_chances(strength: Floats, noise: Floats) -> Floats:
    """Return the chance that a seat of i is above a seat of j, float64[k, k]."""
    from scipy.special import ndtr

    spread = np.sqrt(noise[:, None] ** 2 + noise**2)
    return np.asarray(np.clip(ndtr((strength[:, None] - strength) / spread), 1e-9, 1 - 1e-9))


def _first_terms(
    i: int, strength: Floats, noise: Floats, compositions: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return what adds up to the chance of name i, float64[c, nodes], z and ln Phi(z), [k, nodes].

    z is where a performance of i at a node stands among the performances of name j.
    """
    from scipy.special import log_ndtr

    z = (strength[i] + noise[i] * _NODES - strength[:, None]) / noise[:, None]
    log_below = np.maximum(log_ndtr(z), _LEAST)
    others = compositions @ log_below - log_below[i]
    return compositions[:, i : i + 1] * np.exp(others) * _WEIGHTS, z, log_below


def _firsts(strength: Floats, noise: Floats, counts: Counts) -> tuple[float, Floats]:
    """Return the log-likelihood of the first places and its gradient."""
    k = len(strength)
    terms = [_first_terms(i, strength, noise, counts.compositions) for i in range(k)]
    raw = np.stack([each.sum(axis=1) for each, _, _ in terms], axis=1)
    raw = np.where(counts.compositions > 0, np.maximum(raw, _TINY), 0.0)
    total = raw.sum(axis=1, keepdims=True)
    came = counts.firsts > 0
    value = float((counts.firsts[came] * np.log((raw / total)[came])).sum())
    # The derivative of the value by each raw chance.
    by_raw = -counts.firsts.sum(axis=1, keepdims=True) / total + np.divide(
        counts.firsts, raw, out=np.zeros_like(raw), where=came
    )
    by_strength, by_log_noise = np.zeros(k), np.zeros(k)
    for i, (each, z, log_below) in enumerate(terms):
        seats = counts.compositions.T @ (by_raw[:, i : i + 1] * each)  # [k, nodes]
        hazard = np.exp(-0.5 * z * z - log_below) / np.sqrt(2 * np.pi)
        pull = seats * hazard / noise[:, None]
        pull[i] = 0.0  # among its own name a node stands where it stands
        by_strength[i] += pull.sum()
        by_strength -= pull.sum(axis=1)
        by_log_noise[i] += (pull * noise[i] * _NODES).sum()
        by_log_noise -= (pull * noise[:, None] * z).sum(axis=1)
    return value, np.concatenate([by_strength, by_log_noise])


def _pairs(strength: Floats, noise: Floats, counts: Counts) -> tuple[float, Floats]:
    """Return the log-likelihood of the order of pairs of seats and its gradient."""
    p = pair_chances(strength, noise)
    losses = counts.pairs - counts.wins
    value = float((counts.wins * np.log(p) + losses * np.log1p(-p)).sum())
    spread = np.sqrt(noise[:, None] ** 2 + noise**2)
    z = (strength[:, None] - strength) / spread
    by_z = (counts.wins / p - losses / (1.0 - p)) * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    by_strength = (by_z / spread).sum(axis=1) - (by_z / spread).sum(axis=0)
    pull = by_z * z / spread**2
    by_log_noise = -(pull.sum(axis=1) + pull.sum(axis=0)) * noise**2
    return value, np.concatenate([by_strength, by_log_noise])
