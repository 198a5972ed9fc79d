"""What a learner does while the machine is in trouble: pauses, what it says, what it keeps."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.registry import make_loader
from league.learner import checkpoints, trainer
from league.learner.checkpoints import CheckpointStore
from league.learner.trainer import Trainer
from league.learner.waiting import Waiting
from tests.league.learner.test_trainer import trainer_with

FULL = OSError(errno.ENOSPC, "No space left on device")


class Pauses:
    """Time that passes only while a learner waits, and how it did."""

    def __init__(self, root: Path) -> None:
        self.now = 0.0
        self.listened: list[float] = []
        self.told: list[tuple[float, str | None]] = []
        self.waiting = Waiting(root, clock=lambda: self.now)
        self.waiting.listen = self.listen
        self.waiting.tell = lambda text: self.told.append((self.now, text))

    def listen(self, seconds: float) -> None:
        self.listened.append(seconds)
        self.now += seconds


def failing(errors: list[Exception], then: str = "done") -> Callable[[], str]:
    def attempt() -> str:
        if errors:
            raise errors.pop(0)
        return then

    return attempt


def test_pauses_double_to_half_a_minute_and_whoever_watches_is_told(tmp_path: Path) -> None:
    pauses = Pauses(tmp_path)
    refused: list[Exception] = [PermissionError(errno.EACCES, "Permission denied", "x")] * 8
    assert pauses.waiting("load it", failing(refused)) == "done"
    said = "cannot load it: [Errno 13] Permission denied: 'x'"
    # 1, 2, 4, 8, 16, 30, 30, 30
    assert pauses.told == [*((at, said) for at in (0, 1, 3, 7, 15, 31, 61, 91)), (121.0, None)]
    assert sum(pauses.listened) == 121.0 and max(pauses.listened) <= 0.5


def test_the_log_says_it_when_the_pause_grows_and_without_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        Pauses(tmp_path).waiting("write", failing([FULL] * 100))
    # 1, 2, 4, 8, 16, 30; then it is over
    assert len(caplog.records) == 7
    assert all(record.exc_info is None for record in caplog.records)


def test_what_a_full_disk_needs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 9_500_000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    folder = tmp_path / "checkpoints" / "attention"
    folder.mkdir(parents=True)
    (folder / "checkpoint-00000001-x.safetensors").write_bytes(b"0" * 2_000_000)
    pauses = Pauses(tmp_path)
    pauses.waiting("write a checkpoint", failing([FULL]))
    # 16 MB of margin, 2 MB for the next checkpoint, 1 MB of temporary files on the same disk
    needs = f"cannot write a checkpoint: disk full, needs 10 MB on {tmp_path}"
    assert pauses.told[0][1] == needs


def test_errors_of_others_and_of_whoever_listens_pass_through(tmp_path: Path) -> None:
    pauses = Pauses(tmp_path)
    with pytest.raises(ValueError, match="a bug"):
        pauses.waiting("load", failing([ValueError("a bug")]))
    assert pauses.told == []

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    pauses.waiting.listen = stop
    with pytest.raises(KeyboardInterrupt):
        pauses.waiting("load", failing([FULL]))


@pytest.fixture
def small(tmp_path: Path) -> tuple[Trainer, Pauses]:
    made = trainer_with(tmp_path)
    pauses = Pauses(tmp_path)
    made.waiting.__dict__.update(pauses.waiting.__dict__)
    return made, pauses


def test_checkpoint_and_offer_are_written_as_soon_as_the_disk_has_room(
    small: tuple[Trainer, Pauses], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, pauses = small
    made.update()
    real = checkpoints.write_whole
    errors = [FULL, FULL]

    def write(path: Path, raw: bytes, **how: Any) -> None:
        if errors:
            raise errors.pop()
        real(path, raw, **how)

    monkeypatch.setattr(checkpoints, "write_whole", write)
    monkeypatch.setattr("agents.snapshots.write_whole", write)
    assert made.checkpoint(force=True)
    assert len(made.checkpoints.list()) == 1 and pauses.now == 3.0
    errors += [FULL]
    sha256 = made.offer()
    assert [offer.sha256 for offer in made.store.list_offers()] == [sha256]
    assert pauses.now == 4.0


def test_an_opponent_that_cannot_be_read_is_waited_for_and_the_update_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [OSError(errno.EMFILE, "Too many open files")] * 3

    def loader(*arguments: Any, **how: Any) -> Callable[[str], Any]:
        load = make_loader(*arguments, **how)
        return lambda spec: (failing(errors)(), load(spec))[1]

    monkeypatch.setattr(trainer, "make_loader", loader)
    made = trainer_with(tmp_path)
    pauses = Pauses(tmp_path)
    made.waiting.__dict__.update(pauses.waiting.__dict__)
    made.update()
    assert errors == [] and pauses.now == 1.0 + 2.0 + 4.0


def test_stopped_while_a_match_waits_to_begin_it_leaves_the_older_checkpoint(
    small: tuple[Trainer, Pauses], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made, _ = small
    made.update()
    made.checkpoint(force=True)
    before = made.checkpoints.list()

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    def load(reference: str) -> Any:
        return made.waiting("load it", failing([FULL]))

    made.waiting.listen = stop
    monkeypatch.setattr(made.env, "_load_map", load)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100):
            made.update()
    assert not made.last_checkpoint()
    assert made.checkpoints.list() == before
    assert "leaves without a last checkpoint" in caplog.text


def test_a_stop_on_a_full_disk_leaves_after_one_attempt(
    small: tuple[Trainer, Pauses], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, pauses = small
    made.update()

    def refuse(path: Path, raw: bytes, **how: Any) -> None:
        raise FULL

    monkeypatch.setattr(checkpoints, "write_whole", refuse)
    assert not made.last_checkpoint() and pauses.listened == []
    monkeypatch.undo()
    assert made.last_checkpoint() and len(made.checkpoints.list()) == 1


def test_a_checkpoint_that_the_machine_keeps_from_being_read_is_not_set_aside(
    small: tuple[Trainer, Pauses], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = small
    made.update()
    made.checkpoint(force=True)
    store = CheckpointStore(made.checkpoints.folder)
    paths = store.list()

    def refuse(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        store.load()
    monkeypatch.undo()
    assert store.list() == paths
    assert store.load() is not None
