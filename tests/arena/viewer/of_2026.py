"""A match of edition 2026 in which all happens that its film shows beside land, and that film."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from arena.agent import SeatBatch
from arena.match import MatchResult, MatchSpec, play_matches, unpack_actions
from arena.replay import Replay
from arena.territory.engine.actions import ALLY, BOAT, BREAK, BUILD, UPGRADE, WAIT
from arena.territory.engine.rules import RULES_VERSION, MatchRules
from arena.territory.maps import load_map
from arena.viewer.film import Film, frame_hash, record_film

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


def with_marks(by_frame: Mapping[int, Mapping[str, list[list[int]]]]) -> Film:
    """That film with lists of marks put on by hand in some frames, and hashes that fit.

    In the other frames those lists are empty.
    """
    film = film_2026()
    columns = {"ships": 5, "rails": 3, "trains": 5}
    names = {name for lists in by_frame.values() for name in lists}
    marks = tuple(
        replace(
            each,
            **{
                name: np.array(by_frame.get(i, {}).get(name, []), np.int64).reshape(
                    -1, columns[name]
                )
                for name in names
            },
        )
        for i, each in enumerate(film.marks)
    )
    hashes = tuple(
        frame_hash(int(film.ticks[i]), owner, film.tiles[i], film.troops[i], marks[i])
        for i, owner in enumerate(film.frames())
    )
    return replace(film, marks=marks, hashes=hashes)


@lru_cache(1)
def film_with_railway() -> Film:
    """That film with three rails and trains in frames 3 to 6, of ticks 75 to 150.

    Tiles are 96 a row. One of the rails is lost before frame 5, and another one is longer then;
    two trains are alike in frame 3, and one goes back on the same rail.
    """
    west, middle, east, south = 10, 40, 90, 96 * 60 + 40
    rails = [[west, middle, 31], [middle, east, 51], [middle, south, 61]]
    trains = [[0, middle, south, 61, 96], [1, west, middle, 31, 80], [1, west, middle, 31, 80]]
    back = [[2, middle, west, 31, 83]]
    return with_marks(
        {
            3: {"rails": rails, "trains": [*trains, *back]},
            4: {"rails": rails, "trains": [[1, middle, east, 51, 106]]},
            5: {"rails": [[west, middle, 33], [middle, south, 61]], "trains": []},
            6: {"rails": [[west, middle, 33]], "trains": [[2, west, middle, 33, 160]]},
        }
    )
