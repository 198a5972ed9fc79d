"""Owns what a league says of its present run: since when, until when, its use of the machine, and
whom its learners meet. Values of older releases, which said less, are None or empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from db import queries
from league.folder.memory import running_time_s

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MEETS_KEY = "meets"  # of a learner's progress


@dataclass(frozen=True)
class RunRow:
    """The newest run of a league, as its heartbeat left it; it may be over.

    Attributes:
        ends_at: end of a timed run, None for one without.
        running_s: seconds of all runs together.
        usage: processors, memory, disk and GPUs (league.daemon.usage), {} before the first look.
    """

    began_at: datetime | None
    ends_at: datetime | None
    heartbeat_at: datetime | None
    running_s: float | None
    usage: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, at: datetime) -> dict[str, Any]:
        """Return JSON values; `seconds_left` is what is left of a timed run at a moment."""
        left = None if self.ends_at is None else max(0.0, (self.ends_at - at).total_seconds())
        return {
            "began_at": _iso(self.began_at),
            "ends_at": _iso(self.ends_at),
            "seconds_left": left,
            "heartbeat_at": _iso(self.heartbeat_at),
            "running_s": self.running_s,
            "usage": dict(self.usage),
        }


@dataclass(frozen=True)
class FoeRow:
    """A foe: x is the learner's probability of beating it, share that of one draw of a wave."""

    name: str
    x: float
    share: float


@dataclass(frozen=True)
class MeetsRow:
    """Whom a learner met in its newest update; `wave` names None for its own weights."""

    wave: tuple[str | None, ...]
    foes: tuple[FoeRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        foes = [{"name": foe.name, "x": foe.x, "share": foe.share} for foe in self.foes]
        return {"wave": list(self.wave), "foes": foes}


def read_run(session: Session) -> RunRow | None:
    """Return the newest run; None before the first heartbeat."""
    beat = queries.get_league_value(session, "daemon")
    if beat is None:
        return None
    return RunRow(
        began_at=_moment(beat.get("began_at")),
        ends_at=_moment(beat.get("ends_at")),
        heartbeat_at=queries.league_value_time(session, "daemon"),
        running_s=running_time_s(session),
        usage=dict(beat.get("usage") or {}),
    )


def meets_of(progress: Mapping[str, Any], names: Mapping[int, str]) -> MeetsRow | None:
    """Return whom a learner's progress says that it meets, or None if it does not say."""
    said = progress.get(MEETS_KEY)
    if not isinstance(said, dict):
        return None
    return MeetsRow(
        wave=tuple(None if i is None else names.get(i, "?") for i in said["wave"]),
        foes=tuple(FoeRow(names.get(i, "?"), x, share) for i, x, share in said["foes"]),
    )


def numbers_of(progress: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a learner's progress alone."""
    return {key: value for key, value in progress.items() if key != MEETS_KEY}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
