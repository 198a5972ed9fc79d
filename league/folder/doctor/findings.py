"""What a check of `league doctor` is given, and what it returns.

A check is a function of a `Case` that returns one `Finding` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from league.folder.layout import LeagueFolder
from league.folder.running import Pause

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import FinishedReplay, MemberRecord
    from league.folder.doctor.store import Kept

Level = Literal["ok", "note", "WRONG"]
_N_NAMED = 2  # a line stays a line: the others are in `details`


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        level: "ok"; "note" for what is worth knowing and was not found good; "WRONG".
        text: one sentence that begins with the name of the check.
        details: every place concerned, where `text` names only the first ones.
    """

    level: Level
    text: str
    details: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the check found everything in order; a note is not ok, and not wrong either."""
        return self.level == "ok"

    @property
    def is_wrong(self) -> bool:
        """Whether something has to be done."""
        return self.level == "WRONG"


@dataclass(frozen=True)
class Case:
    """The league under examination, read at one moment.

    Attributes:
        session: of the database, in one read transaction.
        running_since: when the daemon that runs was started; None if none runs.
        thorough: replay all ratings and all replays (`--all`).
        now: the time of the examination, in UTC.
        pause: what the running league waits for, or None.
        progress: called by a check of many parts with how many are done, and of how many.
        kept: what the league's store holds; None in a league without one.
    """

    folder: LeagueFolder
    session: Session
    members: Sequence[MemberRecord]
    stored: dict[str, Any] | None
    running_since: datetime | None
    thorough: bool
    now: datetime
    replays: Sequence[FinishedReplay] = field(repr=False, default=())
    pause: Pause | None = None
    progress: Callable[[int, int], None] = lambda done, total: None
    kept: Kept | None = field(repr=False, default=None)


def several(level: Level, text: str, details: Sequence[str]) -> Finding:
    """Return a finding that names the first places, and how many more there are."""
    named = "; ".join(details[:_N_NAMED])
    more = f"; and {len(details) - _N_NAMED} more" if len(details) > _N_NAMED else ""
    return Finding(level, f"{text}: {named}{more}", tuple(details))
