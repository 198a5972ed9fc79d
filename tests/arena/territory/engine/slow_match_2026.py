"""Edition 2026 in slow and plain Python: what it changes and adds in slow_match.py's engine.

Gold, structures, enclaves, posts and kinds of players, written from the rules' text with lists and
dictionaries: no flags on tiles, no counts that are kept, no ledger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from arena.territory.engine import formulas, rules
from arena.territory.engine.engine import Engine
from tests.arena.territory.engine.slow_match import Order, SlowAttack, SlowMatch, Tile, box_contains

BUILDING = {"city": 20, "defense_post": 50, "port": 50, "factory": 20, "silo": 100, "sam": 300}
Build = tuple[int, str, Tile]


@dataclass
class SlowStructure:
    """A structure; `due` is the tick in which it is finished."""

    kind: str
    owner: int
    tile: Tile
    due: int
    level: int = 1
    is_finished: bool = False


class SlowMatch2026(SlowMatch):
    """One match; nobody is allied, nobody sails, nobody thinks."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        s = engine.state
        everyone = range(1, engine.n_players + 1)
        self.kind = {p: rules.KINDS[s.kind[p]] for p in everyone}
        self.factors = {
            p: (float(s.cap_divisor[p]), float(s.cap_factor[p]), float(s.growth_factor[p]))
            for p in everyone
        }
        self.gold = {p: int(engine.gold[p - 1]) for p in everyone}
        self.has_attacked = {p: False for p in everyone}
        self.made: dict[tuple[int, str], int] = {}
        self.structures: list[SlowStructure] = []
        self.sites: list[Build] = []

    # --- the tick ---------------------------------------------------------------------------------

    def run_tick_2026(
        self,
        orders: list[Order],
        builds: list[Build],
        upgrades: list[tuple[int, Tile]],
        traded: list[int],
    ) -> None:
        """One tick; attacks are ordered first, then builds, then upgrades.

        What each player traded for in it is told, not played.
        """
        for p in self.tiles if self.tick > 0 else ():
            if self.tiles[p]:
                self._hand_over(p)
                self._grow(p)
                self.gold[p] += 50 if self.kind[p] == "bot" else 100
                self._check_enclaves(p)
            elif self.died[p] is not None and self.died[p] >= self.tick - 1:  # type: ignore[operator]
                self._hand_over(p)
                self.gold[p] = 0
                self.structures = [each for each in self.structures if each.owner != p]
        for attack in list(self.attacks):
            if attack.live:
                self._attack(attack)
        for p, gold in enumerate(traded, start=1):
            self.gold[p] += gold
        for each in self.structures:
            each.is_finished |= self.tick >= each.due
        for p, kind, asked in self.sites:
            tile = self.place(p, kind, asked)
            if tile is not None and self.tiles[p] and self.gold[p] >= self.price(p, kind):
                self._pay(p, kind)
                due = self.tick + BUILDING[kind] + 1
                self.structures.append(SlowStructure(kind, p, tile, due))
        self.sites = list(builds)
        self._take_orders(orders)
        for p, tile in upgrades:
            self._upgrade(p, tile)
        self.attacks = [attack for attack in self.attacks if attack.live]
        self.tick += 1

    def _take_orders(self, orders: list[Order]) -> None:
        for p, target, troops in orders:
            if target < 0:
                for attack in self.attacks:
                    if attack.live and attack.attacker == p and attack.retreat_tick is None:
                        attack.retreat_tick = self.tick
                continue
            humans_wait = self.kind[p] == "human" and target != 0 and self.kind[target] != "bot"
            if p == target or not self.tiles[p] or (humans_wait and self.tick < 50):
                continue
            self.has_attacked[p] |= min(self.troops[p], troops) >= 1
            self._start(p, target, troops)

    def _grow(self, p: int) -> None:
        divisor, factor, growth = self.factors[p]
        levels = sum(e.level for e in self._of(p, "city") if e.is_finished)
        cap = formulas.troop_cap(len(self.tiles[p]), divisor, factor, levels)
        delta = formulas.troop_increase(float(self.troops[p]), cap, growth)
        change = math.floor(delta) if delta >= 0 else -math.floor(-delta)
        self.troops[p] = max(0, self.troops[p] + change)

    def is_immune(self, target: int) -> bool:
        """Whether nobody may attack a player yet; _take_orders has looked by then."""
        return False

    # --- structures -------------------------------------------------------------------------------

    def _of(self, p: int, *kinds: str) -> list[SlowStructure]:
        return [e for e in self.structures if e.owner == p and e.kind in kinds]

    def price(self, p: int, kind: str) -> int:
        """Gold for the next structure of a kind, or for a level more of one."""
        n = 0
        for each in ("port", "factory") if kind in ("port", "factory") else (kind,):
            owned = sum(e.level if e.is_finished else 1 for e in self._of(p, each))
            n += min(owned, self.made.get((p, each), 0))
        if kind == "defense_post":
            return min(250_000, 50_000 * (n + 1))
        if kind == "sam":
            return min(3_000_000, 1_500_000 * (n + 1))
        return 1_000_000 if kind == "silo" else int(min(1_000_000, 125_000 * 2**n))

    def _pay(self, p: int, kind: str) -> None:
        self.gold[p] -= self.price(p, kind)
        self.made[p, kind] = self.made.get((p, kind), 0) + 1

    def _upgrade(self, p: int, tile: Tile) -> None:
        for each in self.structures:
            if (each.tile, each.owner) != (tile, p) or each.kind == "defense_post":
                continue
            if each.is_finished and self.tiles[p] and self.gold[p] >= self.price(p, each.kind):
                self._pay(p, each.kind)
                each.level += 1

    def _hand_over(self, p: int) -> None:
        for each in [e for e in self.structures if e.owner == p]:
            holder = self.owner_at(each.tile)
            if holder == p:
                continue
            if holder == 0 or each.kind == "defense_post":
                self.structures.remove(each)
            else:
                each.owner = holder

    def place(self, p: int, kind: str, asked: Tile) -> Tile | None:
        """Where a structure that is asked for on a tile would stand."""

        def is_free(tile: Tile) -> bool:
            return all(_squared(tile, e.tile) >= 225 for e in self.structures)

        if self.owner_at(asked) != p:
            return None
        near = self._flood(asked, lambda t: self.owner_at(t) == p and _squared(t, asked) < 225)
        fitting = [tile for tile in near if is_free(tile)]
        if kind != "port":
            return min(fitting, key=lambda t: _squared(t, asked), default=None)
        reach = self._flood(asked, lambda t: _manhattan(t, asked) <= 20)
        shores = [t for t in reach if t in self.shore and t in fitting]
        return min(shores, key=lambda t: _manhattan(t, asked), default=None)

    def _flood(self, first: Tile, belongs) -> list[Tile]:  # type: ignore[no-untyped-def]
        """Tiles in the order in which a flood on a stack meets them."""
        found, stack = {first: None}, [first]
        while stack:
            for near in self.around(stack.pop()):
                if near not in found and belongs(near):
                    found[near] = None
                    stack.append(near)
        return list(found)

    # --- attacks ----------------------------------------------------------------------------------

    def _take(self, attack: SlowAttack, tile: Tile) -> float:
        me, target = attack.attacker, attack.target
        kinds = rules.KINDS.index(self.kind[me])
        if target == 0:
            loss, cost = formulas.neutral_tile(self.terrain[tile], attack.troops, kinds)
        else:
            posts = [e for e in self._of(target, "defense_post") if e.is_finished]
            loss, defender_loss, cost = formulas.player_tile(
                self.terrain[tile],
                kinds,
                rules.KINDS.index(self.kind[target]),
                attack.troops,
                float(self.troops[target]),
                len(self.tiles[me]),
                len(self.tiles[target]),
                False,
                any(_squared(e.tile, tile) <= 900 for e in posts),
                1,
            )
            self.troops[target] = max(0, self.troops[target] - math.floor(defender_loss))
        attack.troops -= loss
        self.give(tile, me, self.tick)
        if target != 0 and len(self.tiles[target]) < 100:
            self._take_gold(me, target)
            self._scatter(target, me)
        return float(cost)

    def _attack(self, attack: SlowAttack) -> None:
        super()._attack(attack)
        attack.troops = max(0.0, attack.troops)  # inside a tick it may be overdrawn

    def _take_gold(self, conqueror: int, victim: int) -> None:
        if self.kind[victim] == "human" and not self.has_attacked[victim]:
            return
        taken = self.gold[victim]
        self.gold[conqueror] += taken // 2 if self.kind[victim] == "human" else taken
        self.gold[victim] = 0

    # --- enclaves ---------------------------------------------------------------------------------

    def _check_enclaves(self, p: int) -> None:
        last = self.last_check[p]
        is_due = self.tick - last > 20 or len(self.tiles[p]) < 100
        if not is_due or self.last_change[p] < last:
            return
        self.last_check[p] = self.tick
        clusters = self._clusters(p)
        main = max(clusters, key=len, default=None)  # the first of the longest
        for cluster in sorted(clusters, key=lambda c: c is not main):
            falls = self._main_falls(p, cluster) if cluster is main else self._falls(p, cluster)
            if falls and all(self.owner[tile] == p for tile in cluster):
                self._capture(p, cluster)

    def _main_falls(self, p: int, cluster: list[Tile]) -> bool:
        met = [n for tile in cluster for n in self.around(tile) if self.owner_at(n) != p]
        holders = {self.owner_at(n) for n in met}
        if any(self._is_on_edge(tile) for tile in cluster) or 0 in holders or len(holders) != 1:
            return False
        return box_contains(met, cluster)

    def _capture(self, p: int, cluster: list[Tile]) -> None:
        met = [self.owner_at(n) for tile in cluster for n in self.around(tile)]
        met = [q for q in met if q not in (0, p)]
        on_p = {a.attacker: a.troops for a in self.attacks if a.live and a.target == p}
        captor = max(sorted(set(met)), key=lambda q: on_p.get(q, 0.0))
        if on_p.get(captor, 0.0) <= 0:
            captor = max(dict.fromkeys(met), key=met.count)
        region = [cluster[0]]
        for tile in region:
            region.extend(n for n in self.around(tile) if self.owner_at(n) == p and n not in region)
        if len(region) == len(self.tiles[p]):
            self._take_gold(captor, p)
        for tile in region:
            self.give(tile, captor, self.tick)


def _squared(a: Tile, b: Tile) -> int:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2


def _manhattan(a: Tile, b: Tile) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])
