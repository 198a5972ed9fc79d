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
from arena.lockstep import LiveMatch, Lockstep
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import Views


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


class DependsOnBatch(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        legal = batch.action_mask[:, :40].argmax(axis=1)
        usable = batch.action_mask[np.arange(len(batch)), legal] & (len(batch) % 3 == 0)
        return np.where(usable, legal, 40)


class BatchDependent(DependsOnBatch):
    uses_rng = False  # asked once for all matches


def _any_legal(batch: SeatBatch, rng: np.random.Generator) -> IntArray:
    return np.array([int(rng.choice(np.flatnonzero(mask))) for mask in batch.action_mask])


class Draws(Waiter):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        return _any_legal(batch, rng)


class DrawsElsewhere(Waiter):
    rng = np.random.default_rng(1)

    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        return _any_legal(batch, self.rng)


class DrawsAgainstItsWord(Draws):
    uses_rng = False


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


@pytest.mark.parametrize("name", ["Waiter", "Draws", "DependsOnBatch"])
def test_a_good_plug_in_passes_the_check(name: str) -> None:
    results = check_agent(f"{__name__}:{name}", max_ticks=100)
    assert len(results) == 2


def test_numbers_drawn_from_rng_differ_by_match_seat_and_decision_and_come_again() -> None:
    rules, views = MatchRules(n_seats=4, max_ticks=50), Views(16, 16, 16)

    def draws(*seeds: int) -> list[list[float]]:
        drawn: dict[int, list[float]] = {}

        class Recorder(Waiter):
            def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
                drawn.setdefault(int(batch.rows[0]), []).append(float(rng.random()))
                return super().act(batch, rng)

        lockstep = Lockstep(len(seeds), views)
        territory = load_map("generated:plains:64x64:1")
        for slot, seed in enumerate(seeds):
            agents = [Recorder() for _ in range(2)] * 2
            lockstep.begin(slot, LiveMatch(territory, rules, views, seed, 0, agents))
        actions = np.zeros(len(seeds) * MAX_SEATS, np.int64)
        for _ in range(2):
            lockstep.refresh()
            lockstep.ask_agents(actions)
            lockstep.advance(actions)
        return [drawn[row] for row in sorted(drawn)]

    together = draws(1, 2)  # two agents in each of two matches, two decisions: eight numbers
    assert len({number for numbers in together for number in numbers}) == 8
    assert draws(1) == together[:2] and draws(2) == together[2:]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Illegal", "illegal actions"),
        ("WrongShape", "expected .* integer actions"),
        ("BatchDependent", "played the same match differently"),
        ("DrawsElsewhere", "differently .* from rng or batch.noise and from nowhere else"),
        ("DrawsAgainstItsWord", "rng.choice is not there: the agent says uses_rng = False"),
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
