"""`league bench arena --ray`: two engines in turn, there and back, on the same matches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import pytest

from arena.processes.jobs import Done
from league.bench import arena as subject
from league.errors import BenchError


class InstantArena:
    """Plays in no time, and notes which matches; `name` is the engine's."""

    played: list[tuple[str, int, int]] = []  # noqa: RUF012

    def __init__(self, name: str, n_workers: int) -> None:
        self.name, self.n_idle = name, n_workers
        self._waiting: list[tuple[int, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, job_id: int, spec: Any) -> None:
        self._waiting.append((job_id, spec))

    def poll(self, timeout_s: float) -> list[Done]:
        waiting, self._waiting = self._waiting, []
        seeds = [spec.seed for _, spec in waiting]
        self.played.append((self.name, len(waiting), sum(seeds)))
        return [Done(job_id, spec) for job_id, spec in waiting]


def test_engines_take_turns_there_and_back_and_the_ratio_is_that_of_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    InstantArena.played.clear()
    ids: list[int] = []
    monkeypatch.setattr(subject, "LocalArena", lambda play, n, *a, **k: InstantArena("local", n))
    monkeypatch.setattr(
        "arena.cluster.ray_arena.RayArena", lambda play, n, *a, **k: InstantArena("ray", n)
    )
    monkeypatch.setattr(subject, "missing_engine", lambda engine: None)
    clock = iter([0.0, 2.0, 10.0, 14.0, 20.0, 24.0, 30.0, 31.0])  # a start and an end each
    monkeypatch.setattr(subject.time, "perf_counter", lambda: next(clock))

    def specs(preset: str, n: int) -> Sequence[Any]:
        ids.append(n)
        return [type("Spec", (), {"seed": i})() for i in range(n)]

    monkeypatch.setattr(subject, "specs", specs)
    result = subject.run_engines(workers=2, matches=8, per_worker=3, rounds=1)
    warm, turns = InstantArena.played[:2], InstantArena.played[2:]
    assert warm == [("local", 6, 15), ("ray", 6, 15)]  # 2 workers x 3 matches, seeds 0 to 5
    assert [name for name, _, _ in turns] == ["local", "ray", "ray", "local"]
    assert {(n, seeds) for _, n, seeds in turns} == {(8, 28)}  # the same eight: 0 + 1 + .. + 7
    local, ray = result["arms"]
    assert local["runs"] == [4.0, 8.0] and ray["runs"] == [2.0, 2.0]  # 8 / 2 s, 8 / 1 s, 8 / 4 s
    assert result["ratios"] == [0.5, 0.25] and result["ratio"] == 0.375
    assert "Ray plays 0.38 times as many (0.25 to 0.50)" in "\n".join(subject.engines_lines(result))


def test_without_ray_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("league.extras.is_installed", lambda package: False)
    with pytest.raises(BenchError, match="the package ray is not installed"):
        subject.run_engines()
