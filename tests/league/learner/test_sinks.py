"""Where curves go: the CSV file always, whatever happens to it and to the viewers."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from league.extras import is_installed, missing_viewer
from league.learner import sinks
from league.learner.sinks import CsvSink, Curve, TrackioSink, WandbSink, open_sinks, read_curve
from league.ppo.errors import LearnerError


def curve(logs: Path, decisions: int = 0) -> Curve:
    return Curve(logs, "lg", "attention", decisions, {"family": "attention"})


def rows(logs: Path) -> list[tuple[int, str, float]]:
    found = read_curve(logs / "curves" / "attention.csv")
    return [(decisions, tag, value) for decisions, _, tag, value in found]


def test_every_number_is_a_row_and_a_later_start_goes_on(tmp_path: Path) -> None:
    CsvSink(curve(tmp_path)).write(4_096, {"train/kl": 0.25, "play/reward_mean": -1.0})
    CsvSink(curve(tmp_path, 4_096)).write(8_192, {"train/kl": 0.125})
    text = (tmp_path / "curves" / "attention.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "decisions,unix_time,tag,value" and text.endswith("\n")
    assert rows(tmp_path) == [
        (4_096, "train/kl", 0.25),
        (4_096, "play/reward_mean", -1.0),
        (8_192, "train/kl", 0.125),
    ]


def test_what_a_crash_cut_or_took_back_is_gone_at_the_next_start(tmp_path: Path) -> None:
    first = CsvSink(curve(tmp_path))
    for decisions in (100, 200, 300):
        first.write(decisions, {"train/kl": decisions / 1_000})
    with first.path.open("a") as stream:
        stream.write("400,17")  # and then the power went
    # The newest checkpoint is of 200 decisions: 300 will be reached once more.
    CsvSink(curve(tmp_path, 200)).write(300, {"train/kl": 0.5})
    assert rows(tmp_path) == [
        (100, "train/kl", 0.1),
        (200, "train/kl", 0.2),
        (300, "train/kl", 0.5),
    ]


def test_a_full_disk_costs_rows_one_warning_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sink = CsvSink(curve(tmp_path))
    opened = Path.open

    def full(path: Path, *arguments: Any, **more: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    sink.write(1, {"train/kl": 1.0})
    sink.write(2, {"train/kl": 2.0})
    monkeypatch.setattr(Path, "open", opened)
    sink.write(3, {"train/kl": 3.0})
    assert rows(tmp_path) == [(3, "train/kl", 3.0)]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


_ASKED = ("WANDB_MODE", "WANDB_PROJECT", "TRACKIO_DIR")  # of the environment


class Package(ModuleType):
    """Stands for wandb or trackio: remembers what it was told, and draws as a rude guest would."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.began: dict[str, Any] = {}
        self.logged: list[tuple[Mapping[str, float], int | None]] = []
        self.defined: list[tuple[str, str | None]] = []
        self.is_finished = False
        self.fails = False
        self.finish_waits: Callable[[], Any] = lambda: None
        self.Settings = SimpleNamespace

    def init(self, **arguments: Any) -> Package:
        random.random()
        np.random.random()
        torch.rand(1)
        self.began = arguments
        return self

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.defined.append((name, step_metric))

    def log(self, values: Mapping[str, float], step: int | None = None) -> None:
        if self.fails:
            raise RuntimeError("the server is gone")
        self.logged.append((values, step))

    def finish(self) -> None:
        self.finish_waits()
        self.is_finished = True


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package called wandb and trackio; the environment says nothing about either."""
    made = Package("guest")
    for name in ("wandb", "trackio"):
        monkeypatch.setitem(sys.modules, name, made)
    for name in _ASKED:
        monkeypatch.setenv(name, "unset")
        monkeypatch.delenv(name)
    monkeypatch.setattr("league.extras.find_spec", lambda name: SimpleNamespace(origin=name))
    return made


def test_wandb_is_offline_in_the_league_and_goes_on_with_its_run(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = WandbSink(curve(tmp_path))
    began = package.began
    assert (began["mode"], began["dir"]) == ("offline", str(tmp_path / "wandb"))
    assert (began["name"], began["group"], began["resume"]) == ("lg/attention", "lg", "allow")
    sink.write(64, {"train/kl": 0.5})
    assert package.logged == [({"train/kl": 0.5, "decisions": 64}, None)]
    assert ("*", "decisions") in package.defined
    WandbSink(curve(tmp_path, 64))
    assert package.began["id"] == began["id"] and len(began["id"]) == 16
    WandbSink(curve(tmp_path / "other"))
    assert package.began["id"] != began["id"]
    monkeypatch.setenv("WANDB_MODE", "online")
    WandbSink(curve(tmp_path))
    assert package.began["mode"] == "online"


def test_trackio_is_in_the_league_with_the_same_tags(package: Package, tmp_path: Path) -> None:
    sink = TrackioSink(curve(tmp_path))
    assert os.environ["TRACKIO_DIR"] == str(tmp_path / "trackio")
    assert package.began["name"] == "lg-attention" and package.began["resume"] == "allow"
    sink.write(64, {"train/kl": 0.5})
    assert package.logged == [({"train/kl": 0.5, "decisions": 64}, 64)]


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_viewer_changes_no_random_stream_and_may_fail(
    name: str, package: Package, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    table, viewer = open_sinks({name: True}, curve(tmp_path))
    package.fails = True
    for decisions in (1, 2):
        for sink in (table, viewer):
            sink.write(decisions, {"train/kl": 1.0})
    package.fails = False
    viewer.write(3, {"train/kl": 1.0})
    assert package.logged == []  # it was given up at its first failure
    (record,) = caplog.records
    assert f"{name} is given up until the next start" in record.getMessage()
    assert [row[0] for row in rows(tmp_path)] == [1, 2]
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_a_viewer_that_does_not_finish_is_left(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "CLOSE_S", 0.01)
    never = threading.Event()
    package.finish_waits = never.wait
    _, viewer = open_sinks({"wandb": True}, curve(tmp_path))
    viewer.close()
    assert not package.is_finished
    never.set()


def test_an_orderly_end_finishes_the_run(package: Package, tmp_path: Path) -> None:
    _, viewer = open_sinks({"wandb": True}, curve(tmp_path))
    viewer.close()
    assert package.is_finished


def test_without_a_setting_there_is_the_table_alone(tmp_path: Path) -> None:
    (only,) = open_sinks({}, curve(tmp_path))
    assert isinstance(only, CsvSink)


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "trackio"])
def test_a_missing_package_is_named_with_how_to_get_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.extras.find_spec", lambda package: None)
    with pytest.raises(LearnerError, match=rf"`pip install {name}|`pip install '{name}"):
        open_sinks({name: True}, curve(tmp_path))
    assert missing_viewer({name: False}) is None


def test_a_folder_that_an_offline_run_left_is_not_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "league_no_such_viewer").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not is_installed("league_no_such_viewer")
    assert is_installed("torch")


_WRITE = """
import sys
from pathlib import Path
from league.learner.sinks import Curve, open_sinks
name, logs = sys.argv[1], Path(sys.argv[2])
_, viewer = open_sinks({name: True}, Curve(logs, "lg", "attention", 0, {}))
for decisions in (64, 128):
    viewer.write(decisions, {"train/kl": 0.5, "play/reward_mean": 1.0})
viewer.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_the_real_package_takes_the_numbers(name: str, tmp_path: Path) -> None:
    if not is_installed(name):
        pytest.skip(f"{name} is not installed")
    # In a process of its own: trackio asks for its folder when it is imported.
    free = {key: text for key, text in os.environ.items() if key not in _ASKED}
    subprocess.run(
        [sys.executable, "-c", _WRITE, name, str(tmp_path)],
        check=True,
        env=free | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    kept = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 1_000 for path in kept)
