"""Ratings: the numbers of single updates, replay to the last bit, order-free smoothing, ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import queries
from db.migrate import upgrade
from db.records import MatchOutcome, MatchPlan, RatingColumns, SeatOutcome
from db.session import open_writer, read_transaction, write_transaction
from league.errors import RatingError
from league.rating.engines import CHAIN_VERSION, rate_function
from league.rating.replay import as_columns, first_difference, replay
from league.rating.smoothing import smooth
from league.rating.trueskill import (
    BETA,
    MU,
    RATING_VERSION,
    SIGMA,
    child_rating,
    rate_match,
    win_probability,
)

NEW = (MU, SIGMA)


@dataclass(frozen=True)
class Row:
    seq: int
    member_id: int
    match_id: int | None = None
    mu: float = MU
    sigma: float = SIGMA
    allowance: float | None = None
    parent_id: int | None = None
    placement: int | None = None
    rating_version: str = RATING_VERSION


def log_of(n_members: int, matches: list[list[tuple[int, int]]]) -> list[Row]:
    """Admissions of members 1..n, then matches as (member, placement) per rated seat."""
    rows = [Row(seq, seq) for seq in range(1, n_members + 1)]
    for match_id, match in enumerate(matches, start=1):
        for member_id, placement in match:
            rows.append(Row(len(rows) + 1, member_id, match_id, placement=placement))
    return rows


def random_matches(n_members: int, n: int, seed: int) -> list[list[tuple[int, int]]]:
    """Games of five; member m has the true skill m, with noise of beta."""
    rng = np.random.default_rng(seed)
    matches = []
    for _ in range(n):
        seats = rng.permutation(np.arange(1, n_members + 1))[:5]
        order = np.argsort(-(seats + rng.normal(0.0, BETA, 5)))
        places = np.empty(5, dtype=int)
        places[order] = np.arange(1, 6)
        matches.append([(int(m), int(p)) for m, p in zip(seats, places, strict=True)])
    return matches


def rows_of(log: RatingColumns) -> list[object]:
    """The rows of a log; NaN, which is unequal to itself, as None, and parents of admissions."""
    parents = np.where(log.match_id == 0, log.parent_id, 0)
    columns = [
        getattr(replace(log, parent_id=parents), field.name).tolist()
        for field in fields(RatingColumns)[:-1]
    ]
    return [
        *(
            [None if value != value else value for value in row]
            for row in zip(*columns, strict=True)
        ),
        log.versions,
    ]


def test_a_duel_of_new_members_gives_the_textbook_numbers() -> None:
    # c^2 = 2 beta^2 + 2 sigma^2; t = 0: v = pdf(0)/cdf(0) = sqrt(2/pi), w = v (v + t) = 2/pi.
    c = math.sqrt(2 * BETA**2 + 2 * SIGMA**2)
    mu = MU + SIGMA**2 / c * math.sqrt(2 / math.pi)  # 29.205
    sigma = SIGMA * math.sqrt(1 - SIGMA**2 / c**2 * 2 / math.pi)  # 7.195
    winner, loser = rate_match([NEW, NEW], [1, 2])
    assert winner == pytest.approx((mu, sigma), abs=1e-4)
    assert loser == pytest.approx((2 * MU - mu, sigma), abs=1e-4)


def test_a_tie_of_new_members_has_the_exact_sigma() -> None:
    # A tie with a vanishing margin fixes the performance difference: w = 1, so
    # sigma' = sigma sqrt(1 - sigma^2 / c^2) = 8.3333 sqrt(1 - 69.44 / 173.61) = 6.455.
    for mu, sigma in rate_match([NEW, NEW], [1, 1]):
        assert mu == pytest.approx(25.0, abs=1e-3)
        assert sigma == pytest.approx(6.455, abs=1e-3)


def test_all_ten_places_count() -> None:
    mus = [mu for mu, _ in rate_match([NEW] * 10, list(range(1, 11)))]
    assert mus == sorted(mus, reverse=True) and len(set(mus)) == 10
    assert sum(mus) == pytest.approx(250.0, abs=0.01)  # equals, so symmetric about 25


def test_only_the_order_of_placements_matters_not_their_gaps() -> None:
    assert rate_match([NEW] * 3, [1, 4, 10]) == rate_match([NEW] * 3, [1, 2, 3])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-20, 70), st.floats(0.5, SIGMA), st.integers(1, 10)),
        min_size=2,
        max_size=10,
    )
)
def test_a_match_never_raises_sigma_and_stays_finite(
    seats: list[tuple[float, float, int]],
) -> None:
    after = rate_match([seat[:2] for seat in seats], [seat[2] for seat in seats])
    for (_, before, _), (mu, sigma) in zip(seats, after, strict=True):
        assert math.isfinite(mu) and 0 < sigma <= before * (1 + 1e-6)


def test_a_match_needs_two_seats_with_placements() -> None:
    with pytest.raises(RatingError, match="two or more"):
        rate_match([NEW], [1])
    with pytest.raises(RatingError, match="2 ratings and 3 placements"):
        rate_match([NEW, NEW], [1, 2, 3])


def test_a_child_starts_at_its_parents_mu_with_a_wider_sigma() -> None:
    assert child_rating(30.0, 3.0, 4.0) == (30.0, 5.0)  # sqrt(9 + 16)
    assert child_rating(30.0, 8.0, 8.0) == (30.0, SIGMA)  # capped at 25/3


def test_win_probabilities_add_up_and_follow_the_formula() -> None:
    a, b = (30.0, 3.0), (25.0, 4.0)
    # (30 - 25) / sqrt(2 (25/6)^2 + 9 + 16) = 5 / 7.728 = 0.6470; Phi = 0.7412
    assert win_probability(a, b) == pytest.approx(0.7412, abs=1e-4)
    assert win_probability(a, b) + win_probability(b, a) == pytest.approx(1.0)


def test_replay_follows_children_from_their_parents_rating_of_that_moment() -> None:
    rows = log_of(2, [[(1, 1), (2, 2)]])
    rows.append(Row(5, 3, mu=0.0, sigma=1.0, parent_id=1, allowance=2.0))
    rows += [Row(6, 1, 2, placement=2), Row(7, 3, 2, placement=1)]
    after_first = rate_match([NEW, NEW], [1, 2])
    child = child_rating(*after_first[0], 2.0)
    last = rate_match([after_first[0], child], [2, 1])
    assert replay(rows) == {1: last[0], 2: after_first[1], 3: last[1]}


def test_a_log_out_of_order_or_without_admission_is_refused() -> None:
    rows = log_of(2, [[(1, 1), (2, 2)]])
    with pytest.raises(RatingError, match="out of order"):
        replay([rows[1], rows[0]])
    with pytest.raises(RatingError, match="before its admission"):
        replay(rows[1:])


@pytest.mark.parametrize("version", [CHAIN_VERSION, RATING_VERSION])
def test_live_ratings_equal_the_replay_of_the_match_log_to_the_last_bit(
    tmp_path: Path, version: str
) -> None:
    engine = open_writer(tmp_path / "league.db")
    upgrade(engine)
    rules = "a" * 64
    with write_transaction(engine) as session:
        ids = [
            queries.add_member(
                session, name=f"m{i}", family="scripted", role="anchor", agent_spec="scripted:x"
            )
            for i in range(6)
        ]
        for member_id in ids:
            queries.append_rating(
                session, member_id, MU, SIGMA, rules_sha256=rules, rating_version=version
            )
    for number, match in enumerate(random_matches(6, 40, seed=1)):
        with write_transaction(engine) as session:
            if number == 20:
                parent = queries.latest_rating(session, ids[2], rules)
                assert parent is not None
                child = queries.add_member(
                    session,
                    name="child",
                    family="attention",
                    role="main",
                    agent_spec="snapshot:x",
                    parent_id=ids[2],
                )
                start = child_rating(parent.mu, parent.sigma, 3.0)
                queries.append_rating(
                    session,
                    child,
                    *start,
                    rules_sha256=rules,
                    rating_version=version,
                    allowance=3.0,
                )
                ids[2] = child
            plan = MatchPlan(
                purpose="rating",
                seed=number,
                map="m",
                map_sha256=rules,
                rules_sha256=rules,
                spec={},
                line_up=tuple((ids[m - 1], True) for m, _ in match),
            )
            match_id = queries.plan_match(session, plan)
            queries.record_finished_match(
                session,
                match_id,
                MatchOutcome(1, rules, 1.0),
                [SeatOutcome(p, 1, 1) for _, p in match],
                rate=rate_function(version),
                rating_version=version,
            )
    with read_transaction(engine) as session:
        log = queries.rating_log(session, rules)
        columns = queries.rating_columns(session, rules)
        live = queries.latest_ratings(session, rules)
    engine.dispose()
    assert len(log) == 7 + 40 * 5
    assert first_difference(log) is None
    assert rows_of(columns) == rows_of(as_columns(log))
    assert replay(columns) == replay(log) == {i: (r.mu, r.sigma) for i, r in live.items()}
    changed = [*log[:50], replace(log[50], mu=math.nextafter(log[50].mu, 99.0)), *log[51:]]
    found = first_difference(changed)
    assert found is not None and found.seq == 51


def test_smoothed_ratings_do_not_depend_on_the_order_of_matches() -> None:
    matches = random_matches(8, 120, seed=2)
    shuffled = [matches[i] for i in np.random.default_rng(3).permutation(len(matches))]
    one, other = smooth(log_of(8, matches)), smooth(log_of(8, shuffled))
    for member_id, (mu, sigma) in one.items():
        assert other[member_id][0] == pytest.approx(mu, abs=0.01)
        assert other[member_id][1] == pytest.approx(sigma, abs=0.01)
    # and they are where the skills are: the best member (8) on top, the worst (1) at the bottom
    assert max(one, key=lambda m: one[m][0]) >= 7 and min(one, key=lambda m: one[m][0]) <= 2


def test_one_smoothing_sweep_is_converged() -> None:
    log = log_of(8, random_matches(8, 120, seed=4))
    one, many = smooth(log, sweeps=1), smooth(log, sweeps=5)
    assert max(abs(one[m][0] - many[m][0]) for m in one) < 0.02


def test_smoothing_agrees_with_the_online_ratings_of_a_long_log_up_to_the_level() -> None:
    log = log_of(8, random_matches(8, 120, seed=5))
    online, smoothed = replay(log), smooth(log)
    differences = [online[m][0] - smoothed[m][0] for m in online]
    # sigma is about 0.6 here: the online ratings disagree by less than one of it
    assert max(differences) - min(differences) < 0.6


def test_smoothing_one_match_is_the_match_itself() -> None:
    assert smooth(log_of(2, [[(1, 1), (2, 2)]]))[1] == pytest.approx(
        rate_match([NEW, NEW], [1, 2])[0], abs=1e-6
    )


def test_a_smoothed_child_starts_from_its_smoothed_parent() -> None:
    rows = [*log_of(2, [[(1, 1), (2, 2)]]), Row(5, 3, parent_id=1, allowance=1.0)]
    smoothed = smooth(rows)
    assert smoothed[3] == pytest.approx(child_rating(*smoothed[1], 1.0))
