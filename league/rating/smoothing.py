"""Order-free ratings: TrueSkill Through Time on a rating log, for skills that do not move.

Pure functions of the log, like league.rating.replay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from db.records import RatingColumns
from league.rating.engines import rate_function
from league.rating.replay import Log, as_columns, step_starts
from league.rating.trueskill import Gaussian, child_rating

_REPORT_EVERY = 200  # ratings of a match: a tenth of a second


@dataclass(frozen=True)
class _Admission:
    """A member's start: its own prior, or an allowance on top of its parent's rating."""

    member_id: int
    mu: float
    sigma: float
    allowance: float | None
    parent_id: int


@dataclass(frozen=True)
class _Match:
    """The rated seats of a match, in seat order."""

    members: list[int]
    placements: list[int]
    version: str


def smooth(
    log: Log, *, sweeps: int = 1, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[int, Gaussian]:
    """Return order-free ratings: TrueSkill Through Time with gamma 0 (skills do not move).

    Every match leaves one message per seat; a sweep takes each message out again, rates the match
    against what all the other matches say, and puts the new message in, once forwards and once
    backwards. One sweep is within 0.003 mu of convergence on 1,000 matches of 50 members, except
    for the common level of all members: matches say nothing about it and sweeps approach it slowly
    (1.6 % a sweep with 8 members), so it is set at the end, from the priors. A child starts from
    the smoothed rating of its parent; its own games say nothing about the parent.
    Source: Dangauthier et al., TrueSkill Through Time (NIPS 2007), without the dynamics.

    Args:
        progress: called with how many matches were rated, of how many ratings of a match in all.
    """
    admissions, matches = _steps(as_columns(log))
    priors: dict[int, Gaussian] = {}
    messages: list[list[Gaussian]] = [[(0.0, 0.0)] * len(match.members) for match in matches]
    totals: dict[int, Gaussian] = {start.member_id: (0.0, 0.0) for start in admissions}

    def marginal(member_id: int) -> Gaussian:
        precision, weighted = _natural(priors[member_id])
        more_precision, more_weighted = totals[member_id]
        return _gaussian((precision + more_precision, weighted + more_weighted))

    def set_priors() -> None:
        current: dict[int, Gaussian] = {}
        for start in admissions:
            priors[start.member_id] = _prior(start, current)
            current[start.member_id] = marginal(start.member_id)

    def visit(index: int) -> None:
        match = matches[index]
        cavities = []
        for member_id, message in zip(match.members, messages[index], strict=True):
            precision, weighted = _natural(marginal(member_id))
            cavities.append((precision - message[0], weighted - message[1]))
        before = [_gaussian(cavity) for cavity in cavities]
        after = rate_function(match.version)(before, match.placements)
        for seat, (member_id, rating) in enumerate(zip(match.members, after, strict=True)):
            precision, weighted = _natural(rating)
            new = (precision - cavities[seat][0], weighted - cavities[seat][1])
            old, total = messages[index][seat], totals[member_id]
            totals[member_id] = (total[0] + new[0] - old[0], total[1] + new[1] - old[1])
            messages[index][seat] = new

    n_done, n_visits = 0, (1 + 2 * sweeps) * len(matches)

    def visit_all(order: Iterable[int]) -> None:
        nonlocal n_done
        for index in order:
            visit(index)
            n_done += 1
            if n_done % _REPORT_EVERY == 0:
                progress(n_done, n_visits)

    set_priors()
    visit_all(range(len(matches)))  # the online pass: the sweeps start from it
    for _ in range(sweeps):
        set_priors()
        visit_all(reversed(range(len(matches))))
        visit_all(range(len(matches)))
    set_priors()
    smoothed = {member_id: marginal(member_id) for member_id in priors}
    shift = _level_shift(admissions, smoothed)
    return {member_id: (mu + shift, sigma) for member_id, (mu, sigma) in smoothed.items()}


def _steps(log: RatingColumns) -> tuple[list[_Admission], list[_Match]]:
    """Return the admissions and the matches of a log; raises the errors of `step_starts`."""
    admissions, matches = [], []
    starts = step_starts(log).tolist()
    for begin, end in pairwise(starts):
        if log.match_id[begin] == 0:
            allowance = float(log.allowance[begin])
            admissions.append(
                _Admission(
                    int(log.member_id[begin]),
                    float(log.mu[begin]),
                    float(log.sigma[begin]),
                    None if math.isnan(allowance) else allowance,
                    int(log.parent_id[begin]),
                )
            )
        else:
            matches.append(
                _Match(
                    log.member_id[begin:end].tolist(),
                    log.placement[begin:end].tolist(),
                    log.versions[log.version[begin]],
                )
            )
    return admissions, matches


def _prior(start: _Admission, current: Mapping[int, Gaussian]) -> Gaussian:
    if start.allowance is None or start.parent_id not in current:
        return start.mu, start.sigma
    return child_rating(*current[start.parent_id], start.allowance)


def _level_shift(admissions: Sequence[_Admission], ratings: Mapping[int, Gaussian]) -> float:
    """Return what to add to every mu so that the priors are met best.

    Results and the step from parent to child do not change when all skills move together, so the
    best level is where the precision-weighted distances from the fixed priors sum to 0.
    """
    seen: set[int] = set()
    weight = distance = 0.0
    for start in admissions:
        if start.allowance is None or start.parent_id not in seen:
            precision = 1.0 / start.sigma**2
            weight += precision
            distance += precision * (start.mu - ratings[start.member_id][0])
        seen.add(start.member_id)
    return distance / weight if weight else 0.0


def _natural(rating: Gaussian) -> Gaussian:
    """Convert (mu, sigma) to (precision, precision * mu)."""
    precision = 1.0 / (rating[1] * rating[1])
    return precision, precision * rating[0]


def _gaussian(natural: Gaussian) -> Gaussian:
    """Convert (precision, precision * mu) to (mu, sigma)."""
    return natural[1] / natural[0], 1.0 / math.sqrt(natural[0])
