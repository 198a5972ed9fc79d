"""What killed processes left in a league folder is swept at the next start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from arena.files import TEMPORARY_PREFIX
from tests.league.daemon.scripted import ScriptedArena, ScriptedProcess, new_league

PLACES = (
    *("", "replays", "replays/pit", "maps", "backups", "snapshots", "snapshots/offered"),
    *("checkpoints/attention",),
)


def test_a_start_sweeps_what_killed_processes_left_and_nothing_else(tmp_path: Path) -> None:
    from league.daemon.manager import Manager

    exited = subprocess.Popen(["true"])
    exited.wait()
    with new_league(tmp_path / "league") as league:
        root = league.folder.root
        for place in PLACES:
            (root / place).mkdir(parents=True, exist_ok=True)
            (root / place / f"{TEMPORARY_PREFIX}{exited.pid}-ab").write_bytes(b"part")
            (root / place / f"{TEMPORARY_PREFIX}{os.getpid()}-cd").write_bytes(b"being written")
        half_made = root / "backups" / f"{TEMPORARY_PREFIX}{exited.pid}-ef"
        half_made.mkdir()
        (half_made / "league.db").write_bytes(b"part")
        for pid in (exited.pid, os.getpid()):
            (root / "backups" / f"before.db.{pid}.partial").write_bytes(b"part")
        before = {path for path in root.rglob("*") if path.is_file()}
        Manager(
            league.folder,
            league.config,
            league.engine,
            arena=ScriptedArena(),
            launch=lambda name, orders: ScriptedProcess(),
        )
        swept = before - {path for path in root.rglob("*") if path.is_file()}
    expected = {root / place / f"{TEMPORARY_PREFIX}{exited.pid}-ab" for place in PLACES}
    expected |= {half_made / "league.db", root / "backups" / f"before.db.{exited.pid}.partial"}
    assert swept - {root / "league.db-wal", root / "league.db-shm"} == expected
    assert not half_made.exists()
