"""A second Territory engine, slow and plain, to hold the compiled one to the rules.

Written from the rules' text alone, with dictionaries, sets and a heap where the compiled engine has
linked lists, bit sets and bucket queues. Promises: started from the same board and fed the same
orders, it gives the same owners, troops, attacks and random streams after every tick. It borrows
the growth and attack formulas (they have their own tests) and knows humans only.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from arena.territory.engine import formulas
from arena.territory.engine.engine import Engine
from arena.territory.engine.state import N_EVENTS

_MASK64 = 2**64 - 1
Tile = tuple[int, int]  # (x, y)
Order = tuple[int, int, float]  # player, target (-1: retreat), troops


@dataclass
class SlowAttack:
    """One running attack: `queue` holds (priority, order of arrival, tile), `border` the set B."""

    attacker: int
    target: int
    troops: float
    queue: list[tuple[float, int, Tile]] = field(default_factory=list)
    border: set[Tile] = field(default_factory=set)
    retreat_tick: int | None = None
    live: bool = True


class SlowMatch:
    """One match; see the module's docstring."""

    def __init__(self, engine: Engine) -> None:
        """Take over a board that has not played a tick yet: its map, changes, troops, streams."""
        terrain = engine.map.terrain
        self.height, self.width = terrain.shape
        self.tick = 0
        self.ended = False
        self.n_players = engine.n_players
        self.terrain = {
            (x, y): 0 if terrain[y, x] & 31 < 10 else 1 if terrain[y, x] & 31 < 20 else 2
            for y in range(self.height)
            for x in range(self.width)
        }
        self.shore = {(int(x), int(y)) for y, x in np.argwhere((terrain & 192) == 192)}
        self.playable = {(int(x), int(y)) for y, x in np.argwhere(engine.map.playable)}
        self.owner = {(int(x), int(y)): 0 for y, x in np.argwhere((terrain & 128) != 0)}
        everyone = range(1, self.n_players + 1)
        self.borders: dict[int, dict[Tile, None]] = {p: {} for p in everyone}
        self.tiles: dict[int, set[Tile]] = {p: set() for p in everyone}
        self.last_change = {p: -1 for p in everyone}
        self.died: dict[int, int | None] = {p: None for p in everyone}
        state = engine.state
        for i in range(int(state.clock[N_EVENTS])):
            x, y = (int(v) for v in state.event_at[i, 2:])
            self.give((x, y), int(state.event_owners[i, 1]), -1)
        self.troops = {p: int(state.troops[p]) for p in everyone}
        self.last_check = {p: int(state.last_cluster_check[p]) for p in everyone}
        self.streams = {p: int(state.streams[p]) for p in everyone}
        self.attacks: list[SlowAttack] = []
        self.arrivals = 0

    # --- land -------------------------------------------------------------------------------------

    def around(self, tile: Tile) -> list[Tile]:
        """The 4-neighbours on the map, N, S, W, E; water included."""
        x, y = tile
        near = [(x, y - 1), (x, y + 1), (x - 1, y), (x + 1, y)]
        return [(u, v) for u, v in near if 0 <= u < self.width and 0 <= v < self.height]

    def owner_at(self, tile: Tile) -> int:
        """Owner id; 0 for neutral land and for water."""
        return self.owner.get(tile, 0)

    def give(self, tile: Tile, new: int, tick: int) -> None:
        """One tile changes hands; borders remember the order of joining."""
        old = self.owner[tile]
        if old == new:
            return
        self.owner[tile] = new
        for p in (old, new):
            if p != 0:
                self.last_change[p] = tick
        if old != 0:
            self.tiles[old].remove(tile)
            self.borders[old].pop(tile, None)
            if not self.tiles[old]:
                self.died[old] = tick
        if new != 0:
            self.tiles[new].add(tile)
            self.died[new] = None
        for near in [tile, *self.around(tile)]:
            p = self.owner_at(near)
            if p == 0:
                continue
            if any(self.owner_at(n) != p for n in self.around(near)):
                self.borders[p].setdefault(near)
            else:
                self.borders[p].pop(near, None)

    # --- chance -----------------------------------------------------------------------------------

    def draw(self, p: int, n: int) -> int:
        """0..n-1 from player p's SplitMix64 stream."""
        self.streams[p] = x = (self.streams[p] + 0x9E3779B97F4A7C15) & _MASK64
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK64
        return ((x ^ (x >> 31)) >> 32) * n >> 32

    # --- the tick ---------------------------------------------------------------------------------

    def run_tick(self, orders: list[Order], match_ends: bool) -> None:
        """One tick; `orders` are initialised at its end, in the order given."""
        alive = [p for p in self.tiles if self.tiles[p]]
        won = [p for p in alive if 5 * len(self.tiles[p] & self.playable) > 4 * len(self.playable)]
        if match_ends and (len(alive) <= 1 or (self.tick % 10 == 0 and won)):
            self.ended = True
            return
        if self.tick > 0:
            for p in alive:
                if self.tiles[p]:
                    self._grow(p)
                    self._check_enclaves(p)
        for attack in list(self.attacks):
            if attack.live:
                self._attack(attack)
        for p, target, troops in orders:
            if target < 0:
                for attack in self.attacks:
                    if attack.live and attack.attacker == p and attack.retreat_tick is None:
                        attack.retreat_tick = self.tick
            else:
                self._start(p, target, troops)
        self.attacks = [attack for attack in self.attacks if attack.live]
        self.tick += 1

    def _grow(self, p: int) -> None:
        cap = formulas.troop_cap(len(self.tiles[p]), 1.0, 1.0)
        delta = formulas.troop_increase(float(self.troops[p]), cap, 1.0)
        change = math.floor(delta) if delta >= 0 else -math.floor(-delta)
        self.troops[p] = max(0, self.troops[p] + change)

    # --- attacks ----------------------------------------------------------------------------------

    def _start(self, p: int, target: int, requested: float) -> None:
        if p == target or not self.tiles[p] or (target != 0 and self.is_immune(target)):
            return
        new = SlowAttack(p, target, min(float(self.troops[p]), requested))
        self.troops[p] -= math.floor(new.troops)
        for tile in self.borders[p]:
            self._queue_around(new, tile)
        for other in self.attacks:
            if not other.live:
                continue
            if target != 0 and (other.attacker, other.target) == (target, p):
                if other.troops > new.troops:
                    other.troops -= new.troops
                    return
                new.troops -= other.troops
                other.live = False
        for other in self.attacks:
            if other.live and (other.attacker, other.target) == (p, target):
                new.troops += other.troops
                other.live = False
        self.attacks.append(new)

    def is_immune(self, target: int) -> bool:
        """Whether nobody may attack a player yet."""
        return self.tick < 49

    def _queue_around(self, attack: SlowAttack, tile: Tile) -> None:
        for near in self.around(tile):
            if near not in self.owner or self.owner[near] != attack.target:
                continue
            attack.border.add(near)
            own = sum(self.owner_at(n) == attack.attacker for n in self.around(near))
            m = (1.0, 1.5, 2.0)[self.terrain[near]]
            k = self.draw(attack.attacker, 7)
            priority = (k + 10) * (1 - 0.5 * own + m / 2) + self.tick
            self.arrivals += 1
            heapq.heappush(attack.queue, (priority, self.arrivals, near))

    def _attack(self, attack: SlowAttack) -> None:
        me, target = attack.attacker, attack.target
        if attack.retreat_tick is not None and self.tick > attack.retreat_tick + 1:
            if self.tick == attack.retreat_tick + 21:
                # Overdrawn by its last tile before it froze, an attack has nothing to return.
                left = max(0.0, attack.troops)
                self.troops[me] += math.floor(left * (0.75 if target != 0 else 1.0))
                attack.live = False
            return
        border = len(attack.border) + self.draw(me, 5)
        if attack.troops < 1:
            attack.live = False
            return
        if target == 0:
            budget = 2.0 * border
        else:
            defence = float(self.troops[target])
            clamped = 0.5
            if defence > 0:
                clamped = min(max(5.0 * attack.troops / defence * 2.0, 0.01), 0.5)
            budget = clamped * border * 3.0
        while budget > 0:
            if attack.troops < 1:
                attack.live = False
                return
            if not attack.queue:
                self.troops[me] += math.floor(attack.troops)
                attack.live = False
                return
            _, _, tile = heapq.heappop(attack.queue)
            attack.border.discard(tile)
            beside = any(self.owner_at(n) == me for n in self.around(tile))
            if self.owner[tile] != target or not beside:
                continue
            self._queue_around(attack, tile)
            budget -= self._take(attack, tile)

    def _take(self, attack: SlowAttack, tile: Tile) -> float:
        """Conquer one tile; returns its cost."""
        me, target = attack.attacker, attack.target
        if target == 0:
            loss, cost = formulas.neutral_tile(self.terrain[tile], attack.troops, 0)
        else:
            loss, defender_loss, cost = formulas.player_tile(
                self.terrain[tile],
                0,
                0,
                attack.troops,
                float(self.troops[target]),
                len(self.tiles[me]),
                len(self.tiles[target]),
                False,
                False,
                0,
            )
            self.troops[target] = max(0, self.troops[target] - math.floor(defender_loss))
        attack.troops -= loss
        self.give(tile, me, self.tick)
        if target != 0 and len(self.tiles[target]) < 100:
            self._scatter(target, me)
        return float(cost)

    def _scatter(self, defender: int, attacker: int) -> None:
        # The rules leave the order of the tiles open; the engine floods inwards from the border.
        tiles = list(self.borders[defender])
        for tile in tiles:
            tiles.extend(
                n for n in self.around(tile) if self.owner_at(n) == defender and n not in tiles
            )
        for _ in range(10):
            for tile in tiles:
                if self.owner[tile] != defender:
                    continue
                near = [self.owner_at(n) for n in self.around(tile)]
                others = [q for q in near if q not in (0, defender)]
                if attacker in others:
                    self.give(tile, attacker, self.tick)
                elif others:
                    self.give(tile, others[0], self.tick)

    # --- enclaves ---------------------------------------------------------------------------------

    def _check_enclaves(self, p: int) -> None:
        last = self.last_check[p]
        if self.tick - last <= 20 or self.last_change[p] <= last:
            return
        self.last_check[p] = self.tick
        clusters = sorted(self._clusters(p), key=len, reverse=True)  # stable: ties keep their order
        for rank, cluster in enumerate(clusters):
            surrounded = self._main_falls(p, cluster) if rank == 0 else self._falls(p, cluster)
            if surrounded and all(self.owner[tile] == p for tile in cluster):
                self._capture(p, cluster)

    def _clusters(self, p: int) -> list[list[Tile]]:
        seen: set[Tile] = set()
        clusters = []
        for first in self.borders[p]:
            if first in seen:
                continue
            seen.add(first)
            cluster = [first]
            for x, y in cluster:
                for dx in (-1, 0, 1):
                    for dy in (-1, 0, 1):
                        near = (x + dx, y + dy)
                        if near in self.borders[p] and near not in seen:
                            seen.add(near)
                            cluster.append(near)
            clusters.append(cluster)
        return clusters

    def _is_on_edge(self, tile: Tile) -> bool:
        return len(self.around(tile)) < 4

    def _main_falls(self, p: int, cluster: list[Tile]) -> bool:
        foreign = {self.owner_at(n) for tile in cluster for n in self.around(tile)} - {p}
        if any(self._is_on_edge(tile) for tile in cluster) or 0 in foreign or len(foreign) != 1:
            return False
        return box_contains(list(self.borders[foreign.pop()]), cluster)

    def _falls(self, p: int, cluster: list[Tile]) -> bool:
        if any(self._is_on_edge(tile) or tile in self.shore for tile in cluster):
            return False
        enemy = [n for tile in cluster for n in self.around(tile) if self.owner_at(n) not in (0, p)]
        return bool(enemy) and box_contains(enemy, cluster)

    def _capture(self, p: int, cluster: list[Tile]) -> None:
        met = [self.owner_at(n) for tile in cluster for n in self.around(tile)]
        met = list(dict.fromkeys(q for q in met if q != p))
        on_p = {a.attacker: a.troops for a in self.attacks if a.live and a.target == p}
        strongest = max((q for q in met if q != 0), key=lambda q: on_p.get(q, 0.0), default=0)
        captor = strongest if on_p.get(strongest, 0.0) > 0 else met[0]
        if captor == 0:
            return
        region = [cluster[0]]
        for tile in region:
            region.extend(n for n in self.around(tile) if self.owner_at(n) == p and n not in region)
        for tile in region:
            self.give(tile, captor, self.tick)


def box_contains(outer: list[Tile], inner: list[Tile]) -> bool:
    """Return whether the bounding box of some tiles contains that of others."""
    return all(
        min(t[i] for t in outer) <= min(t[i] for t in inner)
        and max(t[i] for t in outer) >= max(t[i] for t in inner)
        for i in (0, 1)
    )
