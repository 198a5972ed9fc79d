"""The pipe to the engine's process: what goes over it, and a sentence for all that goes wrong."""

from __future__ import annotations

import time

import numpy as np
import psutil
import pytest

from league.bridge import protocol
from league.bridge.process import EngineProcess
from league.errors import BridgeEngineError, BridgeError
from tests.league.bridge.conftest import Start


def _board() -> protocol.Board:
    rng = np.random.default_rng(1)
    tables = {
        name: rng.uniform(0.0, 9.0, (2 if name == "players" else n, len(columns)))
        for n, (name, columns) in enumerate(protocol.TABLES.items())
    }
    block = protocol.Block(
        np.array([70_000, 3]),
        np.array([2, 0]),
        np.array([25_000, 31]),
        np.array([0, 4]),
        np.ones((3, 8)),
    )
    return protocol.Board(17, (block, block), tables)


def test_a_board_is_read_as_it_was_written_and_its_columns_have_names() -> None:
    board = _board()
    read = protocol.read_board(protocol.write_board(board))
    assert read.tick == 17
    assert len(read.blocks) == 2
    for name in protocol.TABLES:
        assert np.array_equal(read.tables[name], board.tables[name])
    block = read.blocks[1]
    assert block.tiles.tolist() == [70_000, 3]
    assert block.owners.tolist() == [2, 0]
    assert block.troops.tolist() == [25_000, 31]
    assert block.city_levels.tolist() == [0, 4]
    assert block.started.shape == (3, 8)
    assert np.array_equal(read.column("players", "gold"), board.tables["players"][:, 2])


@pytest.mark.parametrize("damage", [lambda b: b[:-5], lambda b: b + b"\0" * 8, lambda b: b""])
def test_a_damaged_board_is_refused_with_a_sentence(damage) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BridgeEngineError, match="expected a board from the engine's process"):
        protocol.read_board(damage(protocol.write_board(_board())))


def test_a_process_that_dies_is_named_with_its_exit_code_and_its_last_error(
    start_peer: Start,
) -> None:
    peer = start_peer("dies")
    with pytest.raises(BridgeEngineError) as raised:
        peer.ask({"op": "step"})
    assert str(raised.value) == (
        "the original engine's process ended while it was asked for 'step' (exit code 3): "
        "RangeError: out of memory"
    )
    assert raised.value.exit_code == 70


def test_a_process_that_hangs_is_ended_within_the_limit(start_peer: Start) -> None:
    peer = start_peer("hangs")
    peer._limit_s = 0.3
    began = time.monotonic()
    with pytest.raises(BridgeEngineError, match=r"gave no answer to 'step' within 0.3 s"):
        peer.ask({"op": "step"})
    assert time.monotonic() - began < 30.0
    assert not psutil.pid_exists(peer.pid)


def test_what_the_engine_refuses_is_a_sentence_and_the_process_goes_on(start_peer: Start) -> None:
    peer = start_peer("refuses")
    for _ in range(2):
        with pytest.raises(BridgeError, match="refuses 'step': there is no player 77") as raised:
            peer.ask({"op": "step"})
        assert raised.value.exit_code == 2
    assert psutil.pid_exists(peer.pid)


def test_other_bytes_on_the_pipe_are_no_board(start_peer: Start) -> None:
    with pytest.raises(BridgeEngineError, match="something else writes to the output"):
        start_peer("chatters").board({"op": "step"})


def test_an_answer_of_another_kind_is_a_sentence(start_peer: Start) -> None:
    with pytest.raises(BridgeEngineError, match="a frame of kind 0 after 'step', found kind 3"):
        start_peer("confused").board({"op": "step"})


def test_an_adapter_of_another_protocol_is_a_sentence_and_is_ended(start_peer: Start) -> None:
    with pytest.raises(BridgeEngineError, match="an adapter of protocol 1, found 99"):
        start_peer("old")


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(BridgeError, match="expected a program no-node that starts, found: No such"):
        EngineProcess(("no-node", "bundle.mjs"))


def test_a_process_whose_input_ends_ends_by_itself(start_peer: Start) -> None:
    peer = start_peer("play")
    peer._in.close()  # as the system does when the parent dies
    assert peer._process.wait(30.0) == 0


def test_closing_twice_leaves_no_process(start_peer: Start) -> None:
    peer = start_peer("play")
    peer.close()
    peer.close()
    assert not psutil.pid_exists(peer.pid)
