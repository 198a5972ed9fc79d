"""A league that was restored from a backup goes on from there."""

from __future__ import annotations

from pathlib import Path

from arena.replay import read_replay
from db import queries
from db.session import open_writer, read_transaction
from league.daemon.manager import Manager
from league.folder.backup import back_up, restore
from league.folder.layout import LeagueFolder
from league.folder.rerate import rerate
from tests.league.daemon.scripted import League, ScriptedArena, ScriptedProcess, new_league


def start_manager(league: League, arena: ScriptedArena) -> Manager:
    return Manager(
        league.folder,
        league.config,
        league.engine,
        arena=arena,
        launch=lambda name, orders: ScriptedProcess(),
    )


def test_a_restored_league_goes_on_from_the_backup(tmp_path: Path) -> None:
    with new_league(tmp_path / "league") as league:
        arena = ScriptedArena()
        manager = start_manager(league, arena)
        manager.turn(0.0)
        first, second, *running = [job_id for job_id, _, _ in arena.submitted]
        arena.finish(first)
        manager.turn(0.0)
        made = back_up(league.folder, tmp_path / "copy").path
        arena.finish(second)  # after the backup: played again in the restored league
        manager.turn(0.0)

    folder = LeagueFolder(restore(made, tmp_path / "restored").path)
    engine = open_writer(folder.database(), create=False)
    arena = ScriptedArena()
    manager = start_manager(League(folder, league.config, engine), arena)
    manager.turn(0.0)
    job_ids = [job_id for job_id, _, _ in arena.submitted]
    assert job_ids[:3] == [second, *running][:3] and first not in job_ids
    arena.finish(*job_ids)
    manager.turn(0.0)
    with read_transaction(engine) as session:
        finished = queries.list_matches(session, status="finished")
        assert queries.rating_log_is_gap_free(session)
    engine.dispose()
    assert {match.id for match in finished} == {first, *job_ids}
    for match in finished:
        assert match.replay_path is not None and read_replay(folder.inside(match.replay_path))
    assert rerate(folder).first_difference_seq is None
