"""What a start is doing, noted beside the lock for whoever watches it, with the time it takes.

Promises: a note that cannot be written prevents no start.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from arena.files import write_whole
from league.daemon.lock import add_to_note, read_note
from league.folder.layout import LeagueFolder
from league.folder.running import time_of

COMPILING_S = 35.0  # on two cores of 2024; measured ones replace it
_MOST_S = 1_800.0  # a measured time beyond this is not believed
_NAME = "compile-seconds"


def note_stage(folder: LeagueFolder, text: str | None, lasts_s: float | None = None) -> None:
    """Note what the start does now, and how long that is known to take; None: it is over."""
    since = None if text is None else datetime.now(UTC).isoformat(timespec="seconds")
    with suppress(OSError):
        add_to_note(folder, stage=text, stage_since=since, stage_lasts_s=lasts_s)


def read_stage(folder: LeagueFolder, now: datetime) -> str:
    """Return what a start waits for, such as `compiling, about 12 s left`; "" if nothing starts."""
    note = read_note(folder)
    text, since, lasts = (
        note.get("stage"),
        time_of(note.get("stage_since")),
        note.get("stage_lasts_s"),
    )
    if not isinstance(text, str) or since is None:
        return ""
    spent = max(0.0, (now - since).total_seconds())
    if not isinstance(lasts, int | float):
        return text if spent < 3.0 else f"{text}, {spent:.0f} s"
    left = lasts - spent
    return f"{text}, about {left:.0f} s left" if left >= 1.0 else f"{text}, {spent:.0f} s so far"


@contextmanager
def compiling(folder: LeagueFolder, cache: Path) -> Iterator[None]:
    """Note that the game is being compiled, and measure it for the next time.

    Args:
        cache: folder that the machine code of all releases is in.
    """
    note_stage(folder, "compiling the game, only once on this machine", _known_s(cache))
    began = time.monotonic()
    yield
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        write_whole(cache / _NAME, f"{time.monotonic() - began:.1f}\n".encode())


def _known_s(cache: Path) -> float:
    with suppress(OSError, ValueError):
        seconds = float((cache / _NAME).read_text(encoding="ascii")[:20])
        if 0.0 < seconds < _MOST_S:
            return seconds
    return COMPILING_S
