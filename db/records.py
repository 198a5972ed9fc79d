"""The arguments and results of queries: frozen records of plain values, safe to send anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MemberRecord:
    """One member of the pool."""

    id: int
    name: str
    family: str
    role: str
    parent_id: int | None
    generation: int
    snapshot_sha256: str | None
    agent_spec: str
    trained_decisions: int
    status: str
    failures: int
    failures_in_row: int
    details: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class MatchPlan:
    """A match to be played. `line_up` holds (member_id, rated) per seat, in seat order."""

    purpose: str
    seed: int
    map: str
    map_sha256: str
    rules_sha256: str
    spec: Mapping[str, Any]
    line_up: tuple[tuple[int, bool], ...]
    rotation: int = 0
    series_key: str | None = None
    pair_key: str | None = None
    pair_half: int | None = None


@dataclass(frozen=True)
class MatchRecord:
    """One match as stored; result fields are None until it is finished."""

    id: int
    purpose: str
    status: str
    seed: int
    rotation: int
    map: str
    map_sha256: str
    rules_sha256: str
    spec: Mapping[str, Any]
    line_up: tuple[tuple[int, bool], ...]
    series_key: str | None
    pair_key: str | None
    pair_half: int | None
    attempts: int
    failures: int
    error: str | None
    planned_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    ticks: int | None
    wall_s: float | None
    replay_path: str | None
    final_state_sha256: str | None


@dataclass(frozen=True)
class PlayedMatch:
    """A finished match as a table shows it; `winners` names all seats in first place."""

    id: int
    finished_at: datetime
    purpose: str
    map: str
    seed: int
    ticks: int
    wall_s: float
    replay_path: str | None
    winners: tuple[str, ...]


@dataclass(frozen=True)
class MatchSummary:
    """A finished match without its description; `members` are ids, best first, ties by seat."""

    id: int
    finished_at: datetime
    map: str
    ticks: int
    wall_s: float
    replay_path: str | None
    members: tuple[int, ...]


@dataclass(frozen=True)
class RatingPoint:
    """A rating after a match, and when that match finished."""

    seq: int
    member_id: int
    mu: float
    finished_at: datetime


@dataclass(frozen=True)
class SeriesResult:
    """One match of a series; `placements` in seat order, empty until it is finished."""

    match_id: int
    status: str
    seed: int
    half: int
    members: tuple[int, ...]
    placements: tuple[int, ...]


@dataclass(frozen=True)
class MatchOutcome:
    """The result of a match as a whole; `replay_path` is relative to the league folder."""

    ticks: int
    final_state_sha256: str
    wall_s: float
    replay_path: str | None = None


@dataclass(frozen=True)
class SeatOutcome:
    """The result of one seat; the member comes from the line-up of the planned match."""

    placement: int
    tiles: int
    troops: int
    eliminated_tick: int | None = None
    illegal_actions: int = 0


@dataclass(frozen=True)
class SeatRecord:
    """The stored result of one seat."""

    match_id: int
    seat: int
    member_id: int
    placement: int
    tiles: int
    troops: int
    eliminated_tick: int | None
    illegal_actions: int
    rated: bool


@dataclass(frozen=True)
class RatingRecord:
    """One change of one rating; `match_id` is None for an admission."""

    seq: int
    member_id: int
    match_id: int | None
    mu: float
    sigma: float
    rating_version: str
    rules_sha256: str
    allowance: float | None


@dataclass(frozen=True)
class Admission:
    """How a member entered a season; `parent_id` is set if it took its parent's rating."""

    mu: float
    sigma: float
    parent_id: int | None


@dataclass(frozen=True)
class RatingLogRow:
    """A rating change with the placement or the parent that a replay needs to redo it."""

    seq: int
    member_id: int
    match_id: int | None
    mu: float
    sigma: float
    allowance: float | None
    parent_id: int | None
    placement: int | None
    rating_version: str


