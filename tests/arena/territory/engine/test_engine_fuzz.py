"""Random matches of random actions; tests/bench/fuzz_matches.py plays ten thousand of them."""

from __future__ import annotations

import pytest

from tests.arena.territory.engine.engine_checks import THOROUGH, fuzz_match

N_MATCHES = 2_000 if THOROUGH else 40


@pytest.mark.parametrize("first", range(0, N_MATCHES, 10))
def test_ten_random_matches_leave_every_count_right(first: int) -> None:
    assert sum(fuzz_match(seed) for seed in range(first, first + 10)) > 0
