"""`league tensorboard`: what it shows, and what it says where there is nothing to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from league.cli.main import main
from league.curves import viewer
from league.curves.viewer import event_files
from league.errors import UsageError
from league.folder.layout import LeagueFolder
from league.learner.sinks import CsvSink, Curve, TensorBoardSink

SHOWN = {"train/kl": 0.25, "scales/global": 0.5}


def _scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(each.step, each.value) for each in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


@pytest.fixture
def folder(hand_made_league: LeagueFolder) -> LeagueFolder:
    pytest.importorskip("tensorboard")
    return hand_made_league


def test_curves_of_a_league_that_ran_without_tensorboard_are_made_from_the_table(
    folder: LeagueFolder,
) -> None:
    sink = CsvSink(Curve(folder.logs, "lg", "attention", 0, {}))
    sink.write(64, SHOWN)
    sink.write(128, SHOWN)
    with event_files(folder) as (made, grows):
        assert not grows
        assert _scalars(made / "attention") == {
            tag: [(64, value), (128, value)] for tag, value in SHOWN.items()
        }
    assert not made.exists()


def test_event_files_of_a_running_league_are_shown_where_they_grow(folder: LeagueFolder) -> None:
    sink = TensorBoardSink(Curve(folder.logs, "lg", "attention", 0, {}))
    sink.write(64, SHOWN)
    sink.close()
    with event_files(folder) as (found, grows):
        assert grows and found == folder.logs / "tensorboard"
        assert _scalars(found / "attention") == {tag: [(64, v)] for tag, v in SHOWN.items()}


def test_a_resumed_learner_takes_back_what_a_crash_took(folder: LeagueFolder) -> None:
    for begins_at, decisions in ((0, (64, 128)), (64, (128,))):
        sink = TensorBoardSink(Curve(folder.logs, "lg", "attention", begins_at, {}))
        for each in decisions:
            sink.write(each, {"train/kl": each + begins_at})
        sink.close()
    found = _scalars(folder.logs / "tensorboard" / "attention")
    assert found == {"train/kl": [(64, 64.0), (128, 192.0)]}


def test_the_viewer_is_started_on_these_files_and_this_machine_alone(
    folder: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    CsvSink(Curve(folder.logs, "lg", "attention", 0, {})).write(64, SHOWN)
    started: list[list[str]] = []

    class Process:
        def __init__(self, arguments: list[str]) -> None:
            started.append(arguments)

        def __enter__(self) -> Process:
            return self

        def __exit__(self, *_: Any) -> None:
            pass

        def wait(self) -> int:
            assert (Path(started[0][4]) / "attention").is_dir()
            return 0

    monkeypatch.setattr(viewer.subprocess, "Popen", Process)
    assert main(["--league", str(folder.root), "tensorboard", "--port", "0"]) == 0
    (arguments,) = started
    assert arguments[1:4] == ["-m", "tensorboard.main", "--logdir"]
    assert arguments[5:] == ["--host", "localhost", "--port", "0"]


def test_nothing_to_show_and_a_missing_package_are_one_sentence(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(UsageError, match="expected curves of learners"),
        event_files(hand_made_league),
    ):
        pass
    monkeypatch.setattr("league.curves.viewer.is_installed", lambda package: False)
    with pytest.raises(UsageError, match="pip install"), event_files(hand_made_league):
        pass
