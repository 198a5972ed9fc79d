"""What `league bench scale` measures here: one part after the other, each by itself.

Processor time is measured where a process computes alone, so that other work on the machine matters
little; what waits for another process (the sums of ranks) is measured by the clock.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from statistics import mean, median, pstdev

import torch

from arena.match import MatchResult, MatchSpec
from arena.processes.child import begin
from arena.processes.jobs import Done, WorkerLimits
from arena.processes.launch import Launcher
from arena.processes.local_arena import LocalArena
from arena.processes.messages import Birth, Crashed
from arena.processes.supervised import SupervisedArena
from league.bench.crowd import Crowd, Played
from league.bench.learner import make_trainer, one_cycle
from league.bench.manager import DiceArena, Silent, turns
from league.bench.scaling import LearnerPart
from league.config.layers import resolve
from league.config.tree import LeagueConfig
from league.daemon.learners import launch_ranks
from league.daemon.manager import Manager
from league.errors import BenchError
from league.learner.messages import Progress
from league.learner.trainer import Trainer
from league.ppo.loss import TERMS
from league.ppo.place import RankPlace
from league.rating.engines import warm_up

# All epochs are always made, so that arms do the same work.
WHOLE_UPDATES = "learner.target_kl=off"
GAME = ("env", "observation", "opponents", "other")
_ECHO = "league.bench.scale_parts:echo"
_SETUP = "league.bench.scale_parts:echo_setup"
_START_LIMIT_S = 300.0


def manager_part(crowd: Crowd, played: Played, n: int) -> tuple[float, float]:
    """Return a manager's processor time for a match, and the bytes of a replay.

    Matches are planned, recorded and rated as in a league; the arena ends each at once, as one of
    those that were played.
    """
    warm_up()
    arena = DiceArena(played)
    manager = Manager(
        crowd.folder,
        crowd.config,
        crowd.engine,
        arena=arena,
        launch=lambda name, orders: Silent(),
    )
    turns(manager, arena, 32)  # the first reads what planner and rosters need to know
    spent = turns(manager, arena, n)
    manager.close(1.0)
    replays = [path.stat().st_size for path in crowd.folder.replays.rglob("*.replay")]
    return spent["cpu_s"] / spent["n"], mean(replays)


def echo(
    context: MatchResult, specs: Sequence[MatchSpec], progress: Callable[[int], None]
) -> list[MatchResult]:
    """Return the result that the worker was set up with, for every match: a worker's `play`."""
    progress(1)
    return [context] * len(specs)


def call_part(played: Played, batch: int, n: int, engine: str = "local") -> float:
    """Return this process's processor time for sending a match to a worker and its result back.

    The worker answers at once, with a real result.

    Raises:
        BenchError: a call failed.
    """
    specs = [played.results[i % len(played.results)].spec for i in range(n)]
    with _echo_arena(played.results[0], batch, engine) as arena:
        began, n_done = 0.0, 0
        for start in range(-batch, n, batch):
            if start == 0:  # the first batch waited for the worker's start
                began, n_done = time.process_time(), 0
            chunk = specs[max(0, start) : max(0, start) + batch]
            for i, spec in enumerate(chunk):
                arena.submit(start + batch + i, spec)
            n_done += _wait_for(arena, len(chunk))
        return (time.process_time() - began) / n_done


def _echo_arena(result: MatchResult, batch: int, engine: str) -> SupervisedArena:
    limits = WorkerLimits(matches_per_worker=batch)
    settings = {"result": result}
    if engine == "ray":
        from arena.cluster.ray_arena import RayArena

        return RayArena(_ECHO, 1, settings, setup=_SETUP, limits=limits)
    return LocalArena(_ECHO, 1, settings, setup=_SETUP, limits=limits)


def echo_setup(settings: dict[str, MatchResult]) -> MatchResult:
    """Keep the result that `echo` returns."""
    return settings["result"]


def _wait_for(arena: SupervisedArena, n: int) -> int:
    done = 0
    while done < n:
        for outcome in arena.poll(1.0):
            if not isinstance(outcome, Done):
                raise BenchError(f"a call of the benchmark failed: {outcome.error}")
            done += 1
    return done


# --- the learner ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learned:
    """What a learner's cycles cost.

    Attributes:
        phases: of league.bench.scaling.MAIN_PHASES -> seconds per decision.
        jitter: standard deviation of the time of a rollout over its mean.
        update_bytes, gradient_bytes, snapshot_bytes: of what it sends.
    """

    phases: dict[str, float]
    jitter: float
    update_bytes: int
    gradient_bytes: int
    snapshot_bytes: int


def shape_of_a_rank(config: LeagueConfig, n_ranks: int) -> list[str] | None:
    """Return the settings with which one process does what a rank of so many does; None if none."""
    learner = config.learner
    whole = {name: getattr(learner, name) for name in ("n_matches", "n_steps", "batch_size")}
    if any(value % n_ranks for value in whole.values()):
        return None
    return [f"learner.{name}={value // n_ranks}" for name, value in whole.items()]