@dataclass(frozen=True, eq=False)
class RatingColumns:
    """The rows of a rating log as columns, one number per row in each.

    Attributes:
        seq, member_id: int64 [rows].
        match_id: int64 [rows], 0 for an admission.
        mu, sigma: float64 [rows], as stored after the change.
        allowance: float64 [rows], NaN where there is none.
        parent_id: int64 [rows] of the member, set at admissions; 0 where there is none.
        placement: int64 [rows], 0 for an admission and where the seat is missing.
        version: int64 [rows], index into `versions`.
        versions: the rating versions of the log.
    """

    seq: NDArray[np.int64]
    member_id: NDArray[np.int64]
    match_id: NDArray[np.int64]
    mu: NDArray[np.float64]
    sigma: NDArray[np.float64]
    allowance: NDArray[np.float64]
    parent_id: NDArray[np.int64]
    placement: NDArray[np.int64]
    version: NDArray[np.int64]
    versions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.seq)


@dataclass(frozen=True)
class ActiveAgent:
    """An active member, as a planner of matches sees it."""

    member_id: int
    agent_spec: str
    role: str


@dataclass(frozen=True)
class RatingState:
    """The newest rating of a member, the number of its change, and its rated matches."""

    seq: int
    member_id: int
    mu: float
    sigma: float
    games: int


@dataclass(frozen=True)
class RatingChange:
    """One change of one rating; an admission if it is not by a match."""

    seq: int
    member_id: int
    mu: float
    sigma: float
    is_match: bool


@dataclass(frozen=True)
class RatingMoment:
    """A rating change and the time when its match finished; None for an admission."""

    member_id: int
    mu: float
    sigma: float
    finished_at: datetime | None


@dataclass(frozen=True)
class MatchMoment:
    """A finished match as a picture needs it; `replay_path` as it is stored, None without one."""

    id: int
    map: str
    finished_at: datetime
    ticks: int
    replay_path: str | None


@dataclass(frozen=True)
class PlacesBeside:
    """A rated match of a member: its change of the log, and the places of those asked for."""

    seq: int
    planned_at: datetime
    places: Mapping[int, int]


@dataclass(frozen=True)
class HeldOutScore:
    """Matches of a member with a held-out one, and the share of held-out seats placed below it."""

    matches: int
    score: float


@dataclass(frozen=True)
class RatingAt:
    """One rating of a member; match and time are None for its admission."""

    seq: int
    match_id: int | None
    finished_at: datetime | None
    mu: float
    sigma: float


@dataclass(frozen=True)
class MemberTotals:
    """Rated games of a member in one season; `mean_placement` is None without games."""

    games: int = 0
    wins: int = 0
    mean_placement: float | None = None


@dataclass(frozen=True)
class CommonPlacement:
    """One rated seat of one finished match, in the order of the rating log."""

    seq: int
    match_id: int
    member_id: int
    placement: int


@dataclass(frozen=True)
class Throughput:
    """Work finished in a window of `window_s` seconds."""

    window_s: float
    matches: int
    ticks: int
    seats: int

    @property
    def matches_per_s(self) -> float:
        """Finished matches per second of the window."""
        return self.matches / self.window_s


@dataclass(frozen=True)
class LearnerRecord:
    """State and heartbeat of one learner."""

    id: int
    name: str
    family: str
    role: str
    status: str
    member_id: int | None
    generation: int
    trained_decisions: int
    pid: int | None
    progress: Mapping[str, Any]
    started_at: datetime
    heartbeat_at: datetime


@dataclass(frozen=True)
class UpdateRecord:
    """One update of a learner: its numbers, and [games, beats] by opponent's member id as text."""

    learner_id: int
    number: int
    trained_decisions: int
    at: datetime
    numbers: Mapping[str, float]
    opponents: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingTotals:
    """Games of a learner against one opponent since its latest snapshot."""

    opponent_id: int
    games: int
    beats: float


@dataclass(frozen=True)
class EventRecord:
    """One entry of the league's journal."""

    id: int
    at: datetime
    kind: str
    level: str
    message: str
    member_id: int | None = None
    match_id: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ContradictoryMatches:
    """Matches whose status, seats and ratings contradict each other in one way.

    Attributes:
        what: the contradiction, as a plural noun.
        n: number of matches.
        match_ids: the first of them.
    """

    what: str
    n: int
    match_ids: tuple[int, ...]


@dataclass(frozen=True)
class FinishedReplay:
    """The replay of a finished match: its path in the league folder, or None if it keeps none."""

    match_id: int
    path: str | None
    final_state_sha256: str | None
