"""How many troops a mind of edition 2026 sends, and by which way.

Who is near must be known (nearby.py) before anything here is asked.
"""

from __future__ import annotations

import math

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.alliances import is_allied, is_traitor
from arena.territory.engine.bots import EXPAND, RESERVE
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.cities import n_owned
from arena.territory.engine.edition_2026.voyages import (
    boat_over_river,
    may_sail,
    random_target,
    shore_towards,
)
from arena.territory.engine.land import border_contact
from arena.territory.engine.numerics import draw
from arena.territory.engine.orders import ATTACK, BOAT, add_order
from arena.territory.engine.state import (
    ASSIGNED,
    DIFFICULTY,
    MIND,
    N_ATTACKS,
    NATION_MIND,
    NEAR,
    State,
)

EASY, MEDIUM, HARD, IMPOSSIBLE = range(4)
_BOT, _HUMAN = rules.BOT, rules.HUMAN
_N_KINDS = len(rules.STRUCTURES)
_ALL = math.inf
_WEAK = 0.2  # of the target's troops: less is too little for hard and impossible nations
_AGAINST_TRIBE, _LEAST_AGAINST_TRIBE = 4.0, 2.0  # times its troops


@compiled(inline=True, internal=True)
def one_in(streams: np.ndarray, p: int, k: int) -> bool:
    """Draw whether something with chance 1 in k happens."""
    return draw(streams, p, int64(k)) == 0


@compiled(internal=True)
def sum_attacks(
    n: int,
    attack_list: np.ndarray,
    live: np.ndarray,
    player_of: np.ndarray,
    troops: np.ndarray,
    p: int,
) -> float:
    """Return the troops of all attacks of p, or on p, -1 if there is none.

    Args:
        n: State.clock[N_ATTACKS], then columns of State.
        player_of: State.attacker or State.target.
    """
    total = -1.0
    for i in range(n):
        a = attack_list[i]
        if live[a] and player_of[a] == p:
            total = max(total, 0.0) + troops[a]
    return total


@compiled(inline=True, internal=True)
def incoming(s: State, p: int) -> float:
    """Return the troops of all attacks on p, -1 if there is none."""
    n = s.clock[N_ATTACKS]
    return sum_attacks(n, s.attack_list, s.attack_live, s.target, s.attack_troops, p)


@compiled(internal=True)
def largest_attacker(s: State, p: int, with_tribes: bool) -> int:
    """Return the player with the largest attack on p that is no friend, 0 for none."""
    largest = 0.0
    found = 0
    for i in range(s.clock[N_ATTACKS]):
        a = s.attack_list[i]
        if not s.attack_live[a] or s.target[a] != p or s.attack_troops[a] <= largest:
            continue
        q = int(s.attacker[a])
        if is_allied(s.pacts, s.clock, p, q) or (s.kind[q] == _BOT and not with_tribes):
            continue
        largest = s.attack_troops[a]
        found = q
    return found


@compiled(internal=True)
def owns_structures(ledger: np.ndarray, q: int) -> bool:
    """Return whether q owns a structure of any kind, finished or not."""
    for kind in range(1, _N_KINDS + 1):
        if n_owned(ledger, q, int64(kind)) > 0:
            return True
    return False


@compiled(internal=True)
def _most_to_send(s: State, p: int) -> float:
    """Return the most that p may send at a player, so that it stays strong beside its neighbours.

    Easy and medium nations, and tribes, know no such limit.
    """
    difficulty = s.bot_clock[p, DIFFICULTY]
    if s.bot_clock[p, MIND] != NATION_MIND or difficulty < HARD:
        return _ALL
    strongest = int64(0)
    for q in range(1, s.tiles.shape[0]):
        if s.mind_lists[NEAR, q] and s.kind[q] != _BOT and not is_allied(s.pacts, s.clock, p, q):
            strongest = max(strongest, s.troops[q])
    most = _ALL
    if strongest > 0:
        share = 0.75 if difficulty == HARD else 0.9
        most = max(0.0, float(s.troops[p]) - math.ceil(strongest * share))
    return max(most, incoming(s, p))


