"""Owns `league bridge evaluate`: the plan of `league evaluate`, played by the original engine.

Promises: the minds of the other seats are the original's own; nothing is stored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from arena.territory.engine.rules import STRUCTURES
from league.bridge.arena import bridged_arena
from league.bridge.checkout import Bundle
from league.bridge.match import HUMAN_TRIBE, MIND_PREFIX, TRIBE
from league.evaluation.plan import (
    HUMAN_TRIBES,
    NATIONS,
    TRIBES,
    EvaluateRequest,
    EvaluationPlan,
)
from league.evaluation.played import Evaluation, Progress, play_plan
from league.folder.layout import LeagueFolder
from league.pit.play import MakeArena
from league.pit.sides import Side
from league.pit.table import Table, laid

ORIGINAL_MINDS: Final = {
    TRIBES: TRIBE,
    HUMAN_TRIBES: HUMAN_TRIBE,
    **{word: f"{MIND_PREFIX}nation-{difficulty}" for difficulty, word in NATIONS.items()},
}
"""Who plays each word of AGAINST there: agent specs of league.bridge.match."""

LAND_ONLY: Final = (
    *STRUCTURES,
    *("boat", "warship", "atom_bomb", "hydrogen_bomb", "mirv", "alliances"),
)
"""What is left out of the land game."""


def run_bridged_evaluation(
    request: EvaluateRequest,
    bundle: Bundle,
    folder: LeagueFolder | None,
    progress: Progress = lambda done, total, firsts, mean: None,
    *,
    land_only: bool = False,
    arena: MakeArena | None = None,
) -> Evaluation:
    """Play the matches in the original engine and return what they say.

    Args:
        folder: the league that knows the member; None takes files, specs and scripts.
        progress: called after every match.
        land_only: without structures, boats and alliances.
        arena: makes what takes the place of the worker processes.

    Raises:
        LeagueError, AgentError, ArenaError, DatabaseError: it cannot be played, or was ended before
            the first match was.
    """
    with laid((request.member,), request.maps, folder, stores=False, game=request.game) as table:
        plan = plan_bridged(request, table, edition_for(table, bundle, folder), land_only)
        make = arena or bridged_arena(bundle, LAND_ONLY if land_only else ())
        found = play_plan(request, plan, table.settings, progress, make)
    checkout = bundle.checkout
    return replace(found, is_original=True, edition=checkout.edition or "", commit=checkout.commit)


def edition_for(table: Table, bundle: Bundle, folder: LeagueFolder | None) -> str:
    """Return the edition that members see and act in: their league's, or a snapshot's.

    Where neither says anything it is the checkout's.
    """
    if folder is None and not table.sides[0].agent_spec.startswith("snapshot:"):
        return str(bundle.checkout.edition)
    return table.rules.edition


def plan_bridged(
    request: EvaluateRequest, table: Table, edition: str, land_only: bool = False
) -> EvaluationPlan:
    """Return the plan; raise MatchError for seats that have no place on our board."""
    mind = ORIGINAL_MINDS[request.against]
    return EvaluationPlan(
        member=table.sides[0],
        others=Side(mind.removeprefix(MIND_PREFIX), mind),
        maps=table.maps,
        rules=request.over(replace(table.rules, edition=edition, crowd="")),
        views=table.views.of_edition(edition),
        left_out=", land alone" if land_only else "",
    )
