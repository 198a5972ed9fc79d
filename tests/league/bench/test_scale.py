"""`league bench scale`: the model in numbers one can follow, and parts that are really measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arena.match import MatchSpec
from arena.processes.jobs import Done, WorkerLimits
from league.bench import crowd as crowd_bench
from league.bench import scale, scale_parts
from league.bench.crowd import Crowd, play_here
from league.bench.scaling import Cluster, LearnerPart, Parts, longest_of, predict
from league.cli.main import main
from league.config.layers import resolve
from tests.schemas import fits

SIZES = {
    "spec": 1_000.0,
    "result": 3_000.0,
    "replay": 1_000.0,
    "snapshot": 1e6,
    "update": 1_000.0,
    "gradient": 1e6,
}
# 100 us of game, 40 of network, 60 of update; a pass over half of the rows costs 10 us a row more.
PART = LearnerPart(
    alone={"game": 100e-6, "network": 40e-6, "update": 60e-6},
    halved={"game": 100e-6, "network": 50e-6, "update": 60e-6},
)
PARTS = Parts(
    match_s=0.1,
    manager_s=0.004,
    call_s=0.001,
    sizes=SIZES,
    sum_s=1e-3,
    small_sum_s=1e-4,
    learner={"cpu": PART},
    n_matches=24,
    n_steps=4_096,
    batch_size=512,
    n_epochs=2,
    snapshot_every=100_000,
)


def test_workers_are_full_first_then_the_managers_core() -> None:
    few = predict(PARTS, Cluster(nodes=1, cores=16, lineages=0))
    assert few["workers"] == 15  # the manager has the sixteenth
    assert few["matches_per_s"] == pytest.approx(150.0)
    assert (few["first"], few["manager_full_at_workers"]) == ("workers", pytest.approx(20.0))
    assert few["margin"] == pytest.approx(200.0 / 150.0)

    many = predict(PARTS, Cluster(nodes=4, cores=16, lineages=0))
    assert many["limits"]["workers"] == pytest.approx(630.0)
    assert (many["first"], many["matches_per_s"]) == ("manager", pytest.approx(200.0))
    assert many["margin"] == pytest.approx(3.15)


def test_a_slow_connection_is_full_before_the_manager() -> None:
    found = predict(PARTS, Cluster(nodes=4, cores=16, lineages=0, gbit=0.004))
    assert found["first"] == "network"
    assert found["matches_per_s"] == pytest.approx(100.0)  # 500,000 bytes/s of 5,000 a match
    assert found["manager_bytes_per_s"] == pytest.approx(500_000.0)


def test_processes_that_outnumber_the_cores_share_them() -> None:
    one = predict(PARTS, Cluster(nodes=1, cores=2, lineages=0, workers=1))
    two = predict(PARTS, Cluster(nodes=1, cores=2, lineages=0, workers=2))
    assert one["matches_per_s"] == pytest.approx(10.0)
    # two cores give 2 seconds a second, and a match takes 0.1 of a worker and 0.005 of the manager
    assert two["matches_per_s"] == pytest.approx(2.0 / 0.105)


def test_a_decision_of_a_learner_alone_takes_the_sum_of_its_phases() -> None:
    found = predict(PARTS, Cluster(nodes=1, cores=8, lineages=1, ranks=1))
    assert found["decisions_per_s"] == pytest.approx(1.0 / 200e-6)
    assert found["cycle"]["game"] == pytest.approx(0.5) and found["longest"] == "game"
    assert found["longest_margin"] == pytest.approx(100.0 / 60.0)
    assert found["cycle"]["exchange"] == found["cycle"]["wait"] == 0.0
    assert found["rank_bytes_per_s"] == 0.0


def test_ranks_divide_the_decisions_and_pay_for_smaller_batches_and_for_sums() -> None:
    found = predict(PARTS, Cluster(nodes=1, cores=8, lineages=1, ranks=2))
    # 2,048 decisions of 210 us, 16 sums of a gradient, 7 small ones
    seconds = 2_048 * 210e-6 + 16 * 1e-3 + 7 * 1e-4
    assert found["decisions_per_s"] == pytest.approx(4_096 / seconds)
    # a ring of four sends 1.5 times the bytes; a pass over a quarter costs 30 us a row more
    found = predict(PARTS, Cluster(nodes=1, cores=8, lineages=1, ranks=4))
    seconds = 1_024 * 230e-6 + 1.5 * (16 * 1e-3 + 7 * 1e-4)
    assert found["decisions_per_s"] == pytest.approx(4_096 / seconds)


def test_between_nodes_the_connection_carries_the_gradients() -> None:
    here = Cluster(nodes=1, cores=8, lineages=1, ranks=4)
    apart = Cluster(nodes=2, cores=2, lineages=1, ranks=4, gbit=8.0, latency_s=0.0)
    difference = 1 / predict(PARTS, apart)["decisions_per_s"]
    difference -= 1 / predict(PARTS, replace(apart, gbit=8e9))["decisions_per_s"]
    # 16 sums of 1.5 MB at 1 GB/s
    assert difference * 4_096 == pytest.approx(16 * 1.5e-3, rel=1e-6)
    assert predict(PARTS, here)["cycle"]["exchange"] < predict(PARTS, apart)["cycle"]["exchange"]


def test_ranks_wait_for_the_slowest() -> None:
    assert longest_of(1) == 0.0
    assert longest_of(2) == pytest.approx(0.5642, abs=0.03)  # 1 / sqrt(pi)
    assert longest_of(8) == pytest.approx(1.4236, rel=0.01)
    shaky = replace(PARTS, learner={"cpu": replace(PART, jitter=0.1)})
    two = Cluster(nodes=1, cores=8, lineages=1, ranks=2)
    assert predict(shaky, two)["decisions_per_s"] < predict(PARTS, two)["decisions_per_s"]
    alone = replace(two, ranks=1)
    assert predict(shaky, alone)["decisions_per_s"] == predict(PARTS, alone)["decisions_per_s"]


def test_ranks_are_as_many_as_settings_and_places_allow() -> None:
    assert [PARTS.best_ranks(n) for n in (0, 1, 3, 8, 100)] == [1, 1, 2, 8, 8]  # gcd is 8
    assert Cluster(nodes=1, cores=16, lineages=2).ranks_of(PARTS) == 4  # of half of the cores
    assert Cluster(nodes=2, cores=16, gpus=4, lineages=2).ranks_of(PARTS) == 4  # one per GPU
    assert Cluster(nodes=1, cores=16, lineages=2, ranks=3).ranks_of(PARTS) == 3


def test_a_gpu_that_was_not_measured_is_not_guessed() -> None:
    cluster = Cluster(nodes=1, cores=16, gpus=2, lineages=2, ranks=1)
    found = predict(PARTS, cluster)
    assert found["decisions_per_s"] is None and found["cycle"] is None
    assert found["at_most"] == pytest.approx(2 / 100e-6)  # the game alone, which runs on cores

    gpu = LearnerPart({"game": 100e-6, "network": 10e-6, "update": 5e-6}, None)
    measured = replace(PARTS, learner={"cpu": PART, "cuda": gpu})
    found = predict(measured, cluster)
    assert found["decisions_per_s"] == pytest.approx(2 / 115e-6) and found["at_most"] is None
    crowded = predict(measured, replace(cluster, gpus=1))  # two learners on one GPU
    assert crowded["decisions_per_s"] == pytest.approx(2 / 130e-6)


def test_parts_of_a_real_league_are_measured(tmp_path: Path) -> None:
    sets = ("arena.matches_per_worker=2", "rules.max_ticks=200")
    league = Crowd(tmp_path / "crowd", "small", 14, sets)
    try:
        assert league.n_members == 14
        played = play_here(league, 2)
        assert len(played.results) == 2 and played.cpu_s > 0 and 0 < played.mean_ticks <= 200
        agents = {agent for spec in league.specs(20) for agent in spec.agents}
        assert {agent.partition(":")[0] for agent in agents} == {"scripted", "snapshot"}
        manager_s, replay_bytes = scale_parts.manager_part(league, played, 32)
    finally:
        league.close()
    assert manager_s > 0 and replay_bytes > 100
    assert played.sizes()["result"] > played.sizes()["spec"] > 100


def test_a_call_is_measured_with_a_worker_that_answers_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = []

    class Here:
        """The worker of `echo`, in this process."""

        def __init__(
            self, play: str, n: int, settings: Any, *, setup: str, limits: WorkerLimits
        ) -> None:
            self._context = scale_parts.echo_setup(settings)
            self._waiting: list[tuple[int, object]] = []

        def __enter__(self) -> Here:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def submit(self, job_id: int, spec: object) -> None:
            self._waiting.append((job_id, spec))

        def poll(self, timeout_s: float) -> list[Done]:
            now, self._waiting = self._waiting, []
            specs: Sequence[Any] = [spec for _, spec in now]
            results = scale_parts.echo(self._context, specs, lambda ticks: None)
            answered.extend(specs)
            return [Done(i, found) for (i, _), found in zip(now, results, strict=True)]

    monkeypatch.setattr(scale_parts, "LocalArena", Here)
    specs = [_spec(seed) for seed in range(3)]

    class Result:
        def __init__(self, spec: MatchSpec) -> None:
            self.spec = spec

    played: Any = crowd_bench.Played([Result(spec) for spec in specs], 0.1)  # type: ignore[misc]
    seconds = scale_parts.call_part(played, 2, 6)
    assert 0.0 <= seconds < 0.1 and len(answered) == 2 + 6  # a batch that is not counted


def _spec(seed: int) -> MatchSpec:
    return MatchSpec(seed=seed, map="generated:plains:64x64:1", agents=("scripted:idle",) * 10)


def test_the_part_of_a_rank_is_measured_with_its_shape() -> None:
    config = resolve("small")
    shape = scale_parts.shape_of_a_rank(config, 2)
    assert shape is not None
    half = resolve("small", None, shape).learner
    assert 2 * half.n_matches == config.learner.n_matches
    assert 2 * half.batch_size == config.learner.batch_size
    odd = resolve("small", None, ["learner.n_matches=3"])
    assert scale_parts.shape_of_a_rank(odd, 2) is None


def test_a_learners_cycles_are_told_apart_by_phase(tmp_path: Path) -> None:
    small = "learner.n_steps=64 learner.batch_size=32 learner.n_matches=2 learner.n_epochs=1"
    config = resolve("small", None, [*small.split(), "learner.device=cpu"])
    found = scale_parts._learned(tmp_path / "learner", config, "attention", 0.0)
    assert min(found.phases.values()) > 0.0 and found.jitter >= 0.0
    assert found.gradient_bytes > 50_000 and found.snapshot_bytes > 50_000
    assert found.update_bytes > 100


def test_predictions_and_checks_are_printed_and_fit_their_schema(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*arguments: object) -> Parts:
        return PARTS

    class NoCrowd:
        def __init__(self, *arguments: object) -> None: ...

        def close(self) -> None: ...

    league: Callable[..., float] = lambda root, preset, asked, sets, n: 9.0 * n  # noqa: E731
    arms = {"arms": [{"decisions_per_s": 4_000.0}, {"decisions_per_s": 8_000.0}]}
    monkeypatch.setattr(scale, "measure", measure)
    monkeypatch.setattr(scale, "Crowd", NoCrowd)
    monkeypatch.setattr(scale, "_league", league)
    monkeypatch.setattr(scale.ranks, "run", lambda *a, **k: arms)
    words = ["bench", "scale", "--nodes", "1,4", "--cores", "8", "--gpus", "1"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    assert [each["nodes"] for each in found["predictions"]] == [1, 4]
    assert [(each["what"], each["n"]) for each in found["checks"]] == [
        ("workers", 1),
        ("workers", 2),
        ("ranks", 1),
        ("ranks", 2),
    ]
    assert found["checks"][0]["predicted_over_measured"] == pytest.approx(10.0 / 9.0)

    assert main(words) == 0
    text = capsys.readouterr().out
    assert "not measured: learners on a GPU" in text and "by the game alone" in text
    assert "predicted 10.0, measured 9 matches/s, predicted / measured 1.11" in text
    assert main([*words, "--no-check"]) == 0
    assert "check" not in capsys.readouterr().out
    assert main(["bench", "scale", "--nodes", "1,x"]) == 2


def test_rated_matches_of_many_members_are_measured_by_processor_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short(Crowd):
        def __init__(self, root: Path, preset: str, members: int) -> None:
            sets = ("arena.matches_per_worker=2", "rules.max_ticks=100")
            super().__init__(root, preset, members, sets)

    monkeypatch.setattr(crowd_bench, "Crowd", Short)
    assert main(["bench", "arena", "--members", "14", "--matches", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    assert (found["members"], found["matches"]) == (14, 2) and found["matches_per_s"] > 0
    assert "goal 20" in crowd_bench.lines(found)[0]
    assert main(["bench", "arena", "--members", "14", "--ray"]) == 2


def test_a_rate_of_less_than_ten_keeps_two_digits() -> None:
    assert [scale._rate(each) for each in (1_234.56, 0.0429, 9.46)] == ["1,234.6", "0.043", "9.5"]


def test_a_league_is_counted_in_whole_batches_to_when_a_match_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two workers of four matches; a turn takes a second, matches end four at a time."""
    seconds = 0.0

    class Turning:
        def __init__(self, *arguments: object) -> None: ...

        def turn(self, timeout_s: float) -> None:
            nonlocal seconds
            seconds += 1.0

        def close(self, grace_s: float) -> None: ...

    class Played(Turning):
        def __init__(self, root: Path, preset: str, members: int, on: tuple[str, ...]) -> None:
            self.config, self.folder, self.engine = resolve(preset, None, on), root, None

        def close(self) -> None: ...  # type: ignore[override]

    monkeypatch.setattr(scale, "Crowd", Played)
    monkeypatch.setattr(scale, "Manager", Turning)
    monkeypatch.setattr(scale, "_finished", lambda manager: 4 * int(seconds // 30))
    monkeypatch.setattr(scale.time, "perf_counter", lambda: seconds)
    monkeypatch.setattr(scale.time, "monotonic", lambda: 0.0)
    asked = scale.Asked(seconds=40.0)
    sets = ("arena.matches_per_worker=4",)
    # From second 60, when both have ended a batch, to 120: at 100, the 40 seconds asked for, a
    # batch is in play, and to leave it out would give .1 a second.
    assert scale._league(tmp_path, "small", asked, sets, 2) == pytest.approx(8 / 60)
