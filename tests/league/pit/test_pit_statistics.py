"""Head-to-head numbers against published values, and the grammar of the report."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from league.errors import StatisticsError
from league.pit.report import summarise
from league.pit.seats import seat_bias_p_value
from league.pit.sprt import Sprt, SprtSettings, log_likelihood_ratio
from league.pit.statistics import (
    Estimate,
    PitMatch,
    elo,
    estimate,
    histogram,
    match_score,
    pair_score,
)
from league.pit.text import format_report, report_json, verdict

SETTING = "10 seats, 5A+5B, map plains-128, seeds 1..46"


def match(a_places: list[int], n: int = 10) -> PitMatch:
    """A match without ties in which A's seats (the first ones) have these placements."""
    rest = [place for place in range(1, n + 1) if place not in a_places]
    sides = ("A",) * len(a_places) + ("B",) * len(rest)
    places = (*a_places, *rest)
    return PitMatch(places, sides, tuple(place <= 2 for place in places))


def pairs_of(n: int, seed: int, *, strength: float) -> list[tuple[PitMatch, PitMatch]]:
    """Mirrored pairs of ten seats in which A's seats have `strength` more than B's."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(n):
        halves = []
        for sides in (("A", "B") * 5, ("B", "A") * 5):
            skill = rng.normal(size=10) + [strength * (side == "A") for side in sides]
            places = (np.argsort(np.argsort(-skill)) + 1).tolist()
            halves.append(PitMatch(tuple(places), sides, tuple(p <= 3 for p in places)))
        pairs.append((halves[0], halves[1]))
    return pairs


def llr_of(found: Estimate, settings_: SprtSettings) -> float:
    return log_likelihood_ratio(found.n_pairs, found.score, found.variance, settings_)


def _scores(counts: list[int]) -> list[float]:
    """The pair scores behind counts of 0, 1/4, 1/2, 3/4 and 1."""
    return [k / 4 for k, count in enumerate(counts) for _ in range(count)]


def test_published_five_bin_counts_give_the_published_numbers() -> None:
    settings_ = SprtSettings(0.0, 2.0)
    first = estimate(_scores([365, 16618, 36229, 16974, 390]))
    assert llr_of(first, settings_) == pytest.approx(2.250, abs=0.0006)
    second = estimate(_scores([379, 10170, 21828, 10640, 343]))
    assert llr_of(second, settings_) == pytest.approx(2.946, abs=0.0006)
    assert second.nelo == pytest.approx(3.05, abs=0.005)
    assert second.nelo_half_width == pytest.approx(2.31, abs=0.005)
    assert not second.variance_floored
    assert Sprt(settings_, _scores([365, 16618, 36229, 16974, 390])).llr == pytest.approx(
        2.25, abs=6e-4
    )


def test_bounds_are_those_of_wald() -> None:
    # ln(0.95 / 0.05) = 2.944
    assert SprtSettings().bounds == pytest.approx((-2.944, 2.944), abs=0.001)


def test_a_match_score_counts_pairs_of_seats_with_ties_half() -> None:
    assert match_score(match([1, 2, 3, 4, 5])) == 1.0
    # A 1st and 4th of four: above B's 2nd, 3rd: 2 of 4 pairs
    assert match_score(match([1, 4], n=4)) == 0.5
    tie = PitMatch((1, 1, 3), ("A", "B", "B"), (True,) * 3)
    assert match_score(tie) == 0.75  # a tie and a win of two
    field = PitMatch((2, 3, 1), ("A", "B", None), (True,) * 3)
    assert match_score(field) == 1.0  # the field's seat does not count
    assert pair_score((match([1, 2, 3, 4, 5]), match([1, 4], n=4))) == 0.75


def test_a_match_without_one_side_is_refused() -> None:
    with pytest.raises(StatisticsError, match="1 and 0"):
        match_score(PitMatch((1,), ("A",), (True,)))


def test_an_estimate_uses_student_t_at_every_length() -> None:
    scores = [0.2, 0.8] * 10
    # mean 0.5, v = 20 * 0.09 / 19 = 0.09474, se = sqrt(v / 20) = 0.06882, t(19) = 2.0930
    found = estimate(scores)
    assert found.score_half_width == pytest.approx(2.0930 * 0.06882, abs=1e-4)
    assert found.los == 0.5 and found.elo == 0.0 and found.nelo == 0.0
    # 8 pairs 0.4 and 0.7: s = 0.55, v = 8 * 0.0225 / 7, se = 0.05669, t = 0.8819, t(7): 0.7965
    few = estimate([0.4, 0.7] * 4)
    assert few.los == pytest.approx(0.7965, abs=1e-3)  # the normal distribution says 0.811
    assert few.variance == pytest.approx(8 * 0.0225 / 7) and not few.variance_floored


def test_the_example_of_the_documentation_is_consistent() -> None:
    # s = 0.561, v = 0.02116, N = 46: se = 0.02145, t(45) = 2.014: 4.3 %
    found = estimate([0.561 + d * math.sqrt(0.02116 * 45 / 46) for d in (-1, 1)] * 23)
    assert 100 * found.score_half_width == pytest.approx(4.32, abs=0.01)
    assert (found.elo, found.elo_half_width) == pytest.approx((42.6, 30.5), abs=0.2)
    # t / sqrt(46) of a standard deviation is 73; the error of the standard deviation adds a little
    assert (found.nelo, found.nelo_half_width) == pytest.approx((103, 76), abs=1)
    assert 100 * found.los == pytest.approx(99.67, abs=0.01)  # t(45) of 2.844
    assert llr_of(found, SprtSettings()) == pytest.approx(2.98, abs=0.01)


@pytest.mark.parametrize("score, sign", [(1.0, 1), (0.0, -1)])
def test_a_one_sided_match_prints_numbers(score: float, sign: int) -> None:
    found = estimate([score] * 16)
    # pseudo-pairs: (1^2 + 0^2) / (16 + 2)
    assert found.variance == pytest.approx(1 / 18) and found.variance_floored
    assert found.elo == pytest.approx(sign * 400 * math.log10(999))  # clamped at 0.999
    assert math.isfinite(found.nelo) and math.isfinite(found.elo_half_width)
    # how strong a side is that won everything has no upper end
    ends = (found.nelo_low, found.nelo_high) if sign > 0 else (found.nelo_high, found.nelo_low)
    assert ends[0] is not None and sign * ends[0] > 100 and ends[1] is None
    assert Sprt(SprtSettings(), [score] * 16).decision == ("H1" if sign > 0 else "H0")


def test_one_pair_says_nothing_and_no_interval_leaves_what_is_possible() -> None:
    found = estimate([0.6])
    assert (found.score_low, found.score_high, found.los) == (0.0, 1.0, 0.5)
    assert found.nelo_low is None and found.nelo_high is None
    two = estimate([0.2, 0.9])  # t(1) = 12.7: far beyond
    assert (two.score_low, two.score_high) == (0.0, 1.0)


def test_the_interval_at_any_stop_is_the_wider_one() -> None:
    scores = [0.45, 0.7] * 32
    fixed, anytime = estimate(scores), estimate(scores, anytime=True)
    assert (fixed.method, anytime.method) == ("t", "anytime")
    assert 1.3 < anytime.score_half_width / fixed.score_half_width < 2.6
    assert anytime.nelo_low is not None and fixed.nelo_low is not None
    assert anytime.nelo_low < fixed.nelo_low and anytime.elo_high > fixed.elo_high


def test_no_decision_before_sixteen_pairs_and_the_first_one_stays() -> None:
    test = Sprt(SprtSettings(), [1.0] * 15)
    assert test.decision is None
    assert test.add(1.0) == "H1" and test.n_pairs == 16
    for _ in range(100):
        test.add(0.0)
    assert test.decision == "H1" and test.llr < 0


def test_the_floor_of_the_sprt_is_that_of_two_pseudo_pairs() -> None:
    # 16 pairs of 0.6: v = (0.36 + 0.16) / 18 = 0.02889, sd = 0.16997, s1 = 0.5 + 0.2035 sd = 0.5346
    # LLR = 16 * 0.0346 * (1.2 - 1.0346) / (2 v) = 1.585
    assert Sprt(SprtSettings(), [0.6] * 16).llr == pytest.approx(1.585, abs=0.003)


def test_the_sprt_keeps_its_error_rate() -> None:
    # 300 runs of equals with a nominal 5 %: mean 15, standard deviation 3.8; 30 is 4 sigma.
    rng = np.random.default_rng(0)
    false_positives = 0
    for _ in range(300):
        scores = 0.5 + 0.14 * rng.standard_normal(200).clip(-3, 3)
        false_positives += Sprt(SprtSettings(), scores.tolist()).decision == "H1"
    assert false_positives < 30


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=60))
def test_exchanging_a_and_b_mirrors_every_number(hundredths: list[int]) -> None:
    one = estimate([h / 100 for h in hundredths])
    other = estimate([(100 - h) / 100 for h in hundredths])
    assert one.elo == pytest.approx(-other.elo, abs=1e-6)
    assert one.nelo == pytest.approx(-other.nelo, abs=1e-6)
    assert one.score_low == pytest.approx(1 - other.score_high, abs=1e-9)
    if one.nelo_low is not None:
        assert other.nelo_high is not None
        assert one.nelo_low == pytest.approx(-other.nelo_high, rel=1e-6, abs=1e-6)
    assert one.los == pytest.approx(1 - other.los, abs=1e-9)
    mirrored = histogram([(100 - h) / 100 for h in hundredths])
    assert histogram([h / 100 for h in hundredths]) == mirrored[::-1]


def test_elo_of_known_scores() -> None:
    assert elo(0.5) == 0.0
    assert elo(0.75) == pytest.approx(190.85, abs=0.01)  # 400 log10(3)
    assert elo(0.0) == pytest.approx(-elo(1.0))


def test_seat_bias_is_found_and_a_fair_game_is_not_accused() -> None:
    fair = pairs_of(60, 1, strength=0.0)
    p = seat_bias_p_value(fair)
    assert p is not None and p > 0.01
    first = match([1, 3, 5, 7, 9])  # seat 0 always wins
    p = seat_bias_p_value([(first, first)] * 60)
    assert p is not None and p < 1e-6
    assert seat_bias_p_value(fair[:20]) is None  # 20 pairs / 10 seats = 2 wins expected: too few


def test_the_report_follows_the_grammar() -> None:
    pairs = pairs_of(60, 2, strength=0.5)
    report = summarise(
        pairs, a="att-0042", b="base-0040", setting=SETTING, sprt=SprtSettings(), matches_per_s=3.1
    )
    lines = format_report(report)
    assert report.decision == "H1" and report.exit_code == 0
    assert lines[0] == (
        "A = att-0042 is stronger than B = base-0040   "
        "(SPRT: H1 accepted after 60 mirrored pairs, 120 matches)"
    )
    prefixes = ["A = ", "Results of A vs B (", "Score: ", "Placement: A mean ", "Pairs (", "LLR: "]
    assert [line[: len(p)] for line, p in zip(lines, prefixes, strict=False)] == prefixes
    assert lines[-1].startswith("Seats: ") and lines[-1].endswith(
        "Failed matches: 0   3.1 matches/s"
    )
    assert "(95 % at any stop)" in lines[2] and "LOS" in lines[2]
    assert sum(report.firsts) == 120  # every match has one first place
    assert sum(report.histogram) == 60
    assert sum(report.mean_placement) == pytest.approx(11.0)  # five seats each of 1..10


def test_verdicts_and_exit_codes() -> None:
    def report(n: int, seed: int, strength: float, sprt: SprtSettings | None):  # type: ignore[no-untyped-def]
        return summarise(
            pairs_of(n, seed, strength=strength), a="x", b="y", setting=SETTING, sprt=sprt
        )

    weaker = report(60, 3, -1.0, SprtSettings())
    assert weaker.exit_code == 1
    assert verdict(weaker).startswith(
        "A = x is not shown to be stronger than B = y by 0 nElo; 50 or more is ruled out   (SPRT:"
    )
    early = report(4, 4, 1.0, SprtSettings())
    assert early.exit_code == 4 and "undecided" in verdict(early)
    fixed = report(40, 5, -1.0, None)
    assert fixed.exit_code == 0 and verdict(fixed).startswith("A = x is weaker than B = y")
    assert not any(line.startswith("LLR") for line in format_report(fixed))
    assert "no difference shown" in verdict(report(4, 6, 0.0, None))


def test_the_verdict_of_sprt_speaks_of_its_hypotheses() -> None:
    def first_line(low: float, high: float, strength: float) -> str:
        pairs = pairs_of(120, 9, strength=strength)
        return verdict(
            summarise(pairs, a="x", b="y", setting=SETTING, sprt=SprtSettings(low, high))
        )

    assert first_line(0, 50, 1.0).startswith("A = x is stronger than B = y   (SPRT: H1")
    assert "is stronger than B = y by more than 20 nElo   (" in first_line(20, 70, 1.5)
    assert "is less than 50 nElo weaker than B = y, or stronger   (" in first_line(-50, 0, 1.0)
    assert "by -50 nElo; 0 or more is ruled out   (" in first_line(-50, 0, -1.5)


def test_a_verdict_says_what_its_interval_allows_for() -> None:
    def report(**how: object):  # type: ignore[no-untyped-def]
        pairs = pairs_of(40, 5, strength=0.6)
        return summarise(pairs, a="x", b="y", setting=SETTING, sprt=None, **how)  # type: ignore[arg-type]

    first, third = report(), report(look=3)
    assert "(95 % interval, also if it is extended, fixed length: 40 mirrored" in verdict(first)
    assert "(95 % interval over all 3 verdicts, fixed length: 40 mirrored" in verdict(third)
    assert third.estimate.score_half_width > 1.4 * first.estimate.score_half_width
    assert "if the length was fixed before the first look" in verdict(report(remembered=False))
    stopped = report(interrupted=True)
    assert "no verdict yet   (interrupted after 40" in verdict(stopped)
    assert stopped.exit_code == 130 and stopped.estimate.method == "anytime"


def test_crashes_are_shown_by_member_and_a_floor_is_stated() -> None:
    report = summarise(
        [(match([1, 2, 3, 4, 5]),) * 2] * 3,
        a="x",
        b="y",
        setting=SETTING,
        sprt=None,
        n_failed=3,
        crashes={"y": 2, "x": 1},
    )
    lines = format_report(report)
    assert "Failed matches: 3 (x 1, y 2)" in lines[-1]
    assert any(line.startswith("Variance: ") and "pseudo-pair" in line for line in lines)


def test_the_json_carries_the_same_numbers() -> None:
    report = summarise(pairs_of(20, 7, strength=0.2), a="x", b="y", setting="s", sprt=None)
    values = json.loads(json.dumps(report_json(report), allow_nan=False))
    assert values["estimate"]["score"] == report.estimate.score
    assert values["verdict"] == format_report(report)[0]
    assert values["exit_code"] == 0 and values["llr"] is None


def test_nonsense_is_refused() -> None:
    with pytest.raises(StatisticsError, match="found none"):
        summarise([], a="x", b="y", setting="s", sprt=None)
    with pytest.raises(StatisticsError, match=r"\[5, 0\]"):
        SprtSettings(5.0, 0.0)
    with pytest.raises(StatisticsError, match="alpha"):
        SprtSettings(alpha=0.0)
    with pytest.raises(StatisticsError, match=r"\[0, 1\]"):
        estimate([1.5])


def test_importing_the_pure_modules_loads_no_scipy() -> None:
    program = (
        "import sys, league.pit.statistics, league.rating.trueskill\n"
        "sys.exit(bool({'scipy', 'torch', 'numpy', 'trueskill'} & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3])
    assert run.returncode == 0
