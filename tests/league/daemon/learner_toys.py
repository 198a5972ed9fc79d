"""A learner without training, for tests of what carries learners; it imports nothing heavy.

It counts rosters, and writes the count into a file, which is its checkpoint. A roster without foes
makes it fail.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path

from arena.processes.child import EXIT_CRASHED, begin
from arena.processes.messages import Birth, Crashed
from league.learner.messages import Alive, Finished, MeetAt, Progress, Ready, Roster, Stop
from league.ppo.place import RankPlace


@dataclass(frozen=True)
class ToyOrders:
    """What a toy is told: its folder, and its place among the ranks."""

    folder: str
    place: RankPlace | None = None


def run(pipe: connection.Connection, birth: Birth, orders: ToyOrders) -> None:
    link = begin(pipe, birth)
    folder, place = Path(orders.folder), orders.place
    rank = 0 if place is None else place.rank
    (folder / f"rank{rank}.pid").write_text(str(os.getpid()))
    if place is not None and rank == 0:
        link.send(MeetAt(birth.address or "here", 7))
    checkpoint = folder / "checkpoint"
    if rank == 0:
        link.send(Ready(int(checkpoint.read_text()) if checkpoint.exists() else 0))
    while not isinstance(order := link.receive(), Stop):
        if isinstance(order, MeetAt):
            (folder / f"rank{rank}.met").write_text(f"{order.address}:{order.port}")
            link.send(Alive())
        if isinstance(order, Roster):
            if not order.foes:
                link.send(Crashed.of("failed", ValueError("nobody to meet")))
                sys.exit(EXIT_CRASHED)
            n = int(checkpoint.read_text()) + 1 if checkpoint.exists() else 1
            checkpoint.write_text(str(n))
            link.send(Progress(n))
    link.send(Finished())
