"""What `league doctor --repair` heals, what it leaves alone, and what it says."""

from __future__ import annotations

import sqlite3

import pytest

from arena.match import MatchResult
from db import queries
from league.cli.main import main
from league.daemon.lock import hold_lock
from league.folder.connect import reading
from league.folder.doctor import examine, repair
from league.folder.layout import LeagueFolder
from tests.league.folder.test_doctor import WEIGHTS, _about, _change, _snapshot, _with_replays
from tests.league.folder.test_doctor import healthy as healthy
from tests.league.folder.test_doctor import match as match


def test_a_healthy_league_is_not_touched(healthy: LeagueFolder) -> None:
    before = {path: path.stat().st_mtime_ns for path in healthy.root.rglob("*.toml")}
    assert repair(healthy) == []
    assert before == {path: path.stat().st_mtime_ns for path in healthy.root.rglob("*.toml")}


@pytest.mark.parametrize("text", ["", "seed = [", 'preset = "small"\n\x00'])
def test_damaged_settings_come_back_from_the_database(healthy: LeagueFolder, text: str) -> None:
    whole = healthy.toml.read_text()
    healthy.toml.write_text(text)
    (said,) = repair(healthy)
    assert said.startswith("wrote league.toml from the settings of the newest start")
    assert healthy.toml.read_text() == whole
    (kept,) = healthy.root.glob("league.toml.damaged-*")
    assert kept.read_text() == text
    assert not any(finding.is_wrong for finding in examine(healthy))


def test_a_damaged_snapshot_comes_back_from_a_backup(healthy: LeagueFolder) -> None:
    path = _snapshot(healthy)
    bad, good = (healthy.backups / name / "snapshots" / path.name for name in ("2", "1"))
    for copy, raw in ((bad, b"also damaged"), (good, WEIGHTS)):
        copy.parent.mkdir(parents=True)
        copy.write_bytes(raw)
    path.write_bytes(b"")
    (said,) = repair(healthy)
    assert said.endswith(f"from {good}")
    assert path.read_bytes() == WEIGHTS


def test_without_a_good_copy_the_member_rests_and_the_journal_says_why(
    healthy: LeagueFolder,
) -> None:
    _snapshot(healthy).unlink()
    (said,) = repair(healthy)
    assert said.startswith("attention-0001 is quarantined: its snapshot")
    with reading(healthy) as session:
        assert queries.resolve_member(session, "attention-0001").status == "quarantined"
        assert queries.list_events(session, limit=1)[0].message == said
    assert repair(healthy) == []  # said once


def test_lost_replays_are_noted_and_results_stay(healthy: LeagueFolder, match: MatchResult) -> None:
    first, second, third = _with_replays(healthy, match)
    backup = LeagueFolder(healthy.backups / "1")
    backup.replays.mkdir(parents=True)
    backup.toml.write_text("")
    (backup.replays / second.name).write_bytes(second.read_bytes())
    first.write_bytes(b"")
    second.unlink()
    restored, lost = repair(healthy)
    assert restored == "brought 1 replays back from backups"
    assert lost == "1 replays are lost (1); results and ratings of these matches stay"
    assert second.read_bytes() == third.read_bytes()
    assert _about(healthy, "replays").ok
    with reading(healthy) as session:
        assert queries.get_match(session, 1).status == "finished"
        assert len(queries.match_seats(session, 1)) == 4


def test_a_finished_match_that_was_planned_again_counts_as_finished(
    healthy: LeagueFolder,
) -> None:
    # What two daemons on one database left behind: status planned, seats and ratings in place.
    _change(healthy, "UPDATE matches SET status = 'planned' WHERE id = 2")
    assert repair(healthy) == [
        "match 2 is planned and has 4 seats and 4 ratings; its result is whole: it counts as "
        "finished"
    ]
    with reading(healthy) as session:
        assert queries.get_match(session, 2).status == "finished"
    assert not any(finding.is_wrong for finding in examine(healthy))


def test_unfinished_files_of_the_dead_go_and_those_of_the_living_stay(
    healthy: LeagueFolder,
) -> None:
    dead = healthy.snapshots / ".writing-999999999-00ff"
    living = healthy.replays / ".writing-1-00ff"  # process 1 always runs
    dead.mkdir()
    living.write_bytes(b"half")
    assert repair(healthy) == [f"removed {dead}, which its writer left unfinished"]
    assert living.exists() and not dead.exists()


def test_a_password_is_made_its_owners_alone(healthy: LeagueFolder) -> None:
    text = healthy.toml.read_text()
    url = "postgresql://me:secret@localhost/league"
    healthy.toml.write_text(text.replace('url = "off"', f'url = "{url}"', 1))
    healthy.toml.chmod(0o644)
    assert _about_permissions(healthy) == "WRONG"
    healthy.sqlite.unlink()  # the database is on the server now: nothing else to repair here
    from league.folder.doctor.repair import _close_settings

    assert [*_close_settings(healthy)] == [
        "made league.toml, which holds a password, readable by its owner alone"
    ]
    assert healthy.toml.stat().st_mode & 0o777 == 0o600
    assert _about_permissions(healthy) == "ok"


def _about_permissions(folder: LeagueFolder) -> str:
    from datetime import UTC, datetime

    from league.folder.doctor.findings import Case
    from league.folder.doctor.settings import check_permissions

    nothing: object = None
    case = Case(folder, nothing, [], None, None, False, datetime.now(UTC))  # type: ignore[arg-type]
    return check_permissions(case).level


def test_a_repair_is_refused_while_the_daemon_runs(
    healthy: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    _snapshot(healthy).unlink()
    with hold_lock(healthy):
        assert main(["doctor", "--repair", "--league", str(healthy.root)]) == 2
    assert "already running" in capsys.readouterr().err
    with sqlite3.connect(healthy.sqlite) as connection:
        assert connection.execute(
            "SELECT count(*) FROM members WHERE status = 'quarantined'"
        ).fetchone() == (0,)
    connection.close()


def test_the_command_says_what_was_done_and_what_is_left(
    healthy: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--repair", "--league", str(healthy.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "done   nothing: there was nothing that could be healed"
    assert "ok     rating log: without a gap" in lines
    assert {line.split()[0] for line in lines} <= {"done", "ok", "note"}
    _change(healthy, "UPDATE ratings SET mu = mu + 1 WHERE seq = 9")
    assert main(["doctor", "--repair", "--league", str(healthy.root)]) == 1
    assert "WRONG  ratings: differ from their replay at seq 9" in capsys.readouterr().out
