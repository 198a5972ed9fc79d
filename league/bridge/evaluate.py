"""Owns `league bridge evaluate`: one member among minds of the original engine.

Promises: each match is a seed of its own, in the order of which they count; a match that failed is
played again, three times at most, and what was played before it was given up is reported; nothing
is stored.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from arena.match import MatchSpec
from arena.processes.jobs import Arena
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.observation.views import Views
from league.bridge.arena import bridged_arena
from league.bridge.checkout import Bundle
from league.bridge.match import HUMAN_TRIBE, MIND_PREFIX, NATIONS, TRIBE
from league.errors import BridgeEngineError, BridgeError, PitError, PitInterrupted
from league.folder.layout import LeagueFolder
from league.pit.log import Unit
from league.pit.plan import match_spec, name_maps
from league.pit.play import Play
from league.pit.sides import Side
from league.pit.table import Table, laid
from league.statistics.means import MeanInterval, t_interval
from league.statistics.shares import ShareInterval, exact_interval

AGAINST: Final = {
    "tribes": TRIBE,
    "tribes:human": HUMAN_TRIBE,
    **{f"nations:{name.rpartition('-')[2]}": name for name in NATIONS},
}
"""Whom a member is evaluated against, and the spec of their seats."""

LAND_ONLY: Final = (
    *("city", "port", "factory", "defense_post", "silo", "sam", "boat", "warship"),
    *("atom_bomb", "hydrogen_bomb", "mirv", "alliances"),
)
"""What is left out of the land game."""


@dataclass(frozen=True)
class EvaluateRequest:
    """What the command line asks for.

    Attributes:
        member: name, hash prefix, snapshot file or agent spec.
        against: a key of AGAINST.
        n_seats: the member's and those of the original's minds.
        max_ticks: length limit; None takes that of the rules of the league, or of preset `small`.
        maps: references to play on; empty uses the maps of rated matches.
        seed: of the first match; each further one takes the next.
        land_only: without structures, boats and alliances.
        n_workers: None starts one per core.
    """

    member: str
    against: str
    n_matches: int = 48
    n_seats: int = 10
    max_ticks: int | None = None
    maps: tuple[str, ...] = ()
    seed: int = 1
    land_only: bool = False
    n_workers: int | None = None

    @property
    def seeds(self) -> range:
        """The seeds of the matches."""
        return range(self.seed, self.seed + self.n_matches)

    @property
    def without(self) -> tuple[str, ...]:
        """What nobody can build."""
        return LAND_ONLY if self.land_only else ()


@dataclass(frozen=True)
class EvaluationPlan:
    """What is played: the member in seat 0, which the seed puts on any place of the map."""

    member: Side
    mind: str
    maps: tuple[str, ...]
    rules: MatchRules
    views: Views

    n_parts = 1

    @property
    def series_key(self) -> str:
        """Key that requests for the same matches share."""
        parts = [self.member.agent_spec, self.mind, self.rules.to_json(), list(self.maps)]
        return "bridge-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    @property
    def everybody(self) -> tuple[Side, ...]:
        """The member alone: the others have minds of the original."""
        return (self.member,)

    def part_key(self, seed: int, part: int) -> tuple[str, int]:
        """Return the key of a match."""
        return f"{self.series_key}:{seed}", part

    def labels(self, seed: int, part: int) -> tuple[str | None, ...]:
        """Return "A" for the member's seat, None for the others."""
        return ("A", *(None,) * (self.rules.n_seats - 1))

    def line_up(self, seed: int, part: int) -> tuple[Side, ...]:
        """Return who holds each seat."""
        mind = Side(self.mind.removeprefix(MIND_PREFIX), self.mind)
        return (self.member, *(mind,) * (self.rules.n_seats - 1))

    def spec(self, seed: int, part: int) -> MatchSpec:
        """Return the spec of a match."""
        return match_spec(self.line_up(seed, part), seed, self.maps, self.rules, self.views)


