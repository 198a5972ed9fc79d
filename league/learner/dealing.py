"""How the matches of a checkpoint are dealt to the ranks that go on from it: a pure function.

Promises: as many ranks as wrote it, with as many matches, go on with exactly their own; with other
numbers as many matches are played on as there are places for, in their order, and what is dropped
is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from league.learner.environment import LEARNER

EnvState = dict[str, Any]  # of LeagueVecEnv.state


@dataclass(frozen=True)
class Dealt:
    """What each rank goes on with.

    Attributes:
        states: one per rank, for LeagueVecEnv.set_state. A match that is None begins anew, and
            `rng` is None where the rank must draw from a stream of its own.
        said: a sentence for each thing that was not as the checkpoint has it.
    """

    states: list[EnvState]
    said: list[str] = field(default_factory=list)


def deal(saved: Sequence[EnvState], n_ranks: int, n_matches: int, k: int) -> Dealt:
    """Deal the matches that each rank of a checkpoint had.

    Args:
        saved: by rank, of those who wrote it.
        n_ranks: who go on.
        n_matches: of each of them.
        k: the learner's seats in each match.
    """
    same_seats = all(_n_own(match) == k for state in saved for match in state["matches"])
    if same_seats and [len(state["matches"]) for state in saved] == [n_matches] * n_ranks:
        return Dealt(list(saved))
    said = []
    if len(saved) != n_ranks:
        by = "1 rank" if len(saved) == 1 else f"{len(saved)} ranks"
        said.append(f"it was written by {by} and goes on with {n_ranks}")
    rows = [row for state in saved for row in _rows(state)]
    n_places = n_ranks * n_matches
    if not same_seats:
        said.append(
            f"its {len(rows)} running matches have other numbers of learner's seats than {k}"
        )
        rows = []
    elif (n_left := len(rows) - n_places) > 0:
        them = "has no place and is" if n_left == 1 else "have no place and are"
        said.append(f"{n_left} of its {len(rows)} running matches {them} not played on")
    elif n_left < 0:
        begin = "1 match begins" if n_left == -1 else f"{-n_left} matches begin"
        said.append(f"{begin} beside its {len(rows)}")
    if len(saved) > n_ranks:
        said.append(f"the random streams of {len(saved) - n_ranks} of them end")
    if len(saved) < n_ranks:
        said.append(f"random streams begin for {n_ranks - len(saved)} of them")
    states = []
    for rank in range(n_ranks):
        own: list[_Row | None] = [*rows[rank * n_matches : (rank + 1) * n_matches]]
        own += [None] * (n_matches - len(own))
        states.append(_state(own, k, saved[rank]["rng"] if rank < len(saved) else None))
        if (
            rank < len(saved) and "middles" in saved[rank]
        ):  # its boards; who gives one is drawn anew
            states[rank]["middles"] = {"boards": saved[rank]["middles"]["boards"]}
    states[0] |= {"results": _sums(saved), "scores": _lists(saved)}
    return Dealt(states, said)


_Row = tuple[dict[str, Any], list[bool], list[float]]  # a match, its active rows, their rewards


def _n_own(match: dict[str, Any]) -> int:
    return sum(name == LEARNER for name in match["spec"]["agents"])


def _rows(state: EnvState) -> list[_Row]:
    found = []
    for i, match in enumerate(state["matches"]):
        k = _n_own(match)
        rows = slice(i * k, (i + 1) * k)
        found.append((match, state["active"][rows], state["episode_reward"][rows]))
    return found


def _state(rows: Sequence[_Row | None], k: int, rng: dict[str, Any] | None) -> EnvState:
    active: list[bool] = []
    rewards: list[float] = []
    for row in rows:
        active += [True] * k if row is None else row[1]
        rewards += [0.0] * k if row is None else row[2]
    return {
        "matches": [None if row is None else row[0] for row in rows],
        "active": active,
        "episode_reward": rewards,
        "results": {},
        "scores": {},
        "rng": rng,
    }


def _sums(saved: Sequence[EnvState]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for state in saved:
        for name, (games, beats) in state["results"].items():
            total = found.setdefault(name, [0.0, 0.0])
            total[0] += games
            total[1] += beats
    return found


def _lists(saved: Sequence[EnvState]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for state in saved:
        for name, scores in state.get("scores", {}).items():  # checkpoints of 0.1.0 have none
            found.setdefault(name, []).extend(scores)
    return found
