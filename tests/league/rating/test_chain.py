"""The compiled chain: held to the package, to arithmetic of 50 digits, and to its own bits."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import trueskill
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from league.errors import RatingError
from league.rating import compiled
from league.rating.engines import LARGEST, rate_by_chain
from league.rating.trueskill import (
    BETA,
    DRAW_MARGIN,
    DRAW_PROBABILITY,
    SIGMA,
    Gaussian,
    environment,
    rate_match,
)
from tests.league.rating import exact_chain

ROOT = Path(__file__).resolve().parents[3]


def random_match(rng: Generator, n: int, spread: float) -> tuple[list[Gaussian], list[int]]:
    """Members with a spread of skill, ranked by noise and skill; one match in three at random."""
    mu, sigma = rng.normal(25.0, spread, n), rng.uniform(0.1, SIGMA, n)
    performance = mu + rng.normal(0.0, BETA, n)
    if rng.random() < 1 / 3:
        performance = rng.permutation(n).astype(float)
    places = np.argsort(np.argsort(-performance)) + 1
    return list(zip(mu.tolist(), sigma.tolist(), strict=True)), places.tolist()


def largest_gap(one: list[Gaussian], other: list[Gaussian]) -> float:
    return float(np.abs(np.array(one) - np.array(other)).max())


def distance_from_exact(ratings: list[Gaussian], places: list[int], digits: int = 60) -> float:
    found = rate_by_chain(ratings, places)
    exact = exact_chain.rate(ratings, places, beta=BETA, margin=DRAW_MARGIN, digits=digits)
    pairs = zip(found, exact, strict=True)
    return max(float(abs(mpmath.mpf(a) - b)) for seat in pairs for a, b in zip(*seat, strict=True))


def test_the_draw_margin_is_the_packages() -> None:
    assert trueskill.calc_draw_margin(DRAW_PROBABILITY, 2, environment()) == DRAW_MARGIN


def compare_with_the_package(n_matches: int) -> float:
    rng = np.random.default_rng(11)
    worst = 0.0
    for number in range(n_matches):
        # Spreads up to 8: from there on a strong upset stops the package after its ten sweeps.
        ratings, places = random_match(rng, int(rng.integers(2, 11)), (2.0, 5.0, 8.0)[number % 3])
        gap = largest_gap(rate_by_chain(ratings, places), rate_match(ratings, places))
        worst = max(worst, gap)
    return worst


def test_matches_without_ties_get_the_packages_numbers() -> None:
    assert compare_with_the_package(60) < 1e-9


@pytest.mark.long
def test_ten_thousand_matches_without_ties_get_the_packages_numbers() -> None:
    assert compare_with_the_package(10_000) < 1e-6


@pytest.mark.parametrize("spread", [5.0, 200.0])
@pytest.mark.parametrize("tied", [False, True])
def test_the_numbers_are_those_of_exact_arithmetic(spread: float, tied: bool) -> None:
    rng = np.random.default_rng(3)
    for n in (2, 3, 10):
        ratings, places = random_match(rng, n, spread)
        if tied:
            places = rng.integers(1, 1 + n // 2, n).tolist()
        assert distance_from_exact(ratings, places) < 1e-11


@pytest.mark.parametrize("spread", [0.0, 5.0, 200.0])
def test_ten_members_that_all_tie_are_rated_as_if_they_had_performed_alike(spread: float) -> None:
    rng = np.random.default_rng(4)
    ratings, _ = random_match(rng, 10, spread)
    assert distance_from_exact(ratings, [1] * 10) < 1e-11
    # All performances are one number, known from ten normals; each skill is as far from it as its
    # share of the variance says.
    precision = [1.0 / (sigma**2 + BETA**2) for _, sigma in ratings]
    common = sum(p * mu for p, (mu, _) in zip(precision, ratings, strict=True)) / sum(precision)
    for (mu, sigma), (new_mu, new_sigma) in zip(
        ratings, rate_by_chain(ratings, [1] * 10), strict=True
    ):
        gain = sigma**2 / (sigma**2 + BETA**2)
        assert new_mu == pytest.approx(mu + gain * (common - mu), abs=1e-9)
        left = sigma**2 * (1.0 - gain) + gain**2 / sum(precision)
        assert new_sigma == pytest.approx(math.sqrt(left), abs=1e-9)


def test_a_tie_of_the_far_away_meets_in_the_middle() -> None:
    # equal sigmas: both performed at 4,500; the share sigma^2 / (sigma^2 + beta^2) of the way
    share = 4.0 / (4.0 + BETA**2)
    (low, _), (high, _) = rate_by_chain([(0.0, 2.0), (9_000.0, 2.0)], [1, 1])
    assert low == pytest.approx(4_500.0 * share, rel=1e-9)
    assert high == pytest.approx(9_000.0 - 4_500.0 * share, rel=1e-9)


def test_a_strong_upset_is_rated_to_the_end() -> None:
    # The worst of ten that are 200 points apart wins, and so on: exactly the wrong way round.
    ratings = [(200.0 * i, 5.0) for i in range(10)]
    found = rate_by_chain(ratings, list(range(1, 11)))
    exact = exact_chain.rate(
        ratings, range(1, 11), beta=BETA, margin=DRAW_MARGIN, sweeps=1_000, min_delta=1e-12
    )
    for (mu, sigma), (exact_mu, exact_sigma) in zip(found, exact, strict=True):
        assert mu == pytest.approx(float(exact_mu), abs=0.01)
        assert sigma == pytest.approx(float(exact_sigma), abs=1e-4)


magnitudes = st.sampled_from([0.0, 1e-60, 1e-9, 1.0, 25.0, 200.0, 9e3, 1e9, 1e20, LARGEST])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.tuples(magnitudes, st.sampled_from([-1.0, 1.0]), st.floats(0.5, 1.0)),
            st.sampled_from([1.0 / LARGEST, 1e-9, 0.1, SIGMA, 1e9, LARGEST]),
            st.integers(1, 4),
        ),
        min_size=2,
        max_size=10,
    )
)
def test_any_magnitude_gives_finite_numbers_and_no_larger_sigma(
    seats: list[tuple[tuple[float, float, float], float, int]],
) -> None:
    ratings = [(size * sign * part, sigma) for (size, sign, part), sigma, _ in seats]
    after = rate_by_chain(ratings, [place for _, _, place in seats])
    for (_, before), (mu, sigma) in zip(ratings, after, strict=True):
        assert math.isfinite(mu) and 0.0 < sigma <= before


def test_a_win_that_was_certain_changes_nothing() -> None:
    ratings = [(9_000.0, 1.0), (0.0, 1.0)]
    assert rate_by_chain(ratings, [1, 2]) == ratings


def test_only_the_order_of_placements_matters_not_their_gaps() -> None:
    ratings = [(25.0, SIGMA), (30.0, 2.0), (20.0, 1.0)]
    assert rate_by_chain(ratings, [1, 4, 10]) == rate_by_chain(ratings, [1, 2, 3])


@pytest.mark.parametrize(
    "rating", [(math.nan, 1.0), (math.inf, 1.0), (25.0, 0.0), (25.0, -1.0), (25.0, math.nan)]
)
def test_a_rating_that_is_not_a_number_is_refused(rating: Gaussian) -> None:
    with pytest.raises(RatingError, match="restore a backup"):
        rate_by_chain([rating, (25.0, 8.0)], [1, 2])


def test_a_match_needs_two_seats_with_placements() -> None:
    with pytest.raises(RatingError, match="two or more"):
        rate_by_chain([(25.0, 8.0)], [1])
    with pytest.raises(RatingError, match="2 ratings and 3 placements"):
        rate_by_chain([(25.0, 8.0)] * 2, [1, 2, 3])


# What CHAIN_VERSION stands for: 40 matches with ties and gaps, to the last bit. A change that moves
# it moves every league's ratings: it needs a new version, and the old one must stay.
BITS = "8cc2c73a7ee2d628d264be91ea1c32123fec4b3985ffe17a9c9abe72d9b1ce55"


def bits_of_a_log() -> str:
    """The SHA-256 of all ratings of 40 matches of twelve members."""
    rng = np.random.default_rng(8)
    ratings = [(25.0 + (i - 6) * (3.0 if i % 2 else 40.0), SIGMA) for i in range(12)]
    digest = hashlib.sha256()
    for _ in range(40):
        seats = rng.permutation(12)[: int(rng.integers(2, 11))].tolist()
        places = rng.integers(1, len(seats) + 1, len(seats)).tolist()
        after = rate_by_chain([ratings[i] for i in seats], places)
        for seat, rating in zip(seats, after, strict=True):
            ratings[seat] = rating
            digest.update(np.array(rating).tobytes())
    return digest.hexdigest()


def test_the_version_stands_for_these_bits() -> None:
    assert bits_of_a_log() == BITS


def test_the_interpreter_gives_the_same_bits_as_the_machine_code() -> None:
    # Additions, multiplications, divisions and square roots, one by one: no machine may differ.
    program = "from tests.league.rating.test_chain import bits_of_a_log; print(bits_of_a_log())"
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == BITS


def test_every_file_with_a_compiled_function_is_under_the_key() -> None:
    room = Path(compiled.__file__).parent
    users = {p.name for p in room.glob("*.py") if "@compiled" in p.read_text(encoding="utf-8")}
    assert users | {"compiled.py"} == set(compiled.SOURCES)


def test_a_changed_source_changes_the_key_and_no_other_file_does(tmp_path: Path) -> None:
    room = Path(compiled.__file__).parent
    for file in room.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    key = compiled.source_sha256(tmp_path)
    assert key == compiled.source_sha256()
    (tmp_path / "standings.py").write_text("# changed\n")
    assert compiled.source_sha256(tmp_path) == key
    (tmp_path / "truncation.py").write_text("# changed\n")
    assert compiled.source_sha256(tmp_path) != key
