"""A match of edition 2026 in which all happens that its film shows beside land, and that film."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from arena.agent import SeatBatch
from arena.match import MatchResult, MatchSpec, play_matches, unpack_actions
from arena.replay import Replay
from arena.territory.engine.actions import ALLY, BOAT, BREAK, BUILD, UPGRADE, WAIT
from arena.territory.engine.rules import RULES_VERSION, MatchRules
from arena.territory.maps import load_map
from arena.viewer.film import Film, record_film

RULES = MatchRules(
    max_ticks=2_500,
    ticks_per_decision=25,
    n_seats=6,
    edition="2026",
    crowd="tribes=2,nations-easy=1",
)
_WISHES = (  # first and last action of a kind, and at which of its decisions a seat thinks of it
    (UPGRADE, BOAT, 3),
    (BUILD, UPGRADE, 1),
    (BREAK, BREAK + 8, 40),
    (ALLY, BREAK, 1),
    (BOAT, ALLY, 7),
    (0, WAIT, 2),
)


class Busy:
    """Does whatever is legal: builds, raises, sails, allies, betrays, attacks."""

    def __init__(self, terms: str = "") -> None:
        self.terms, self._n = terms, 0

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Nothing is remembered of a match."""

    def act(self, batch: SeatBatch, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the first wish of each row that is legal."""
        return np.array([self._choose(np.flatnonzero(mask)) for mask in batch.action_mask])

    def _choose(self, legal: NDArray[np.int64]) -> int:
        self._n += 1
        for first, end, every in _WISHES:
            found = legal[(legal >= first) & (legal < end)]
            if len(found) and self._n % every == 0:
                return int(found[self._n % len(found)])
        return WAIT


def _play(seed: int) -> Replay:
    """Five busy seats, a nation in the last one, and three players of a crowd."""
    agents = ("busy",) * 5 + ("nation-medium",)
    spec = MatchSpec(
        seed, "generated:continents:96x96:3", agents, RULES, terms=("",) * 5 + ("nation-medium",)
    )
    load = {"busy": Busy(), "nation-medium": Busy("nation-medium")}
    (result,) = play_matches([spec], load.__getitem__, load_map)
    assert isinstance(result, MatchResult), result
    return Replay(
        spec=spec,
        actions=unpack_actions(result.actions),
        ticks=result.ticks,
        final_state_sha256=result.final_state_sha256,
        placements=result.placements,
        rules_version=RULES_VERSION,
    )


def _has_all(film: Film) -> bool:
    """Whether cities were raised, boats sailed, alliances were made and broken, some beside others.

    While the rules of 2026 grow, a seed's match becomes another one.
    """
    marks = film.marks
    traitors = [bool(m.traitors(int(t))) for m, t in zip(marks, film.ticks, strict=True)]
    sail_on = [set(a.boats[:, 0]) & set(b.boats[:, 0]) for a, b in itertools.pairwise(marks)]
    return bool(
        max(int(each.levels.max()) for each in marks) >= 2
        and len({number for each in marks for number in each.boats[:, 0].tolist()}) >= 3
        and any(len(each.boats) and len(each.allies) for each in marks)
        and any(len(each.boats) and each.levels.any() for each in marks)
        and any(is_any and each.levels.any() and len(each.allies)
                for is_any, each in zip(traitors, marks, strict=True))
        and any(each.structures[:, 4].any() for each in marks)
        and any((each.structures[:, 4] == 0).any() for each in marks)
        and any(sail_on)
        and len(film.thinned(50).marks[1].structures)
    )  # fmt: skip


@lru_cache(1)
def film_2026() -> Film:
    """The film of the first of some matches in which all of it happens."""
    for seed in range(5, 25):
        film = record_film(_play(seed), load_map)
        if _has_all(film):
            return film
    raise AssertionError("none of 20 matches has all that films show: see _has_all")


def replay_2026() -> Replay:
    """The replay of that film."""
    return film_2026().replay
