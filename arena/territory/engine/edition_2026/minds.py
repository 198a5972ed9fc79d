"""The part of `Engine` that is about minds and alliances of edition 2026."""

from __future__ import annotations

from arena.errors import MatchError
from arena.territory.engine import orders, rules
from arena.territory.engine.alliances import ALLIANCE_TICKS, FADES
from arena.territory.engine.board import Board
from arena.territory.engine.bots import RATE
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    FORBIDDEN,
    IS_PENDING,
    RELATION_AT,
    TICK,
    TRAITOR_UNTIL,
)
from arena.territory.engine.tempers import Temper, install_mind, set_temper, temper_of

_BOT_STREAM = 4


class Minds(Board):
    """What an engine offers about its own minds, and about alliances (edition 2026)."""

    def give_mind(
        self,
        p: int,
        kind: str,
        difficulty: str = "medium",
        seed: int | None = None,
        *,
        temper: Temper | None = None,
    ) -> None:
        """Let the engine's own mind play player p, on whatever terms it was placed.

        Args:
            kind: "tribe" or "nation" (edition 2026 alone).
            difficulty: how a nation thinks: easy, medium, hard, impossible.
            seed: draws the temper; None takes the match's.
            temper: given, nothing is drawn.

        Raises:
            MatchError: there is no such mind, difficulty or player, or the edition has it not.
        """
        if not 1 <= p <= self.n_players:
            raise MatchError(f"expected a player id from 1 to {self.n_players}, found {p}")
        install_mind(self.state, p, kind, difficulty)
        seed = self.seed if seed is None else seed
        set_temper(self.state, p, temper or temper_of(self.state, p, seed, p, _BOT_STREAM))

    def without_mind(self) -> list[int]:
        """Return the players of kind bot or nation that no mind plays: left alone, they only grow.

        A league must not seat them, unless an agent gives their orders.
        """
        kinds, rates = self.state.kind, self.state.bot_clock[:, RATE]
        return [
            p for p in range(1, self.n_players + 1) if kinds[p] != rules.HUMAN and rates[p] == 0
        ]

    def forbid(self, what: int) -> None:
        """Switch off alliances, boats or structures, as reference scenarios do.

        Args:
            what: a sum of state.NO_ALLIANCES, NO_BOATS, NO_STRUCTURES.
        """
        self.state.clock[FORBIDDEN] = what

    def ask_alliance(self, p: int, q: int) -> None:
        """Order a request of p to q for an alliance; it is an acceptance if q has asked."""
        self._order_between(p, q, orders.ALLY)

    def reject_alliance(self, p: int, q: int) -> None:
        """Order that p rejects the request of q."""
        self._order_between(p, q, orders.REJECT)

    def extend_alliance(self, p: int, q: int) -> None:
        """Order that p agrees to let the alliance with q last another 3,000 ticks."""
        self._order_between(p, q, orders.EXTEND)

    def break_alliance(self, p: int, q: int) -> None:
        """Order that p breaks the alliance with q, which works in the tick after the order."""
        self._order_between(p, q, orders.BREAK)

    def _order_between(self, p: int, q: int, kind: int) -> None:
        self._check_has("alliances")
        if not (1 <= p <= self.n_players and 1 <= q <= self.n_players):
            raise MatchError(f"expected player ids from 1 to {self.n_players}, found {p} and {q}")
        self._append_order(p, kind, q)

    def is_allied(self, p: int, q: int) -> bool:
        """Return whether p and q are allies."""
        s = self.state
        return bool(len(s.pacts)) and bool(s.pacts[p, q, ALLIED_UNTIL] > s.clock[TICK])

    def relation(self, p: int, q: int) -> float:
        """Return what p thinks of q, -100 to 100 (edition 2026; only nations' minds act on it)."""
        s = self.state
        value = float(s.relations[p, q])
        faded = FADES * max(0, int(s.clock[TICK] - s.pacts[p, q, RELATION_AT]))
        return max(0.0, value - faded) if value > 0.0 else min(0.0, value + faded)

    def ally(self, p: int, q: int) -> None:
        """Make p and q allies at once (set-up of reference scenarios)."""
        pacts = self.state.pacts
        pacts[[p, q], [q, p], ALLIED_UNTIL] = int(self.state.clock[TICK]) + ALLIANCE_TICKS
        pacts[[p, q], [q, p], IS_PENDING] = 0

    def unally(self, p: int, q: int) -> None:
        """End an alliance at once; p is a traitor from now on (set-up of reference scenarios)."""
        s = self.state
        s.pacts[[p, q], [q, p], ALLIED_UNTIL] = 0
        if s.ledger[q, TRAITOR_UNTIL] <= s.clock[TICK]:
            s.ledger[p, TRAITOR_UNTIL] = int(s.clock[TICK]) + rules.TRAITOR_TICKS
