"""Where a learner's curves go: to a CSV file always, to TensorBoard, W&B or trackio if asked for.

Promises: all get the same numbers under the same tags; without a setting of the user's own nothing
leaves the machine and no account is asked for; what a package of somebody else raises, prints or
draws changes nothing of the training: the sink is given up with a warning, and the random streams
of Python, numpy and torch are put back.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch

from arena.files import write_whole
from arena.machine import is_machine_trouble
from league.extras import VIEWERS, missing_viewer
from league.ppo.errors import LearnerError

log = logging.getLogger(__name__)

PROJECT: Final = "territory-league"
COLUMNS: Final = ("decisions", "unix_time", "tag", "value")
CLOSE_S = 5.0  # a sink that sends something away may hang, and a league must stop in time


class Sink(Protocol):
    """Takes numbers by tag."""

    def write(self, decisions: int, values: Mapping[str, float]) -> None:
        """Take the numbers at this many trained decisions of the lineage."""

    def close(self) -> None:
        """Write what is still in memory."""


@dataclass(frozen=True)
class Curve:
    """Whose curves they are, and where they may be kept.

    Attributes:
        logs: the league's folder `logs`.
        league: name of the league's folder.
        learner: name of the lineage.
        decisions: of the lineage when the learner begins; later numbers are of training that a
            crash took, and are removed.
        config: what a viewer may show of the run, JSON types.
    """

    logs: Path
    league: str
    learner: str
    decisions: int
    config: Mapping[str, Any]


def open_sinks(wanted: Mapping[str, bool], curve: Curve) -> list[Sink]:
    """Open the CSV file and whatever else is wanted.

    Raises:
        LearnerError: a package that is asked for is missing.
    """
    missing = missing_viewer(wanted)
    if missing is not None:
        raise LearnerError(missing)
    makers: dict[str, Callable[[Curve], Sink]] = {
        "tensorboard": TensorBoardSink,
        "wandb": WandbSink,
        "trackio": TrackioSink,
    }
    sinks: list[Sink] = [CsvSink(curve)]
    for package in VIEWERS:
        if wanted.get(package):
            sinks.append(_Guarded(package, lambda make=makers[package]: make(curve)))  # type: ignore[misc]
    return sinks


@contextmanager
def streams_put_back() -> Iterator[None]:
    """Leave the random streams of this process as they were, whatever the block draws."""
    python, numbers, tensors = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)
        torch.set_rng_state(tensors)


class _Guarded:
    """A sink of somebody else's, which is given up when it fails.

    A full disk and the like cost points and nothing else: the sink is made anew at the next ones,
    because a writer of event files that failed once writes nothing any more.
    """

    def __init__(self, name: str, make: Callable[[], Sink]) -> None:
        self._name = name
        self._make = make
        self._sink: Sink | None = None
        self._is_lost = False
        self._open()

    def _open(self) -> None:
        self._try(lambda: setattr(self, "_sink", self._make()))

    def write(self, decisions: int, values: Mapping[str, float]) -> None:
        """Pass the numbers on."""
        if self._is_lost:
            self._open()
        sink = self._sink
        if sink is not None:
            self._try(lambda: sink.write(decisions, values))
        if self._sink is not None:
            self._is_lost = False

    def close(self) -> None:
        """Close the sink, but wait no longer than CLOSE_S for it."""
        sink, self._sink = self._sink, None
        if sink is None:
            return
        thread = threading.Thread(target=lambda: self._try(sink.close), daemon=True)
        thread.start()
        thread.join(CLOSE_S)
        if thread.is_alive():
            log.warning("%s did not finish within %g s and is left", self._name, CLOSE_S)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            with streams_put_back():
                act()
        except Exception as error:  # a viewer's trouble is not the learner's
            self._sink = None
            if not is_machine_trouble(error):
                self._is_lost = False
                log.warning("%s is given up until the next start: %r", self._name, error)
            elif not self._is_lost:
                self._is_lost = True
                log.warning("%s lacks points until this is over: %s", self._name, error)


class CsvSink:
    """Appends rows of COLUMNS to `logs/curves/LEARNER.csv`, one per tag: tags may come and go.

    A full disk costs rows and nothing else; a row that a crash cut is removed at the next start.
    """

    def __init__(self, curve: Curve) -> None:
        self.path = curve.logs / "curves" / f"{curve.learner}.csv"
        self._is_failing = False
        with self._disk():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._begin(curve.decisions)

    def _begin(self, decisions: int) -> None:
        """Remove what is cut or later than the learner, and make sure that there is a heading."""
        old = self.path.read_bytes() if self.path.exists() else b""
        kept = [",".join(COLUMNS).encode()]
        for line in old.split(b"\n")[1:-1]:  # the heading; what follows the last line's end
            first = line.split(b",", 1)[0]
            if line.count(b",") == len(COLUMNS) - 1 and first.isdigit() and int(first) <= decisions:
                kept.append(line)
        new = b"\n".join(kept) + b"\n"
        if new != old:
            write_whole(self.path, new)

    def write(self, decisions: int, values: Mapping[str, float]) -> None:
        """Append one row per tag."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        now = f"{time.time():.1f}"
        for name, value in values.items():
            rows.writerow((decisions, now, name, f"{value:.9g}"))
        with self._disk(), self.path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(text.getvalue())

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                log.warning("%s: curves are not written: %s", self.path, error)
            self._is_failing = True

    def close(self) -> None:
        """Do nothing: every row is in the file."""


