"""What a head-to-head remembers: interruptions, verdicts, an older version's matches."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from arena.replay import read_replay
from arena.territory.maps import expand_references
from db import queries
from db.session import open_writer, read_transaction, write_transaction
from league.errors import PitError, PitInterrupted
from league.folder.layout import LeagueFolder
from league.pit.length import PlannedLength
from league.pit.log import PitLog
from league.pit.plan import PitPlan
from league.pit.report import PitReport
from league.pit.run import PitRequest, plan_pit, run_pit
from league.pit.sprt import SprtSettings
from league.pit.table import laid
from league.viewer.found import find_match
from tests.league.pit.conftest import DiceArena

MAPS = ("generated:plains:64x64:1-2", "generated:lakes:64x64:1-2")
REQUEST = PitRequest("tribe", "scripted:idle", n_matches=40, maps=MAPS)


def play(request: PitRequest, folder: LeagueFolder | None, arena: DiceArena) -> PitReport:
    return run_pit(request, folder, arena=lambda n, settings: arena)


def test_an_interrupted_pit_reports_what_it_has_and_goes_on_to_the_same_numbers(
    quick_league: LeagueFolder, tmp_path: Path
) -> None:
    untouched = LeagueFolder(Path(shutil.copytree(quick_league.root, tmp_path / "copy")))
    broken = DiceArena(break_after=25)
    stopped = play(REQUEST, quick_league, broken)
    assert broken.closed and stopped.decision == "interrupted"
    assert 0 < stopped.n_matches < 40 and stopped.estimate.method == "anytime"
    rest = DiceArena()
    resumed = play(REQUEST, quick_league, rest)
    assert rest.played < 40  # what was complete was not played again
    whole = play(REQUEST, untouched, DiceArena())
    assert resumed.estimate == whole.estimate and resumed.histogram == whole.histogram
    assert resumed.look == 1  # an interruption is no verdict


def test_an_interruption_before_the_first_pair_is_a_sentence(quick_league: LeagueFolder) -> None:
    with pytest.raises(PitInterrupted, match="same command again") as caught:
        play(REQUEST, quick_league, DiceArena(break_after=0))
    assert caught.value.exit_code == 130


def test_verdicts_of_longer_runs_allow_for_those_before(quick_league: LeagueFolder) -> None:
    looks = []
    for n_matches in (40, 40, 80, 40, 160):
        report = play(replace(REQUEST, n_matches=n_matches), quick_league, DiceArena())
        looks.append((report.look, round(1 - report.estimate.confidence, 4)))
    assert looks == [(1, 0.041), (1, 0.041), (2, 0.0035), (1, 0.041), (3, 0.0018)]
    elsewhere = play(replace(REQUEST, seed=1000), quick_league, DiceArena())
    assert elsewhere.look == 1


def test_a_verdict_of_sprt_counts_as_a_look_too(quick_league: LeagueFolder) -> None:
    sprt = replace(REQUEST, n_matches=None, cap=60, sprt=SprtSettings(0, 20))
    assert play(sprt, quick_league, DiceArena()).look == 1
    assert play(replace(REQUEST, n_matches=80), quick_league, DiceArena()).look == 2


def test_without_a_league_nothing_is_remembered_and_that_is_said() -> None:
    report = play(REQUEST, None, DiceArena())
    assert not report.remembered and report.look == 1


def test_a_pair_with_a_failed_match_is_played_again(quick_league: LeagueFolder) -> None:
    arena = DiceArena(broken=(3, 4))  # seed 1, part 1; seed 2, part 0
    report = play(REQUEST, quick_league, arena)
    assert report.n_failed == 2 and sum(report.crashes.values()) == 2
    assert report.n_matches == 40 and arena.played == 44
    again = play(REQUEST, quick_league, DiceArena())
    assert again.estimate == report.estimate and again.n_failed == 2


def test_three_failures_of_a_pair_end_it(quick_league: LeagueFolder) -> None:
    class Hopeless(DiceArena):
        def poll(self, timeout_s: float):  # type: ignore[no-untyped-def]
            self.broken = {job_id for job_id, _ in self._waiting}
            return super().poll(timeout_s)

    with pytest.raises(PitError, match="failed 3 times: it broke"):
        play(REQUEST, quick_league, Hopeless())


def test_matches_that_an_older_version_planned_otherwise_are_left_aside_and_said(
    quick_league: LeagueFolder,
) -> None:
    with laid((REQUEST.a, REQUEST.b), MAPS, quick_league) as table:
        assert table.maps != table.listed_maps == tuple(expand_references(MAPS))
        old = PitPlan(*table.sides, table.listed_maps, table.rules, table.views)
        log = PitLog(table.engine, quick_league, old)  # type: ignore[arg-type]
        from tests.league.daemon.scripted import result

        log.record(1, [result(old.spec(1, half)) for half in (0, 1)])
    said: list[str] = []
    run_pit(REQUEST, quick_league, say=said.append, arena=lambda n, settings: DiceArena())
    assert len(said) == 1 and said[0].startswith("2 matches of this head-to-head were played by an")
    said.clear()
    run_pit(
        replace(REQUEST, maps=MAPS[:1]),
        quick_league,
        say=said.append,
        arena=lambda n, settings: DiceArena(),
    )
    assert not said


def test_half_a_pair_of_a_killed_run_is_no_evidence(quick_league: LeagueFolder) -> None:
    report = play(replace(REQUEST, n_matches=4), quick_league, DiceArena())
    engine = open_writer(quick_league.sqlite)
    with write_transaction(engine) as session:
        last = queries.list_matches(session, purpose="pit")[-1]
        session.connection().exec_driver_sql(f"DELETE FROM seats WHERE match_id = {last.id}")
        session.connection().exec_driver_sql(f"DELETE FROM matches WHERE id = {last.id}")
    with read_transaction(engine) as session:
        assert len(queries.list_matches(session, purpose="pit")) == 3
    with laid((REQUEST.a, REQUEST.b), MAPS, quick_league) as table:
        plan = PitPlan(*table.sides, table.maps, table.rules, table.views)
        log = table.log(plan)
        assert log is not None
        pairs, _, _ = log.load(range(1, 3))
    engine.dispose()
    assert len(pairs) == 1 and report.n_matches == 4


def test_a_plan_measures_speed_on_pairs_that_count(quick_league: LeagueFolder) -> None:
    def make(n_workers: int, settings: object) -> DiceArena:
        return DiceArena()

    found = plan_pit(REQUEST, 25.0, quick_league, arena=make)
    assert isinstance(found, PlannedLength) and found.n_pairs == 8 and found.matches_per_s > 0
    arena = DiceArena()
    play(REQUEST, quick_league, arena)
    assert arena.played == 24  # 16 of the 40 were played for the plan
    again = plan_pit(REQUEST, 25.0, quick_league, arena=make)
    assert again.n_pairs == 28  # 20 of the head-to-head, 8 for the speed
    json.dumps(again.fixed)


def test_a_report_names_the_matches_of_its_league_to_watch(quick_league: LeagueFolder) -> None:
    report = play(replace(REQUEST, n_matches=4), quick_league, DiceArena())
    # two pairs are the first four matches of this league; a longer run names the new ones too
    assert report.watch == ("1", "2", "3", "4")
    longer = play(replace(REQUEST, n_matches=6), quick_league, DiceArena())
    assert len(longer.watch) == 6 and longer.watch[:4] == report.watch
    # and no shorter one those that it did not judge
    assert play(replace(REQUEST, n_matches=2), quick_league, DiceArena()).watch == ("1", "2")
    found = find_match(longer.watch[-1], quick_league)
    assert set(found.names) == {"tribe", "idle"}


def test_without_a_league_matches_are_kept_where_the_user_says(tmp_path: Path) -> None:
    request = replace(REQUEST, a="scripted:tribe", n_matches=4)
    assert play(request, None, DiceArena()).watch == ()
    folder = tmp_path / "kept"
    report = play(replace(request, replays=folder), None, DiceArena())
    names = ["1-0.replay", "1-1.replay", "2-0.replay", "2-1.replay"]
    assert report.watch == tuple(str(folder / name) for name in names)
    label = read_replay(Path(report.watch[1])).label
    assert set(label.names) == {"scripted:tribe", "scripted:idle"}
