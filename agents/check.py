"""Check that a plug-in keeps the agent contract; its author runs this before it joins a league.

    from agents.check import check_agent
    check_agent("mypackage.bots:make_bot")

plays two short matches on a small generated map and raises AgentError with one sentence about the
first rule that the agent breaks.
"""

from __future__ import annotations

from agents.errors import AgentError
from agents.registry import load_plugin, make_loader
from arena.agent import LoadAgent
from arena.match import MatchFailure, MatchResult, MatchSpec, play_matches
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map

_MAP = "generated:continents:64x64:1"


def check_agent(name: str, *, max_ticks: int = 300) -> list[MatchResult]:
    """Play the plug-in against scripted agents and against itself, and check every answer.

    Checks that it loads, that it answers every batch with one integer action per row, that it never
    chooses an illegal action during a match, and that a match ends the same whether it is played
    alone or batched with another one (it does if the agent draws its chance from `batch.noise`).

    Args:
        name: `module:factory`.
        max_ticks: length of the matches.

    Returns:
        The results of the two matches.

    Raises:
        AgentError: the agent breaks a rule; the message says which.
    """
    load_plugin(name)
    load = make_loader()
    spec = f"plugin:{name}"
    rules = MatchRules(max_ticks=max_ticks)
    mixed = (spec, "scripted:tribe", "scripted:random", "scripted:expander", "scripted:idle") * 2
    specs = [
        MatchSpec(1, _MAP, mixed, rules),
        MatchSpec(2, _MAP, (spec,) * 10, rules),
    ]
    together = _play(specs, load)
    alone = _play(specs[:1], load)
    for result in together:
        n_decisions = -(-result.ticks // rules.ticks_per_decision)
        illegal = sum(
            n
            for n, agent in zip(result.n_illegal, result.spec.agents, strict=True)
            if agent == spec
        )
        if illegal:
            raise AgentError(
                f"{name} chose {illegal} illegal actions in a match of {n_decisions} decisions; "
                "choose only actions that batch.action_mask allows"
            )
    if alone[0].final_state_sha256 != together[0].final_state_sha256:
        raise AgentError(
            f"{name} played the same match differently alone and batched with another match; draw "
            "random numbers from batch.noise and index memory by batch.rows"
        )
    return together


def _play(specs: list[MatchSpec], load: LoadAgent) -> list[MatchResult]:
    results: list[MatchResult] = []
    for outcome in play_matches(specs, load, load_map):
        if isinstance(outcome, MatchFailure):
            raise AgentError(f"{outcome.error}\n{outcome.traceback}".strip())
        results.append(outcome)
    return results
