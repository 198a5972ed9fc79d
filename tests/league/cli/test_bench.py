"""`league bench` prints numbers that hang together; how large they are is nobody's test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.registry import make_loader
from arena.territory.maps import load_map
from league.bench import arena, editions, networks, ratings, territory
from league.cli.main import main
from league.errors import BenchError
from league.python.playing import OwnProcess
from league.rating.replay import replay_columns
from tests.schemas import fits

_specs = arena.specs
MAP = "generated:continents:64x64:1"


def test_territory_reports_every_promised_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Compiling everything anew takes half a minute; the command itself is what is tested.
    monkeypatch.setattr(territory, "compile_seconds", lambda: (20.0, 1.0))
    words = f"bench territory --map {MAP} --bots 4 --ticks 100 --runs 2 --json"
    assert main(words.split()) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    assert {
        *("ticks_per_s", "tick_p99_ms", "seat_observations_per_s", "memory_mb", "compile_s"),
        *("clone_ms", "clone_ms_small"),
        *("warm_start_s", "threads_scaling", "machine", "map", "bots", "ticks", "runs"),
    } <= set(found)
    assert found["seat_observations_per_s"] > 0
    assert {"small", "classic"} <= set(found["seat_observations_per_s_by_views"])
    by_version = found["seat_observations_per_s_by_version"]["small"]
    assert set(by_version) == {"1", "2"} and min(by_version.values()) > 0
    assert any("small views, version 1" in line for line in territory.lines(found))
    assert len(found["ticks_per_s_runs"]) == 2 and found["tick_p99_ms"] >= found["tick_median_ms"]
    assert any("ticks/s" in line for line in territory.lines(found))


def test_both_editions_are_measured_on_the_same_orders(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "compile_seconds", lambda edition: 20.0)
    words = f"bench territory --edition 2026 --map {MAP} --bots 3 --ticks 200 --runs 2 --json"
    assert main(words.split()) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    old, land, whole = found["variants"]
    assert (old["times_2025"], old["structures"], land["structures"]) == (1.0, 0.0, 0.0)
    assert whole["structures"] > 0
    assert min(each["us_per_tick"] for each in found["variants"]) > 0
    assert any("times 2025" in line for line in editions.lines(found))


def test_networks_report_both_families_within_budget() -> None:
    found = networks.run("small", batch=4, repeats=1, device="cpu")
    assert set(found["families"]) == {"attention", "baseline"}
    for family in found["families"].values():
        assert family["parameters"] < 2_000_000
        assert family["largest_logit_difference"] < 1e-4
    rows = [line for line in networks.lines(found) if "parameters" in line]
    assert len(rows) == 6 and len(networks.lines(found)) == 7  # and a line on the machine


def test_a_learner_says_where_its_time_goes(capsys: pytest.CaptureFixture[str]) -> None:
    small = "learner.n_steps=64 learner.batch_size=32 learner.n_matches=2 learner.n_epochs=1"
    sets = [part for text in small.split() for part in ("--set", text)]
    assert main(["bench", "learner", "--seconds", "0.1s", "--json", *sets]) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    phases = {"env", "observation", "opponents", "policy", "update", "other"}
    assert set(found["shares"]) == phases
    assert sum(found["shares"].values()) == pytest.approx(1.0)
    assert found["decisions"] >= 64 and found["cycles"] >= 1


def test_the_arena_is_measured_in_matches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Here(OwnProcess):  # no worker has to start
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(make_loader(None), load_map)

        def __enter__(self) -> Here:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(arena, "LocalArena", Here)
    monkeypatch.setattr(arena, "specs", lambda preset, n: _specs(preset, n)[:1])
    assert main(["bench", "arena", "--matches", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    assert found["matches_per_s"] > 0 and found["ticks_per_s"] > found["matches_per_s"]
    (line,) = arena.lines(found)
    assert line.startswith("arena") and "1 matches of" in line


def test_what_halves_bring_is_measured_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    small = "learner.n_steps=64 learner.batch_size=32 learner.n_matches=2 learner.n_epochs=1"
    sets = [part for text in small.split() for part in ("--set", text)]
    assert main(["bench", "learner", "--halves", "1,2", "--seconds", "0.1s", *sets]) == 0
    head, *rows, _ = capsys.readouterr().out.splitlines()
    assert head.endswith("halves in turn")
    assert [row.split()[:2] for row in rows] == [["1", "halves"], ["2", "halves"]]
    assert "(1.00 times)" in rows[0]


def test_one_process_is_not_measured_under_a_setting_of_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "learner", "--set", "learner.n_ranks=2"]) != 0
    assert "`league bench learner --ranks` measures several" in capsys.readouterr().err


def test_threads_ranks_and_halves_are_compared_one_at_a_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "learner", "--threads", "1,2", "--ranks", "1,2"]) == 2
    assert "at most one of --threads, --ranks and --halves" in capsys.readouterr().err
    assert main(["bench", "learner", "--halves", "1,3"]) == 2
    assert "numbers from 1 to 2" in capsys.readouterr().err


def test_a_missing_map_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "territory", "--map", "missing"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_planning_is_timed_and_judged(capsys: pytest.CaptureFixture[str]) -> None:
    command = "bench planner --members 20 --matches 100 --pools 1 --watched 0 --json"
    assert main(command.split()) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    assert found["line_up_ms"] > 0.0 and found["start_ms"] > 0.0
    spreads = [(each["spread"], each["outlier"]) for each in found["information"]]
    assert spreads == [(s, False) for s in (0.0, 2.0, 4.0, 8.0, 16.0)] + [(2.0, True)]
    # equals: nothing tells more than the uniform draw, and the planner's tells hardly less
    assert 0.9 < found["information"][0]["differences"] < 1.1
    assert found["newcomer_played"] <= found["newcomer_planned"]


def test_a_bench_of_ratings_measures_both_engines_and_a_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "ratings", "--matches", "20", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    fits(result)
    assert result["matches"] == 20 and set(result["rated_per_s"]) == {"compiled", "trueskill"}
    seconds = result["rerate"]
    assert seconds["total_s"] >= seconds["read_s"] + seconds["replay_s"] > 0
    assert seconds["processor_s"] > 0
    (first, second) = ratings.lines(result)
    assert first.startswith("ratings ") and "20 matches rated anew" in second


def test_a_log_that_replays_differently_is_no_result(tmp_path: Path) -> None:
    log = ratings.log_of(ratings.games(5, seed=1))
    mu, sigma = replay_columns(log)
    mu[-1] += 1e-9
    ratings.write_log(tmp_path / "league.db", log, mu, sigma)
    with pytest.raises(BenchError, match="replays differently"):
        ratings.rerate(tmp_path / "league.db")