@dataclass(frozen=True)
class Evaluation:
    """Everything that is printed.

    Attributes:
        place: mean place, with Student's interval over matches.
        firsts: share of matches in which it came first (a shared first place is split), with an
            exact interval.
        alive_share: of matches at whose end it lived.
        n_matches: that were played, of `n_wanted`.
        failure: why not all of them were, or None.
        blames_member: whether the member's own code failed.
        minutes: that it took.
    """

    member: str
    against: str
    setting: str
    edition: str
    commit: str | None
    place: MeanInterval
    firsts: ShareInterval
    alive_share: float
    n_seats: int
    n_matches: int
    n_wanted: int
    n_failed: int
    minutes: float
    failure: str | None = None
    blames_member: bool = False
    interrupted: bool = False
    places: tuple[int, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0; 130 interrupted; 70 the engine's process failed again and again; 2 the member did."""
        if self.interrupted:
            return PitInterrupted.exit_code
        if self.failure is None:
            return 0
        return (BridgeError if self.blames_member else BridgeEngineError).exit_code


class _Judge:
    """Takes matches in the order of their seeds, and tells of the progress."""

    def __init__(self, n: int, progress: Callable[[int, int, float, float], None]) -> None:
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


def run_evaluation(
    request: EvaluateRequest,
    bundle: Bundle,
    folder: LeagueFolder | None,
    progress: Callable[[int, int, float, float], None] = lambda done, total, firsts, mean: None,
    *,
    arena: Callable[[int], Arena] | None = None,
) -> Evaluation:
    """Play the matches and return what they say.

    Args:
        folder: the league that knows the member; None takes files, specs and scripts.
        progress: called after every match with how many were played, of how many, first places, and
            the mean place.
        arena: makes the arena from the number of workers; None for processes of this machine.

    Raises:
        LeagueError, AgentError, ArenaError, DatabaseError: it cannot be played, or was ended before
            the first match was.
    """
    with laid((request.member,), request.maps, folder, stores=False) as table:
        plan = plan_evaluation(request, table, edition_for(table, bundle, folder))
        judge = _Judge(request.n_matches, progress)
        play = Play(plan, request.seeds, None, table.settings, request.n_workers)
        failure = None
        began = time.monotonic()
        try:
            play.until(judge, arena or bridged_arena(bundle, table.settings, request.without))
        except PitError as error:
            failure = str(error)
        if not judge.places:
            if failure is None:
                raise PitInterrupted(
                    "interrupted before the first match ended; run the same command again"
                )
            kind = BridgeError if play.crashes else BridgeEngineError
            raise kind(failure)
    n = len(judge.places)
    return Evaluation(
        member=plan.member.name,
        against=request.against,
        setting=_setting(request, plan, n),
        edition=bundle.checkout.edition or "",
        commit=bundle.checkout.commit,
        place=t_interval(judge.places).within(1.0, request.n_seats),
        firsts=exact_interval(judge.firsts, n),
        alive_share=judge.n_alive / n,
        n_seats=request.n_seats,
        n_matches=n,
        n_wanted=request.n_matches,
        n_failed=play.n_failed,
        minutes=(time.monotonic() - began) / 60.0,
        failure=failure,
        blames_member=bool(play.crashes),
        interrupted=play.interrupted,
        places=tuple(judge.places),
    )


def edition_for(table: Table, bundle: Bundle, folder: LeagueFolder | None) -> str:
    """Return the edition that members see and act in: their league's, or a snapshot's.

    Where neither says anything it is the checkout's.
    """
    if folder is None and not table.sides[0].agent_spec.startswith("snapshot:"):
        return str(bundle.checkout.edition)
    return table.rules.edition


def plan_evaluation(request: EvaluateRequest, table: Table, edition: str) -> EvaluationPlan:
    """Return the plan; raise BridgeError for seats that have no place on our board."""
    if not 2 <= request.n_seats <= MAX_SEATS:
        raise BridgeError(f"expected 2 to {MAX_SEATS} seats, found {request.n_seats}")
    return EvaluationPlan(
        member=table.sides[0],
        mind=AGAINST[request.against],
        maps=table.maps,
        rules=replace(
            table.rules,
            n_seats=request.n_seats,
            max_ticks=request.max_ticks or table.rules.max_ticks,
            edition=edition,
            crowd="",
        ),
        views=table.views.of_edition(edition),
    )


def _setting(request: EvaluateRequest, plan: EvaluationPlan, n_played: int) -> str:
    """Return the part of the report that says what was played."""
    seeds = request.seeds[: max(n_played, 1)]
    land = ", land alone" if request.land_only else ""
    return (
        f"{request.n_seats} seats, {plan.rules.max_ticks:,} ticks, {name_maps(plan.maps)}, seeds "
        f"{seeds[0]}..{seeds[-1]}{land}"
    )
