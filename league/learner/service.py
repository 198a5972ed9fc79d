"""The learner as a process: the loop around a Trainer, and its talk with the manager.

Promises: leaves on SIGTERM and at once when the manager is gone; a stop order ends it at the next
decision (or after the running update) with a checkpoint written; whatever it offered lies in
`snapshots/offered`.
"""

from __future__ import annotations

import os
import sys
import traceback
from multiprocessing import connection
from typing import TYPE_CHECKING

from arena.processes.child import EXIT_UNFIT, Link, begin
from league.messages import LearnerOrders, Offered, Progress, Roster, Stop

if TYPE_CHECKING:
    from league.learner.trainer import Trainer


def run_learner(pipe: connection.Connection, orders: LearnerOrders) -> None:
    """Train until told to stop; the target of the process."""
    link = begin(
        pipe,
        output_path=orders.output_path,
        die_with_server=orders.die_with_server,
        log_level=orders.log_level,
    )
    try:
        _train(link, orders)
    except Exception as error:  # everything goes up the pipe, with its traceback
        link.send("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
        sys.exit(EXIT_UNFIT)
    link.send("left")
    os._exit(0)  # torch's and numba's threads need no farewell


def _train(link: Link, orders: LearnerOrders) -> None:
    from league.learner.trainer import Trainer

    trainer = Trainer(orders)
    link.send("ready", trainer.ppo.num_timesteps)
    if trainer.is_fresh:
        _offer(link, trainer, "the untrained start of the lineage")
    if not _wait_for_roster(link, trainer):
        return
    trainer.env.before_step = lambda: _obey(link, trainer)
    try:
        _train_on(link, trainer)
    except _StopOrdered:
        # The rollout that was under way is lost; its matches are in the checkpoint.
        trainer.checkpoint(force=True)


def _train_on(link: Link, trainer: Trainer) -> None:
    while True:
        numbers, results = trainer.update()
        link.send("progress", Progress(trainer.ppo.num_timesteps, numbers, results))
        due = trainer.snapshot_due()
        if due.take:
            _offer(link, trainer, due.reason)
            trainer.after_snapshot()
            trainer.checkpoint(force=True)
        _obey(link, trainer)
        trainer.checkpoint()


def _offer(link: Link, trainer: Trainer, reason: str) -> None:
    sha256 = trainer.offer()
    link.send("offered", Offered(sha256, trainer.ppo.num_timesteps, reason))


def _wait_for_roster(link: Link, trainer: Trainer) -> bool:
    """Block until the manager has said whom to meet; False when it says stop first."""
    while not trainer.roster.foes:
        if not _take(link.receive(), trainer):
            return False
    return True


class _StopOrdered(Exception):
    """The manager said stop, or is gone."""


def _obey(link: Link, trainer: Trainer) -> None:
    """Take all waiting orders; raises when one is to stop."""
    while link.poll():
        if not _take(link.receive(), trainer):
            raise _StopOrdered


def _take(order: object, trainer: Trainer) -> bool:
    if order is None or isinstance(order, Stop):
        return False
    if isinstance(order, Roster):
        trainer.roster = order
    return True  # a Settled only answers: a refused offer changes nothing here
