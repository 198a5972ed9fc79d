"""Powers and exponentials against 60-digit arithmetic; random streams against chance."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import stats

from arena.territory.engine.numerics import (
    draw,
    exponential,
    mix64,
    power,
    stream_seed,
    uniform_noise,
)
from tests.arena.territory.engine.engine_checks import THOROUGH

N = 20_000 if THOROUGH else 1_000
MAX_ERROR_ULP = 0.6


def error_ulp(ours: float, exact: Decimal) -> float:
    """Distance from the exact value, in units in the last place of a double of that size."""
    return abs(float((Decimal(ours) - exact) / Decimal(math.ulp(float(exact)))))


def exact_power(x: float, y: float) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return (Decimal(y) * Decimal(x).ln()).exp()


def exact_exponential(x: float) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return Decimal(x).exp()


# The bases and exponents of the game: tiles ** 0.6, troops ** 0.73, shares ** 0.35 and ** 0.6.
@pytest.mark.parametrize("exponent", [0.6, 0.73, 0.35])
def test_powers_of_the_game_are_within_0_6_ulp(exponent: float) -> None:
    rng = np.random.default_rng(1)
    bases = [
        *range(1, 60),
        # the largest errors that a search of 1..200,000 found while the error reached 0.62
        *(58_945, 60_928, 186_630, 143_070, 143_431, 150_797),
        *rng.integers(1, 2**24, N // 2).tolist(),
        *np.exp(rng.uniform(math.log(1e-3), math.log(1e9), N // 2)).tolist(),
        *(2.0**k for k in range(-20, 40)),
        *(math.nextafter(2.0**k, 0.0) for k in range(-20, 40)),
        # around the square root of 1/2, where the reduction switches octaves
        *(0.7071067811865476 * (1 + k * 2.0**-52) for k in range(-20, 20)),
    ]
    xs = [float(base) for base in bases]
    worst = max(error_ulp(power(x, exponent), exact_power(x, exponent)) for x in xs)
    assert worst < MAX_ERROR_ULP


def test_any_moderate_power_is_within_0_6_ulp() -> None:
    rng = np.random.default_rng(2)
    bases = np.exp(rng.uniform(-20, 20, N))
    exponents = rng.uniform(-4, 4, N)
    pairs = [(float(x), float(y)) for x, y in zip(bases, exponents, strict=True)]
    worst = max(error_ulp(power(x, y), exact_power(x, y)) for x, y in pairs)
    assert worst < MAX_ERROR_ULP


def test_exponentials_are_within_0_6_ulp() -> None:
    rng = np.random.default_rng(3)
    xs = [
        *rng.uniform(-699, 699, N).tolist(),
        *rng.uniform(-3, 3, N).tolist(),  # the sigmoid of large defenders lives here
        *(k * math.log(2.0) / 2 for k in range(-60, 60)),  # ends of the reduced range
    ]
    worst = max(error_ulp(exponential(x), exact_exponential(x)) for x in xs)
    assert worst < MAX_ERROR_ULP


def test_simple_powers_and_exponentials_are_exact() -> None:
    assert power(0.0, 0.6) == 0.0
    assert power(1.0, 0.73) == 1.0
    assert power(9.0, 1.0) == 9.0
    assert power(3.0, 2.0) == 9.0
    assert power(2.0, 0.5) == math.sqrt(2.0)
    # 0.6 as a double is 0.6 - 2.2e-17, so the value is 8 - 6.2e-16: nearer to 8 - 8.9e-16 than 8.
    assert power(32.0, 0.6) == math.nextafter(8.0, 0.0)
    assert exponential(0.0) == 1.0
    assert exponential(-701.0) == 0.0
    assert exponential(701.0) == math.inf


def test_powers_never_fall_as_the_base_rises() -> None:
    values = [power(float(n), 0.6) for n in range(5_000)]
    assert values == sorted(values)


def test_the_stream_is_splitmix64() -> None:
    # The published first outputs of SplitMix64 from state 1234567; `draw` keeps the upper 32 bits,
    # and n = 2**31 keeps 31 of them.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    streams = np.array([1234567], np.uint64)
    assert [draw(streams, 0, 2**31) for _ in published] == [x >> 33 for x in published]


def test_the_mixer_is_a_bijection_on_a_sample() -> None:
    assert len({int(mix64(np.uint64(i))) for i in range(20_000)}) == 20_000


@pytest.mark.parametrize("n", [2, 5, 7, 10, 100])
def test_draws_are_uniform_by_chi_square(n: int) -> None:
    streams = np.array([stream_seed(7, 3, 2)], np.uint64)
    counts = np.bincount([draw(streams, 0, n) for _ in range(20_000)], minlength=n)
    assert len(counts) == n
    assert stats.chisquare(counts).pvalue > 0.001


def test_successive_draws_are_independent_by_chi_square() -> None:
    streams = np.array([stream_seed(8, 1, 2)], np.uint64)
    draws = np.array([draw(streams, 0, 7) for _ in range(20_001)])
    pairs = np.bincount(draws[:-1] * 7 + draws[1:], minlength=49)
    assert stats.chisquare(pairs).pvalue > 0.001


def test_streams_of_other_seeds_players_and_purposes_differ() -> None:
    keys = [(seed, p, purpose) for seed in range(30) for p in range(30) for purpose in range(5)]
    assert len({int(stream_seed(*key)) for key in keys}) == len(keys)


def test_first_draws_of_neighbouring_seeds_are_uniform() -> None:
    firsts = []
    for seed in range(10_000):
        firsts.append(draw(np.array([stream_seed(seed, 1, 2)], np.uint64), 0, 10))
    assert stats.chisquare(np.bincount(firsts, minlength=10)).pvalue > 0.001


def test_noise_does_not_depend_on_batching() -> None:
    rng = np.random.default_rng(4)
    seeds = rng.integers(0, 2**62, 40)
    seats = rng.integers(0, 64, 40)
    decisions = rng.integers(0, 600, 40)
    whole = uniform_noise(seeds, seats, decisions, 5, 1)
    order = rng.permutation(40)
    shuffled = uniform_noise(seeds[order], seats[order], decisions[order], 5, 1)
    assert np.array_equal(shuffled, whole[order])
    for i in range(40):
        one = slice(i, i + 1)
        alone = uniform_noise(seeds[one], seats[one], decisions[one], 5, 1)
        assert np.array_equal(alone[0], whole[i])
    fewer_columns = uniform_noise(seeds, seats, decisions, 3, 1)
    assert np.array_equal(fewer_columns, whole[:, :3])


def test_noise_is_uniform_inside_zero_and_one_and_differs_between_keys() -> None:
    n_seats, n_decisions = 10, 100
    seats = np.repeat(np.arange(n_seats), n_decisions)
    decisions = np.tile(np.arange(n_decisions), n_seats)
    noise = uniform_noise(np.full(len(seats), 11), seats, decisions, 20, 1)
    assert noise.shape == (1_000, 20)
    assert noise.min() > 0.0
    assert noise.max() < 1.0
    assert len(np.unique(noise)) == noise.size
    assert stats.kstest(noise.reshape(-1), "uniform").pvalue > 0.001
    other = uniform_noise(np.full(len(seats), 11), seats, decisions, 20, 2)
    assert not np.intersect1d(noise, other).size
