"""Owns `league curves --what training` as tables and as JSON: the stored updates of learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from db import queries
from db.session import read_transaction
from league.folder.connect import reader
from league.report.console import foreign
from league.report.screen import number, plain_table

if TYPE_CHECKING:
    from db.records import UpdateRecord
    from league.folder.layout import LeagueFolder

N_ROWS = 12
COLUMNS = (
    *(("placement_mean", "place"), ("reward_mean", "reward"), ("value_loss", "value loss")),
    *(("explained_variance", "expl. var."), ("entropy", "entropy"), ("kl", "kl")),
    *(("clip_share", "clipped"), ("decisions_per_s", "per s")),
)
_FOUR_DIGITS = ("value_loss", "kl")


@dataclass(frozen=True)
class LearnerUpdates:
    """The updates of one learner, oldest first; `first_start` is of the league, None without
    members."""

    name: str
    family: str
    first_start: datetime | None
    updates: Sequence[UpdateRecord]

    def minutes(self, update: UpdateRecord) -> float:
        """Return the minutes from the league's first start to an update."""
        since = self.first_start or update.at
        return (update.at - since).total_seconds() / 60


def read_updates(folder: LeagueFolder, at_most: int = 100_000) -> list[LearnerUpdates]:
    """Read the stored updates of every learner, `at_most` of each; raise DatabaseError."""
    with reader(folder) as engine, read_transaction(engine) as session:
        first = min((member.created_at for member in queries.list_members(session)), default=None)
        return [
            LearnerUpdates(
                row.name, row.family, first, queries.sampled_updates(session, row.id, at_most)
            )
            for row in queries.list_learners(session)
        ]


def updates_document(league: str, learners: Sequence[LearnerUpdates]) -> dict[str, Any]:
    """Return the JSON of `league curves --what training`: every stored update of every learner."""
    return {
        "league": league,
        "learners": [
            {
                "name": each.name,
                "family": each.family,
                "updates": [
                    {
                        "number": update.number,
                        "trained_decisions": update.trained_decisions,
                        "at": update.at.isoformat(),
                        "minutes": each.minutes(update),
                        "numbers": dict(update.numbers),
                    }
                    for update in each.updates
                ],
            }
            for each in learners
        ],
    }


def training_screen(learners: Sequence[LearnerUpdates]) -> RenderableType:
    """Return a table for each learner: the means of up to N_ROWS equal parts of its updates."""
    parts: list[RenderableType] = []
    for each in learners:
        table = plain_table("")
        table.title = foreign(f"{each.name} ({each.family})", "bold")
        for heading in ("decisions", "minutes", *(heading for _, heading in COLUMNS)):
            table.add_column(heading, justify="right", no_wrap=True)
        for group in _groups(queries.lasting_updates(each.updates)):
            table.add_row(
                f"{group[-1].trained_decisions:,}",
                f"{each.minutes(group[-1]):,.1f}",
                *(_mean([update.numbers for update in group], key) for key, _ in COLUMNS),
            )
        parts += [table, ""] if each.updates else [foreign(f"{each.name}: no update yet."), ""]
    return Group(*parts[:-1]) if parts else Text("No learner has trained in this league yet.")


def _groups(updates: Sequence[UpdateRecord]) -> list[Sequence[UpdateRecord]]:
    size = -(-len(updates) // N_ROWS) or 1
    return [updates[at : at + size] for at in range(0, len(updates), size)]


def _mean(numbers: Sequence[Mapping[str, float]], key: str) -> str:
    found = [float(each[key]) for each in numbers if key in each]
    if not found:
        return "-"
    mean = sum(found) / len(found)
    if key == "decisions_per_s":
        return f"{mean:,.0f}"
    return f"{mean:.4f}" if key in _FOUR_DIGITS else number(mean)
