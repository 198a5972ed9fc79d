"""What members that think for long take of the workers' time, and whether a limit holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db import queries
from league.folder.memory import WORKER_TIME_KEY

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class SlowRow:
    """The account of a league with such members (league.daemon.slow_members).

    Attributes:
        specs: their agent specs.
        share: of the workers' time in the latest hours; None before a match was measured.
        limit: `rating.slow_member_share`, None for none.
        is_held: they wait for the others to play, so that they stay within it.
    """

    specs: tuple[str, ...]
    share: float | None
    limit: float | None
    is_held: bool

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "specs": list(self.specs),
            "share": self.share,
            "limit": self.limit,
            "held": self.is_held,
        }


def read_slow(session: Session) -> SlowRow | None:
    """Return the account, None in a league without such members."""
    stored = queries.get_league_value(session, WORKER_TIME_KEY)
    if stored is None or not stored.get("slow"):
        return None
    return SlowRow(
        tuple(stored["slow"]), stored.get("share"), stored.get("limit"), bool(stored["withheld"])
    )


def slow_lines(row: SlowRow | None) -> list[str]:
    """Return a sentence on them; [] where there are none."""
    if row is None or row.share is None:
        return []
    who = ", ".join(row.specs)
    text = f"{who} took {100 * row.share:.0f} % of the workers' time"
    if row.limit is not None:
        text += f", at most {100 * row.limit:.0f} % (rating.slow_member_share)"
    if row.is_held:
        text += "; they play less often than the others, to stay within it"
    return [text]