def read_curve(path: Path) -> Iterator[tuple[int, float, str, float]]:
    """Yield the rows of a CSV file of curves: decisions, Unix time, tag, value; no bad ones."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows: Iterator[Sequence[str]] = csv.reader(stream)
        for row in rows:
            with suppress(ValueError):
                decisions, at, name, value = row
                yield int(decisions), float(at), name, float(value)


class TensorBoardSink:
    """Writes event files into `logs/tensorboard/LEARNER`."""

    def __init__(self, curve: Curve) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder = curve.logs / "tensorboard" / curve.learner
        self._writer: Any = SummaryWriter(
            str(folder), flush_secs=30, purge_step=curve.decisions + 1 if curve.decisions else None
        )

    def write(self, decisions: int, values: Mapping[str, float]) -> None:
        """Write the numbers; TensorBoard's step is the decisions."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, decisions)

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()


class WandbSink:
    """A run of W&B, offline in `logs/wandb` unless WANDB_MODE says otherwise.

    A resumed learner goes on with its run, whose name is LEAGUE/LEARNER and whose horizontal axis
    is `decisions`. `wandb sync` sends an offline run away.
    """

    def __init__(self, curve: Curve) -> None:
        import wandb

        package: Any = wandb
        folder = curve.logs / "wandb"
        folder.mkdir(parents=True, exist_ok=True)
        self._run = package.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=f"{curve.league}/{curve.learner}",
            group=curve.league,
            id=_run_id(folder, curve.learner),
            dir=str(folder),
            mode=os.environ.get("WANDB_MODE", "offline"),
            resume="allow",
            config=dict(curve.config),
            settings=package.Settings(console="off", disable_git=True, save_code=False),
        )
        self._run.define_metric("decisions")
        self._run.define_metric("*", step_metric="decisions")

    def write(self, decisions: int, values: Mapping[str, float]) -> None:
        """Log the numbers with their decisions."""
        self._run.log({**values, "decisions": decisions})

    def close(self) -> None:
        """End the run."""
        self._run.finish()


class TrackioSink:
    """A run of trackio in `logs/trackio`, unless TRACKIO_DIR or TRACKIO_SPACE_ID say otherwise."""

    def __init__(self, curve: Curve) -> None:
        folder = curve.logs / "trackio"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("TRACKIO_DIR", str(folder.resolve()))  # read when it is imported
        import trackio

        package: Any = trackio
        self._run = package.init(
            project=PROJECT,
            name=f"{curve.league}-{curve.learner}",
            group=curve.league,
            config=dict(curve.config),
            resume="allow",
        )

    def write(self, decisions: int, values: Mapping[str, float]) -> None:
        """Log the numbers; trackio's step is the decisions."""
        self._run.log({**values, "decisions": decisions}, step=decisions)

    def close(self) -> None:
        """End the run."""
        self._run.finish()


def _run_id(folder: Path, learner: str) -> str:
    """Return the identifier of a learner's run, made once; no random stream is drawn from."""
    path = folder / f"{learner}.id"
    if not path.exists():
        write_whole(path, uuid.uuid4().hex[:16].encode())
    return path.read_text(encoding="utf-8").strip()
