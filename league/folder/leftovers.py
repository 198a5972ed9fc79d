"""Owns the sweeping of what killed processes left in a league folder, at the next start.

Promises: only temporary files and folders of this program are removed, and none that a living
process of this machine may still be writing.
"""

from __future__ import annotations

from pathlib import Path

from arena.files import STALE_AFTER_S, is_left_behind, sweep
from league.folder.layout import LeagueFolder

PARTIAL_DATABASE = "*.partial"  # of db.session.backup: NAME.PID.partial


def sweep_leftovers(folder: LeagueFolder) -> int:
    """Remove temporary files and half-made folders of killed writers; return how many."""
    places = [
        *(folder.root, folder.replays, folder.replays / "pit", folder.maps, folder.backups),
        *(folder.snapshots, folder.snapshots / "offered", folder.logs, folder.checkpoints),
        folder.cache,
    ]
    if folder.checkpoints.is_dir():
        places += [path for path in folder.checkpoints.iterdir() if path.is_dir()]
    return sum(map(sweep, places)) + _sweep_databases(folder.backups)


def _sweep_databases(backups: Path) -> int:
    removed = 0
    for path in backups.glob(PARTIAL_DATABASE):
        pid = path.name.removesuffix(".partial").rpartition(".")[2]
        if path.is_file() and is_left_behind(path, pid, STALE_AFTER_S):
            path.unlink(missing_ok=True)
            removed += 1
    return removed
