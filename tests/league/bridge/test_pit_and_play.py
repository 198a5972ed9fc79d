"""`league pit --bridge` and `league bridge play` without Node: fake_peer.py is the original."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from league.bridge import pit as bridged
from league.bridge.game import GameRequest, map_of, play_game, start_place, username
from league.bridge.text import format_game, game_json
from league.errors import BridgeEngineError, BridgeError
from league.pit.run import PitRequest
from league.pit.text import format_report
from tests.league.bridge.in_process import NO_BUNDLE, peer_arena
from tests.league.bridge.lobby import SIDE, bundle_of
from tests.schemas import fits


@pytest.fixture
def no_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridged, "find_checkout", lambda engine: NO_BUNDLE.checkout)
    monkeypatch.setattr(bridged, "bundled", lambda checkout: NO_BUNDLE)


def asked(n_matches: int = 2) -> PitRequest:
    maps = ("generated:plains:64x64:1",)
    return PitRequest("scripted:expander", "scripted:idle", n_matches=n_matches, maps=maps)


@pytest.mark.usefixtures("no_checkout")
def test_a_pair_is_played_there_and_judged_as_any_other() -> None:
    report = bridged.run_bridged_pit(*(asked(), None), engine=Path("of"), arena=peer_arena("play"))
    assert report.estimate.score > 0.5  # who expands has more land than who never moves
    assert report.mean_placement[0] < report.mean_placement[1]
    assert (report.estimate.n_pairs, report.n_matches, report.exit_code) == (1, 2, 0)
    assert report.setting.endswith("seeds 1..1, original engine, edition 2026")
    assert not report.remembered and report.watch == ()


@pytest.mark.usefixtures("no_checkout")
def test_an_engine_that_gives_up_is_exit_code_70_and_the_pairs_before_count() -> None:
    with pytest.raises(BridgeEngineError, match="failed 3 times: the original engine's process"):
        bridged.run_bridged_pit(*(asked(), None), engine=Path("of"), arena=peer_arena("dies"))

    def one_pair(n_workers: int, settings: object):  # type: ignore[no-untyped-def]
        whole = peer_arena("play")(n_workers)
        whole._size = 2
        poll = whole.poll

        def poll_once(timeout_s: float):  # type: ignore[no-untyped-def]
            found = poll(timeout_s)
            whole.context.drop()
            whole.context.command = (*whole.context.command[:-1], "dies")
            return found

        whole.poll = poll_once  # type: ignore[method-assign]
        return whole

    report = bridged.run_bridged_pit(*(asked(4), None), engine=Path("of"), arena=one_pair)
    assert report.estimate.n_pairs == 1
    assert report.exit_code == 70
    assert format_report(report)[-1].startswith("Given up: the matches of seed 2 failed 3 times")


def test_a_game_is_played_recorded_and_played_again(checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "game.json"
    seen: list[int] = []
    request = GameRequest("scripted:expander", "tiny", tribes=3, max_ticks=80, seed=3)
    report = play_game(
        *(request, bundle_of(checkout), None, out), lambda tick, *rest: seen.append(tick)
    )
    assert seen == [25, 50, 75, 80]  # the preset decides every 25 ticks
    assert (report.place, report.n_players, report.n_tribes) == (1, 4, 3)
    assert (report.turns, report.checks, report.ticks) == (381, 4, 80)
    assert report.share == report.tiles / SIDE**2
    assert json.loads(out.read_text()) == {"commit": None}
    lines = format_game(report)
    assert "among 0 nations and 3 tribes" in lines[0]
    assert "played again, all 4 of its hashes held" in lines[1]
    fits(game_json(report), "league-bridge-play/1")


def test_a_record_that_plays_out_otherwise_is_refused(checkout: Path, tmp_path: Path) -> None:
    request = GameRequest("scripted:idle", "tiny", tribes=1, max_ticks=10)
    with pytest.raises(BridgeError, match="plays out otherwise from turn 700 on"):
        play_game(request, bundle_of(checkout, "plays-otherwise"), None, tmp_path / "game.json")


def test_a_game_of_too_many_players_says_how_to_have_fewer(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.bridge.game.MAX_SEATS", 3)
    request = GameRequest("scripted:idle", "tiny", tribes=3, max_ticks=10)
    with pytest.raises(BridgeError, match=r"at most 3 players, found 4 .* --tribes or --nations"):
        play_game(request, bundle_of(checkout), None, tmp_path / "game.json")


def test_a_map_is_read_from_the_checkout_and_a_missing_one_is_a_sentence(checkout: Path) -> None:
    territory, nations = map_of(checkout, "tiny", compact=True)
    assert (territory.width, territory.height) == (SIDE, SIDE)
    assert nations.tolist() == [[10, 10], [50, 55]]  # half of the manifest's, as compact maps are
    with pytest.raises(BridgeError, match=r"none that can be read: .*; the checkout has tiny"):
        map_of(checkout, "atlantis", compact=True)
    (checkout / "resources" / "maps" / "tiny" / "map4x.bin").write_bytes(b"short")
    with pytest.raises(BridgeError, match="expected a map of the checkout in"):
        map_of(checkout, "tiny", compact=True)


def test_a_member_starts_far_from_nations_under_a_name_that_the_original_takes(
    checkout: Path,
) -> None:
    territory, _ = map_of(checkout, "tiny", compact=True)
    nations = np.array([[10, 10]])
    x, y = start_place(territory, nations, 5)
    assert x + y > 70
    assert start_place(territory, nations, 5) == (x, y)
    assert username("attention-0003") == "attention 0003"
    assert username("ä") == "member"
    assert len(username("scripted:" + "x" * 40)) == 27
