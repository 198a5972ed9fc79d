"""Members whom the engine itself plays, inside the tick: the original game's tribes and nations.

- `bot`: a tribe on the terms of a tribe (a smaller cap, slower growth).
- `nation-easy`, `nation-medium`, `nation-hard`, `nation-impossible`: nations on their own terms,
  which are a handicap below `hard` and an advantage above it.
- `nation`: the mind of the strongest nation on the terms of a human: skill without the handicap.

Their specs are `scripted:NAME`. A match says on which terms each seat sits (MatchSpec.terms), so
that it can be played back without its agents; `terms_of` says it for a line-up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from agents.errors import AgentError
from arena.errors import MatchError
from arena.territory.engine.rules import N_INTENSITIES, WAIT_DIRECTION
from arena.territory.engine.terms import HUMAN_TERMS, TERMS, check_terms, has_handicap

if TYPE_CHECKING:  # reports ask for terms, and load no game
    from numpy.random import Generator

    from arena.agent import IntArray, SeatBatch

IN_TICK = tuple(terms for terms in TERMS if terms != HUMAN_TERMS)
"""Names of these members, which are the names of their terms."""
_PREFIX = "scripted:"
_WAIT = WAIT_DIRECTION * N_INTENSITIES


class InTick:
    """Stands for the engine's mind in a line-up: it is never asked, and would wait.

    Attributes:
        terms: on which its seat must sit.
    """

    uses_rng = False
    has_memory = False

    def __init__(self, terms: str) -> None:
        self.terms = terms

    def reset(self, rows: IntArray) -> None:
        """Do nothing: this agent keeps no memory."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Return the first of the five WAITs."""
        return np.full(len(batch), _WAIT, np.int64)


def term_of(spec: str) -> str:
    """Return the terms that an agent spec plays on; "" for whoever decides for itself."""
    name = spec.removeprefix(_PREFIX)
    return name if spec.startswith(_PREFIX) and name in IN_TICK else HUMAN_TERMS


def terms_of(specs: Iterable[str]) -> tuple[str, ...]:
    """Return the terms of each seat of a line-up, as MatchSpec takes them."""
    return tuple(map(term_of, specs))


def is_equal(spec: str) -> bool:
    """Return whether an agent plays on the terms of a human, with no handicap and no advantage."""
    return not has_handicap(term_of(spec))


def check_edition(spec: str, edition: str) -> None:
    """Raise AgentError for a member that could not be played in a league of this edition."""
    from agents.scripted import SCRIPTED_2026

    if edition != "2026" and spec.removeprefix(_PREFIX) in SCRIPTED_2026:
        raise AgentError(
            f"{spec} plays in leagues of edition 2026 alone (rules.edition): without cities it "
            "would be scripted:expander"
        )
    try:
        check_terms(term_of(spec), edition)
    except MatchError as error:
        raise AgentError(
            f"{spec} plays in leagues of edition 2026 alone (rules.edition): {error}"
        ) from error
