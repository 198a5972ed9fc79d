"""The original game's bots inside the engine, for the reference scenarios and for practice.

A bot acts every `rate` ticks, its beat. First it takes neutral land, keeping `expand` of its cap at
home, until the first beat at which it touches nothing unowned. From then on it waits until it has
`trigger` of its cap, picks a random neighbour, and attacks with all but `reserve` of its cap. As in
the original, water counts as unowned here, so coastal bots never attack players; the scripted agent
`tribe` plays the same way without that quirk.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.land import border_contact
from arena.territory.engine.numerics import draw
from arena.territory.engine.orders import ATTACK, add_order
from arena.territory.engine.state import N_ATTACKS, TICK, State

_NEUTRAL = int64(rules.NEUTRAL)
_OFFSET = rules.REFERENCE_TICK_OFFSET
_MEMORY = rules.ENEMY_MEMORY_TICKS
RATE, PHASE, LIFE, ENEMY, CHOSEN_AT = range(5)
TRIGGER, RESERVE, EXPAND = range(3)


@compiled(internal=True)
def _order_with_reserve(s: State, p: int, target: int, cap: float, reserve: float) -> None:
    troops = float(s.troops[p]) - cap * reserve
    if troops >= 1.0:
        add_order(s, p, ATTACK, target, troops, 0)


@compiled(internal=True)
def _choose_enemy(s: State, p: int) -> int:
    """Return a random neighbouring player, else the largest incoming attacker, else 0."""
    n_players = s.tiles.shape[0] - 1
    n = 0
    for q in range(1, n_players + 1):
        if q != p and border_contact(s.contact, p, q) > 0:
            s.scratch[n] = q
            n += 1
    if n > 0:
        return int(s.scratch[draw(s.streams, p, n)])
    largest = 0.0
    enemy = 0
    for i in range(s.clock[N_ATTACKS]):
        a = s.attack_list[i]
        if s.attack_live[a] and s.target[a] == p and s.attack_troops[a] > largest:
            largest = s.attack_troops[a]
            enemy = int(s.attacker[a])
    return enemy


@compiled(internal=True)
def bot_decision(s: State, p: int) -> None:
    """Let one bot act in the current tick, if it is on its beat."""
    mind = s.bot_clock[p]
    now = s.clock[TICK] + _OFFSET
    if mind[RATE] == 0 or now % mind[RATE] != mind[PHASE]:
        return
    cap = cap_of(s, p)
    if mind[LIFE] == 0:
        mind[LIFE] = 1
        _order_with_reserve(s, p, _NEUTRAL, cap, s.bot_ratio[p, EXPAND])
        return
    if mind[LIFE] == 1:
        water = s.contact.shape[2] - 1
        if border_contact(s.contact, p, _NEUTRAL) > 0 or border_contact(s.contact, p, water) > 0:
            _order_with_reserve(s, p, _NEUTRAL, cap, s.bot_ratio[p, EXPAND])
            return
        mind[LIFE] = 2
    if now - mind[CHOSEN_AT] > _MEMORY:
        mind[ENEMY] = 0
    if mind[ENEMY] == 0:
        if s.troops[p] / cap < s.bot_ratio[p, TRIGGER]:
            return
        mind[ENEMY] = _choose_enemy(s, p)
        mind[CHOSEN_AT] = now
    enemy = mind[ENEMY]
    if enemy != 0 and border_contact(s.contact, p, enemy) > 0:
        _order_with_reserve(s, p, enemy, cap, s.bot_ratio[p, RESERVE])
