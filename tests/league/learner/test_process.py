"""The learner's loop: what it says to the manager, and what it does when told to stop."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from league.learner.messages import (
    Alive,
    Meets,
    Offered,
    Progress,
    Ready,
    Restarted,
    Roster,
    Settled,
    Stop,
    Waits,
)
from league.learner.outgoing import OutgoingOffers
from league.learner.process import train
from league.learner.waiting import Waiting
from league.matchmaking.opponents import Foe
from league.matchmaking.promotion import SnapshotDecision

ROSTER = Roster((Foe(1, 0.5),), {1: "scripted:tribe"}, ("scripted:tribe",))
NO_FOES = Roster((), {}, ())


class ScriptedManager:
    """Hands out orders: those of `first` when waited for, then those of an update when polled."""

    def __init__(self, *first: object) -> None:
        self.orders = deque(first)
        self.heard: list[object] = []

    def send(self, message: object) -> None:
        self.heard.append(message)

    def poll(self) -> bool:
        return bool(self.orders)

    def receive(self) -> object | None:
        return self.orders.popleft() if self.orders else None


class ScriptedTrainer:
    """Trains by counting; `after` says what the manager orders after each update."""

    def __init__(
        self,
        manager: ScriptedManager,
        *after: object,
        is_fresh: bool = False,
        due: tuple[bool, ...] = (),
    ) -> None:
        self.manager, self.after, self.due = manager, deque(after), deque(due)
        self.is_fresh = is_fresh
        # A manager that shares the folder: there is nothing to send.
        self.outgoing = OutgoingOffers(SimpleNamespace(send_offers=list))  # type: ignore[arg-type]
        self.has_restarted, self.restarts, self.parent = False, False, "b" * 64
        self.waiting = Waiting(Path())
        self.trouble: list[OSError] = []  # what the next attempts to write a checkpoint raise
        self.alive: Callable[[], None] = lambda: None
        self.roster = NO_FOES
        self.ppo = SimpleNamespace(num_timesteps=0)
        self.env = SimpleNamespace(before_step=None)
        self.lessons = SimpleNamespace(is_due=False, phase="")
        self.ranks = None
        self.calls: list[str] = []
        self.orders = SimpleNamespace(teacher=None, teacher_name="")
        self.meets = Meets((1, None), ((1, 0.5, 1.0),))

    def update(self) -> tuple[dict[str, float], dict[str, tuple[int, float]]]:
        self.calls.append("update")
        self.env.before_step()
        self.ppo.num_timesteps += 64
        if self.after and (order := self.after.popleft()) is not None:
            self.manager.orders.append(order)
        return {"kl": 0.1}, {"scripted:tribe": (1, 1.0)}

    def snapshot_due(self) -> SnapshotDecision:
        return SnapshotDecision(bool(self.due) and self.due.popleft(), "it beat its parent")

    def offer(self) -> str:
        self.calls.append("offer")
        return "a" * 64

    def after_snapshot(self) -> bool:
        self.calls.append("after_snapshot")
        return self.restarts

    def checkpoint(self, *, force: bool = False) -> bool:
        self.waiting("write a checkpoint", self._save)
        self.calls.append("checkpoint!" if force else "checkpoint")
        return force

    def last_checkpoint(self) -> bool:
        self.calls.append("last checkpoint")
        return True

    def _save(self) -> None:
        if self.trouble:
            raise self.trouble.pop(0)


def run(manager: ScriptedManager, trainer: ScriptedTrainer) -> None:
    train(manager, trainer)  # type: ignore[arg-type]


def test_it_reports_ready_then_every_update_and_checkpoints_when_stopped() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager, None, Stop())
    run(manager, trainer)
    numbers, results = {"kl": 0.1}, {"scripted:tribe": (1, 1.0)}
    named = manager.heard[1].run  # type: ignore[attr-defined]
    assert len(named) == 16
    assert manager.heard == [
        Ready(0),
        Progress(64, numbers, results, named, 1, trainer.meets),
        Progress(128, numbers, results, named, 2, trainer.meets),
    ]
    assert trainer.calls == ["update", "checkpoint", "update", "last checkpoint"]


def test_it_does_not_train_before_it_knows_whom_to_meet() -> None:
    manager = ScriptedManager(NO_FOES, Settled("a" * 64, "refused"), ROSTER)
    trainer = ScriptedTrainer(manager, Stop())
    run(manager, trainer)
    assert trainer.roster == ROSTER
    assert trainer.calls == ["update", "last checkpoint"]


@pytest.mark.parametrize("first", [(Stop(),), (), (NO_FOES,)])
def test_stopped_or_left_alone_before_the_first_roster_it_leaves_the_checkpoint_alone(
    first: tuple[object, ...],
) -> None:
    manager = ScriptedManager(*first)
    trainer = ScriptedTrainer(manager)
    run(manager, trainer)
    assert manager.heard == [Ready(0)]
    assert trainer.calls == []


def test_a_fresh_lineage_offers_its_untrained_start_and_one_that_goes_on_does_not() -> None:
    manager = ScriptedManager()
    run(manager, ScriptedTrainer(manager, is_fresh=True))
    assert manager.heard == [Ready(0), Offered("a" * 64, 0, "the untrained start of the lineage")]


def test_a_due_snapshot_is_offered_and_checkpointed_before_the_next_update() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager, None, Stop(), due=(True, False))
    run(manager, trainer)
    assert trainer.calls == [
        *("update", "offer", "after_snapshot", "checkpoint!", "checkpoint"),
        *("update", "last checkpoint"),
    ]
    assert manager.heard[2] == Offered("a" * 64, 64, "it beat its parent")


def test_a_stop_during_a_rollout_ends_it_without_waiting_for_the_update() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager)
    update = trainer.update

    def stopped_update() -> tuple[dict[str, float], dict[str, tuple[int, float]]]:
        manager.orders.append(Stop())
        return update()

    trainer.update = stopped_update  # type: ignore[method-assign]
    run(manager, trainer)
    assert manager.heard == [Ready(0)]  # the lost rollout is not reported
    assert trainer.calls == ["update", "last checkpoint"]


def test_a_new_roster_counts_from_the_next_decision_on() -> None:
    other = Roster((Foe(2, 0.5),), {2: "scripted:turtle"}, ())
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager, other, Stop())
    run(manager, trainer)
    assert trainer.roster == other


def test_when_the_manager_is_gone_it_writes_a_checkpoint_and_ends() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager)
    manager.poll = lambda: len(trainer.calls) > 2  # type: ignore[method-assign]
    run(manager, trainer)  # poll says yes, receive says None: the pipe has ended
    assert trainer.calls == ["update", "checkpoint", "update", "last checkpoint"]


def test_it_gives_signs_of_life_while_it_plays_learns_and_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("league.learner.process.SIGN_EVERY_S", 0.0)
    manager = ScriptedManager(NO_FOES, ROSTER)
    trainer = ScriptedTrainer(manager, Stop())
    update = trainer.update

    def learn() -> tuple[dict[str, float], dict[str, tuple[int, float]]]:
        trainer.alive()  # before a minibatch
        return update()

    trainer.update = learn  # type: ignore[method-assign]
    run(manager, trainer)
    # After each of two rosters, before a minibatch, before a decision.
    assert [m for m in manager.heard if not isinstance(m, Progress)] == [Ready(0), *[Alive()] * 4]


def test_signs_of_life_are_seconds_apart() -> None:
    manager = ScriptedManager(ROSTER)
    run(manager, ScriptedTrainer(manager, *[None] * 50, Stop()))
    assert Alive() not in manager.heard  # 51 updates of microseconds


FULL = OSError(errno.ENOSPC, "No space left on device")
SAID = Waits("cannot write a checkpoint: disk full, needs 7 MB on /disk")


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("league.learner.process.SIGN_EVERY_S", 0.0)
    monkeypatch.setattr("arena.machine.FIRST_PAUSE_S", 1e-6)
    monkeypatch.setattr(
        "league.folder.room.describe_disk_full",
        lambda folder, shortage: "disk full, needs 7 MB on /disk",
    )


@pytest.mark.usefixtures("no_time_passes")
def test_a_full_disk_ends_no_learner_it_waits_alive_and_writes_the_checkpoint_then() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager, None, Stop())
    trainer.trouble = [FULL, FULL]
    run(manager, trainer)
    assert trainer.calls == ["update", "checkpoint", "update", "last checkpoint"]
    after = manager.heard[manager.heard.index(SAID) :]
    said = [message for message in after if not isinstance(message, Alive | Progress)]
    assert said == [SAID, SAID, Waits(None)]
    assert after[1] == Alive()  # during the first pause: the lease does not end


@pytest.mark.usefixtures("no_time_passes")
def test_a_learner_that_waits_for_the_machine_hears_a_stop_and_the_newest_roster() -> None:
    other = Roster((Foe(2, 0.5),), {2: "scripted:turtle"}, ())
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager)
    trainer.trouble = [FULL] * 100

    def fill() -> bool:
        manager.orders.extend([other, Stop()])
        return SAID in manager.heard

    trainer.waiting.tell = lambda text: None
    manager.poll = lambda: SAID in manager.heard and (bool(manager.orders) or fill())  # type: ignore[method-assign]
    run(manager, trainer)
    assert trainer.roster == other
    assert trainer.calls == ["update", "last checkpoint"]
    assert len(trainer.trouble) == 99  # it was not tried again


def test_an_error_that_is_not_the_machines_ends_it() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager)
    trainer.trouble = [OSError(errno.ENOTDIR, "Not a directory")]
    with pytest.raises(OSError, match="Not a directory"):
        run(manager, trainer)


def test_an_exploiter_that_began_again_says_what_its_weights_descend_from() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager, None, Stop(), due=(True, False))
    trainer.restarts = True
    run(manager, trainer)
    said = [type(message).__name__ for message in manager.heard]
    assert said == ["Ready", "Progress", "Offered", "Restarted", "Progress"]
    assert Restarted("b" * 64) in manager.heard
    # And after a stop, when it goes on from the checkpoint.
    manager = ScriptedManager(Stop())
    trainer = ScriptedTrainer(manager)
    trainer.has_restarted, trainer.parent = True, None
    run(manager, trainer)
    assert manager.heard == [Ready(0), Restarted(None)]


class ScriptedLessons:
    """A lesson that tells of one epoch, and perhaps hears a stop."""

    def __init__(self, trainer: ScriptedTrainer) -> None:
        self.trainer, self.is_due, self.phase = trainer, True, ""

    def teach(self, tell: Callable[[dict[str, float]], None]) -> SimpleNamespace:
        self.trainer.calls.append("teach")
        tell({"imitation_epoch": 1.0})
        self.trainer.env.before_step()
        self.is_due = False
        return SimpleNamespace(agreement=0.86, on_orders=0.5)


def test_a_lineage_that_is_to_be_taught_has_its_lesson_before_its_first_snapshot() -> None:
    manager = ScriptedManager(ROSTER)
    trainer = ScriptedTrainer(manager, Stop(), is_fresh=True)
    trainer.lessons = ScriptedLessons(trainer)  # type: ignore[assignment]
    trainer.orders = SimpleNamespace(teacher="scripted:strategist", teacher_name="")
    run(manager, trainer)
    calls = ["teach", "offer", "checkpoint!", "update", "checkpoint", "last checkpoint"]
    assert trainer.calls[: len(calls) - 2] == calls[:-2]
    told, offered = manager.heard[1:3]
    assert told == Progress(0, {"imitation_epoch": 1.0}, phase="imitating")
    assert isinstance(offered, Offered)
    assert offered.reason.startswith("taught by scripted:strategist, with which it agrees in 86%")


def test_a_stop_during_the_lesson_leaves_no_snapshot_and_no_checkpoint() -> None:
    manager = ScriptedManager(ROSTER, Stop())
    trainer = ScriptedTrainer(manager, is_fresh=True)
    trainer.lessons = ScriptedLessons(trainer)  # type: ignore[assignment]
    trainer.orders = SimpleNamespace(teacher="scripted:strategist", teacher_name="")
    run(manager, trainer)
    assert trainer.calls == ["teach"]
    assert trainer.lessons.is_due
