"""Calibration of `league pit`: intervals, LOS, verdicts, seats and maps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.random import Generator

from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.config.game import MapsConfig
from league.pit.looks import confidence_of, look_number
from league.pit.plan import PitPlan
from league.pit.report import PitReport, summarise
from league.pit.seats import BIAS_BELOW, seat_bias_p_value
from league.pit.sides import Side
from league.pit.sprt import Sprt, SprtSettings
from league.pit.statistics import Estimate, PitMatch, estimate
from league.pit.table import in_proportion
from league.pit.text import verdict
from league.statistics.betting import log_wealth
from tests.calibration.harness import Effort, Measured, Row, at_most, covers, share
from tests.calibration.pit_players import fair_pit, pair_scores, strength_of, truth

SETTINGS = SprtSettings()
CAP = 500  # pairs


def _runs(effort: Effort, fast: int, long: int = 10_000) -> int:
    return long if effort == "long" else fast


def _score(n: int, strength: float, effort: Effort, rng: Generator) -> Measured:
    score, _ = truth(strength)
    found = (estimate(each) for each in pair_scores(_runs(effort, 1000), n, strength, rng).tolist())
    return covers((e.score_low <= score <= e.score_high for e in found), 0.93, 0.96)


def _nelo(n: int, strength: float, effort: Effort, rng: Generator) -> Measured:
    _, nelo = truth(strength)
    found = (estimate(each) for each in pair_scores(_runs(effort, 700), n, strength, rng).tolist())
    return covers((_holds(e, nelo) for e in found), 0.93, 0.97)


def _holds(e: Estimate, nelo: float) -> bool:
    return (e.nelo_low is None or e.nelo_low <= nelo) and (
        e.nelo_high is None or nelo <= e.nelo_high
    )


def _los(in_field: bool, effort: Effort, rng: Generator) -> Measured:
    scores = pair_scores(_runs(effort, 2000, 20_000), 8, 0.0, rng, in_field=in_field).tolist()
    return at_most(
        (estimate(each).los > 0.975 for each in scores), 0.025, "even pits of 8 pairs above 97.5 %"
    )


Ends = list[tuple[str, list[float]]]


def _sprt(nelo: float, effort: Effort, rng: Generator, n_runs: int) -> Ends:
    """Play SPRT to its end; returns (decision, scores up to it) of each run."""
    ends = []
    runs = _runs(effort, n_runs)
    for first in range(0, runs, 500):
        n = min(500, runs - first)
        for scores in pair_scores(n, CAP, strength_of(nelo) if nelo else 0.0, rng).tolist():
            test = Sprt(SETTINGS)
            for score in scores:
                if test.add(score):
                    break
            ends.append((test.decision or "undecided", scores[: test.n_pairs]))
    return ends


def _error(nelo: float, wrong: str, effort: Effort, rng: Generator) -> Measured:
    ends = _sprt(nelo, effort, rng, 1500)
    n_pairs = np.mean([len(scores) for _, scores in ends])
    hits = [decision == wrong for decision, _ in ends]
    p, error = share(hits)
    detail = f"{sum(hits)} of {len(hits):,} pits looked at after every pair; mean {n_pairs:.0f}"
    return Measured(p, error, detail, p <= 0.05 + 3 * error)


def _length(nelo: float, longest: float, effort: Effort, rng: Generator) -> Measured:
    lengths = [len(scores) for _, scores in _sprt(nelo, effort, rng, 600)]
    mean, error = float(np.mean(lengths)), float(np.std(lengths) / len(lengths) ** 0.5)
    return Measured(mean, error, f"mean of {len(lengths):,} pits", mean <= longest + 3 * error)


def _at_stop(nelo: float, effort: Effort, rng: Generator) -> Measured:
    score, true_nelo = truth(strength_of(nelo) if nelo else 0.0)
    held = []
    for _, scores in _sprt(nelo, effort, rng, 200):
        e = estimate(scores, anytime=True)
        held.append(e.score_low <= score <= e.score_high and _holds(e, true_nelo))
    return covers(held, 0.95, 1.0, "intervals of score and nElo at the stop")


def _wrong_sentence(effort: Effort, rng: Generator) -> Measured:
    """Read what is said where A is 25 nElo stronger: what is ruled out must not be true."""
    wrong = []
    for decision, scores in _sprt(25.0, effort, rng, 200):
        said = verdict(_report_of(scores))
        wrong.append("is not stronger" in said or "is weaker" in said)
        if decision == "H0" and "50 or more is ruled out" not in said:
            wrong[-1] = True
    return at_most(wrong, 0.05, "false sentences")


def _report_of(scores: list[float]) -> PitReport:
    """Return a report whose SPRT saw these scores; the matches themselves are placeholders."""
    match = PitMatch((1, 2), ("A", "B"), (True, True))
    return replace(
        summarise([(match, match)], a="a", b="b", setting="", sprt=SETTINGS),
        decision=Sprt(SETTINGS, scores).decision or "undecided",
        estimate=estimate(scores, anytime=True),
    )


def _doubling(effort: Effort, rng: Generator) -> Measured:
    """Double --matches from 20 pairs to 1,280 until a difference is shown between equals."""
    wrong = []
    for scores in _equals(_runs(effort, 300), 1280, rng):
        looks: list[int] = []
        n = 20
        is_wrong = False
        while n <= len(scores) and not is_wrong:
            e = estimate(scores[:n], confidence=confidence_of(look_number(looks, n)))
            is_wrong = not e.score_low <= 0.5 <= e.score_high
            looks.append(n)
            n *= 2
        wrong.append(is_wrong)
    return at_most(wrong, 0.05, "pits of equals ever showed a difference")


def _equals(n_runs: int, n_pairs: int, rng: Generator) -> Iterator[list[float]]:
    """Yield the scores of pits between equals, some at a time: thousands fill the memory."""
    for first in range(0, n_runs, 200):
        yield from pair_scores(min(200, n_runs - first), n_pairs, 0.0, rng).tolist()


def _any_look(effort: Effort, rng: Generator) -> Measured:
    """Look at the interval that is printed while it runs, after every pair up to the cap."""
    limit = math.log(40.0)
    wrong = []
    for scores in _equals(_runs(effort, 600), CAP, rng):
        both = (log_wealth(scores, 0.5), log_wealth(1.0 - np.array(scores), 0.5))
        wrong.append(any((each >= limit).any() for each in both))
    return at_most(wrong, 0.05, "pits of equals ever showed a difference")


def _seats(in_field: bool, effort: Effort, rng: Generator) -> Measured:
    field = tuple(Side(f"f{i}", f"scripted:f{i}") for i in range(8)) if in_field else ()
    plan = PitPlan(
        Side("a", "scripted:a"),
        Side("b", "scripted:b"),
        ("generated:plains:64x64:1",),
        MatchRules(),
        Views(),
        field,
    )
    alarms = []
    for run in range(_runs(effort, 150, 3000)):
        p = seat_bias_p_value(fair_pit(plan, range(1000 * run, 1000 * run + 60), rng))
        alarms.append(p is not None and p < BIAS_BELOW)
    return at_most(alarms, 0.01, "fair pits of 60 pairs with an alarm")


def _maps(effort: Effort, rng: Generator) -> Measured:
    _, ordered = in_proportion(MapsConfig().rate)
    wrong = 0
    for first in range(200):
        played = Counter(
            ordered[seed % len(ordered)].split(":")[1] for seed in range(first, first + 8)
        )
        wrong += dict(played) != {"continents": 4, "highlands": 2, "lakes": 2}
    detail = "of 200 first seeds with other than 4 continents, 2 highlands, 2 lakes in 8 pairs"
    return Measured(wrong, 0.0, detail, wrong == 0)


ROWS: tuple[Row, ...] = (
    *(
        Row(
            f"pit-score-{n}-{strength:g}",
            f"`league pit`: interval of the score, {n} pairs, A {strength:g} above B",
            "1.2 to 5.5 times too wide, covers up to 1.00",
            ".93 to .96",
            partial(_score, n, strength),
        )
        for n in (8, 16, 64)
        for strength in (0.0, 1.0)
    ),
    *(
        Row(
            f"pit-nelo-{n}-{strength:g}",
            f"`league pit`: interval of nElo, {n} pairs, A {strength:g} above B",
            "covers 0 to .32 where one side is strong",
            ".93 to .97",
            partial(_nelo, n, strength),
        )
        for n in (8, 32, 64)
        for strength in (0.3, 1.0, 2.0)
    ),
    Row(
        "pit-los-8",
        "`league pit --matches 16`: LOS above 97.5 %, 5 + 5",
        "-",
        ".025 at most",
        partial(_los, False),
    ),
    Row(
        "pit-los-8-field",
        "`league pit --field --matches 16`: LOS above 97.5 %",
        ".064",
        ".025 at most",
        partial(_los, True),
    ),
    Row(
        "pit-false-h1",
        "`league pit`: *is stronger* between equals, looked at after every pair",
        ".031 to .054",
        ".05 at most",
        partial(_error, 0.0, "H1"),
    ),
    Row(
        "pit-false-h0",
        "`league pit`: *50 or more is ruled out* where it is 50",
        ".031 to .054",
        ".05 at most",
        partial(_error, 50.0, "H0"),
    ),
    Row(
        "pit-length-0",
        "`league pit`: pairs until SPRT decides between equals",
        "126 to 167",
        "no longer",
        partial(_length, 0.0, 167.0),
    ),
    Row(
        "pit-sentence-25",
        "`league pit`: a false sentence where A is 25 nElo stronger",
        "*is not stronger* in .42 to .48",
        ".05 at most",
        _wrong_sentence,
    ),
    Row(
        "pit-at-stop-25",
        "`league pit`: intervals at the stop of SPRT, A 25 nElo stronger",
        "covers .88 to .93",
        ".95 at least",
        partial(_at_stop, 25.0),
    ),
    Row(
        "pit-at-stop-0",
        "`league pit`: the same between equals",
        "covers .88 to .93",
        ".95 at least",
        partial(_at_stop, 0.0),
    ),
    Row(
        "pit-any-look",
        "`league pit`: the interval while it runs, looked at after each of 500 pairs",
        "-",
        ".05 at most",
        _any_look,
    ),
    Row(
        "pit-doubling",
        "`league pit --matches`: doubled from 20 pairs to 1,280 until it pleases",
        ".176 false verdicts",
        ".05 at most",
        _doubling,
    ),
    Row(
        "pit-seats-field",
        "`league pit --field`: alarm of seat bias in fair pits",
        "1.00",
        ".01",
        partial(_seats, True),
    ),
    Row(
        "pit-seats",
        "`league pit`: the same in 5 + 5",
        "-",
        ".01",
        partial(_seats, False),
    ),
    Row(
        "pit-maps",
        "`league pit`: maps of 8 pairs in a row",
        "7 continents, 1 highlands, 0 lakes",
        "the list's 8 : 4 : 4",
        _maps,
    ),
)