def learner_part(
    place: Path,
    preset: str,
    family: str,
    sets: Sequence[str],
    device: str,
    seconds: float,
    tell: Callable[[str], None],
) -> tuple[LearnerPart, Learned]:
    """Measure a learner alone, and with the shape of a rank of two."""
    sets = (*sets, WHOLE_UPDATES, f"learner.device={device}")
    tell(f"a learner on {device}")
    alone = _learned(place / "alone", resolve(preset, None, sets), family, seconds)
    shape = shape_of_a_rank(resolve(preset, None, sets), 2)
    if shape is None:
        return LearnerPart(alone.phases, None, alone.jitter), alone
    tell(f"a learner on {device}, with the part of a rank of two")
    halved = _learned(place / "halved", resolve(preset, None, (*sets, *shape)), family, seconds)
    jitter = mean((alone.jitter, halved.jitter))
    return LearnerPart(alone.phases, halved.phases, jitter), alone


def _learned(root: Path, config: LeagueConfig, family: str, seconds: float) -> Learned:
    """Train for so long, and three cycles at least, after one that is not counted."""
    trainer = make_trainer(root, config, family)
    try:
        trainer.env.load_maps()
        trainer.update()
        return _cycles(trainer, seconds)
    finally:
        trainer.close()


def _cycles(trainer: Trainer, seconds: float) -> Learned:
    on_cpu = trainer.device.type == "cpu"
    ends = time.perf_counter() + seconds
    totals = dict.fromkeys(("game", "network", "update"), 0.0)
    decisions = 0
    rollouts: list[float] = []
    while len(rollouts) < 3 or time.perf_counter() < ends:
        began = time.process_time()
        cycle = one_cycle(trainer)
        # A process that computes alone: its share of the processor tells what others took of it.
        scale = (time.process_time() - began) / cycle.seconds if on_cpu else 1.0
        phases = {name: spent * scale for name, spent in cycle.phases.items()}
        other = cycle.seconds * scale - sum(phases.values())  # what no phase covers
        game = sum(phases[name] for name in GAME) + other
        totals["game"] += game
        totals["network"] += phases["policy"]
        totals["update"] += phases["update"]
        decisions += cycle.decisions
        rollouts.append((game + phases["policy"]) / cycle.decisions)
    parameters = [p for p in trainer.ppo.policy.parameters() if p.requires_grad]
    update = Progress(trainer.ppo.num_timesteps, trainer.ppo.last_log, meets=trainer.meets)
    snapshots = [trainer.store.path(sha256) for sha256 in trainer.store.shas()]
    return Learned(
        phases={name: spent / decisions for name, spent in totals.items()},
        jitter=pstdev(rollouts) / mean(rollouts),
        update_bytes=len(pickle.dumps(update)),
        gradient_bytes=4 * (sum(p.numel() for p in parameters) + len(TERMS)),
        snapshot_bytes=max(path.stat().st_size for path in snapshots),
    )


# --- sums of ranks --------------------------------------------------------------------------------


@dataclass(frozen=True)
class SumOrders:
    """What a rank of the benchmark is told: how many numbers to add up, and how often."""

    place: RankPlace
    n_floats: int
    repeats: int


@dataclass(frozen=True)
class SumTimes:
    """Median seconds of a sum of all numbers, and of two."""

    whole_s: float
    small_s: float


def run_sums(pipe: connection.Connection, birth: Birth, orders: SumOrders) -> None:
    """Add up with the other rank; the target of the processes."""
    link = begin(pipe, birth)
    from league.ppo.peers import join_group

    try:
        torch.set_num_threads(1)
        peers = join_group(orders.place, torch.device("cpu"))
        found = []
        for n, dtype in ((orders.n_floats, torch.float32), (2, torch.float64)):
            tensor = torch.ones(n, dtype=dtype)
            spent = []
            for _ in range(orders.repeats + 2):
                began = time.perf_counter()
                peers.add_up(tensor)
                spent.append(time.perf_counter() - began)
                tensor.fill_(1.0)
            found.append(median(spent[2:]))
        link.send(SumTimes(*found))
        peers.gather(b"")
    except Exception as error:
        link.send(Crashed.of("failed", error))
        raise


def sums_part(place: Path, n_floats: int, repeats: int = 30) -> SumTimes:
    """Return the seconds of adding up between two processes here.

    Raises:
        BenchError: a process ended.
    """
    place.mkdir(parents=True, exist_ok=True)
    launcher = Launcher(run_sums, ["league.learner.process"])
    group = launch_ranks(
        launcher, "sums", 2, lambda rank: SumOrders(rank, n_floats, repeats), place
    )
    ends = time.monotonic() + _START_LIMIT_S
    try:
        while time.monotonic() < ends:
            connection.wait(group.handles, timeout=1.0)
            has_ended = group.has_ended
            for message in group.poll(None if has_ended else 1000):
                if isinstance(message, SumTimes):
                    return message
                if isinstance(message, Crashed):
                    raise BenchError(f"a rank of the benchmark {message.reason}")
            if has_ended:
                raise BenchError(f"a rank of the benchmark exited: {group.last_output()}")
    finally:
        group.kill()
        group.close(1.0)
    raise BenchError(f"expected two ranks that add up within {_START_LIMIT_S:g} s, found none")
