"""Agent specs, plug-ins, and the check that plug-in authors run."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.check import check_agent
from agents.errors import AgentError
from agents.registry import make_loader, parse_spec, present_spec
from agents.scripted import Idle
from arena.agent import IntArray, SeatBatch


class Waiter:
    def reset(self, rows: IntArray) -> None:
        pass

    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        return np.full(len(batch), 40, np.int64)


class Illegal(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        return np.zeros(len(batch), np.int64)


class WrongShape(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        return np.zeros(len(batch) + 1, np.int64)


class BatchDependent(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        legal = batch.action_mask[:, :40].argmax(axis=1)
        usable = batch.action_mask[np.arange(len(batch)), legal] & (len(batch) % 3 == 0)
        return np.where(usable, legal, 40)


class Raises(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        raise RuntimeError("out of ideas")


class NeverAnswers(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        signal.pause()
        return super().act(batch, rng)


class Crashes(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        sys.stderr.write("about to fall\n")
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().act(batch, rng)


class NoAct:
    def reset(self, rows: IntArray) -> None:
        pass


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("tribe", "is not an agent spec"),
        ("scripted:", "is not an agent spec"),
        ("scripted:genius", "choose one of idle"),
        ("plugin:mymodule", "plugin:MODULE:FACTORY"),
        ("oracle:x", "is not an agent spec"),
    ],
)
def test_a_bad_spec_is_one_sentence(spec: str, says: str) -> None:
    with pytest.raises(AgentError, match=says):
        parse_spec(spec)


def test_a_former_name_loads_the_same_agent() -> None:
    assert parse_spec("scripted:wait") == parse_spec("scripted:idle") == ("scripted", "idle")
    assert isinstance(make_loader()("scripted:wait"), Idle)
    assert present_spec("scripted:wait") == "scripted:idle"
    for present in ("scripted:tribe", "plugin:wait:make", "snapshot:3fa9c1"):
        assert present_spec(present) == present


def test_a_snapshot_needs_a_league() -> None:
    with pytest.raises(AgentError, match="needs a league"):
        make_loader()("snapshot:" + "0" * 64)


def test_a_good_plug_in_passes_the_check() -> None:
    results = check_agent(f"{__name__}:Waiter")
    assert len(results) == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Illegal", "illegal actions"),
        ("WrongShape", "expected .* integer actions"),
        ("BatchDependent", "played the same match differently"),
        ("NoAct", "without reset"),
        ("Missing", "could not be loaded"),
        ("Raises", r"RuntimeError: out of ideas \(test_registry.py, line"),
        ("Crashes", r"ended its process \(SIGSEGV\) while it was playing.*about to fall"),
    ],
)
def test_the_check_names_the_broken_promise(name: str, says: str) -> None:
    with pytest.raises(AgentError, match=says):
        check_agent(f"{__name__}:{name}")


@pytest.mark.timeout(30)  # the limit is what is tested: without it the test would go on
def test_a_plug_in_that_never_answers_is_stopped_and_said_to_be() -> None:
    with pytest.raises(AgentError, match=r"still playing after 1 s and was stopped"):
        check_agent(f"{__name__}:NeverAnswers", limit_s=1.0)


def test_a_plug_in_that_reads_the_command_line_is_refused_and_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "argbot.py").write_text(
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--depth')\n"
        "print('hello')\nparser.parse_args()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AgentError, match=r"plug-in 'argbot:make' could not be loaded: SystemExit"):
        check_agent("argbot:make")
    assert capfd.readouterr() == ("", "")
    assert "argbot" not in sys.modules
