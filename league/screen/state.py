"""Owns what the live screen is drawn from: plain frozen values, and how a person looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from league.report.state import EventRow, ReportState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from arena.viewer.marks import Marks

Phase = Literal["starting", "running", "stopping", "stopped", "stale"]
PANELS = (1, 2, 3, 4, 5, 6, 7)
TITLES = {
    1: "Standings",
    2: "Who beats whom, %",
    3: "Learners",
    4: "Whom they meet now",
    5: "Latest matches",
    6: "The match on screen",
    7: "Events",
}


@dataclass(frozen=True)
class MatchLine:
    """A finished rated match; `podium` names its first three."""

    id: int
    finished_at: datetime
    map: str
    podium: tuple[str, ...]
    ticks: int
    wall_s: float
    has_replay: bool


@dataclass(frozen=True)
class Need:
    """A foe that the next snapshot must beat, and what it has shown since the newest one."""

    name: str
    beats: float
    games: int


@dataclass(frozen=True)
class Training:
    """What a learner's past says beside its newest numbers.

    Attributes:
        curves: key -> values of its updates, oldest first.
        left: decisions until its next snapshot is due at the latest; None if unknown.
        needs: whom an earlier snapshot must beat.
        games: matches against each foe since its newest snapshot, by name.
        held_out: held-out scores of its lineage's snapshots, 0 to 1, oldest first.
        win_rate, min_games: what the test of an earlier snapshot asks for.
    """

    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    left: int | None = None
    needs: tuple[Need, ...] = ()
    games: Mapping[str, int] = field(default_factory=dict)
    win_rate: float = 0.7
    min_games: int = 30
    held_out: tuple[float, ...] = ()


@dataclass(frozen=True)
class Beating:
    """Beat rates, row above column, members in the order of the standings.

    Attributes:
        rates: share of common matches with row above column.
        games: common matches.
        cycles: triples of names, all sure together at 95 %.
    """

    names: tuple[str, ...]
    rates: tuple[tuple[float, ...], ...]
    games: tuple[tuple[int, ...], ...]
    cycles: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class SceneSeat:
    """A seat of the match on screen: colour (red, green, blue), land now and until now.

    Attributes:
        levels: of its finished cities; None in edition 2025, which has neither them nor gold.
        allies: their colours.
    """

    seat: int
    name: str
    colour: tuple[int, int, int]
    tiles: int
    past: tuple[float, ...]
    died_at: int | None = None
    levels: int | None = None
    gold: int = 0
    allies: tuple[tuple[int, int, int], ...] = ()
    is_traitor: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """One moment of a recorded match.

    Attributes:
        pixels: uint8[height, width, 3].
        frame, n_frames: which of the pictures of the match this is, from 0.
        ended_at: when the match was over; None if that is not known.
        size: (height, width) of the map, tiles.
        marks: what stands on the board beside land; None in edition 2025.
    """

    match_id: int
    map: str
    tick: int
    ticks: int
    frame: int
    n_frames: int
    pixels: NDArray[np.uint8]
    seats: tuple[SceneSeat, ...]
    ended_at: datetime | None = None
    size: tuple[int, int] = (0, 0)
    marks: Marks | None = None


@dataclass(frozen=True)
class ScreenState:
    """Everything that the screen shows, at one moment.

    Attributes:
        at: now, for times that run.
        says: what a start or a stop waits for, and other words from the league's process.
        report: None before the league has a database.
        history: rating of each member by id, oldest first, None before it had one; mu minus that of
            the scale's anchor at the same moment, plus 25.
        history_s: seconds that a history spans.
        places: how often each member came 1st, 2nd, ..., by id.
        scene_note: why there is no scene, or which one is on its way.
    """

    league: str
    at: datetime
    phase: Phase = "starting"
    says: str = ""
    pid: int | None = None
    report: ReportState | None = None
    history: Mapping[int, tuple[float | None, ...]] = field(default_factory=dict)
    history_s: float = 0.0
    places: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    beating: Beating | None = None
    training: Mapping[str, Training] = field(default_factory=dict)
    matches: tuple[MatchLine, ...] = ()
    events: tuple[EventRow, ...] = ()
    n_alarms: int = 0
    log: tuple[str, ...] = ()
    scene: Scene | None = None
    scene_note: str = ""


@dataclass(frozen=True)
class Look:
    """How a person looks at the state.

    Attributes:
        enlarged: number of the panel that fills the screen, or None.
        focus: number of the panel that keys move in.
        cursor: row of the cursor by panel.
        find: names must contain this.
        learner: which learner the panels 3 and 4 begin with.
        lines: what panel 7 shows.
        member_id: the member whose page is open, or None.
        has_help: whether the keys are explained.
        message: one line about the last key, or "".
        is_typing: whether keys go into `find`.
        can_open: names of what keys can do here: "report", "browser".
    """

    enlarged: int | None = None
    focus: int = 1
    cursor: Mapping[int, int] = field(default_factory=dict)
    find: str = ""
    learner: int = 0
    lines: Literal["events", "log", "alarms"] = "events"
    member_id: int | None = None
    has_help: bool = False
    message: str = ""
    is_typing: bool = False
    is_paused: bool = False
    speed: int = 1

    def row(self, panel: int) -> int:
        """Return the row of the cursor in a panel."""
        return self.cursor.get(panel, 0)


def window(n: int, cursor: int, height: int) -> tuple[int, int]:
    """Return (first, end) of the rows to show, so that the cursor is among them."""
    if n <= height:
        return 0, n
    first = min(max(cursor - height // 2, 0), n - height)
    return first, first + height
