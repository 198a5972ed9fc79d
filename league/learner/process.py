"""The learner as a process: the loop around a Trainer, and its messages to and from the manager.

Promises: exits on SIGTERM, and immediately when the manager is gone; a stop order ends it at the
next decision (or after the running update) with a checkpoint written; whatever it offered lies in
`snapshots/offered`. While the machine is in trouble it waits (league.learner.waiting), and the
manager hears what for. A learner of several ranks is as many of these processes: the first is the
learner, the others do what it does (league.learner.ranks), and none outlives another.
"""

from __future__ import annotations

import itertools
import os
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from arena.processes.child import EXIT_CRASHED, EXIT_LOST, begin
from arena.processes.messages import Birth, Crashed
from league.learner.afar import at_home
from league.learner.messages import (
    Alive,
    Finished,
    LearnerOrders,
    MeetAt,
    Offered,
    Progress,
    Ready,
    Restarted,
    Roster,
    Stop,
    Waits,
)
from league.learner.waiting import StopOrdered, Waiting
from league.ppo import meeting
from league.ppo.errors import RanksLostError

if TYPE_CHECKING:
    from league.learner.trainer import Trainer
    from league.ppo.peers import Peers

SIGN_EVERY_S = 5.0  # a pipe holds an hour of these messages while the manager is busy


class Manager(Protocol):
    """The other end of the pipe; arena.processes.child.Link is the real one."""

    def send(self, message: object) -> None:
        """Send a message up."""

    def poll(self) -> bool:
        """Return whether an order waits, or the manager is gone."""

    def receive(self) -> object | None:
        """Wait for the next order; None when the manager is gone."""


def run_learner(pipe: connection.Connection, birth: Birth, orders: LearnerOrders) -> None:
    """Train until told to stop; the target of the process."""
    link = begin(pipe, birth)
    try:
        from league.learner.trainer import Trainer

        orders = at_home(orders)
        waiting = Waiting(Path(orders.root))
        _keep_in_touch(waiting, link)
        trainer = Trainer(orders, waiting, join_ranks(orders, link, birth.address))
        try:
            if trainer.ranks is None:
                train(link, trainer)
            elif trainer.ranks.is_first:
                train(link, trainer)
                trainer.ranks.leave()
            else:
                follow(link, trainer)
        finally:
            trainer.close()  # the exit below runs no clean-up
    except StopOrdered:
        pass  # while it waited for the machine before its first update
    except Exception as error:  # everything goes up the pipe, with its traceback
        link.send(Crashed.of("failed", error))
        sys.exit(EXIT_LOST if isinstance(error, RanksLostError) else EXIT_CRASHED)
    link.send(Finished())
    os._exit(0)  # torch's and numba's threads need no clean-up


def join_ranks(
    orders: LearnerOrders, manager: Manager | None = None, address: str = ""
) -> Peers | None:
    """Meet the other ranks of a learner; None where it has none, and nothing is imported for it.

    Args:
        manager: carries the first rank's word to the others where they are on several machines.
        address: of this machine, for those.

    Raises:
        StopOrdered: the manager said stop before, or is gone.
        RanksLostError: they did not meet.
    """
    place = orders.place
    if place is None:
        return None
    from league.ppo.peers import START_S, device_of, join_group
    from msattn.device import choose_device

    device = device_of(place, choose_device(orders.settings.device))
    if place.meeting is not None:
        return join_group(place, device)
    assert manager is not None  # whoever starts ranks on several machines hears them
    meeting.talk_over(address)
    if place.rank == 0:
        store, port = meeting.open_meeting(address, place.size, START_S)
        manager.send(MeetAt(address, port))
    else:
        while not isinstance(told := manager.receive(), MeetAt):
            _obey(told, None)
        store = meeting.enter_meeting(told.address, told.port, place.size, START_S)
    return join_group(place, device, store)


def train(manager: Manager, trainer: Trainer) -> None:
    """Train as the manager's rosters say, until it says stop or is gone.

    The first roster is waited for. A stop order that comes during a rollout loses that rollout;
    its matches are in the checkpoint.
    """
    manager.send(Ready(trainer.ppo.num_timesteps))
    if trainer.has_restarted:
        manager.send(Restarted(trainer.parent))
    alive = _SignOfLife(manager)
    _keep_in_touch(trainer.waiting, manager, trainer)
    try:
        if trainer.is_fresh and not trainer.lessons.is_due:
            _offer(manager, trainer, "the untrained start of the lineage")
        while not trainer.roster.foes:
            _obey(manager.receive(), trainer)
            alive()
    except StopOrdered:
        return  # nothing was trained

    def before_step() -> None:
        alive()
        _obey_waiting(manager, trainer)

    trainer.env.before_step = before_step
    trainer.alive = alive
    try:
        if trainer.lessons.is_due:
            _teach(manager, trainer)
    except StopOrdered:
        return  # what the teacher showed so far is on the disk
    try:
        _train_on(manager, trainer)
    except StopOrdered:
        trainer.last_checkpoint()


