"""Owns the matches of a comparison: every pairing five against five and among the scripts.

Promises: the matches are those of `league pit`, in each seed's own league, so that the same command
goes on where it was interrupted; ratings never change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from league.compare.answer import COMPANIES, Answer, Company, SeedScore, answer
from league.compare.equals import MEASURES, Equals, Measure, Pairing, find_equals
from league.compare.leagues import SeedLeague, different_settings, league_folders, read_leagues
from league.curves.lineages import RIVAL_SPECS
from league.errors import PitInterrupted
from league.pit.report import PitReport
from league.pit.run import PitProgress, PitRequest, run_pit

Progress = Callable[[str, int, int], None]
"""Hears what is played now, how many pairs of matches are judged, and how many there are."""

# The scripts that play the game well, as in league.curves: among idle and random ones everybody
# does well.
COMPANY = tuple(spec.removeprefix("scripted:") for spec in RIVAL_SPECS)


@dataclass(frozen=True)
class CompareRequest:
    """What is compared.

    Attributes:
        a, b: families, or names of lineages.
        roots: leagues, or folders that hold one per training seed.
        n_matches: matches of each pairing in each company.
        levels: trained decisions and minutes at which to compare; None takes the highest that all
            have reached.
        n_workers: processes that play; None starts one per core.
    """

    a: str
    b: str
    roots: Sequence[Path]
    n_matches: int
    levels: dict[Measure, float | None]
    n_workers: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Everything that a comparison prints.

    Attributes:
        rates: decisions per minute of A over those of B, by league.
        different_settings: sections of the settings in which the leagues differ.
    """

    a: str
    b: str
    leagues: tuple[SeedLeague, ...]
    equals: dict[Measure, Equals]
    answers: tuple[Answer, ...]
    rates: tuple[float, ...]
    different_settings: tuple[str, ...]


def compare(request: CompareRequest, progress: Progress) -> Comparison:
    """Play what has not been played yet; return the comparison.

    Args:
        progress: called after every judged pair of matches with a line, and with how many of all
            pairs are judged.

    Raises:
        CompareError: the leagues cannot be compared.
        LeagueError, AgentError, ArenaError, DatabaseError: a match cannot be played.
    """
    leagues = read_leagues(league_folders(request.roots), request.a, request.b)
    equals = {
        measure: find_equals(leagues, measure, request.levels.get(measure)) for measure in MEASURES
    }
    n_played = 0  # pairings
    n_pairings = len(COMPANIES) * sum(len(equals[measure].pairings) for measure in MEASURES)
    answers = []
    for measure in MEASURES:
        for company in COMPANIES:
            scores = []
            for pairing in equals[measure].pairings:
                heard = partial(_hear, progress, n_played, n_pairings)
                scores.append(_play(request, pairing, company, heard))
                n_played += 1
            answers.append(answer(measure, company, scores))
    return Comparison(
        a=request.a,
        b=request.b,
        leagues=tuple(leagues),
        equals=equals,
        answers=tuple(answers),
        rates=tuple(_rate(league) for league in leagues),
        different_settings=tuple(different_settings(leagues)),
    )


def _hear(progress: Progress, n_played: int, n_pairings: int, line: str, now: PitProgress) -> None:
    """Tell of one pairing as a part of all of them, which are equally long."""
    progress(line, n_played * now.max_pairs + now.n_pairs, n_pairings * now.max_pairs)


def _play(
    request: CompareRequest,
    pairing: Pairing,
    company: Company,
    progress: Callable[[str, PitProgress], None],
) -> SeedScore:
    what = f"{pairing.league.name}: {pairing.a.name} against {pairing.b.name}"
    what += " among the scripts" if company == "mixed" else ""
    report = run_pit(
        PitRequest(
            a=pairing.a.name,
            b=pairing.b.name,
            n_matches=request.n_matches,
            seed=first_match_seed(pairing.league),
            with_field=company == "mixed",
            field_of=COMPANY,
            field_seats=seats_among_scripts(pairing.league),
            n_workers=request.n_workers,
        ),
        pairing.league.folder,
        lambda now: progress(f"{what}: {now.line()}", now),
    )
    if report.decision == "interrupted":  # half a score is not one
        raise PitInterrupted(
            f"interrupted in {what}; what was played is stored, and the same command goes on"
        )
    return seed_score(pairing, report)


def seats_among_scripts(league: SeedLeague) -> int:
    """Return the seats of each side among the scripts: three of ten.

    One each leaves a single pair of places to compare in every match: a pair's score then varies
    twice as much (0.31 against 0.16 among scripts), and four times as many matches are needed.
    """
    return max(1, 3 * int(league.settings["rules"]["n_seats"]) // 10)


def first_match_seed(league: SeedLeague) -> int:
    """Return the seed of the first pair of matches: other matches in every league.

    On the same spawns and maps the scores of two training seeds would err together, and their
    spread would hide it: three leagues once agreed to the digit on eight matches.
    """
    return 1 + league.seed % 10**9 * 10**6


def seed_score(pairing: Pairing, report: PitReport) -> SeedScore:
    """Return what a head-to-head says about a training seed."""
    found = report.estimate
    return SeedScore(
        league=pairing.league.name,
        a=pairing.a.name,
        b=pairing.b.name,
        score=found.score,
        standard_error=math.sqrt(found.variance / found.n_pairs),
        n_pairs=found.n_pairs,
        mean_placement=report.mean_placement,
    )


def _rate(league: SeedLeague) -> float:
    """Return A's decisions per minute over B's, each up to its newest snapshot."""
    a, b = (max(chain, key=lambda row: row.trained_decisions) for chain in (league.a, league.b))
    per_minute = [row.trained_decisions / max(row.minutes, 1e-9) for row in (a, b)]
    return per_minute[0] / per_minute[1]
