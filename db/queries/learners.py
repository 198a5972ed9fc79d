"""Learners: their state, heartbeat, and training results since their latest snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import ConflictError, NotFoundError
from db.models import Learner, TrainingResult
from db.queries._shared import to_record, utc_now
from db.records import LearnerRecord, TrainingTotals


def upsert_learner(
    session: Session,
    *,
    name: str,
    family: str,
    role: str,
    pid: int | None = None,
    status: str = "starting",
    at: datetime | None = None,
) -> int:
    """Insert a learner, or reuse the one of this name after a restart; return its id.

    Raises:
        ConflictError: the name belongs to a learner of another family or role.
    """
    now = at or utc_now()
    learner = session.scalar(select(Learner).where(Learner.name == name))
    if learner is None:
        learner = Learner(
            name=name, family=family, role=role, generation=0, trained_decisions=0, progress={}
        )
        session.add(learner)
    elif (learner.family, learner.role) != (family, role):
        raise ConflictError(
            f"learner {name!r} is a {learner.family} {learner.role}, found {family} {role}; "
            "give the new learner another name"
        )
    learner.status, learner.pid = status, pid
    learner.started_at = learner.heartbeat_at = now
    session.flush()
    return learner.id


def record_progress(
    session: Session,
    learner_id: int,
    *,
    trained_decisions: int | None = None,
    progress: Mapping[str, Any] | None = None,
    status: str | None = None,
    at: datetime | None = None,
) -> None:
    """Set the heartbeat of a learner and any other given values; raise NotFoundError."""
    learner = _learner(session, learner_id)
    learner.heartbeat_at = at or utc_now()
    if trained_decisions is not None:
        learner.trained_decisions = trained_decisions
    if progress is not None:
        learner.progress = dict(progress)
    if status is not None:
        learner.status = status
    session.flush()


def record_snapshot(session: Session, learner_id: int, member_id: int) -> int:
    """Record the learner's newest member and return its new generation.

    Training results are counted per generation, so those against the new weights start at zero.
    """
    learner = _learner(session, learner_id)
    learner.member_id = member_id
    learner.generation += 1
    session.flush()
    return learner.generation


def list_learners(session: Session) -> list[LearnerRecord]:
    """Return all learners in the order of their ids."""
    rows = session.scalars(select(Learner).order_by(Learner.id))
    return [to_record(row, LearnerRecord) for row in rows]


def learner_by_name(session: Session, name: str) -> LearnerRecord | None:
    """Return the learner with exactly this name, or None."""
    learner = session.scalar(select(Learner).where(Learner.name == name))
    return None if learner is None else to_record(learner, LearnerRecord)


def add_training_results(
    session: Session,
    learner_id: int,
    results: Mapping[int, tuple[int, float]],
    *,
    at: datetime | None = None,
) -> None:
    """Add (games, beats) by opponent's member id to the totals of the current generation.

    `beats` counts the opponents' seats that the learner placed above, ties counting half.
    """
    generation = _learner(session, learner_id).generation
    for opponent_id, (games, beats) in sorted(results.items()):
        row = session.get(TrainingResult, (learner_id, generation, opponent_id))
        if row is None:
            row = TrainingResult(
                learner_id=learner_id,
                generation=generation,
                opponent_id=opponent_id,
                games=0,
                beats=0.0,
            )
            session.add(row)
        row.games += games
        row.beats += beats
        row.updated_at = at or utc_now()
    session.flush()


def training_totals(session: Session, learner_id: int) -> dict[int, TrainingTotals]:
    """Return totals by opponent's member id since the newest snapshot (this generation)."""
    generation = _learner(session, learner_id).generation
    rows = session.scalars(
        select(TrainingResult)
        .where(TrainingResult.learner_id == learner_id, TrainingResult.generation == generation)
        .order_by(TrainingResult.opponent_id)
    )
    return {row.opponent_id: to_record(row, TrainingTotals) for row in rows}


def _learner(session: Session, learner_id: int) -> Learner:
    learner = session.get(Learner, learner_id)
    if learner is None:
        raise NotFoundError(f"there is no learner with id {learner_id}")
    return learner