def follow(manager: Manager, trainer: Trainer) -> None:
    """Do what the first rank says, until it lets this one go.

    A stop order that this rank hears during a rollout ends it on all.
    """
    from league.learner.ranks import LEAVE, SAVE, STATE, UPDATE

    alive = _SignOfLife(manager)
    ranks = trainer.ranks
    assert ranks is not None
    _keep_in_touch(trainer.waiting, manager, trainer)

    def before_step() -> None:
        alive()
        _obey_waiting(manager, trainer)

    trainer.env.before_step = before_step
    trainer.alive = alive
    while (word := ranks.hear())["what"] != LEAVE:
        if word["what"] == UPDATE:
            with suppress(StopOrdered):  # the first hears it too, and says what comes next
                ranks.follow(word)
        elif word["what"] == STATE:
            ranks.take_state()
        elif word["what"] == SAVE:
            ranks.give_state()
    ranks.part()


def _teach(manager: Manager, trainer: Trainer) -> None:
    """Give the lineage its lesson, and offer the taught policy as its first snapshot."""
    from league.learner.lessons import IMITATING

    def tell(numbers: Mapping[str, float]) -> None:
        manager.send(Progress(trainer.ppo.num_timesteps, numbers, phase=IMITATING))

    found = trainer.lessons.teach(tell)
    if trainer.ranks is not None:
        trainer.ranks.share_again()
    teacher = trainer.orders.teacher_name or trainer.orders.teacher
    _offer(
        manager,
        trainer,
        f"taught by {teacher}, with which it agrees in {found.agreement:.0%} of decisions that it "
        f"was not shown ({found.on_orders:.0%} of the orders)",
    )
    trainer.checkpoint(force=True)


def _train_on(manager: Manager, trainer: Trainer) -> None:
    run = secrets.token_hex(8)
    for number in itertools.count(1):
        phase = trainer.lessons.phase
        numbers, results = trainer.update()
        trained = trainer.ppo.num_timesteps
        manager.send(Progress(trained, numbers, results, run, number, trainer.meets, phase))
        _send_offers(manager, trainer)
        due = trainer.snapshot_due()
        if due.take:
            _offer(manager, trainer, due.reason)
            if trainer.after_snapshot():
                manager.send(Restarted(trainer.parent))
            trainer.checkpoint(force=True)
        _obey_waiting(manager, trainer)
        trainer.checkpoint()


def _offer(manager: Manager, trainer: Trainer, reason: str) -> None:
    sha256 = trainer.offer()
    trainer.outgoing.add(Offered(sha256, trainer.ppo.num_timesteps, reason))
    _send_offers(manager, trainer)


def _send_offers(manager: Manager, trainer: Trainer) -> None:
    for offered in trainer.outgoing.take():
        manager.send(offered)


def _keep_in_touch(waiting: Waiting, manager: Manager, trainer: Trainer | None = None) -> None:
    """Let a learner that waits for the machine say so, show that it lives, and hear a stop."""
    alive = _SignOfLife(manager)

    def listen(seconds: float) -> None:
        alive()
        while manager.poll():
            _obey(manager.receive(), trainer)
        time.sleep(seconds)

    waiting.listen = listen
    waiting.tell = lambda text: manager.send(Waits(text))


class _SignOfLife:
    """Tells the manager that the learner makes progress, at a limited rate."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._told_at = time.monotonic()

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= SIGN_EVERY_S:
            self._told_at = now
            self._manager.send(Alive())


def _obey_waiting(manager: Manager, trainer: Trainer) -> None:
    """Take all waiting orders; raises when one is to stop."""
    while manager.poll():
        _obey(manager.receive(), trainer)


def _obey(order: object | None, trainer: Trainer | None) -> None:
    """Take one order; a Settled only answers: a refused offer changes nothing here."""
    if order is None or isinstance(order, Stop):
        raise StopOrdered
    if isinstance(order, Roster) and trainer is not None:
        trainer.roster = order
