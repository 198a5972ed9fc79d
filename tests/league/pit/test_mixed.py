"""`league pit A B C --mixed`: seats, statistics by hand, the model, and that it can be resumed."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.cli.main import main
from league.errors import PitError, PitInterrupted, StatisticsError
from league.folder.layout import LeagueFolder
from league.pit.mixed.likelihood import first_chances, log_likelihood, pair_chances
from league.pit.mixed.model import (
    as_arrays,
    counts_of,
    fit_plackett_luce,
    fit_thurstone,
    held_out,
)
from league.pit.mixed.plan import MixedPlan, mixed_plan
from league.pit.mixed.run import MixedRequest, run_mixed
from league.pit.mixed.statistics import (
    MixedReport,
    beat_rate,
    first_shares,
    mean_places,
    share_interval,
    summarise,
)
from league.pit.mixed.text import format_report, report_json, verdict
from league.pit.sides import Side
from league.pit.statistics import PitMatch
from tests.calibration.pit_players import mixed_units
from tests.league.pit.conftest import DiceArena

SIDES = tuple(Side(name, f"scripted:{name}") for name in ("tribe", "turtle", "expander"))
REQUEST = MixedRequest(
    ("tribe", "scripted:turtle", "scripted:idle"), 60, maps=("generated:plains:64x64:1",)
)


def plan_of(n_seats: int = 10, sides: tuple[Side, ...] = SIDES) -> MixedPlan:
    return mixed_plan(sides, ("generated:plains:64x64:1",), MatchRules(n_seats=n_seats), Views())


def test_every_name_holds_every_seat_once_per_seed() -> None:
    plan = plan_of()
    for seed in range(50):
        line_ups = [plan.labels(seed, part) for part in range(3)]
        for seat in range(10):
            assert {line_up[seat] for line_up in line_ups} == {"tribe", "turtle", "expander"}


def test_seats_are_drawn_without_regard_to_each_other() -> None:
    plan = plan_of()
    counts = Counter(plan.labels(seed, 0).count("tribe") for seed in range(3000))
    # binomial(10, 1/3): P(3) = 0.260, 780 expected; P(7 or more) = 0.0197, 59 expected
    assert 700 < counts[3] < 860 and 30 < sum(counts[n] for n in range(7, 11)) < 90
    two = plan_of(2, SIDES[:2])
    assert all(len(set(two.labels(seed, 0))) == 2 for seed in range(50))  # never one name alone


def test_the_order_of_the_names_is_no_part_of_the_plan_and_equal_names_are_refused() -> None:
    assert plan_of(sides=SIDES[::-1]) == plan_of()
    keys = {plan_of().part_key(seed, part) for seed in (1, 2) for part in range(3)}
    assert len(keys) == 6
    with pytest.raises(PitError, match="found scripted:tribe twice"):
        plan_of(sides=(*SIDES, Side("other", "scripted:tribe")))
    with pytest.raises(PitError, match="two names or more"):
        plan_of(sides=SIDES[:1])


def match(places: tuple[int, ...], names: str) -> PitMatch:
    return PitMatch(places, tuple(names), (True,) * len(places))


def test_places_firsts_and_beat_rates_by_hand() -> None:
    units = [
        (match((1, 2, 3, 4), "xyxy"), match((1, 2, 3, 4), "yxyx")),
        (match((1, 1, 3, 4), "xyyx"), match((4, 3, 2, 1), "yxxy")),
    ]
    # x: (1 + 3 + 2 + 4) / 4 and (1 + 4 + 3 + 2) / 4
    assert mean_places(units, "x") == [2.5, 2.5]
    assert mean_places(units, "y") == [2.5, (1 + 3 + 4 + 1) / 4]
    assert first_shares(units, "x") == [0.5, 0.25]  # one of two; a shared one of two
    # x above y: 3 of 4, 1 of 4; 1.5 of 4 (a tie with one, above the other, below both); 2 of 4
    found = beat_rate(units, "x", "y")
    assert found.mean == pytest.approx((3 + 1 + 1.5 + 2) / 16) and found.degrees == 1
    with pytest.raises(StatisticsError, match="common matches of x and z"):
        beat_rate(units, "x", "z")


def test_a_name_that_never_came_first_may_still_do_so() -> None:
    # 40 seeds: 1 - 0.025^(1/40) = 8.8 %
    found = share_interval([0.0] * 40)
    assert (found.mean, found.low) == (0.0, 0.0) and found.high == pytest.approx(0.088, abs=1e-3)
    assert share_interval([1.0] * 40).low == pytest.approx(0.912, abs=1e-3)
    assert share_interval([0.0, 0.5, 0.25]).mean == 0.25


def report(strengths: tuple[float, ...], noises: tuple[float, ...], n: int = 60) -> MixedReport:
    rng = np.random.default_rng(2)
    units = mixed_units(n, strengths, noises, rng)
    names = tuple("abcdef"[: len(strengths)])
    return summarise(units, names, setting="s", matches_per_s=2.0)


def test_the_report_tells_the_strong_from_the_weak_and_equals_from_nobody() -> None:
    found = report((1.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert found.names[0].name == "a"
    assert (0, 1) in found.told_apart and (0, 2) in found.told_apart
    assert (1, 2) not in found.told_apart and found.best == (0,)
    lines = format_report(found)
    assert lines[0].startswith("a places best of 3   (95 % for all pairs of names together, also")
    assert lines[0].endswith(": 60 seeds, 180 matches)")
    assert lines[3].split()[:2] == ["1", "a"]
    assert any(line.startswith("Not told apart by their mean places: ") for line in lines)
    assert lines[-1].endswith("Failed matches: 0   2.0 matches/s")
    even = replace(found, told_apart=frozenset())
    assert " and ".join(each.name for each in found.names) in verdict(even)
    assert sum(each.place.mean for each in found.names) == pytest.approx(3 * 5.5)
    assert sum(each.firsts.mean for each in found.names) == pytest.approx(1.0)


def test_the_json_carries_the_numbers_of_the_text() -> None:
    found = report((0.5, 0.0), (1.0, 1.0), n=12)
    values = json.loads(json.dumps(report_json(found), allow_nan=False))
    assert values["names"][0]["place"]["mean"] == found.names[0].place.mean
    assert values["beats"][0]["mean"] == found.beats[0, 1].mean
    assert values["verdict"] == format_report(found)[0]
    one_seed = report((0.5, 0.0), (1.0, 1.0), n=1)
    assert json.dumps(report_json(one_seed), allow_nan=False)
    assert one_seed.names[0].place.low == 1.0 and one_seed.held is None


def test_the_model_finds_a_noise_of_its_own_and_predicts_first_places_by_it() -> None:
    units = mixed_units(300, (0.0, 0.0, -0.3), (0.3, 2.5, 1.0), np.random.default_rng(4))
    matches = as_arrays(units, ("a", "b", "c"))
    strength, noise = fit_thurstone(matches)
    assert noise[1] > 2 * noise[2] > 2 * noise[0]
    assert abs(strength.mean()) < 1e-9 and math.isclose(np.log(noise).mean(), 0.0, abs_tol=1e-9)
    held = held_out(matches)
    assert held is not None
    assert held.first < held.first_luce - 3 * held.better_error
    assert held.first < held.first_uniform == math.log(10)
    assert held_out(as_arrays(units[:9], ("a", "b", "c"))) is None


def test_the_gradient_of_the_likelihood_is_that_of_differences() -> None:
    units = mixed_units(30, (0.5, 0.0, -0.3), (0.5, 2.0, 1.0), np.random.default_rng(6))
    counts = counts_of(as_arrays(units, ("a", "b", "c")))
    at = np.array([0.4, 0.1, -0.2, -0.5, 0.6, 0.1])
    _, gradient = log_likelihood(at[:3], at[3:], counts)
    for i in range(6):
        step = 1e-5 * (np.arange(6) == i)
        ends = [log_likelihood((at + s)[:3], (at + s)[3:], counts)[0] for s in (-step, step)]
        assert gradient[i] == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=1e-5, abs=1e-4)


def test_chances_of_the_first_place_against_a_million_draws() -> None:
    strength, noise = np.array([0.4, -0.1, -0.3]), np.array([0.5, 2.0, 1.0])
    compositions = np.array([[2.0, 3.0, 5.0], [9.0, 1.0, 0.0]])
    found = first_chances(strength, noise, compositions)
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0]) and found[1, 2] == 0.0
    rng = np.random.default_rng(7)
    for seats, chances in zip(compositions.astype(int), found, strict=True):
        name = np.repeat(np.arange(3), seats)
        drawn = strength[name] + noise[name] * rng.standard_normal((200_000, 10))
        firsts = np.bincount(name[drawn.argmax(axis=1)], minlength=3) / 200_000
        # standard deviation 0.0011 at most; Gauss-Hermite sums are within 0.005
        assert chances == pytest.approx(firsts, abs=0.008)
    p = pair_chances(strength, noise)
    # (0.4 + 0.1) / sqrt(0.25 + 4) = 0.2425: Phi 0.5958
    assert p[0, 1] == pytest.approx(0.5958, abs=1e-4) and p[0, 1] + p[1, 0] == pytest.approx(1)


def test_where_all_noises_are_alike_the_model_is_no_worse_than_plackett_and_luces() -> None:
    units = mixed_units(200, (0.8, 0.0, -0.8), (1.0, 1.0, 1.0), np.random.default_rng(5))
    matches = as_arrays(units, ("a", "b", "c"))
    held = held_out(matches)
    assert held is not None and held.first < held.first_luce + 2 * held.better_error
    worth = fit_plackett_luce(matches)
    assert worth[0] > worth[1] > worth[2] and worth.mean() == pytest.approx(1.0)


def play(request: MixedRequest, folder: LeagueFolder | None, arena: DiceArena) -> MixedReport:
    return run_mixed(request, folder, arena=lambda n, settings: arena)


def test_an_interrupted_one_goes_on_to_the_same_numbers(
    quick_league: LeagueFolder, tmp_path: Path
) -> None:
    untouched = LeagueFolder(Path(shutil.copytree(quick_league.root, tmp_path / "copy")))
    stopped = play(REQUEST, quick_league, DiceArena(break_after=20))
    assert stopped.interrupted and stopped.exit_code == 130 and 0 < stopped.n_matches < 60
    assert "No verdict yet   (interrupted after" in verdict(stopped)
    rest = DiceArena()
    resumed = play(REQUEST, quick_league, rest)
    assert rest.played < 60 and resumed.n_matches == 60 and resumed.look == 1
    whole = play(REQUEST, untouched, DiceArena())
    assert resumed.names == whole.names and resumed.beats == whole.beats
    longer = play(replace(REQUEST, n_matches=90), quick_league, DiceArena())
    assert longer.look == 2 and longer.confidence == pytest.approx(0.9965)
    with pytest.raises(PitInterrupted):
        play(replace(REQUEST, seed=500), quick_league, DiceArena(break_after=0))


def test_the_command_plays_three_names(
    quick_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["pit", "tribe", "scripted:turtle", "scripted:idle", "--mixed", "--workers", "1"]
    command += ["--matches", "5", "--league", str(quick_league.root)]
    assert main([*command, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["n_matches"] == 6
    assert "5 matches are not whole seeds of 3: 6 are played" in shown.err
    assert main([*command, "--short"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert main([*command, "--field"]) == 2
    assert main(["pit", "tribe", "scripted:turtle", "scripted:idle"]) == 2
