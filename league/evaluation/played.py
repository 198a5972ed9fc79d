"""Owns the playing of an evaluation's plan, in whichever arena, and what its matches say.

Promises: matches count in the order of their seeds; one that failed is played again, three times at
most, and what was played before it was given up is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from league.errors import MatchesFailedError, PitError, PitInterrupted
from league.evaluation.plan import EvaluateRequest, EvaluationPlan
from league.pit.log import Unit
from league.pit.play import MakeArena, Play
from league.statistics.means import MeanInterval, t_interval
from league.statistics.shares import ShareInterval, exact_interval

Progress = Callable[[int, int, float, float], None]
"""Takes how many matches were played, of how many, first places, and the mean place."""


@dataclass(frozen=True)
class Evaluation:
    """Everything that is printed.

    Attributes:
        edition: of the game that was played.
        place: mean place, with Student's interval over matches.
        firsts: share of matches in which it came first (a shared first place is split), with an
            exact interval.
        alive_share: of matches at whose end it lived.
        n_matches: that were played, of `n_wanted`.
        minutes: that it took.
        places: of each match, in the order of the seeds.
        failure: why not all matches were played, or None.
        blames_member: whether an agent's own code failed.
        watch: what `league replay show` takes for the matches.
        is_original: whether the original engine played; `commit` is then its checkout's.
    """

    member: str
    against: str
    setting: str
    edition: str
    place: MeanInterval
    firsts: ShareInterval
    alive_share: float
    n_seats: int
    n_matches: int
    n_wanted: int
    n_failed: int
    minutes: float
    places: tuple[int, ...]
    failure: str | None = None
    blames_member: bool = False
    interrupted: bool = False
    watch: tuple[str, ...] = ()
    is_original: bool = False
    commit: str | None = None

    @property
    def exit_code(self) -> int:
        """0; 130 interrupted; 2 an agent failed; 70 matches did, and no agent is to blame."""
        if self.interrupted:
            return PitInterrupted.exit_code
        if self.failure is None:
            return 0
        return (PitError if self.blames_member else MatchesFailedError).exit_code


class _Judge:
    """Takes matches in the order of their seeds, and tells of the progress."""

    def __init__(self, n: int, progress: Progress) -> None:
        self._n, self._progress = n, progress
        self.places: list[int] = []
        self.firsts = 0.0
        self.n_alive = 0

    def take(self, unit: Unit) -> bool:
        """Count a match; never enough before the last."""
        (match,) = unit
        place = match.placements[0]
        self.places.append(place)
        self.n_alive += match.alive[0]
        if place == 1:
            self.firsts += 1.0 / match.placements.count(1)
        mean = sum(self.places) / len(self.places)
        self._progress(len(self.places), self._n, self.firsts, mean)
        return False


def play_plan(
    request: EvaluateRequest,
    plan: EvaluationPlan,
    settings: Mapping[str, Any],
    progress: Progress,
    arena: MakeArena | None = None,
    replays: Path | None = None,
) -> Evaluation:
    """Play the matches of a plan and return what they say.

    Args:
        settings: of the workers.
        arena: makes the arena; None for our engine in processes of this machine.
        replays: folder that the matches are written into; None writes none.

    Raises:
        PitError: an agent failed before a match was played, or it was interrupted; its exit code
            says which.
        MatchesFailedError: matches failed, and no agent is to blame.
    """
    judge = _Judge(request.n_matches, progress)
    play = Play(plan, request.seeds, None, settings, request.n_workers, replays)
    failure = None
    began = time.monotonic()
    try:
        play.until(judge, arena)
    except PitError as error:
        failure = str(error)
    if not judge.places:
        if failure is None:
            raise PitInterrupted(
                "interrupted before the first match ended; run the same command again"
            )
        raise (PitError if play.crashes else MatchesFailedError)(failure)
    n = len(judge.places)
    return Evaluation(
        member=plan.member.name,
        against=request.against,
        setting=plan.setting(request.seeds[:n]),
        edition=plan.rules.edition,
        place=t_interval(judge.places).within(1.0, plan.rules.n_seats),
        firsts=exact_interval(judge.firsts, n),
        alive_share=judge.n_alive / n,
        n_seats=plan.rules.n_seats,
        n_matches=n,
        n_wanted=request.n_matches,
        n_failed=play.n_failed,
        minutes=(time.monotonic() - began) / 60.0,
        places=tuple(judge.places),
        failure=failure,
        blames_member=bool(play.crashes),
        interrupted=play.interrupted,
        watch=play.to_watch,
    )
