"""Owns what `league report --payoff` shows: who beats whom, and what one number does not say.

Promises: one consistent reading of the database, as the report's; every interval of a list holds
together with the others of its list.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from db import queries
from league.folder.match_columns import MatchMemory
from league.folder.memory import stored_season
from league.rating.beats import Beats, count_beats, placement_counts
from league.rating.columns import MatchColumns
from league.rating.contradictions import (
    Contradiction,
    PitScores,
    matches_against_ratings,
    pits_against_ratings,
)
from league.rating.deviation import deviation_ratings
from league.rating.engines import CHAIN_VERSION
from league.rating.errors import rating_errors
from league.rating.flips import Flip, Rerate, matches_to_flip
from league.rating.replay import final_ratings, replay_columns
from league.rating.standings import Standing, scale_anchor_id, standings
from league.rating.trueskill import Gaussian, win_probability

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import RatingColumns

# What a pair's ratings predict counts as this many matches, each divided by the design effect: few
# matches must not make a member that nobody else beats.
PRIOR_MATCHES = 8.0
# A log of this many changes is rated again within half a second, and about ten times.
MOST_RERATED = 300_000


@dataclass(frozen=True)
class Ranked:
    """A member in the clone-proof ranking.

    Attributes:
        standing: by ratings.
        clone_proof: beat rate against the mixture that must be beaten, 1/2 at most.
        weight: its share of that mixture; 0 for most.
        clone_proof_rank: 1 for all members at 1/2, and on from there.
    """

    member_id: int
    standing: Standing
    clone_proof: float
    weight: float
    clone_proof_rank: int


@dataclass(frozen=True)
class PayoffState:
    """Who beats whom in the present season; members in the order of the standings.

    Attributes:
        placements: int64[n, places], how often each member came where.
        flip: how many matches hold places 1 and 2 apart; None with fewer than two members.
        n_line_ups: different sets of members.
        contradictions: pairs whose common matches contradict their ratings.
        pits: all head-to-heads between rated members, against their ratings.
    """

    league: str
    at: datetime
    names: Mapping[int, str]
    n_matches: int
    n_line_ups: int
    beats: Beats
    placements: NDArray[np.int64]
    ranking: tuple[Ranked, ...]
    flip: Flip | None
    cycles: tuple[tuple[int, int, int], ...]
    contradictions: tuple[Contradiction, ...]
    pits: tuple[Contradiction, ...]


def read_payoff(
    session: Session, name: str, *, memory: MatchMemory | None = None, at: datetime | None = None
) -> PayoffState:
    """Read and compute the payoff in a session; `at` replaces the present moment."""
    season = stored_season(session)
    members = queries.list_members(session)
    columns, ratings = MatchColumns.empty(), dict[int, Gaussian]()
    pits: list[PitScores] = []
    rerate: Rerate | None = None
    admissions = {}
    if season is not None:
        rules = season.rules_sha256
        columns = (memory or MatchMemory(None)).read(session, rules)
        played = set(columns.member_ids().tolist())
        latest = queries.latest_ratings(session, rules)
        ratings = {i: (row.mu, row.sigma) for i, row in latest.items() if i in played}
        admissions = queries.admissions(session, rules)
        pits = pit_scores(queries.pit_placements(session, rules))
        if columns.n_seats <= MOST_RERATED:
            rerate = _rerating(queries.rating_columns(session, rules))
    errors = rating_errors(columns, ratings, admissions)
    table = standings(ratings, anchor_id=scale_anchor_id(members), errors=errors)
    order = [row.member_id for row in table]
    beats = count_beats(columns, order)
    flip = None
    if len(order) > 1:
        flip = matches_to_flip(columns, ratings, order[0], order[1], admissions, rerate)
    return PayoffState(
        league=name,
        at=at or datetime.now(UTC),
        names={member.id: member.name for member in members},
        n_matches=columns.n_matches,
        n_line_ups=len(np.unique(columns.line_ups())),
        beats=beats,
        placements=placement_counts(columns, order),
        ranking=tuple(_ranking(table, beats, ratings)),
        flip=flip,
        cycles=tuple(beats.cycles()),
        contradictions=tuple(matches_against_ratings(beats, ratings, errors)),
        pits=tuple(pits_against_ratings(pits, ratings, errors)),
    )


def expected_rates(beats: Beats, ratings: Mapping[int, Gaussian]) -> NDArray[np.float64]:
    """Return float64[n, n]: beat rates, completed by what ratings predict where matches are few."""
    ids = beats.member_ids
    prior = np.array([[win_probability(ratings[i], ratings[j]) for j in ids] for i in ids])
    prior = prior.reshape(len(ids), len(ids))  # of a league that has played nothing, too
    np.fill_diagonal(prior, 0.5)
    worth = np.maximum(beats.games, 0.0) / max(beats.design_effect, 1.0)
    return np.asarray((beats.rates * worth + prior * PRIOR_MATCHES) / (worth + PRIOR_MATCHES))


def _ranking(
    table: Sequence[Standing], beats: Beats, ratings: Mapping[int, Gaussian]
) -> list[Ranked]:
    found = deviation_ratings(expected_rates(beats, ratings).reshape(len(table), len(table)))
    rounded = np.round(found.rating, 9)
    return [
        Ranked(
            row.member_id,
            row,
            0.5 + float(found.rating[at]),
            float(found.weight[at]),
            1 + int((rounded > rounded[at]).sum()),
        )
        for at, row in enumerate(table)
    ]


def pit_scores(rows: Sequence[tuple[str, int, int, int, int, int]]) -> list[PitScores]:
    """Return the head-to-heads of mirrored pairs between two members, from their seats.

    The two sides are the members that exchange their seats between the halves of a pair; whoever
    else took part is no side. The score of a pair is the mean over its halves of the share of seat
    pairs in which the first side placed above, ties half.

    Args:
        rows: of `db.queries.pit_placements`.
    """
    halves: dict[str, dict[int, dict[int, tuple[int, int]]]] = {}
    seeds: dict[str, int] = {}
    for key, half, seed, seat, member_id, placement in rows:
        seeds[key] = seed
        halves.setdefault(key, {}).setdefault(half, {})[seat] = (member_id, placement)
    scores: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for key, pair in halves.items():
        sides = _sides(pair)
        if sides is not None:
            score = sum(_half_score(pair[half], *sides) for half in (0, 1)) / 2.0
            scores.setdefault(sides, []).append((seeds[key], score))
    return [
        PitScores(*sides, tuple(score for _, score in sorted(found)))
        for sides, found in sorted(scores.items())
    ]


def _sides(pair: Mapping[int, Mapping[int, tuple[int, int]]]) -> tuple[int, int] | None:
    if set(pair) != {0, 1} or set(pair[0]) != set(pair[1]):
        return None
    exchanged = {
        frozenset((pair[0][seat][0], pair[1][seat][0]))
        for seat in pair[0]
        if pair[0][seat][0] != pair[1][seat][0]
    }
    if len(exchanged) != 1:
        return None
    first, second = sorted(*exchanged)
    return first, second


def _half_score(seats: Mapping[int, tuple[int, int]], first: int, second: int) -> float:
    ours = [place for member, place in seats.values() if member == first]
    theirs = [place for member, place in seats.values() if member == second]
    above = sum((a < b) + 0.5 * (a == b) for a in ours for b in theirs)
    return above / (len(ours) * len(theirs))


def _rerating(log: RatingColumns) -> Rerate:
    """Return a function that rates the log again without some matches."""

    def rerate(without: frozenset[int]) -> Mapping[int, Gaussian]:
        kept = ~np.isin(log.match_id, np.fromiter(without, np.int64, len(without)))
        columns = {
            field.name: getattr(log, field.name)[kept]
            for field in dataclasses.fields(log)
            if field.name != "versions"
        }
        part = dataclasses.replace(log, **columns)
        return final_ratings(part, *replay_columns(part, version=CHAIN_VERSION))

    return rerate
