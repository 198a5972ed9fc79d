"""Owns `league pit A B --bridge PATH`: a head-to-head whose matches the original engine plays.

Promises: the pairs, the seats and the statistics are those of any head-to-head; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from league.bridge.arena import bridged_arena
from league.bridge.checkout import bundled, find_checkout
from league.folder.layout import LeagueFolder
from league.pit.play import MakeArena
from league.pit.report import PitReport
from league.pit.run import PitProgress, PitRequest, Say, run_pit


def run_bridged_pit(
    request: PitRequest,
    folder: LeagueFolder | None,
    progress: Callable[[PitProgress], None] = lambda progress: None,
    *,
    engine: Path,
    say: Say = lambda line: None,
    arena: MakeArena | None = None,
) -> PitReport:
    """Play a head-to-head in the original engine and return its report.

    Args:
        engine: the user's checkout.
        arena: makes what takes the place of the worker processes.

    Raises:
        BridgeError: the checkout cannot be played in.
        LeagueError, AgentError, ArenaError, DatabaseError: as `run_pit`.
    """
    bundle = bundled(find_checkout(engine))
    report = run_pit(
        request,
        folder,
        progress,
        say=say,
        arena=arena or bridged_arena(bundle),
        stores=False,
        reports_failure=True,
    )
    where = f"original engine, edition {bundle.checkout.edition}"
    return replace(report, setting=f"{report.setting}, {where}")