@compiled(internal=True)
def _is_too_weak(s: State, p: int, target: int, troops: float) -> bool:
    if s.bot_clock[p, MIND] != NATION_MIND or s.bot_clock[p, DIFFICULTY] < HARD:
        return False
    return troops < s.troops[target] * _WEAK and incoming(s, p) < 0.0


@compiled(internal=True)
def _assign_against_tribe(s: State, p: int, target: int, left: float) -> float:
    """Return what a nation sends at a tribe of the troops it has left, and add it to ASSIGNED."""
    troops = left
    if s.bot_clock[p, DIFFICULTY] != EASY:
        theirs = float(s.troops[target])
        troops = _AGAINST_TRIBE * theirs
        if troops > left:
            troops = left if left >= _LEAST_AGAINST_TRIBE * theirs else 0.0
    s.bot_ratio[p, ASSIGNED] += troops
    return troops


@compiled(internal=True)
def troops_for(s: State, p: int, target: int, by_boat: bool) -> float:
    """Return how many troops p's mind sends at `target`, 0 for no attack."""
    home = float(s.troops[p])
    is_tribe = target != 0 and s.kind[target] == _BOT
    spends = target == 0 or (is_tribe and owns_structures(s.ledger, target))
    keep = cap_of(s, p) * s.bot_ratio[p, EXPAND if spends else RESERVE]
    if is_tribe and s.bot_clock[p, MIND] == NATION_MIND:
        troops = _assign_against_tribe(s, p, target, home - keep - s.bot_ratio[p, ASSIGNED])
    elif by_boat:
        troops = home / 5.0
    else:
        troops = home - keep
    if target != 0:
        troops = min(troops, _most_to_send(s, p))
    if troops < 1.0 or (target != 0 and _is_too_weak(s, p, target, troops)):
        return 0.0
    return troops


@compiled(internal=True)
def _dares(s: State, p: int, target: int) -> bool:
    """Return whether the mind attacks `target` at all: easier nations mostly leave humans alone."""
    if target == 0 or s.kind[target] != _HUMAN or is_traitor(s.ledger, s.clock, target):
        return True
    if s.bot_clock[p, MIND] != NATION_MIND:
        return True
    difficulty = s.bot_clock[p, DIFFICULTY]
    if difficulty == EASY:
        return one_in(s.streams, p, 4)
    return difficulty != MEDIUM or not one_in(s.streams, p, 4)


@compiled(internal=True)
def send(s: State, p: int, target: int, force: bool) -> bool:
    """Let p's mind attack `target` (0 for neutral land); return whether it gave an order.

    Args:
        force: whether easier nations attack a human without second thoughts.
    """
    if not force and not _dares(s, p, target):
        return False
    if border_contact(s.contact, p, target) > 0:
        troops = troops_for(s, p, target, False)
        return troops > 0.0 and add_order(s, p, ATTACK, target, troops, 0)
    if target == 0:
        return boat_over_river(s, p)
    if not may_sail(s, p):
        return False
    tile = shore_towards(s, p, target)
    if tile < 0:
        return False
    troops = troops_for(s, p, target, True)
    return troops > 0.0 and add_order(s, p, BOAT, 0, troops, tile)


@compiled(internal=True)
def send_anywhere(s: State, p: int) -> None:
    """Let p's mind send a fifth of its troops to a random coast, if it finds one."""
    tile = random_target(s, p)
    if tile < 0:
        return
    target = int64(s.owner[tile])
    troops = s.troops[p] / 5.0
    if target != 0:
        troops = min(troops, _most_to_send(s, p))
    if troops >= 1.0 and not (target != 0 and _is_too_weak(s, p, target, troops)):
        add_order(s, p, BOAT, 0, troops, tile)
