"""What a learner's progress becomes in the database: its row's numbers, each report only once."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from db import queries
from league.learner.messages import Progress


def shown(progress: Progress) -> dict[str, Any]:
    """Return what the learner's row shows: its newest numbers, and whom it meets."""
    shown: dict[str, Any] = dict(progress.numbers)
    if progress.phase:
        shown["phase"] = progress.phase
    if progress.meets is not None:
        shown["meets"] = progress.meets.to_json()
    return shown


def is_new(session: Session, learner_id: int, progress: Progress) -> bool:
    """Return whether these results are new; the same commit remembers that they are stored."""
    if not progress.number:
        return True
    key = f"progress:{learner_id}"
    stored = queries.get_league_value(session, key) or {}
    if stored.get("run") == progress.run and int(stored.get("number", 0)) >= progress.number:
        return False
    queries.set_league_value(session, key, {"run": progress.run, "number": progress.number})
    return True
