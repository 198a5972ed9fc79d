"""`league evaluate`: one member among seats of one kind in our engine, in a league and without."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.errors import AgentError
from agents.registry import make_loader
from arena.processes.jobs import Done, Failed
from arena.replay import read_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.bridge.evaluate import ORIGINAL_MINDS, plan_bridged
from league.cli import words
from league.cli.main import main
from league.errors import MatchesFailedError, PitError, PitInterrupted
from league.evaluation.plan import AGAINST, EvaluateRequest
from league.evaluation.run import OUR_MINDS, plan_evaluation, run_evaluation
from league.evaluation.text import format_evaluation
from league.folder.layout import LeagueFolder
from league.matches.worker import cached_maps
from league.pit.play import Play
from league.pit.sides import Side
from league.pit.table import Game, Table
from league.python.playing import OwnProcess
from tests.league.daemon.scripted import result
from tests.league.pit.conftest import DiceArena, make_quick_league

MAP = "generated:plains:64x64:1"
REQUEST = EvaluateRequest("expander", "idle", 3, 4, 60, (MAP,), 11)


def here(n_workers: int, settings: object = None) -> OwnProcess:
    return OwnProcess(make_loader(None), cached_maps(None))


@pytest.fixture
def quick_league(tmp_path: Path) -> LeagueFolder:
    return make_quick_league(tmp_path / "league")


def test_an_expander_is_first_among_the_idle_and_its_report_says_so() -> None:
    seen: list[tuple[int, int, float, float]] = []
    report = run_evaluation(REQUEST, None, lambda *now: seen.append(now), arena=here)
    assert report.places == (1, 1, 1) and report.exit_code == 0
    assert report.firsts.low == pytest.approx(0.025 ** (1 / 3))  # three of three: low^3 = 2.5 %
    assert seen == [(1, 3, 1.0, 1.0), (2, 3, 2.0, 1.0), (3, 3, 3.0, 1.0)]
    lines = format_evaluation(report)
    assert lines[0] == "scripted:expander against idle, edition 2025"
    assert lines[1].startswith("First: 3 of 3 matches, 100.0 % [29.2, 100.0]   Mean place: 1.00 [1")
    assert lines[2].startswith(f"Played: 4 seats, 60 ticks, map {MAP}, seeds 11..13   Failed")


def test_the_idle_among_expanders_is_last_and_the_same_seeds_are_the_same_matches() -> None:
    request = replace(REQUEST, member="scripted:idle", against="expander")
    first = run_evaluation(request, None, arena=here)
    assert first.places == (4, 4, 4) and first.firsts.share == 0.0
    later = run_evaluation(replace(request, seed=12, n_matches=1), None, arena=here)
    assert later.place.mean == 4.0 and later.setting.endswith("seeds 12..12")


def test_nations_are_met_by_the_preset_real_and_the_matches_can_be_watched(tmp_path: Path) -> None:
    request = replace(REQUEST, against="nations:hard", n_matches=1)
    report = run_evaluation(request, None, arena=here, replays=tmp_path / "kept")
    assert report.edition == "2026" and report.n_seats == 4
    (file,) = report.watch
    assert f"Watch: league replay show {file}" in format_evaluation(report)[-1]
    replay = read_replay(Path(file))
    assert replay.spec.agents == ("scripted:expander", *("scripted:nation-hard",) * 3)
    assert replay.spec.terms == ("", *("nation-hard",) * 3)
    assert replay.spec.rules.ticks_per_decision == 25  # of the preset real


def test_a_league_is_played_by_its_own_rules_and_maps_and_only_read(
    quick_league: LeagueFolder,
) -> None:
    before = {path: path.read_bytes() for path in quick_league.root.rglob("*") if path.is_file()}
    request = EvaluateRequest("tribe", "expander", 4)  # expander is not a member there
    report = run_evaluation(request, quick_league, arena=lambda n, settings: DiceArena())
    assert (report.n_seats, report.member, report.against) == (4, "tribe", "expander")
    assert report.setting == f"4 seats, 200 ticks, map {MAP}, seeds 1..4"
    after = {path: path.read_bytes() for path in quick_league.root.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    with pytest.raises(PitError, match="expected the rules of the league"):
        run_evaluation(replace(request, game=Game("real")), quick_league, arena=here)


def test_nations_are_refused_in_a_league_of_the_edition_without_them(
    quick_league: LeagueFolder,
) -> None:
    for name in ("nations:easy", "nation"):
        with pytest.raises(AgentError, match="leagues of edition 2026 alone"):
            run_evaluation(EvaluateRequest("tribe", name), quick_league, arena=here)


def test_both_engines_play_the_same_plan() -> None:
    assert set(OUR_MINDS) == set(ORIGINAL_MINDS) == set(AGAINST) == set(words.AGAINST)
    rules = MatchRules(n_seats=6, max_ticks=900, edition="2026")
    member, tribe = Side("me", "scripted:expander"), Side("tribe", "scripted:bot")
    table = Table((member, tribe), (MAP,), (MAP,), rules, Views().of_edition("2026"), {})
    request = EvaluateRequest("me", "tribes", 5, None, 700, (), 3)
    ours, theirs = plan_evaluation(request, table), plan_bridged(request, table, "2026")
    assert ours.rules == theirs.rules == replace(rules, max_ticks=700)
    for seed in request.seeds:
        assert ours.labels(seed, 0) == theirs.labels(seed, 0) == ("A", *(None,) * 5)
        one, other = ours.spec(seed, 0), theirs.spec(seed, 0)
        assert one.agents == ("scripted:expander", *("scripted:bot",) * 5)
        assert other.agents == ("scripted:expander", *("engine:tribe",) * 5)
        assert replace(other, agents=one.agents, terms=one.terms) == one


class Failing(DiceArena):
    """The first `n_good` matches are played, every other one fails and `blamed` are accused."""

    def __init__(self, n_good: int, *blamed: str) -> None:
        super().__init__()
        self.n_good, self.blamed = n_good, blamed

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        job_id, spec = self._waiting.pop(0)
        self.played += 1
        if self.played <= self.n_good:
            return [Done(job_id, result(spec))]
        return [Failed(job_id, "it broke", "", "match", self.blamed)]


@pytest.mark.parametrize(("blamed", "code"), [((), 70), (("scripted:expander",), 2)])
def test_what_was_played_before_matches_failed_is_reported(
    blamed: tuple[str, ...], code: int
) -> None:
    request = replace(REQUEST, n_matches=6)
    report = run_evaluation(request, None, arena=lambda n, settings: Failing(2, *blamed))
    assert report.n_matches == 2 and report.exit_code == code
    assert "Ended after 2 of 6 matches: the matches of seed" in format_evaluation(report)[3]


def test_nothing_played_is_an_error_with_the_same_exit_code() -> None:
    with pytest.raises(MatchesFailedError, match="it broke") as caught:
        run_evaluation(REQUEST, None, arena=lambda n, settings: Failing(0))
    assert caught.value.exit_code == 70
    with pytest.raises(PitError, match="it broke") as blaming:
        run_evaluation(REQUEST, None, arena=lambda n, settings: Failing(0, "scripted:expander"))
    assert blaming.value.exit_code == 2
    with pytest.raises(PitInterrupted) as stopped:
        run_evaluation(REQUEST, None, arena=lambda n, settings: DiceArena(break_after=0))
    assert stopped.value.exit_code == 130


def test_an_interruption_reports_what_was_played() -> None:
    report = run_evaluation(
        replace(REQUEST, n_matches=40), None, arena=lambda n, settings: DiceArena(break_after=20)
    )
    assert report.interrupted and 0 < report.n_matches < 40 and report.exit_code == 130


def test_the_command_prints_what_it_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Play, "_local_arena", lambda self, n_workers: here(n_workers))
    command = ["evaluate", "expander", "--against", "idle", "--matches", "2", "--seats", "4"]
    command += ["--ticks", "60", "--map", MAP]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "league-evaluate/1" and found["places"] == [1, 1]
    assert main([*command, "--set", "rules.max_ticks=100"]) == 0  # --ticks goes before
    assert "4 seats, 60 ticks" in capsys.readouterr().out
