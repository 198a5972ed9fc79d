"""Benchmark of a learner's ranks: one, two or more processes train in turn at equal total batch.

Every number of ranks has processes of its own, as a league starts them; those that are not
measured wait for a message, which costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import connection
from pathlib import Path
from typing import Any

from arena.processes.child import begin
from arena.processes.group import ProcessGroup
from arena.processes.launch import Launcher
from arena.processes.messages import Birth, Crashed
from arena.processes.scratch import ScratchFolder
from league.bench.learner import (
    RANKS,
    Cycle,
    Spell,
    arms_result,
    make_orders,
    make_trainer,
    one_cycle,
    there_and_back,
)
from league.config.layers import resolve
from league.daemon.learners import launch_ranks
from league.errors import BenchError
from league.learner.messages import LearnerOrders, Roster
from league.learner.process import follow, join_ranks
from league.ppo.place import RankPlace

_START_LIMIT_S = 600.0


@dataclass(frozen=True)
class RankOrders:
    """What a process of the benchmark is told.

    Attributes:
        learner: its orders as a learner.
        roster: whom it meets.
    """

    learner: LearnerOrders
    roster: Roster


@dataclass(frozen=True)
class Go:
    """To the first rank: train one cycle."""


def run_rank(pipe: connection.Connection, birth: Birth, orders: RankOrders) -> None:
    """Train a cycle whenever told to; the target of the processes."""
    link = begin(pipe, birth)
    from league.learner.trainer import Trainer

    try:
        trainer = Trainer(orders.learner, None, join_ranks(orders.learner))
        trainer.env.load_maps()
        if trainer.ranks is not None and not trainer.ranks.is_first:
            follow(link, trainer)
            return
        trainer.roster = orders.roster
        link.send(one_cycle(trainer))  # loads compiled code
        while isinstance(link.receive(), Go):
            link.send(one_cycle(trainer))
        if trainer.ranks is not None:
            trainer.ranks.leave()
    except Exception as error:
        link.send(Crashed.of("failed", error))
        raise


class _Arm:
    """The processes of one number of ranks."""

    def __init__(self, root: Path, n_ranks: int, preset: str, family: str, sets: tuple[str, ...]):
        config = resolve(preset, None, (*sets, f"{RANKS.setting}={n_ranks}"))
        trainer = make_trainer(root, config, family)  # writes the opponents; trains nothing
        trainer.env.load_maps()
        trainer.close()
        orders = RankOrders(make_orders(root, config, family), trainer.roster)

        def orders_of(place: RankPlace) -> RankOrders:
            if n_ranks == 1:
                return orders
            return replace(orders, learner=replace(orders.learner, place=place))

        launcher = Launcher(run_rank, ["league.learner.process"])
        self.spell = Spell()
        self._name = f"{n_ranks} ranks"
        self.group: ProcessGroup = launch_ranks(launcher, "bench", n_ranks, orders_of, root)

    def cycle(self) -> None:
        """Have one cycle trained."""
        self.group.send(Go())
        self.spell.add(self.next_cycle())

    def next_cycle(self) -> Cycle:
        """Wait for the figures of a cycle.

        Raises:
            BenchError: a process ended instead.
        """
        ends = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < ends:
            connection.wait(self.group.handles, timeout=1.0)
            has_ended = self.group.has_ended
            for message in self.group.poll(None if has_ended else 1000):
                if isinstance(message, Cycle):
                    return message
                if isinstance(message, Crashed):
                    raise BenchError(f"{self._name}: the learner {message.reason}")
            if has_ended:
                raise BenchError(f"{self._name}: the learner exited: {self.group.last_output()}")
        raise BenchError(f"{self._name}: expected a cycle within {_START_LIMIT_S:g} s, found none")


def run(
    ranks: Sequence[int],
    preset: str = "small",
    family: str = "attention",
    *,
    seconds: float = 60.0,
    sets: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Train with each number of ranks in turn, there and back, for `seconds` or longer.

    Args:
        ranks: the first is what the others are compared with.

    Raises:
        BenchError: a process ended.
        ConfigError: a setting is wrong, or the ranks cannot share it.
    """
    arms: list[_Arm] = []
    with ScratchFolder("league-bench-") as place:
        try:
            for i, n in enumerate(ranks):
                arms.append(_Arm(place / f"ranks-{n}-{i}", n, preset, family, sets))
                arms[-1].next_cycle()
            there_and_back([arm.spell for arm in arms], lambda i: arms[i].cycle(), seconds)
        finally:
            for arm in arms:
                arm.group.kill()
                arm.group.close(1.0)
    return arms_result(RANKS, ranks, preset, family, [arm.spell for arm in arms])
