"""`league pit` on real workers: scripted agents on a small map."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from agents.registry import make_loader
from agents.snapshots import SnapshotStore
from arena.match import MatchFailure, MatchResult, MatchSpec, play_matches
from arena.processes.jobs import Failed
from arena.replay import read_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import SMALL_VIEWS, Views
from db import queries
from db.session import open_reader, open_writer, read_transaction, write_transaction
from league.cli.main import main
from league.errors import PitError
from league.folder.layout import LeagueFolder
from league.pit.log import PitLog
from league.pit.plan import PitPlan, check_seats
from league.pit.run import PitRequest, run_pit
from league.pit.sides import Side, side_without_league
from league.pit.table import laid
from tests.league.daemon.scripted import result
from tests.league.tiny_snapshots import tiny_description, tiny_network, tiny_of_2026

RULES = MatchRules(max_ticks=200, n_seats=4)
PLAN = PitPlan(
    a=Side("a", "scripted:tribe"),
    b=Side("b", "scripted:idle"),
    maps=("generated:plains:64x64:1", "generated:lakes:64x64:2"),
    rules=RULES,
    views=Views(),
)
FIELD = (Side("c", "scripted:random"), Side("d", "scripted:turtle"))


def test_the_second_match_of_a_pair_exchanges_all_seats() -> None:
    first, second = PLAN.labels(7, 0), PLAN.labels(7, 1)
    assert first == ("A", "B", "A", "B") and second == ("B", "A", "B", "A")
    specs = [PLAN.spec(7, half) for half in (0, 1)]
    assert specs[0].agents == tuple(reversed(specs[1].agents))
    assert specs[0].seed == specs[1].seed == 7 and specs[0].map == specs[1].map == PLAN.maps[1]


def test_in_a_field_every_seat_is_drawn_and_a_and_b_exchange_theirs() -> None:
    plan = PitPlan(PLAN.a, PLAN.b, PLAN.maps, RULES, PLAN.views, FIELD)
    seatings = set()
    for seed in range(200):
        first, second = plan.labels(seed, 0), plan.labels(seed, 1)
        assert [{"A": "B", "B": "A"}.get(each or "", each) for each in first] == list(second)
        names = [side.name for side in plan.line_up(seed, 0)]
        assert sorted(names) == ["a", "b", "c", "d"]
        mirrored = [{"a": "b", "b": "a"}.get(name, name) for name in names]
        assert [side.name for side in plan.line_up(seed, 1)] == mirrored
        seatings.add(tuple(names))
    assert len(seatings) == 24  # all orders of four occur among 200


def test_a_and_b_share_the_seats_that_a_smaller_field_leaves() -> None:
    rules = MatchRules(max_ticks=200, n_seats=6)
    plan = PitPlan(PLAN.a, PLAN.b, PLAN.maps, rules, PLAN.views, FIELD)
    for seed in range(20):
        first, second = plan.labels(seed, 0), plan.labels(seed, 1)
        assert Counter(first) == {"A": 2, "B": 2, None: 2}
        assert [{"A": "B", "B": "A"}.get(each or "", each) for each in first] == list(second)
    assert plan.setting([1]).startswith("6 seats, 2A+2B among 2 scripted, ")


def test_what_version_0_1_0_began_has_the_same_key_where_it_is_planned_alike() -> None:
    # keys that version 0.1.0 gave
    assert PLAN.series_key == "pit-84efe6296291c11c55159a9ab3420e11"
    assert PLAN.part_key(3, 1) == ("pit-84efe6296291c11c55159a9ab3420e11:3", 1)
    in_a_field = PitPlan(PLAN.a, PLAN.b, PLAN.maps, RULES, PLAN.views, FIELD)
    before = "pit-5215544bf4f210cef11b6310ee69b52d"
    assert in_a_field.key_before(PLAN.maps) == before != in_a_field.series_key


def test_keys_follow_what_is_played_and_not_what_it_is_called() -> None:
    renamed = PitPlan(Side("x", "scripted:tribe"), PLAN.b, PLAN.maps, RULES, PLAN.views)
    longer = PitPlan(PLAN.a, PLAN.b, PLAN.maps, MatchRules(300, 10, 4), PLAN.views)
    swapped = PitPlan(PLAN.b, PLAN.a, PLAN.maps, RULES, PLAN.views)
    assert renamed.series_key == PLAN.series_key
    assert len({PLAN.series_key, longer.series_key, swapped.series_key}) == 3


def test_seats_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(PitError, match="even number of seats"):
        check_seats(MatchRules(n_seats=5), with_field=False)
    check_seats(MatchRules(n_seats=5), with_field=True)


def test_tribe_beats_wait_and_the_same_command_goes_on(
    quick_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["pit", "tribe", "scripted:idle", "--json", "--workers", "1"]
    command += ["--league", str(quick_league.root)]
    assert main([*command, "--matches", "4"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["estimate"]["score"] > 0.5 and first["n_matches"] == 4
    assert first["setting"] == "4 seats, 2A+2B, map generated:plains:64x64:1, seeds 1..2"
    assert main([*command, "--matches", "4"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["estimate"] == first["estimate"] and again["matches_per_s"] is None

    engine = open_reader(quick_league.sqlite)
    with read_transaction(engine) as session:
        matches = queries.list_matches(session, purpose="pit")
        guest = queries.member_by_name(session, "idle")
        assert queries.rating_log_is_gap_free(session)
        assert not queries.latest_ratings(session, matches[0].rules_sha256)
    engine.dispose()
    assert len(matches) == 4 and guest is not None and guest.status == "guest"
    number = str(matches[0].id)
    assert main(["replay", "verify", number, "--league", str(quick_league.root)]) == 0


@pytest.mark.parametrize("name", ["idle", "wait"])
def test_without_a_league_a_scripted_agent_may_be_named_alone(name: str, tmp_path: Path) -> None:
    assert side_without_league(name, tmp_path) == Side(f"scripted:{name}", "scripted:idle")


def test_an_undecided_sprt_stops_at_the_cap_with_exit_code_4(
    quick_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(quick_league.root), "--workers", "1"]
    # 2 pairs are fewer than the 16 that a decision needs
    assert main(["pit", "tribe", "scripted:idle", "--cap", "4", *there]) == 4
    assert "undecided" in capsys.readouterr().out


def test_a_failed_match_is_counted_and_its_pair_can_be_played_again(
    quick_league: LeagueFolder,
) -> None:
    engine = open_writer(quick_league.sqlite)
    with write_transaction(engine) as session:
        member = queries.resolve_member(session, "tribe")
    side = Side(member.name, member.agent_spec, member.id)
    plan = PitPlan(side, side, ("generated:plains:64x64:1",), RULES, PLAN.views)
    log = PitLog(engine, quick_league, plan)
    log.record_failure(3, 0, Failed(6, "it broke", "", "match", ("scripted:tribe",)))
    log.record_failure(3, 0, Failed(6, "it broke", "", "match", ("scripted:tribe",)))
    pairs, crashes, n_failed = log.load([3])
    assert (pairs, crashes, n_failed) == ({}, {"tribe": 2}, 2)
    engine.dispose()


def test_the_replays_of_a_pair_and_their_folder_are_on_disk_before_its_rows(
    quick_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_writer(quick_league.sqlite)
    with write_transaction(engine) as session:
        member = queries.resolve_member(session, "tribe")
    side = Side(member.name, member.agent_spec, member.id)
    plan = PitPlan(side, side, ("generated:plains:64x64:1",), RULES, PLAN.views)
    steps: list[str] = []

    def fsync(handle: int) -> None:
        inode = os.fstat(handle).st_ino
        folders = (quick_league.replays, quick_league.replays / "pit")
        steps.extend(path.name for path in folders if path.stat().st_ino == inode)

    monkeypatch.setattr("arena.files.os.fsync", fsync)
    event.listen(engine, "commit", lambda connection: steps.append("commit"))
    PitLog(engine, quick_league, plan).record(3, [result(plan.spec(3, h)) for h in (0, 1)])
    engine.dispose()
    # the new folder's name, the names of the replays (tests/arena/test_files.py: after their bytes)
    assert steps == ["replays", "pit", "commit"]
    for path in (quick_league.replays / "pit").iterdir():
        label = read_replay(path).label
        assert label.names == ("tribe",) * RULES.n_seats and label.rules_sha256 == RULES.sha256()


def test_a_pit_without_a_league_needs_only_specs() -> None:
    request = PitRequest(
        "scripted:expander",
        "scripted:idle",
        n_matches=2,
        maps=("generated:plains:64x64:1",),
        n_workers=1,
    )
    lines: list[str] = []
    report = run_pit(request, None, lambda progress: lines.append(progress.line()))
    assert report.a == "scripted:expander" and report.n_matches == 2
    assert report.setting == "10 seats, 5A+5B, map generated:plains:64x64:1, seeds 1..1"
    assert len(lines) == 1 and lines[0].startswith("1 of 1 pairs, A scores ")
    assert not report.remembered


def test_without_a_league_snapshots_of_two_observation_versions_meet_and_each_reads_its_own(
    tmp_path: Path,
) -> None:
    files = []
    for version in (1, 2):
        views = replace(SMALL_VIEWS, observation_version=version)
        description = tiny_description(observation_version=version, shapes=views.shapes())
        store = SnapshotStore(tmp_path / f"of-version-{version}")
        sha256 = store.save(tiny_network(description).state_dict(), description)
        files.append(str(store.path(sha256)))
    maps = ["generated:plains:64x64:1"]
    with laid(files, maps, None) as table:
        assert table.views == SMALL_VIEWS  # version 2, of which version 1 is a part
        rules = MatchRules(max_ticks=100, n_seats=2)
        agents = tuple(side.agent_spec for side in table.sides)
        spec = MatchSpec(1, maps[0], agents, rules, table.views)
        load = make_loader(snapshots=Path(str(table.settings["snapshots"])))
        (outcome,) = play_matches([spec], load, load_map)
        assert isinstance(outcome, MatchResult), outcome
    with laid(files[:1], maps, None) as table:
        assert table.views.observation_version == 1


def test_without_a_league_snapshots_of_2026_play_its_rules_and_meet_no_others(
    tmp_path: Path,
) -> None:
    files = []
    for name, description in (("old", tiny_description()), ("new", tiny_of_2026())):
        store = SnapshotStore(tmp_path / name)
        sha256 = store.save(tiny_network(description).state_dict(), description)
        files.append(str(store.path(sha256)))
    maps = ["generated:plains:64x64:1"]
    with laid(files[1:], maps, None) as table:
        assert (table.rules.edition, table.views.n_actions) == ("2026", 71)
    refused = r"version 2 of edition 2025; .*version 3 of edition 2026"
    with pytest.raises(PitError, match=refused), laid(files, maps, None):
        pass
    # A match of another edition says so before its first decision.
    load = make_loader(snapshots=tmp_path / "old")
    spec = MatchSpec(
        1,
        maps[0],
        (f"snapshot:{Path(files[0]).stem}",) * 2,
        MatchRules(max_ticks=100, n_seats=2, edition="2026"),
    )
    (outcome,) = play_matches([spec], load, load_map)
    assert isinstance(outcome, MatchFailure) and outcome.blamed == spec.agents[:1]
    assert "reads observation version 2 and this match, of edition 2026, shows" in outcome.error
