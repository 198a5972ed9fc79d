"""Arithmetic that gives the same bits on every platform: powers, exponentials, random streams.

libm's `pow` and `exp` differ in the last bit between platforms, and one bit is enough to change
the course of a match. Everything here uses only IEEE-754 `+ - * /` and `frexp`/`ldexp`, which are
exact or correctly rounded everywhere. The error of `power` and `exponential` is below 0.6 units
in the last place (tested against 60-digit arithmetic).

Random numbers come from SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, one stream per
player, seeded by a hash of (match seed, spawn index, purpose).
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine.compiled import compiled

# ln 2 in two parts; the first has 21 trailing zero bits, so that k * _LN2_HIGH is exact.
_LN2_HIGH = 0.69314718036912381649
_LN2_LOW = 1.9082149292705877000e-10
_SPLIT = 134217729.0  # 2**27 + 1: Dekker's splitting constant

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_U30, _U27, _U31, _U32, _U11 = (np.uint64(n) for n in (30, 27, 31, 32, 11))


@compiled(inline=True)
def _product(a: float, b: float) -> tuple[float, float]:
    """Return a * b as an unevaluated sum (Dekker 1971): exact without fused multiply-add."""
    p = a * b
    t = _SPLIT * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLIT * b
    b_high = t - (t - b)
    b_low = b - b_high
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


@compiled(inline=True)
def _exponential(high: float, low: float) -> float:
    """Return exp(high + low) for |high| < 700."""
    k = math.floor(high * 1.4426950408889634 + 0.5)
    r = high - k * _LN2_HIGH
    correction = low - k * _LN2_LOW
    total = r + correction
    correction = (r - total) + correction
    r = total
    # Taylor series of (exp(r) - 1 - r - r**2 / 2) / r**3, |r| <= 0.347: the 15th term of exp is
    # below 2**-70.
    q = 1.0 / 1307674368000.0
    q = q * r + 1.0 / 87178291200.0
    q = q * r + 1.0 / 6227020800.0
    q = q * r + 1.0 / 479001600.0
    q = q * r + 1.0 / 39916800.0
    q = q * r + 1.0 / 3628800.0
    q = q * r + 1.0 / 362880.0
    q = q * r + 1.0 / 40320.0
    q = q * r + 1.0 / 5040.0
    q = q * r + 1.0 / 720.0
    q = q * r + 1.0 / 120.0
    q = q * r + 1.0 / 24.0
    q = q * r + 1.0 / 6.0
    # 1 + r + r**2 / 2 as a sum of doubles, then the small terms: with r**2 / 2 rounded to one
    # double the error reached 0.62 units in the last place, so it is below 0.53.
    square, square_low = _product(r, 0.5 * r)
    one = 1.0 + r
    rest = r - (one - 1.0)
    total = one + square
    rest += square - (total - one)
    return math.ldexp(total + (rest + (square_low + (q * r * r * r + correction * total))), int(k))


@compiled()
def exponential(x: float) -> float:
    """Return exp(x); 0 below -700 and infinity above 700 (the game never comes near either)."""
    if x < -700.0:
        return 0.0
    if x > 700.0:
        return math.inf
    return _exponential(x, 0.0)


@compiled()
def power(x: float, y: float) -> float:
    """Return x**y for x >= 0 and moderate y; 0**y is 0 for y > 0."""
    if x <= 0.0:
        return 0.0
    m, e = math.frexp(x)
    if m < 0.7071067811865476:
        m *= 2.0
        e -= 1
    # ln m = 2 artanh z with z = (m - 1) / (m + 1), z as a pair of doubles.
    f = m - 1.0
    s = m + 1.0
    s_low = (1.0 - s) + m
    z = f / s
    p, p_low = _product(z, s)
    z_low = (((f - p) - p_low) - z * s_low) / s
    w = z * z
    q = 1.0 / 27.0
    q = q * w + 1.0 / 25.0
    q = q * w + 1.0 / 23.0
    q = q * w + 1.0 / 21.0
    q = q * w + 1.0 / 19.0
    q = q * w + 1.0 / 17.0
    q = q * w + 1.0 / 15.0
    q = q * w + 1.0 / 13.0
    q = q * w + 1.0 / 11.0
    q = q * w + 1.0 / 9.0
    q = q * w + 1.0 / 7.0
    q = q * w + 1.0 / 5.0
    q = q * w + 1.0 / 3.0
    tail = 2.0 * z_low + 2.0 * z * (w * q)
    base = e * _LN2_HIGH
    high = base + 2.0 * z
    low = (base - high) + 2.0 * z if abs(base) >= abs(2.0 * z) else (2.0 * z - high) + base
    low += tail + e * _LN2_LOW
    p, p_low = _product(y, high)
    return _exponential(p, p_low + y * low)


@compiled(inline=True)
def mix64(x: np.uint64) -> np.uint64:
    """Return SplitMix64's finaliser, a bijection of 64-bit numbers that mixes every bit."""
    x = (x ^ (x >> _U30)) * _MIX_1
    x = (x ^ (x >> _U27)) * _MIX_2
    return x ^ (x >> _U31)


@compiled()
def stream_seed(seed: int, index: int, purpose: int) -> np.uint64:
    """Return the initial state of the stream for (match seed, spawn index, purpose)."""
    x = mix64(np.uint64(seed) + _GOLDEN)
    x = mix64(x ^ (np.uint64(index) * _GOLDEN + _MIX_1))
    return mix64(x ^ (np.uint64(purpose) * _MIX_2 + _GOLDEN))


@compiled(inline=True)
def draw(streams: np.ndarray, index: int, n: int) -> int:
    """Draw the next integer of 0..n-1 from stream `index` (uint64[...], advanced in place)."""
    state = streams[index] + _GOLDEN
    streams[index] = state
    return int(((mix64(state) >> _U32) * np.uint64(n)) >> _U32)


@compiled(allocates=True)
def uniform_noise(
    seeds: np.ndarray, seats: np.ndarray, decisions: np.ndarray, n: int, purpose: int
) -> np.ndarray:
    """Return uniform numbers in (0, 1), keyed by (match seed, seat, decision, column).

    Args:
        seeds, seats, decisions: int64[rows].
        n: number of columns.
        purpose: separates independent users of the same key.

    Returns:
        float64[rows, n]; never exactly 0 or 1.
    """
    noise = np.empty((seeds.shape[0], n), np.float64)
    for i in range(seeds.shape[0]):
        key = stream_seed(seeds[i], seats[i] * 1048576 + decisions[i], purpose)
        for j in range(n):
            bits = mix64(key + np.uint64(j + 1) * _GOLDEN) >> _U11
            noise[i, j] = (float(bits) + 0.5) * (1.0 / 9007199254740992.0)
    return noise
