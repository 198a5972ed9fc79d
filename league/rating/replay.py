"""Replaying the rating log: the ratings that the matches and admissions of a season lead to.

Promises: replaying a log in `seq` order gives the stored ratings bit for bit, each change by the
version that is written beside it; the compiled engine replays 100,000 matches of ten in a second or
two. Nothing here reads a clock or a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from db.records import RatingColumns
from league.errors import RatingError
from league.rating.engines import CHAIN_VERSION, check_range, rate_function
from league.rating.trueskill import BETA, DRAW_MARGIN, Gaussian, child_rating

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class LogRow(Protocol):
    """A change of a rating, as `db.queries.rating_log` returns it."""

    @property
    def seq(self) -> int: ...
    @property
    def member_id(self) -> int: ...
    @property
    def match_id(self) -> int | None: ...
    @property
    def mu(self) -> float: ...
    @property
    def sigma(self) -> float: ...
    @property
    def allowance(self) -> float | None: ...
    @property
    def parent_id(self) -> int | None: ...
    @property
    def placement(self) -> int | None: ...
    @property
    def rating_version(self) -> str: ...


Row = TypeVar("Row", bound=LogRow)
Log = RatingColumns | Sequence[LogRow]


def as_columns(log: Log) -> RatingColumns:
    """Return a log as columns (`db.queries.rating_columns` reads it as such, six times faster)."""
    if isinstance(log, RatingColumns):
        return log
    versions = tuple(sorted({row.rating_version for row in log}))
    number = {version: n for n, version in enumerate(versions)}
    return RatingColumns(
        seq=np.array([row.seq for row in log], np.int64),
        member_id=np.array([row.member_id for row in log], np.int64),
        match_id=np.array([row.match_id or 0 for row in log], np.int64),
        mu=np.array([row.mu for row in log], np.float64),
        sigma=np.array([row.sigma for row in log], np.float64),
        allowance=np.array(
            [np.nan if row.allowance is None else row.allowance for row in log], np.float64
        ),
        parent_id=np.array([row.parent_id or 0 for row in log], np.int64),
        placement=np.array([row.placement or 0 for row in log], np.int64),
        version=np.array([number[row.rating_version] for row in log], np.int64),
        versions=versions,
    )


def step_starts(log: RatingColumns) -> Integers:
    """Return the first row of each step, and the end: an admission, or all rows of a match.

    Raises:
        RatingError: the log is out of order, a member plays before its admission, or a match has
            no placement for one of its seats or fewer than two of them.
    """
    n = len(log)
    if n == 0:
        return np.zeros(1, np.int64)
    late = np.flatnonzero(np.diff(log.seq) <= 0)
    if len(late):
        raise RatingError(
            f"the rating log is out of order at seq {log.seq[late[0] + 1]}; sort it by seq"
        )
    is_match = log.match_id != 0
    _, first = np.unique(log.member_id, return_index=True)
    strangers = np.sort(first[is_match[first]])
    if len(strangers):
        row = strangers[0]
        raise RatingError(
            f"member {log.member_id[row]} plays match {log.match_id[row]} at seq {log.seq[row]} "
            "before its admission; the log is incomplete"
        )
    missing = np.flatnonzero(is_match & (log.placement < 1))
    if len(missing):
        raise RatingError(
            f"expected a placement at seq {log.seq[missing[0]]} of the rating log, found none"
        )
    begins = np.ones(n, bool)
    begins[1:] = ~is_match[1:] | (log.match_id[1:] != log.match_id[:-1])
    starts = np.append(np.flatnonzero(begins), n)
    alone = np.flatnonzero(is_match[starts[:-1]] & (np.diff(starts) < 2))
    if len(alone):
        row = starts[alone[0]]
        raise RatingError(
            f"expected two or more rated seats of match {log.match_id[row]} at seq {log.seq[row]}, "
            "found one"
        )
    return starts


def replay_columns(log: RatingColumns, *, version: str | None = None) -> tuple[Floats, Floats]:
    """Return mu and sigma after every row of a log, from admissions and placements alone.

    Args:
        log: one season in `seq` order; the rows of a match are adjacent, in seat order.
        version: rate all matches by this version; None takes the one beside each row.

    Returns:
        Two arrays, float64 [rows].

    Raises:
        RatingError: of `step_starts`; this program does not know a version; or a rating is not
            finite.
    """
    starts = step_starts(log)
    ids, members = np.unique(log.member_id, return_inverse=True)
    number = {int(member_id): index for index, member_id in enumerate(ids)}
    admitted = np.zeros(len(ids), bool)
    state = np.zeros(len(ids)), np.zeros(len(ids))
    after = np.empty(len(log)), np.empty(len(log))
    first_rows = starts[:-1]
    is_admission = log.match_id[first_rows] == 0
    code = log.version[first_rows]
    # Runs of matches that one version rates are rated together; an admission is a run of its own.
    cut = np.ones(len(first_rows), bool)
    cut[1:] = is_admission[1:] | is_admission[:-1] | (code[1:] != code[:-1])
    runs = np.append(np.flatnonzero(cut), len(first_rows))
    for begin, end in zip(runs[:-1].tolist(), runs[1:].tolist(), strict=True):
        row = int(first_rows[begin])
        if not is_admission[begin]:
            rule = version or log.versions[code[begin]]
            _rate_run(rule, starts[begin : end + 1], members, log.placement, state, after)
            continue
        member = members[row]
        parent = number.get(int(log.parent_id[row]), -1)
        mu, sigma = float(log.mu[row]), float(log.sigma[row])
        allowance = float(log.allowance[row])
        if not np.isnan(allowance) and parent >= 0 and admitted[parent]:
            mu, sigma = child_rating(float(state[0][parent]), float(state[1][parent]), allowance)
        check_range(mu, sigma)
        admitted[member] = True
        state[0][member], state[1][member] = mu, sigma
        after[0][row], after[1][row] = mu, sigma
    return after


def _rate_run(
    version: str,
    starts: Integers,
    members: Integers,
    places: Integers,
    state: tuple[Floats, Floats],
    after: tuple[Floats, Floats],
) -> None:
    """Rate matches of one version, one after the other; `starts` are rows of the log."""
    rate = rate_function(version)
    if version == CHAIN_VERSION:
        from league.rating.chain import rate_rows, scratch

        room = scratch(int(np.diff(starts).max()))
        rate_rows(starts, members, places, *state, *after, BETA, DRAW_MARGIN, *room)
        return
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        seats = members[begin:end]
        before = list(zip(state[0][seats].tolist(), state[1][seats].tolist(), strict=True))
        rated = np.array(rate(before, places[begin:end].tolist()))
        for which in (0, 1):
            after[which][begin:end] = state[which][seats] = rated[:, which]


def replay_changes(log: Log) -> list[Gaussian]:
    """Return the rating after every row of a log; see `replay_columns`."""
    mu, sigma = replay_columns(as_columns(log))
    return list(zip(mu.tolist(), sigma.tolist(), strict=True))


def replay(log: Log) -> dict[int, Gaussian]:
    """Return the final ratings of a log, by member id; see `replay_columns`."""
    columns = as_columns(log)
    return final_ratings(columns, *replay_columns(columns))


def final_ratings(log: RatingColumns, mu: Floats, sigma: Floats) -> dict[int, Gaussian]:
    """Return each member's rating after its last row of a log, by member id in order of the ids."""
    ids, from_end = np.unique(log.member_id[::-1], return_index=True)
    last = len(log) - 1 - from_end
    ratings = zip(mu[last].tolist(), sigma[last].tolist(), strict=True)
    return dict(zip(ids.tolist(), ratings, strict=True))


def first_different_row(log: RatingColumns, mu: Floats, sigma: Floats) -> int | None:
    """Return the first row whose stored rating differs in any bit from (mu, sigma), or None."""
    different = np.flatnonzero((log.mu != mu) | (log.sigma != sigma))
    return int(different[0]) if len(different) else None


def first_difference(log: Sequence[Row]) -> Row | None:
    """Return the first row whose stored rating differs in any bit from its replay, or None."""
    columns = as_columns(log)
    row = first_different_row(columns, *replay_columns(columns))
    return None if row is None else log[row]
