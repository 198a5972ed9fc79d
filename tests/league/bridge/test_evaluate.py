"""`league bridge evaluate` without Node: our own engine, whose minds are idle, is the original."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from arena.errors import MatchError
from arena.match import MatchResult, MatchSpec
from arena.processes.jobs import JobError
from arena.territory.engine.rules import STRUCTURES, MatchRules
from league import bridge
from league.bridge.evaluate import LAND_ONLY, ORIGINAL_MINDS, run_bridged_evaluation
from league.bridge.process import EngineProcess
from league.bridge.worker import play
from league.errors import BridgeError, MatchesFailedError
from league.evaluation.plan import EvaluateRequest
from league.evaluation.text import evaluation_json, format_evaluation
from league.statistics.shares import exact_interval
from tests.league.bridge.in_process import NO_BUNDLE, peer_arena
from tests.schemas import fits

MAP = "generated:plains:64x64:1"


def request(member: str = "scripted:expander", n_matches: int = 3) -> EvaluateRequest:
    return EvaluateRequest(member, "tribes", n_matches, 4, 60, (MAP,), 11)


def test_an_expander_is_first_among_the_idle_and_its_report_says_so() -> None:
    seen: list[tuple[int, int, float, float]] = []
    report = run_bridged_evaluation(
        request(), NO_BUNDLE, None, lambda *now: seen.append(now), arena=peer_arena("play")
    )
    assert report.places == (1, 1, 1)
    assert (report.firsts.share, report.firsts.high) == (1.0, 1.0)
    assert report.firsts.low == pytest.approx(0.025 ** (1 / 3))  # three of three: low^3 = 2.5 %
    assert seen == [(1, 3, 1.0, 1.0), (2, 3, 2.0, 1.0), (3, 3, 3.0, 1.0)]
    lines = format_evaluation(report)
    assert lines[0] == (
        "scripted:expander against tribes in the original engine, edition 2026, commit aaaaaaaaaaaa"
    )
    assert lines[1].startswith("First: 3 of 3 matches, 100.0 % [29.2, 100.0]   Mean place: 1.00 [1")
    assert "4 seats, 60 ticks, map generated:plains:64x64:1, seeds 11..13" in lines[2]
    assert report.exit_code == 0
    fits(evaluation_json(report), "league-bridge-evaluate/1")


def test_a_first_place_that_four_share_is_a_quarter_of_one() -> None:
    idle = EvaluateRequest("scripted:idle", "tribes:human", 2, 4, 60, (MAP,), 11)
    report = run_bridged_evaluation(idle, NO_BUNDLE, None, arena=peer_arena("play"))
    # Everybody has the land and the troops of the others; ties share the better place.
    assert report.places == (1, 1)
    assert report.firsts.share == pytest.approx(0.25)


def test_a_process_that_dies_in_every_match_is_given_up_with_its_reason() -> None:
    with pytest.raises(MatchesFailedError, match="failed 3 times: the original engine's process"):
        run_bridged_evaluation(request(), NO_BUNDLE, None, arena=peer_arena("dies"))


def test_what_was_played_before_it_was_given_up_is_kept() -> None:
    made: list = []
    arena = peer_arena("play", made)
    n_calls = 0

    def breaks_after_the_first_call(n_workers: int, settings: object):  # type: ignore[no-untyped-def]
        whole = arena(n_workers)
        whole._size = 2
        poll = whole.poll

        def poll_until(timeout_s: float):  # type: ignore[no-untyped-def]
            nonlocal n_calls
            n_calls += 1
            if n_calls == 2:
                whole.context.drop()
                whole.context.command = (*whole.context.command[:-1], "dies")
            return poll(timeout_s)

        whole.poll = poll_until  # type: ignore[method-assign]
        return whole

    report = run_bridged_evaluation(
        request(n_matches=4), NO_BUNDLE, None, arena=breaks_after_the_first_call
    )
    assert report.places == (1, 1)
    assert report.exit_code == 70
    assert report.failure is not None and "RangeError: out of memory" in report.failure
    assert "Ended after 2 of 4 matches: the matches of seed 13" in format_evaluation(report)[3]
    fits(evaluation_json(report), "league-bridge-evaluate/1")


def test_a_member_that_fails_is_blamed_and_the_engine_is_not() -> None:
    class Broken:
        uses_rng = False

        def reset(self, rows) -> None:  # type: ignore[no-untyped-def]
            pass

        def act(self, batch, rng):  # type: ignore[no-untyped-def]
            raise ValueError("no idea")

    arena = peer_arena("play")(1)
    arena.context.play.__dict__["load_agent"] = lambda name: Broken()
    spec = MatchSpec(
        1,
        MAP,
        ("scripted:expander", *(ORIGINAL_MINDS["tribes"],) * 3),
        MatchRules(max_ticks=60, n_seats=4),
    )
    (failed,) = play(arena.context, [spec], lambda ticks: None)
    assert isinstance(failed, JobError)
    assert failed.blamed == ("scripted:expander",)
    assert "no idea" in failed.error and 'raise ValueError("no idea")' in failed.traceback
    assert failed.fault == "match"
    arena.close(0.0)


def test_trouble_of_the_machine_is_told_from_a_members_own_with_a_traceback() -> None:
    def full(name: str) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    arena = peer_arena("play")(1)
    arena.context.play.__dict__["load_agent"] = full
    specs = [
        MatchSpec(1, MAP, (name,) * 2, MatchRules(max_ticks=20, n_seats=2))
        for name in ("snapshot:ab", "plugin:theirs")
    ]
    ours, theirs = play(arena.context, specs, lambda ticks: None)
    arena.close(0.0)
    assert isinstance(ours, JobError) and isinstance(theirs, JobError)
    assert (ours.fault, theirs.fault) == ("machine", "match")  # a plug-in's errors are its own
    assert "in full" in ours.traceback and ours.blamed == ("snapshot:ab",)


def test_a_match_that_cannot_begin_fails_alone() -> None:
    arena = peer_arena("play")(1)
    specs = [
        MatchSpec(1, place, (*("scripted:expander",) * 2,), MatchRules(max_ticks=20, n_seats=2))
        for place in ("no/such/map", MAP)
    ]
    bad, good = play(arena.context, specs, lambda ticks: None)
    assert isinstance(bad, JobError) and "no/such/map" in bad.error
    assert isinstance(good, MatchResult) and good.ticks == 20
    arena.close(0.0)


def test_who_could_not_be_loaded_is_not_blamed_for_another_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(process: EngineProcess, request: object) -> None:
        raise BridgeError("the original engine refuses 'step'")

    monkeypatch.setattr(EngineProcess, "board", refuse)
    arena = peer_arena("play")(1)
    specs = [
        MatchSpec(1, MAP, (name,) * 2, MatchRules(max_ticks=20, n_seats=2))
        for name in ("scripted:expander", "scripted:nobody")
    ]
    refused, unknown = play(arena.context, specs, lambda ticks: None)
    arena.close(0.0)
    assert isinstance(refused, JobError) and "refuses 'step'" in refused.error
    assert isinstance(unknown, JobError) and unknown.blamed == ("scripted:nobody",)
    assert refused.blamed == ()


def test_an_agent_of_another_edition_is_refused_in_every_match_with_a_sentence() -> None:
    class Newer:
        observation_version = 3

    arena = peer_arena("play")(1)
    arena.context.play.__dict__["load_agent"] = lambda name: Newer()
    specs = [MatchSpec(seed, MAP, ("plugin:newer",) * 2, MatchRules(n_seats=2)) for seed in (1, 2)]
    for outcome in play(arena.context, specs, lambda ticks: None):
        assert isinstance(outcome, JobError) and outcome.blamed == ("plugin:newer",)
        assert "plugin:newer reads observation version 3 and this match, of edition 2025" in (
            outcome.error
        )
    arena.close(0.0)


def test_seats_that_have_no_place_on_our_board_are_refused() -> None:
    with pytest.raises(MatchError, match=r"expected 2 to \d+ seats, found 900"):
        run_bridged_evaluation(
            EvaluateRequest("scripted:idle", "tribes", 1, 900),
            NO_BUNDLE,
            None,
            arena=peer_arena(""),
        )


def test_the_land_game_leaves_out_every_unit_that_the_adapter_can_build() -> None:
    adapter = (Path(bridge.__file__).with_name("adapter") / "edition_2026.mjs").read_text()
    units = re.search(r"const UNITS = \{ [.]{3}\S+, ([^}]*)\};", adapter)
    assert units is not None
    assert {*LAND_ONLY} == {*STRUCTURES, *re.findall(r"(\w+): ", units[1]), "alliances"}


def test_an_exact_interval_is_that_of_the_binomial() -> None:
    found = exact_interval(0, 48)
    assert found.low == 0.0
    assert found.high == pytest.approx(1.0 - 0.025 ** (1 / 48))  # none of 48: (1 - high)^48 = 2.5 %
    both = exact_interval(7, 10), exact_interval(3, 10)
    assert both[0].low == pytest.approx(1.0 - both[1].high)
    assert both[0].low == pytest.approx(0.348, abs=5e-4)  # as tables have it
