"""Owns `league evaluate`: one member among seats of one kind, in our engine.

Promises: in a league its own rules and maps are played, and it is only read: nothing is stored.
`league bridge evaluate` plays the same plan in the original engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

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
from league.pit.table import Table, laid

OUR_MINDS: Final = {
    TRIBES: "scripted:bot",
    HUMAN_TRIBES: "scripted:tribe",
    **{word: f"scripted:nation-{difficulty}" for difficulty, word in NATIONS.items()},
}
"""Who plays each word of AGAINST in our engine."""


def run_evaluation(
    request: EvaluateRequest,
    folder: LeagueFolder | None,
    progress: Progress = lambda done, total, firsts, mean: None,
    *,
    arena: MakeArena | None = None,
    replays: Path | None = None,
) -> Evaluation:
    """Play the matches and return what they say.

    Args:
        folder: the league that knows the members; None takes files, specs and scripts.
        progress: called after every match.
        arena: makes the arena; None for processes of this machine.
        replays: folder that the matches are written into, to be watched; None writes none.

    Raises:
        LeagueError, AgentError, ArenaError, DatabaseError: it cannot be played, or was ended before
            the first match was.
    """
    names = (request.member, OUR_MINDS.get(request.against, request.against))
    with laid(names, request.maps, folder, stores=False, game=request.game) as table:
        plan = plan_evaluation(request, table)
        return play_plan(request, plan, table.settings, progress, arena, replays)


def plan_evaluation(request: EvaluateRequest, table: Table) -> EvaluationPlan:
    """Return the plan; raise MatchError for seats that have no place on a board."""
    return EvaluationPlan(
        member=table.sides[0],
        others=table.sides[1],
        maps=table.maps,
        rules=request.over(table.rules),
        views=table.views,
    )
