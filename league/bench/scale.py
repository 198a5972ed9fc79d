"""What `league bench scale` does: measure the parts here, predict N machines, check itself here.

The model is league.bench.scaling, the parts are measured by league.bench.scale_parts. The check
lets a real league of this machine play with one and two workers, and trains with one and two ranks,
and prints predicted over measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from arena.machine import usable_cores
from arena.processes.scratch import ScratchFolder
from db import queries
from db.session import read_transaction
from league.bench import machine, ranks
from league.bench.crowd import Crowd, play_here
from league.bench.scale_parts import (
    WHOLE_UPDATES,
    call_part,
    learner_part,
    manager_part,
    shape_of_a_rank,
    sums_part,
)
from league.bench.scaling import MAIN_PHASES, Cluster, Parts, predict
from league.config.layers import resolve
from league.daemon.manager import Manager
from league.errors import BenchError
from league.learner.settings import learner_settings

CHECKED = (1, 2)  # workers, and ranks
_START_LIMIT_S = 300.0
_NOT_MEASURED = "learners on a GPU: no CUDA device here, their network and update are not measured"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is to be predicted, and how long is measured.

    Attributes:
        nodes: numbers of machines.
        cores, gpus: of each machine.
        lineages, ranks, workers, gbit, latency_s: see `Cluster`; lineages None takes the preset's.
        members: of the league whose matches are measured.
        engine: "local" or "ray": of whose calls.
        seconds: of each measurement of a learner, and of each run of the check.
        checks: whether the prediction is compared with real runs.
    """

    nodes: tuple[int, ...] = (1, 4, 16)
    cores: int = 16
    gpus: int = 0
    lineages: int | None = None
    ranks: int | None = None
    workers: int | None = None
    gbit: float = 10.0
    latency_s: float = 50e-6
    members: int = 46
    engine: str = "local"
    seconds: float = 20.0
    checks: bool = True

    def clusters(self, lineages: int) -> list[Cluster]:
        """Return the machines asked for."""
        return [
            Cluster(
                nodes=n,
                cores=self.cores,
                gpus=self.gpus,
                lineages=lineages if self.lineages is None else self.lineages,
                ranks=self.ranks,
                workers=self.workers,
                gbit=self.gbit,
                latency_s=self.latency_s,
            )
            for n in self.nodes
        ]


def run(
    preset: str = "small",
    family: str = "attention",
    asked: Asked | None = None,
    *,
    sets: Sequence[str] = (),
    tell: Tell = lambda text: None,
) -> dict[str, Any]:
    """Measure the parts, predict, and check.

    Args:
        sets: further settings, `key=value`.

    Raises:
        BenchError: something that is measured failed.
    """
    asked = asked or Asked()
    config = resolve(preset, None, sets)
    with ScratchFolder("league-bench-") as place:
        crowd = Crowd(place / "crowd", preset, asked.members, sets)
        try:
            parts = measure(crowd, place, preset, family, asked, sets, tell)
        finally:
            crowd.close()
        checks: list[dict[str, Any]] = []
        if asked.checks:
            checks = check(place, preset, family, asked, parts, sets, tell)
    predictions = [predict(parts, cluster) for cluster in asked.clusters(len(config.learners))]
    return {
        "preset": preset,
        "family": family,
        "members": asked.members,
        "engine": asked.engine,
        "gbit": asked.gbit,
        "parts": _parts_json(parts),
        "not_measured": [] if "cuda" in parts.learner else [_NOT_MEASURED],
        "predictions": predictions,
        "checks": checks,
        "machine": machine.describe(),
    }


