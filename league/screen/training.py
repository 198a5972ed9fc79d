"""Owns what the screen knows of each learner's past: its curves, its next snapshot, whom it needs.

Whom an earlier snapshot must beat is what the manager goes by, too: league.matchmaking.required.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from db import queries
from league.course.held_out import held_out_names
from league.matchmaking.promotion import decisions_to_snapshot
from league.matchmaking.required import Candidate, met, required
from league.report.held_out import FEW, lineage_of
from league.report.state import LearnerRow, MemberRow, ReportState
from league.screen.state import Need, Training

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import LearnerRecord, UpdateRecord

N_UPDATES = 120  # that are drawn
CURVES = ("placement_mean", "reward_mean", "entropy", "value_loss")


class TrainingMemory:
    """The newest updates of every learner, read as far as they are new."""

    def __init__(self) -> None:
        self._updates: dict[int, deque[UpdateRecord]] = {}
        self._totals_at: dict[int, tuple[int, int]] = {}
        self._totals: dict[int, dict[int, tuple[int, float]]] = {}

    def read(
        self, session: Session, report: ReportState, settings: Mapping[str, Any]
    ) -> dict[str, Training]:
        """Return what is known of each learner by name."""
        rules = settings.get("learner") or {}
        held_out = held_out_names(settings)
        found = {}
        for learner, row in zip(queries.list_learners(session), report.learners, strict=True):
            updates = self._updates.setdefault(learner.id, deque(maxlen=N_UPDATES))
            after = updates[-1].number if updates else 0
            updates.extend(queries.list_updates(session, learner.id, after=after, limit=N_UPDATES))
            totals = self._read_totals(session, learner)
            names = {member.id: member.name for member in report.members}
            found[learner.name] = Training(
                curves=_curves(updates),
                left=decisions_left(learner, report.members, rules),
                needs=tuple(
                    Need(member.name, *_beaten(totals, member.id))
                    for member in required_members(row, report, held_out)
                ),
                games={names[i]: games for i, (games, _) in totals.items() if i in names},
                win_rate=float(rules.get("snapshot_win_rate", 0.7)),
                min_games=int(rules.get("snapshot_min_games", 30)),
                held_out=_held_out(row, report.members),
            )
        return found

    def _read_totals(
        self, session: Session, learner: LearnerRecord
    ) -> dict[int, tuple[int, float]]:
        """Return games and beats by member id; they change with the learner's decisions alone."""
        now = (learner.generation, learner.trained_decisions)
        if self._totals_at.get(learner.id) != now:
            self._totals_at[learner.id] = now
            rows = queries.training_totals(session, learner.id)
            self._totals[learner.id] = {i: (row.games, row.beats) for i, row in rows.items()}
        return self._totals[learner.id]


def _curves(updates: Sequence[UpdateRecord] | deque[UpdateRecord]) -> dict[str, tuple[float, ...]]:
    return {
        key: tuple(float(u.numbers[key]) for u in updates if key in u.numbers) for key in CURVES
    }


def _held_out(row: LearnerRow, members: Sequence[MemberRow]) -> tuple[float, ...]:
    scores = [member.held_out for member in lineage_of(row, members)]
    return tuple(each.score for each in scores if each is not None and each.n_matches >= FEW)


def _beaten(totals: Mapping[int, tuple[int, float]], member_id: int) -> tuple[float, int]:
    games, beats = totals.get(member_id, (0, 0.0))
    return beats, games


def decisions_left(
    learner: LearnerRecord, members: Sequence[MemberRow], rules: Mapping[str, Any]
) -> int | None:
    """Return after how many more decisions the next snapshot is due at the latest, if known."""
    newest = next((row for row in members if row.id == learner.member_id), None)
    every = rules.get("snapshot_every")
    if newest is None or not isinstance(every, int):
        return None
    first = rules.get("first_snapshot")
    due = decisions_to_snapshot(
        newest.trained_decisions, first=first if isinstance(first, int) else None, every=every
    )
    return max(0, newest.trained_decisions + due - learner.trained_decisions)


def required_members(
    learner: LearnerRow, report: ReportState, held_out: Collection[str] = ()
) -> list[MemberRow]:
    """Return whom an earlier snapshot of this learner must beat.

    Args:
        held_out: names of members that learners never meet.
    """
    active = [row for row in report.members if row.status == "active"]
    by_name = {row.name: row.id for row in active}
    pool = met(
        [
            Candidate(row.id, row.name, row.agent_spec, row.conservative, row.role == "anchor")
            for row in active
        ],
        held_out,
    )
    newest = [row.latest_member for row in report.learners if row.role == "main"]
    wanted = required(
        learner.role,
        pool,
        parent=by_name.get(learner.latest_member or ""),
        champion=None if report.champion is None else by_name.get(report.champion.name),
        mains={by_name[name] for name in newest if name in by_name},
    )
    by_id = {row.id: row for row in active}
    return [by_id[i] for i in wanted]
