"""The original engine itself, where LEAGUE_OPENFRONT names a checkout of it; else skipped."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from arena.territory.engine.engine import Engine
from arena.territory.engine.mirror import BEFORE_PLAY
from arena.territory.engine.orders import KIND, PLAYER, TILE, UPGRADE
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    BOAT_OWNER,
    CITIES_MADE,
    CITY_LEVELS,
    GOLD,
    IS_PENDING,
    N_ORDERS,
    STRUCTURE,
    STRUCTURE_TILE,
    TRAITOR_UNTIL,
)
from arena.territory.maps import TerritoryMap
from league.bridge.checkout import bundled, find_checkout
from league.bridge.evaluate import run_bridged_evaluation
from league.bridge.examine import examine
from league.bridge.game import GameRequest, check_record, play_game
from league.bridge.match import NATIONS, TRIBE, take_orders
from league.bridge.mirror import Mirror
from league.bridge.process import EngineProcess
from league.bridge.protocol import Board
from league.errors import BridgeEngineError, BridgeError
from league.evaluation.plan import EvaluateRequest
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
    assert match.engine.attacks() == [(int(row[1]), int(row[2]), row[3]) for row in attacks]
    assert match.engine.state.habits[1:, :].any(axis=1).all()  # minds are remembered too
    first = match.engine.state_sha256()
    again = begin(process, ("scripted:expander", mind, mind, "scripted:tribe"))
    play(again)
    assert again.engine.state_sha256() == first


def test_orders_that_nobody_may_give_are_refused_with_a_sentence(process: EngineProcess) -> None:
    begin(process, ("scripted:expander", TRIBE, TRIBE, TRIBE))
    players = (1, 2, 3, 4)
    refused = 0
    for p in players:
        try:
            process.board({"op": "step", "slot": 0, "ticks": 1, "orders": [["attack", p, 0, 9.0]]})
        except BridgeError as error:
            refused += "has a mind of its own" in str(error)
    assert refused == 3
    with pytest.raises(BridgeError, match="no game runs in slot 5"):
        process.board({"op": "step", "slot": 5, "ticks": 1, "orders": []})
    with pytest.raises(BridgeError, match="unknown order"):
        for p in players:
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


def test_a_member_is_evaluated_in_a_worker_of_its_own(original: Path) -> None:
    request = EvaluateRequest(
        *("scripted:expander", "nations:easy", 2, 4, 100),
        maps=("generated:plains:64x64:1",),
        n_workers=1,
    )
    report = run_bridged_evaluation(request, bundled(find_checkout(original)), None)
    assert (report.n_matches, report.n_failed, report.edition) == (2, 0, "2026")
    assert (
        run_bridged_evaluation(request, bundled(find_checkout(original)), None).places
        == report.places
    )


def test_gold_builds_a_city_a_boat_sails_and_the_mirror_shows_them(process: EngineProcess) -> None:
    terrain = np.full((64, 64), 128, np.uint8)
    terrain[:, 30:34] = 32  # ocean between two shores
    terrain[:, [29, 34]] |= 64
    terrain[:, [30, 33]] |= 64
    territory = TerritoryMap.from_terrain("strait", terrain)
    start = {
        **{"op": "new", "slot": 0, "game_id": "strait01", "width": 64, "height": 64},
        "terrain": base64.b64encode(terrain.tobytes()).decode(),
        "players": [
            {"id": f"player0{p}", "name": f"player {p}", "kind": "human", "x": x, "y": 32}
            for p, x in ((1, 15), (2, 48))
        ],
        "options": {"starting_gold": 10_000_000},
    }
    _, board = process.begin(start)
    mirror = Mirror(Engine(territory, 2, seed=1, edition="2026"))
    mirror.follow(board, BEFORE_PLAY)

    def step(ticks: int, *orders: list[object]) -> Board:
        before = mirror.engine.tick
        board = process.board({"op": "step", "slot": 0, "ticks": ticks, "orders": list(orders)})
        mirror.follow(board, before)
        return board

    city = 32 * 64 + 15
    step(60, ["build", 1, "city", city], ["attack", 1, 0, 12_000.0])
    assert mirror.engine.state.ledger[1, CITY_LEVELS] == 1
    assert mirror.engine.state.ledger[2, CITY_LEVELS] == 0
    # 10,000,000 at the start, 100 a tick from tick 1 on, 125,000 for the city
    assert mirror.engine.state.ledger[1, GOLD] == 10_000_000 + 59 * 100 - 125_000
    (row,) = [row for row in mirror.engine.state.structures if row[STRUCTURE]]
    assert mirror.unframed(int(row[STRUCTURE_TILE])) == city
    upgrade = [float(UPGRADE) if c == KIND else 0.0 for c in range(5)]
    upgrade[PLAYER], upgrade[TILE] = 1.0, float(row[STRUCTURE_TILE])
    mirror.engine.state.orders[0], mirror.engine.state.clock[N_ORDERS] = upgrade, 1
    sent = take_orders(mirror, board_now := step(1))
    assert [order[:2] for order in sent] == [["upgrade", 1]]
    assert board_now.column("structures", "level").tolist() == [1.0]
    board = step(2, *sent, ["boat", 1, 32 * 64 + 34, 5_000.0], ["alliance_request", 1, 2])
    assert mirror.engine.state.ledger[1, [CITY_LEVELS, CITIES_MADE]].tolist() == [2, 2]
    assert board.column("boats", "troops").tolist() == [5_000.0]
    assert mirror.engine.state.boats[0, BOAT_OWNER] == 1
    assert mirror.engine.state.boat_troops[0] == 5_000.0
    assert mirror.engine.state.pacts[1, 2, IS_PENDING] == 1
    step(2, ["alliance_request", 2, 1])
    assert mirror.engine.state.pacts[1, 2, ALLIED_UNTIL] > 3_000
    assert mirror.engine.state.pacts[1, 2, IS_PENDING] == 0
    step(3, ["alliance_break", 2, 1])
    assert mirror.engine.state.pacts[1, 2, ALLIED_UNTIL] == 0
    assert mirror.engine.state.ledger[2, TRAITOR_UNTIL] > mirror.engine.tick + 290


def test_a_record_passes_the_originals_schema_and_plays_out_the_same(
    original: Path, tmp_path: Path
) -> None:
    maps = sorted(path.name for path in (original / "resources" / "maps").glob("*/"))
    if not maps:
        pytest.skip("the checkout has no resources/maps")
    bundle, out = bundled(find_checkout(original)), tmp_path / "game.json"
    request = GameRequest("scripted:expander", maps[0], nations=3, tribes=4, max_ticks=200)
    report = play_game(request, bundle, None, out)
    assert (report.n_players, report.n_nations, report.n_tribes) == (8, 3, 4)
    assert report.turns == 501  # 301 of the spawn phase
    assert report.checks == 6  # turns 0, 100, .. 500
    record = json.loads(out.read_text())
    orders = [turn for turn in record["turns"] if turn["intents"]]
    assert len(orders) > 3
    orders[1]["intents"][0]["troops"] += 5_000.0
    out.write_text(json.dumps(record))
    with pytest.raises(BridgeError, match="plays out otherwise from turn"):
        check_record(bundle, out)
    record["info"]["config"]["difficulty"] = "Unknown"
    out.write_text(json.dumps(record))
    with pytest.raises(BridgeError, match=r"not a record of this edition: info.config.difficulty"):
        check_record(bundle, out)
