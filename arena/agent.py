"""The agent interface: what an agent is given, and what it must return.

An agent acts for n seats in one call, of one or of many matches. It sees each seat's public facts,
its legal actions and, on request, its observation, or a clone of the board to think on, which draws
from random streams of its own; nothing else of the game. An agent that samples uses
`SeatBatch.noise`, whose numbers are keyed by (match seed, seat, decision), or the generator that it
is given, so that a match does not depend on what it is batched with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from arena.errors import MatchError

if TYPE_CHECKING:
    from arena.territory.engine.engine import Engine
    from arena.territory.observation.views import Views

IntArray = NDArray[np.int64]

# Columns of SeatBatch.own
TICK, MAX_TICKS, TILES, TROOPS, CAP, N_ALIVE = range(6)
# and in edition 2026
GOLD, CITY_PRICE, CITY_LEVELS, CITY_LEVELS_OWNED, BOATS, AT_SEA, AT_SEA_TO_ME, ALLIES, TRAITOR = (
    range(6, 15)
)
# Columns of SeatBatch.directions[row, direction]
TARGET, CONTACT, TARGET_TILES, TARGET_TROOPS, ATTACK_ON_ME, MY_ATTACK, OTHERS_ATTACKS = range(7)
# and in edition 2026
TARGET_GOLD, TARGET_CITY_LEVELS, TARGET_CAP, TARGET_KIND, ALLIED, ASKS_ME, IS_ASKED = range(7, 14)
TARGET_TRAITOR, TARGET_AT_SEA_TO_ME, LANDING = range(14, 17)

_NOISE_PURPOSE = 5


class SeatBatch:
    """n living seats that must choose an action now.

    Attributes:
        rows: int64[n], stable identity of each seat while its match lasts; the key of anything that
            an agent remembers.
        action_mask: bool[n, 45], legal actions (engine/actions.py); always at least one. Edition
            2026 has 71 actions: these, and those for cities, boats and alliances.
        own: int64[n, 6]: tick, max_ticks, my tiles, home troops, cap, living seats. Edition 2026
            adds nine: gold, the price of the next city or level, levels of my finished cities,
            levels with those under construction, boats at sea, troops in them, troops in boats that
            shall land on me, allies, ticks for which I am a traitor.
        directions: int64[n, 8, 7] for N, NE, .. NW: target (0 neutral, an owner id, -1 none),
            contact (tiles), the target's tiles, its home troops, its attack on me, my attack on it,
            others' attacks on it. Edition 2026 adds ten: the target's gold, the levels of its
            cities, its cap, its kind (engine/rules.py: human, bot or nation), the ticks for which
            we are allied, whether it waits for my answer to its request (to our alliance's
            extension, if we are allied), whether I wait for its answer, the ticks for which it is a
            traitor, troops in its boats that shall land on me, and the owner of the land that a
            boat in this direction would reach (-1 none).

    All of it is a copy: an agent that writes into it changes nothing of the match. `rows` refuses
    to be written.
    """

    def __init__(
        self,
        rows: IntArray,
        action_mask: NDArray[np.bool_],
        own: IntArray,
        directions: IntArray,
        seeds: IntArray,
        seats: IntArray,
        decisions: IntArray,
        observe: Callable[[], dict[str, NDArray[Any]]],
        clone: Callable[[int, int, Engine | None], tuple[Engine, int]] | None = None,
        observe_scalars: Callable[[], dict[str, NDArray[Any]]] | None = None,
        draw: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        # Read-only and of its own: the caller writes the answers back by its own array of rows.
        self.rows = rows.copy()
        self.rows.flags.writeable = False
        self.action_mask = action_mask
        self.own = own
        self.directions = directions
        self._seeds = seeds
        self._seats = seats
        self._decisions = decisions
        self._observe = observe
        self._clone = clone
        self._observe_scalars = observe_scalars
        self._draw = draw
        self._observation: dict[str, NDArray[Any]] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def observation(self) -> dict[str, NDArray[Any]]:
        """The views and scalars (arena.territory.observation.views), computed on first use.

        uint8[n, C, S, S] for "global", "local", "tactical" and float32[n, F] for "scalars". The
        arrays are valid until the agent returns.
        """
        if self._observation is None:
            self._observation = self._observe()
        return self._observation

    @property
    def scalar_observation(self) -> dict[str, NDArray[Any]]:
        """The observation, of which only what is not a view need be there: much cheaper.

        The same "scalars" and "neighbours" as in `observation`, for agents that read no view.
        """
        if self._observation is None and self._observe_scalars is not None:
            return self._observe_scalars()
        return self.observation

    @property
    def drawn_observation(self) -> dict[str, Any] | None:
        """The observation with views as tensors of a device, where somebody draws them there.

        None where nobody does; for policies on that device (agents.device_views).
        """
        return None if self._draw is None else {**self.scalar_observation, **self._draw()}

    def board(self, i: int, seed: int, into: Engine | None = None) -> tuple[Engine, int]:
        """Return a clone of the board of row i, before this decision, and the row's owner id on it.

        The board as everybody sees it: land, troops and attacks of all players. The clone is never
        the match itself: it shares nothing with it, draws from new random streams of `seed`, and
        tells neither the match's seed nor who sits where (Engine.clone). Draw the seed from
        `noise`, so that a match can be played again.

        Args:
            i: 0..n - 1.
            seed: 0..2**63 - 1.
            into: a clone of a board of the same match that is overwritten and returned.

        Raises:
            MatchError: there is no board to clone (a batch made by hand), or the seed is out of
                range.
        """
        if self._clone is None:
            raise MatchError("expected a batch of a running match, found one without a board")
        return self._clone(int(self.rows[i]), seed, into)

    def noise(self, n_columns: int) -> NDArray[np.float64]:
        """Return float64[n, n_columns], in (0, 1), keyed by (match seed, seat, decision)."""
        from arena.territory.engine.numerics import uniform_noise

        noise: NDArray[np.float64] = uniform_noise(
            self._seeds, self._seats, self._decisions, n_columns, _NOISE_PURPOSE
        )
        return noise


class Agent(Protocol):
    """Code that acts for one or many seats.

    An agent may have an attribute `uses_rng = False`: it draws no numbers, or only from
    `batch.noise`. It is then asked once for its seats in all matches, which is faster, and is given
    nothing to draw from; any other agent is asked once for each match. One that reads observations
    of one version alone says which in `observation_version`, and is not seated in a match of an
    edition that shows another (`check_version`).
    """

    def reset(self, rows: IntArray) -> None:
        """Forget what is known about these rows, int64[n]: new matches begin in them."""

    def act(self, batch: SeatBatch, rng: Generator) -> IntArray:
        """Return int64[n], an action per row; an illegal one is counted and played as WAIT.

        `rng` is a new generator at every call, keyed by (match seed, first seat, decision): draw
        from it, or from `batch.noise`, and the match can be played again. Numbers from anywhere
        else cannot; `agents.check.check_agent` refuses an agent whose match depends on what else is
        played.
        """


def check_version(agent: Agent, views: Views, name: str) -> None:
    """Refuse an agent that was made for matches of another edition of the game.

    Args:
        name: the agent's spec, for the message.

    Raises:
        MatchError: it reads an observation that these matches do not show.
    """
    found = getattr(agent, "observation_version", None)
    if found is None or found in views.edition.observation_versions:
        return
    raise MatchError(
        f"{name} reads observation version {found} and this match, of edition "
        f"{views.edition.name}, shows version {views.observation_version} with "
        f"{views.n_actions} actions: it plays in leagues of its own edition"
    )


class NoGenerator:
    """What an agent with `uses_rng = False` is given to draw from."""

    def __getattr__(self, name: str) -> Any:
        """Refuse to draw."""
        raise AttributeError(
            f"rng.{name} is not there: the agent says uses_rng = False; remove that, or draw from "
            "batch.noise"
        )


LoadAgent = Callable[[str], Agent]
