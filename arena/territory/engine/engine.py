"""One match of Territory: the public interface of the compiled engine.

An `Engine` owns the state of one match. Players have ids 1..P in spawn order; random streams, the
order of moves and all ties follow those ids. Seats are labels: `seat_of[i]` is the seat of player
i + 1. `Engine.new_match` makes a match as leagues play it; the plain constructor makes an empty
board on which reference scenarios are painted.

Everything is deterministic: the same seed, map, rules and actions give the same bits on every
platform (numerics.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arena.errors import MatchError
from arena.territory.engine import orders, rules
from arena.territory.engine.actions import give_orders
from arena.territory.engine.copies import copy_state, renew_streams, shapes_of
from arena.territory.engine.edition_2026.at_sea import BoatOrders, ways_ahead
from arena.territory.engine.edition_2026.choices import give_orders_2026
from arena.territory.engine.edition_2026.coasts import waterways_of
from arena.territory.engine.edition_2026.economy import Economy
from arena.territory.engine.edition_2026.minds import Minds
from arena.territory.engine.edition_2026.tick import run_ticks_2026
from arena.territory.engine.land import take_tiles
from arena.territory.engine.numerics import stream_seed
from arena.territory.engine.seating import draw_seats, seat_players
from arena.territory.engine.spawns import spawn_disc
from arena.territory.engine.state import (
    ENDED,
    FAULT,
    FAULT_SLOTS,
    MATCH_ENDS,
    N_ALIVE,
    N_ATTACKS,
    N_ORDERS,
    N_SHIPS,
    N_SITES,
    N_STRUCTURES,
    N_TRAINS,
    TICK,
    State,
    allocate,
)
from arena.territory.engine.tempers import Temper
from arena.territory.engine.tick import run_ticks
from arena.territory.engine.traffic import MARKET
from arena.territory.maps import TerritoryMap

IntArray = NDArray[np.int64]

_PLAYER_STREAM = 2
_BOT_STREAM = 4


class Engine(Economy, Minds, BoatOrders):
    """The board of a match: land, players and time.

    Attributes:
        map: the map; in 2026 with impassable land as water.
        whole_map: the map as it was given.
        seed: the match seed, 0..2**63 - 1.
        n_players: number of players P.
        state: the arrays that the compiled code works on (state.py); for reading only.
        seat_of: int64[P], seat of each spawn index.
        spawn_of: int64[P], spawn index of each seat (the inverse).
        illegal: int64[P], illegal actions per spawn index so far.
    """

    def __init__(
        self,
        territory: TerritoryMap,
        n_players: int,
        *,
        seed: int,
        grid: int = 32,
        edition: str = "2025",
    ) -> None:
        if not 1 <= n_players <= rules.MAX_SEATS:
            raise MatchError(f"expected 1 to {rules.MAX_SEATS} players, found {n_players}")
        if not 0 <= seed < 2**63:
            raise MatchError(f"expected a seed from 0 to 2**63 - 1, found {seed}")
        if edition not in rules.EDITIONS:
            raise MatchError(f"expected an edition of {', '.join(rules.EDITIONS)}, found {edition}")
        self.edition = rules.EDITIONS[edition]
        self.whole_map = territory
        self.map = territory.passable if self.edition.has_impassable_land else territory
        ways = waterways_of(territory, self.map) if self.edition.number else None
        self.seed = seed
        self.n_players = n_players
        number = self.edition.number
        self.state: State = allocate(self.map, n_players, grid, edition=number, ways=ways)
        self.max_ticks = 2**31 - 1
        self.seat_of: IntArray = np.arange(n_players, dtype=np.int64)
        self.spawn_of: IntArray = np.arange(n_players, dtype=np.int64)
        self.illegal: IntArray = np.zeros(n_players, np.int64)
        for p in range(1, n_players + 1):
            self.state.streams[p] = stream_seed(seed, p, _PLAYER_STREAM)
        if number:
            self.state.streams[MARKET] = stream_seed(seed, MARKET, _PLAYER_STREAM)

    # --- setting up -------------------------------------------------------------------------------

    @classmethod
    def new_match(
        cls,
        territory: TerritoryMap,
        match_rules: rules.MatchRules,
        seed: int,
        *,
        rotation: int = 0,
        grid: int = 32,
        terms: Sequence[str] = (),
    ) -> Engine:
        """Make a league match at tick 0: equal humans on seeded spawns, unless `terms` differ.

        Seats are assigned to spawns by a seeded permutation; `rotation` shifts it cyclically, so
        that the same seed can be played from other corners. The crowd has the last seats.

        Args:
            terms: of each seat (terms.py); () are humans.

        Raises:
            MatchError: nobody could play a seat on these terms, or the map is too small.
        """
        n = match_rules.n_players
        engine = cls(territory, n, seed=seed, grid=grid, edition=match_rules.edition)
        engine.max_ticks = match_rules.max_ticks
        engine.seat_of = draw_seats(seed, n, rotation)
        engine.spawn_of = np.argsort(engine.seat_of)
        seated = (*(terms or ("",) * match_rules.n_seats), *match_rules.crowd_terms)
        seat_players(engine, seated)
        return engine

    def clone(self, seed: int | None, *, into: Engine | None = None) -> Engine:
        """Return a copy of the match as it stands, which shares nothing with it but the map.

        With a seed it is a board to think on: every player gets a new random stream of that seed,
        and bots of the engine draw a new temper, so that it repeats neither what this match will
        draw nor what bots have drawn for themselves, whatever the seed is. Its `seed` is the given
        one, and its seats are the players in spawn order, so that it tells neither the match's seed
        nor who sits where.

        Args:
            seed: 0..2**63 - 1; None makes an exact twin, random streams, seed and seats included,
                which goes on as this match does and is not for agents.
            into: an engine of the same map and number of players that is overwritten and returned,
                which saves the allocation.

        Raises:
            MatchError: the seed is out of range, or `into` is this engine or of another shape.
        """
        if seed is not None and not 0 <= seed < 2**63:
            raise MatchError(f"expected a seed from 0 to 2**63 - 1, found {seed}")
        if into is self or (into is not None and shapes_of(into.state) != shapes_of(self.state)):
            raise MatchError(
                "expected another engine of the same map size, players and grid to clone into; "
                "leave `into` out"
            )
        twin = Engine.__new__(Engine) if into is None else into
        twin.map, twin.n_players, twin.max_ticks = self.map, self.n_players, self.max_ticks
        twin.edition, twin.whole_map = self.edition, self.whole_map
        twin.state = copy_state(self.state, None if into is None else into.state)
        twin.illegal = self.illegal.copy()
        if seed is None:
            twin.seed = self.seed
            twin.seat_of, twin.spawn_of = self.seat_of.copy(), self.spawn_of.copy()
        else:
            twin.seed = seed
            twin.seat_of = np.arange(self.n_players, dtype=np.int64)
            twin.spawn_of = twin.seat_of.copy()
            renew_streams(twin.state, seed)
        return twin

    def place(
        self,
        p: int,
        *,
        kind: str = "human",
        spawn: tuple[int, int] | None = None,
        difficulty: str = "medium",
        troops: int | None = None,
        cluster_offset: int = 0,
    ) -> None:
        """Put player p (1-based id) on the board, with a start disc when `spawn` is given."""
        if kind not in rules.KINDS:
            raise MatchError(f"expected a player of kind {', '.join(rules.KINDS)}, found {kind!r}")
        if difficulty not in rules.DIFFICULTIES:
            raise MatchError(
                f"expected a difficulty of {', '.join(rules.DIFFICULTIES)}, found {difficulty!r}"
            )
        if spawn is not None and not (
            0 <= spawn[0] < self.map.width and 0 <= spawn[1] < self.map.height
        ):
            raise MatchError(f"the spawn {spawn} is not on map {self.map.name!r}")
        s = self.state
        s.kind[p] = rules.KINDS.index(kind)
        if kind == "bot":
            s.cap_divisor[p] = rules.BOT_CAP_DIVISOR
            s.growth_factor[p] = self.edition.bot_growth
        elif kind == "nation":
            s.cap_factor[p] = self.edition.nation_cap[difficulty]
            s.growth_factor[p] = self.edition.nation_growth[difficulty]
        if troops is None:
            troops = rules.START_TROOPS.get(kind, self.edition.nation_start[difficulty])
        s.troops[p] = troops
        s.last_cluster_check[p] = cluster_offset
        if spawn is not None:
            self._before_play()
            spawn_disc(s, p, *spawn)
            s.clock[TICK] = max(0, self.tick)

    def _before_play(self) -> None:
        """Date changes during set-up before tick 0, so that they trigger no enclave check."""
        if self.tick == 0:
            self.state.clock[TICK] = -1

    def make_bot(
        self, p: int, *, rate: int, phase: int, trigger: float, reserve: float, expand: float
    ) -> None:
        """Let the engine's bot play player p; the ratios are shares of the cap."""
        self.give_mind(p, "tribe", temper=Temper(rate, phase, trigger, reserve, expand))

    def make_seeded_bot(self, p: int) -> None:
        """Let a bot play player p, its temper drawn from the match seed as the original does."""
        self.give_mind(p, "tribe")

    def paint(self, owners: NDArray[np.integer]) -> None:
        """Give land to players before the first tick, tile by tile in row order.

        Args:
            owners: [height, width] of ids, 0 for neutral; water must be 0.

        Raises:
            MatchError: the array has another shape, holds an unknown id, or gives water away.
        """
        owners = np.asarray(owners)
        if owners.shape != self.map.land.shape:
            raise MatchError(
                f"expected owners of {self.map.land.shape} tiles, found {owners.shape}"
            )
        if owners.min() < 0 or owners.max() > self.n_players or owners[~self.map.land].any():
            raise MatchError(
                f"expected owners 0 to {self.n_players} on land and 0 on water of map "
                f"{self.map.name!r}, found others"
            )
        stride = int(self.state.shape[2])
        self._before_play()
        ys, xs = np.nonzero(owners)
        take_tiles(self.state, (ys + 1) * stride + xs + 1, owners[ys, xs].astype(np.int64))
        self.state.clock[TICK] = max(0, self.tick)

    def conquer(self, p: int, x: int, y: int) -> None:
        """Give the land tile (x, y) to player p (0: to nobody), immediately and at no cost.

        Raises:
            MatchError: (x, y) is not a land tile of the map, or there is no player p.
        """
        if not (0 <= x < self.map.width and 0 <= y < self.map.height and self.map.land[y, x]):
            raise MatchError(f"({x}, {y}) is not a land tile of map {self.map.name!r}")
        if not 0 <= p <= self.n_players:
            raise MatchError(f"expected a player id from 1 to {self.n_players}, found {p}")
        tile = (y + 1) * int(self.state.shape[2]) + x + 1
        take_tiles(self.state, np.array([tile]), np.array([p]))

    # --- playing ----------------------------------------------------------------------------------

    def order(self, p: int, target: int, troops: float) -> None:
        """Order an attack; its troops leave at the end of the next tick."""
        self._append_order(p, orders.ATTACK, target, troops)

    def retreat(self, p: int) -> None:
        """Order all running attacks of p to retreat, at the end of the next tick."""
        self._append_order(p, orders.RETREAT)

    def act(self, actions: IntArray) -> None:
        """Take one decision: int64[P] actions by *seat*; those of dead seats are ignored.

        A match that is over takes no more orders.

        Raises:
            MatchError: there is not one action per seat, or several decisions came without a tick
                between them.
        """
        if actions.shape != (self.n_players,):
            raise MatchError(
                f"expected one action for each of {self.n_players} seats, found an array of shape "
                f"{actions.shape}"
            )
        if self.is_over:
            return
        if int(self.state.clock[N_ORDERS]) + self.n_players > len(self.state.orders):
            raise MatchError(
                f"{int(self.state.clock[N_ORDERS])} orders wait for tick {self.tick}; run it "
                "before the next decision"
            )
        give = give_orders if self.edition.number == 0 else give_orders_2026
        give(self.state, actions[self.seat_of], self.illegal)

    def run(self, n: int) -> int:
        """Run up to n ticks, not beyond `max_ticks`; return how many ran.

        Raises:
            MatchError: the engine ran out of space (a fault of the engine, never of an agent).
        """
        n = min(n, self.max_ticks - self.tick)
        run = run_ticks if self.edition.number == 0 else run_ticks_2026
        ran = int(run(self.state, n))
        self.check()
        return ran

    def check(self) -> None:
        """Raise MatchError if the engine ran out of space."""
        fault = int(self.state.clock[FAULT])
        if fault:
            what = f"queues outgrew their {len(self.state.node_tile):,} entries"
            if fault == FAULT_SLOTS:
                what = f"number outgrew the {len(self.state.attacker):,} slots"
            raise MatchError(
                f"the attacks of seed {self.seed} on map {self.map.name!r} found no room: their "
                f"{what} at tick {self.tick}; please report it"
            )

    # --- reading ----------------------------------------------------------------------------------

    @property
    def tick(self) -> int:
        """The next tick to run."""
        return int(self.state.clock[TICK])

    @property
    def is_over(self) -> bool:
        """Whether somebody has won, one player is left, or the time is up."""
        s = self.state
        if s.clock[ENDED] or self.tick >= self.max_ticks:
            return True
        if not s.clock[MATCH_ENDS]:
            return False
        # The next tick would begin with the win check: no decision is asked for before it.
        checked = self.tick > 0 and self.tick % rules.WIN_CHECK_PERIOD == 0
        won = checked and bool((self._winning_tiles > self._winning_limit).any())
        return bool(s.clock[N_ALIVE] <= 1) or won

    @property
    def _winning_tiles(self) -> IntArray:
        """int64[P + 1] tiles by player that count for the win."""
        s = self.state
        return s.tiles if self.edition.wins_by_all_land else s.playable_tiles

    @property
    def _winning_limit(self) -> float:
        """Tiles that a winner has more of."""
        all_land = self.edition.wins_by_all_land
        return rules.WIN_SHARE * (self.map.n_land if all_land else self.map.n_playable)

    def never_end(self) -> None:
        """Switch off the end of the match (reference scenarios run to their last tick)."""
        self.state.clock[MATCH_ENDS] = 0

    @property
    def owner(self) -> NDArray[np.uint8]:
        """uint8[height, width] of owner ids, 0 neutral, 255 water (a view)."""
        framed = self.state.owner.reshape(self.map.height + 2, self.map.width + 2)
        return framed[1:-1, 1:-1]

    @property
    def tiles(self) -> IntArray:
        """int64[P] tiles by spawn index (a view)."""
        return self.state.tiles[1:]

    @property
    def troops(self) -> IntArray:
        """int64[P] home troops by spawn index (a view)."""
        return self.state.troops[1:]

    def attacks(self) -> list[tuple[int, int, float]]:
        """Return running attacks in order of creation: (attacker id, target id, troops)."""
        s = self.state
        live = [int(a) for a in s.attack_list[: int(s.clock[N_ATTACKS])] if s.attack_live[a]]
        return [(int(s.attacker[a]), int(s.target[a]), float(s.attack_troops[a])) for a in live]

    def placements(self, n_seats: int | None = None) -> list[int]:
        """Return the placement of each *seat*, 1 is best; ties share the better number.

        First comes a winner above 80 %, then the living by tiles, then by troops, then the dead:
        later deaths above earlier ones, those in the same tick by their tiles before it.

        Args:
            n_seats: the first seats alone, among themselves: a match's own without its crowd.
        """
        s = self.state
        limit = self._winning_limit
        keys: list[tuple[int, ...]] = []
        for p in self.spawn_of[:n_seats] + 1:
            if s.tiles[p] > 0:
                won = int(self._winning_tiles[p] > limit)
                keys.append((1 + won, int(s.tiles[p]), int(s.troops[p])))
            else:
                keys.append((0, int(s.eliminated_tick[p]), int(s.tiles_at_death[p])))
        ranked = sorted(keys, reverse=True)
        first = {key: place for place, key in reversed([*enumerate(ranked, start=1)])}
        return [first[key] for key in keys]

    def by_seat(self, values: Sequence[int] | IntArray) -> list[int]:
        """Return values by spawn index in the order of seats."""
        return [int(values[i]) for i in self.spawn_of]

    def state_sha256(self) -> str:
        """Return the SHA-256 of land, troops, attacks, clocks, random streams and bots' memories.

        The order inside the attacks' queues is not hashed: it follows from the same history.
        """
        s = self.state
        digest = hashlib.sha256(b"territory-state-1")
        digest.update(np.array([self.tick, rules.RULES_VERSION], "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.owner).tobytes())
        for values in (s.tiles, s.troops, s.eliminated_tick, s.last_cluster_check, s.last_change):
            digest.update(values.astype("<i8").tobytes())
        digest.update(s.streams.astype("<u8").tobytes())
        digest.update(s.bot_clock.astype("<i8").tobytes())
        live = s.attack_list[: int(s.clock[N_ATTACKS])]
        digest.update(s.retreat_tick[live].astype("<i8").tobytes())
        if self.edition.number != 0:
            digest.update(s.boat_troops.astype("<f8").tobytes())
            digest.update(s.relations.astype("<f8").tobytes())
            standing = s.structures[: int(s.clock[N_STRUCTURES])]
            waiting = s.sites[: int(s.clock[N_SITES])]
            ships = s.ships[: int(s.clock[N_SHIPS])]
            trains = s.trains[: int(s.clock[N_TRAINS])]
            rails = s.rails[: len(standing)]
            for values in (s.ledger, standing, waiting, s.pacts, s.boats, ships, trains, rails):
                digest.update(values.astype("<i8").tobytes())
            digest.update(ways_ahead(s))
        for attack in self.attacks():
            digest.update(np.array(attack, "<f8").tobytes())
        return digest.hexdigest()
