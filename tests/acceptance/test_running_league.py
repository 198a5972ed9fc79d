"""A whole league, run as a user runs it: started, watched, killed, started again, stopped."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from arena.replay import verify
from db import queries
from db.session import open_reader, read_transaction
from league.folder.layout import LeagueFolder
from league.inspect.look import find_replay, map_loader
from league.rating.replay import first_difference
from tests.acceptance.conftest import end, league, n_matches, report, reported, start, wait_until

# Limits, not expectations: alone on two cores the first test takes about 50 s.
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]


def _trained(root: Path) -> bool:
    """Whether both families have a trained snapshot and matches were rated."""
    if n_matches(root) < 8:
        return False
    trained = {m["family"] for m in report(root)["members"] if m["trained_decisions"] > 0}
    return trained == {"attention", "baseline"}


def _check_books(root: Path) -> None:
    """Every finished rating match is rated exactly once, and the ratings follow from the log."""
    connection = sqlite3.connect(f"file:{root / 'league.db'}?mode=ro", uri=True)
    with connection:
        unrated = connection.execute(
            "select count(*) from seats s join matches m on m.id = s.match_id "
            "where m.purpose = 'rating' and m.status = 'finished' and s.rated "
            "and (select count(*) from ratings r where r.match_id = m.id "
            "and r.member_id = s.member_id) != 1"
        ).fetchone()[0]
        orphans = connection.execute(
            "select count(*) from ratings r join matches m on m.id = r.match_id "
            "where m.status != 'finished'"
        ).fetchone()[0]
        rules = connection.execute("select distinct rules_sha256 from ratings").fetchone()[0]
    connection.close()
    assert unrated == 0
    assert orphans == 0
    engine = open_reader(root / "league.db")
    with read_transaction(engine) as session:
        assert queries.rating_log_is_gap_free(session)
        assert first_difference(queries.rating_log(session, rules)) is None
    engine.dispose()


def test_a_killed_league_goes_on_where_it_was_and_loses_or_doubles_no_match(running: Any) -> None:
    process, root = running
    wait_until(lambda: _trained(root), 400, "a trained snapshot of each family")
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(2.5)
    left = subprocess.run(["pgrep", "-f", str(root)], capture_output=True, text=True, check=False)
    assert left.stdout == "", "workers and learners leave within 2 s when the daemon dies"

    assert league("status", "--league", str(root)).returncode == 3
    _check_books(root)
    before = reported(root)
    decisions = {learner["name"]: learner["trained_decisions"] for learner in before["learners"]}
    assert min(decisions.values()) > 0

    again = start(root)
    try:
        wait_until(lambda: n_matches(root) > before["matches"] + 8, 300, "more rated matches")
        wait_until(
            lambda: all(
                learner["trained_decisions"] > decisions[learner["name"]]
                for learner in report(root)["learners"]
            ),
            300,
            "training beyond the checkpoint",
        )
        assert league("status", "--league", str(root)).returncode == 0
        refused = league("start", "--league", str(root))
        assert refused.returncode == 2
        assert "is already running" in refused.stderr
        again.send_signal(signal.SIGTERM)
        assert again.wait(timeout=60) == 0
    finally:
        end(again)
    _check_books(root)
    log = (root / "logs" / "league.log").read_text()
    assert "resumed from the checkpoint" in log
    connection = sqlite3.connect(root / "league.db")
    running_now = connection.execute("select count(*) from matches where status = 'running'")
    assert running_now.fetchone()[0] == 0
    replays = connection.execute(
        "select id from matches where status = 'finished' order by id desc limit 3"
    ).fetchall()
    connection.close()
    done = league("replay", "verify", str(replays[0][0]), "--league", str(root))
    assert done.returncode == 0, done.stderr
    for (match_id,) in replays:
        recorded, _ = find_replay(str(match_id), LeagueFolder.at(root))
        verify(recorded, map_loader(str(match_id), root))


def test_a_detached_league_answers_status_and_stop(tmp_path: Path) -> None:
    root = tmp_path / "league"
    began = league(
        "start",
        "--detach",
        "--league",
        str(root),
        "--set",
        "learners=[]",
        "--set",
        "rules.max_ticks=100",
        "--set",
        "maps.rate=['generated:plains:64x64:1']",
    )
    assert began.returncode == 0, began.stderr
    assert int(began.stdout) > 0
    try:
        assert league("status", "--league", str(root)).returncode == 0
        wait_until(lambda: n_matches(root) >= 4, 240, "rated matches")
    finally:
        stopped = league("stop", "--league", str(root))
    assert stopped.returncode == 0, stopped.stderr
    assert league("status", "--league", str(root)).returncode == 3
    _check_books(root)