def measure(
    crowd: Crowd,
    place: Path,
    preset: str,
    family: str,
    asked: Asked,
    sets: Sequence[str],
    tell: Tell,
) -> Parts:
    """Measure what a match, a call, a decision and a sum of gradients cost on this machine."""
    batch = crowd.config.arena.matches_per_worker
    played = play_here(crowd, 2 * batch, tell)
    tell("a manager that records them")
    manager_s, replay_bytes = manager_part(crowd, played, 8 * batch)
    tell(f"calls of the engine {asked.engine}")
    call_s = call_part(played, batch, 8 * batch, asked.engine)
    learner, learned = {}, None
    for device in ("cuda", "cpu") if torch.cuda.is_available() else ("cpu",):
        root = place / f"learner-{device}"
        learner[device], learned = learner_part(
            root, preset, family, sets, device, asked.seconds, tell
        )
    assert learned is not None
    tell("sums between two processes")
    sums = sums_part(place / "sums", learned.gradient_bytes // 4)
    config = resolve(preset, None, sets)
    settings = learner_settings(config)
    return Parts(
        match_s=played.cpu_s,
        manager_s=manager_s,
        call_s=call_s,
        sizes={
            **played.sizes(),
            "replay": replay_bytes,
            "snapshot": float(learned.snapshot_bytes),
            "update": float(learned.update_bytes),
            "gradient": float(learned.gradient_bytes),
        },
        sum_s=sums.whole_s,
        small_sum_s=sums.small_s,
        learner=learner,
        n_matches=settings.env.n_matches,
        n_steps=settings.ppo.n_steps,
        batch_size=settings.ppo.batch_size,
        n_epochs=settings.ppo.n_epochs,
        snapshot_every=settings.snapshots.every,
        threads=max(settings.n_threads, settings.env.n_threads),
    )


def _parts_json(parts: Parts) -> dict[str, Any]:
    found = asdict(parts)
    found["learner"] = {"cpu": found["learner"]["cpu"], "cuda": found["learner"].get("cuda")}
    return found


# --- the check ------------------------------------------------------------------------------------


def check(
    place: Path,
    preset: str,
    family: str,
    asked: Asked,
    parts: Parts,
    sets: Sequence[str],
    tell: Tell,
) -> list[dict[str, Any]]:
    """Compare what the model says of this machine with what a real league does on it."""
    here = {"nodes": 1, "cores": usable_cores()}
    found = []
    for n in CHECKED:
        tell(f"the check: a league with {n} workers")
        rate = _league(place / f"check-{n}", preset, asked, sets, n)
        alone = Cluster(**here, lineages=0, workers=n)
        found.append(_compared("workers", n, predict(parts, alone)["matches_per_s"], rate))
    on_cpu = (*sets, WHOLE_UPDATES, "learner.device=cpu")
    counts = CHECKED if shape_of_a_rank(resolve(preset, None, on_cpu), 2) else CHECKED[:1]
    tell("the check: learners with 1 and 2 ranks in turn")
    arms = ranks.run(counts, preset, family, seconds=len(counts) * asked.seconds, sets=on_cpu)
    for n, arm in zip(counts, arms["arms"], strict=True):
        alone = Cluster(**here, lineages=1, ranks=n, workers=0)
        rate = predict(parts, alone)["decisions_per_s"]
        found.append(_compared("ranks", n, rate, arm["decisions_per_s"]))
    return found


def _compared(what: str, n: int, predicted: float, measured: float) -> dict[str, Any]:
    unit = "matches/s" if what == "workers" else "decisions/s"
    return {
        "what": what,
        "n": n,
        "unit": unit,
        "predicted": predicted,
        "measured": measured,
        "predicted_over_measured": predicted / measured,
    }


def _league(root: Path, preset: str, asked: Asked, sets: Sequence[str], n_workers: int) -> float:
    """Let a real manager and real workers play; return the matches recorded per second.

    Counted from the first batch of each worker on, for as many matches or more, to when one is
    recorded: matches that are in play at the end would be missing, and at classic those are all.

    Raises:
        BenchError: no match ends.
    """
    on = (*sets, f"arena.n_workers={n_workers}", f"arena.engine={asked.engine}")
    crowd = Crowd(root, preset, asked.members, on)
    config = crowd.config
    manager = Manager(crowd.folder, config, crowd.engine)
    try:
        warm = n_workers * config.arena.matches_per_worker
        limit = time.monotonic() + _START_LIMIT_S
        while _finished(manager) < warm:
            manager.turn(0.2)
            if time.monotonic() > limit:
                raise BenchError(f"no batch of matches ended within {_START_LIMIT_S:g} s")
        seen, before, began = 0, _finished(manager), time.perf_counter()
        while True:
            manager.turn(0.2)
            n, took_s = _finished(manager) - before, time.perf_counter() - began
            if n > seen and n >= warm and took_s >= asked.seconds:
                return n / took_s
            seen = n
    finally:
        manager.close(8.0)
        crowd.close()


def _finished(manager: Manager) -> int:
    """Return how many matches a manager's league has finished."""
    with read_transaction(manager.engine) as session:
        return queries.matches_by_status(session).get("finished", 0)


# --- text -----------------------------------------------------------------------------------------


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as lines of text."""
    parts = result["parts"]
    sizes = parts["sizes"]
    found = [
        f"scale      {result['family']}, preset {result['preset']}, {result['members']} members, "
        f"on {machine.sentence(result['machine'])}",
        f"  a match  {1000 * parts['match_s']:.1f} ms of a worker, "
        f"{1000 * parts['manager_s']:.2f} ms of the manager, {1000 * parts['call_s']:.2f} ms of it "
        f"for the call ({result['engine']}); {sizes['spec']:,.0f} bytes to the worker, "
        f"{sizes['result']:,.0f} back, replay {sizes['replay']:,.0f}",
    ]
    for device, part in parts["learner"].items():
        if part is not None:
            split = ", ".join(f"{name} {1e6 * part['alone'][name]:.0f}" for name in MAIN_PHASES)
            found.append(f"  a decision on {device}, microseconds: {split}")
    found.append(
        f"  a sum of {sizes['gradient'] / 1e6:.2f} MB between two processes "
        f"{1000 * parts['sum_s']:.2f} ms; a snapshot {sizes['snapshot'] / 1e6:.2f} MB, an update's "
        f"message {sizes['update']:,.0f} bytes"
    )
    found += [_prediction(each) for each in result["predictions"]]
    found += [f"  not measured: {each}" for each in result["not_measured"]]
    for each in result["checks"]:
        found.append(
            f"  check    {each['n']} {each['what']} here: predicted {_rate(each['predicted'])}, "
            f"measured {_rate(each['measured'])} {each['unit']}, predicted / measured "
            f"{each['predicted_over_measured']:.2f}"
        )
    return found


def _rate(per_s: float) -> str:
    """Return a rate for people: a classic match takes half a minute of a core."""
    return f"{per_s:,.1f}" if per_s >= 10.0 else f"{per_s:.2g}"


def _prediction(found: dict[str, Any]) -> str:
    """Return one line about N machines."""
    gpus = f" and {found['gpus']} GPUs" if found["gpus"] else ""
    margin = "" if found["margin"] is None else f", the next allows {found['margin']:.1f} times"
    text = (
        f"{found['nodes']:4} nodes of {found['cores']} cores{gpus}: {found['workers']} workers "
        f"{_rate(found['matches_per_s'])} matches/s (first full: {found['first']}{margin}; the "
        f"manager's core is full at {found['manager_full_at_workers']:,.0f} workers)"
    )
    if found["lineages"] == 0:
        return text
    text += f"; {found['lineages']} learners of {found['ranks']} ranks"
    if found["decisions_per_s"] is None:
        return f"{text} at most {found['at_most']:,.0f} decisions/s, by the game alone"
    ratio = found["longest_margin"]
    times = "" if ratio is None else f", {ratio:.1f} times the next"
    return (
        f"{text} {found['decisions_per_s']:,.0f} decisions/s (longest: {found['longest']}{times})"
    )
