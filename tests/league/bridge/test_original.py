"""The original engine itself, where LEAGUE_OPENFRONT names a checkout of it; else skipped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from league.bridge.checkout import bundled, find_checkout
from league.bridge.examine import examine
from league.bridge.match import NATIONS, TRIBE
from league.bridge.process import EngineProcess
from league.errors import BridgeEngineError, BridgeError
from tests.league.bridge.test_match import begin, play


@pytest.fixture
def process(original: Path) -> Iterator[EngineProcess]:
    with EngineProcess(bundled(find_checkout(original)).command) as running:
        yield running


def test_the_checkout_can_be_played_in(original: Path) -> None:
    found = examine(original)
    assert [each.ok for each in found.findings] == [True] * 4
    assert found.edition == "2026"


@pytest.mark.parametrize("mind", [TRIBE, NATIONS[3]])
def test_the_mirrored_board_equals_the_originals_at_every_decision(
    process: EngineProcess, mind: str
) -> None:
    match = begin(process, ("scripted:expander", mind, mind, "scripted:tribe"))
    play(match)  # which compares land, tiles and troops
    attacks = match.board.tables["attacks"]
    expected: dict[tuple[int, int], float] = {}
    for _, attacker, target, troops, _, _ in attacks:
        key = (int(attacker), int(target))
        expected[key] = expected.get(key, 0.0) + troops
    assert {(a, t): n for a, t, n in match.engine.attacks()} == expected
    assert match.engine.state.habits[1:, :].any(axis=1).all()  # minds are remembered too
    first = match.engine.state_sha256()
    again = begin(process, ("scripted:expander", mind, mind, "scripted:tribe"))
    play(again)
    assert again.engine.state_sha256() == first


def test_orders_that_nobody_may_give_are_refused_with_a_sentence(process: EngineProcess) -> None:
    begin(process, ("scripted:expander", TRIBE, TRIBE, TRIBE))
    minds = [p for p in (1, 2, 3, 4)]
    refused = 0
    for p in minds:
        try:
            process.board({"op": "step", "slot": 0, "ticks": 1, "orders": [["attack", p, 0, 9.0]]})
        except BridgeError as error:
            refused += "has a mind of its own" in str(error)
    assert refused == 3
    with pytest.raises(BridgeError, match="no game runs in slot 5"):
        process.board({"op": "step", "slot": 5, "ticks": 1, "orders": []})
    with pytest.raises(BridgeError, match="unknown order"):
        for p in minds:
            process.board({"op": "step", "slot": 0, "ticks": 1, "orders": [["dance", p]]})


def test_a_node_that_is_killed_or_stopped_is_one_sentence(process: EngineProcess) -> None:
    os.kill(process.pid, signal.SIGSTOP)
    process._limit_s = 0.3
    with pytest.raises(BridgeEngineError, match="gave no answer to 'end' within"):
        process.ask({"op": "end", "slot": 0})
    with EngineProcess(tuple(process._process.args)) as other:  # type: ignore[arg-type]
        os.kill(other.pid, signal.SIGKILL)
        with pytest.raises(BridgeEngineError, match=r"ended while .* \(exit code -9\)"):
            other.ask({"op": "end", "slot": 0})
