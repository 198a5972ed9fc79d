"""What players did so far, as running figures: the memory behind the neighbours' facts.

Three arrays of the state (state.py names their columns): habits of each player, dealings between
two players, and a ring of what each had in the last 400 ticks. They are written when an attack
starts and at every 25th tick, by the engine alone, so that they depend on the match and not on who
looks when. They are copied with the state, change nothing in it, and are not part of its hash.

Each function has one caller and is inlined there: handing over the state would cost a second of
compiling.
"""

from __future__ import annotations

from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled
from arena.territory.engine.formulas import share_of
from arena.territory.engine.land import border_contact
from arena.territory.engine.state import (
    ATTACKS_ON,
    FIRST_ORDER,
    FORCE_ON,
    FULLNESS_SUM,
    LAST_ORDER,
    LATEST_ON,
    LOOK_TICKS,
    LOOKS,
    N_ATTACKS,
    N_PAST,
    NEIGHBOURS_SINCE,
    SPREAD_FULLNESS,
    SPREAD_SHARE,
    SPREAD_SQUARES,
    SPREADS,
    STRIKE_ANSWERS,
    STRIKE_FULLNESS,
    STRIKE_PRESSED,
    STRIKE_SHARE,
    STRIKE_STRENGTH,
    STRIKES,
    TICK,
    State,
)

_FULLEST = 2.0  # troops that return home can exceed the cap by far


@compiled(inline=True, internal=True)
def fullness_of(s: State, p: int) -> float:
    """Return p's home troops as a share of its cap, at most 2."""
    return min(s.troops[p] / cap_of(s, p), _FULLEST)


@compiled(inline=True, internal=True)
def remember_attack(s: State, p: int, target: int, troops: float) -> None:
    """Note that p sends `troops` against `target` (0 for neutral land), before they leave home."""
    others = 0  # whole troops: their sum does not depend on the order of the attacks
    answers = False
    if target != 0:
        for i in range(s.clock[N_ATTACKS]):
            a = s.attack_list[i]
            if s.attack_live[a] and s.target[a] == target and s.attacker[a] != p:
                others += int(s.attack_troops[a])
        answers = s.slot_of[target, p] >= 0
    note_attack(s, p, target, troops, float(others), answers)


@compiled(inline=True, internal=True)
def note_attack(s: State, p: int, target: int, troops: float, others: float, answers: bool) -> None:
    """Write an attack into the habits and dealings; for other boards than ours too (mirror.py).

    Args:
        others: whole troops of others' attacks on a target that is a player.
        answers: whether the target was attacking p.
    """
    tick = s.clock[TICK]
    mine = float(s.troops[p])
    sent = troops / max(mine, 1.0)
    habits = s.habits[p]
    if habits[SPREADS] + habits[STRIKES] == 0.0:
        habits[FIRST_ORDER] = tick
    habits[LAST_ORDER] = tick
    if target == 0:
        habits[SPREADS] += 1.0
        habits[SPREAD_SHARE] += sent
        habits[SPREAD_SQUARES] += sent * sent
        habits[SPREAD_FULLNESS] += fullness_of(s, p)
        return
    theirs = float(s.troops[target])
    habits[STRIKES] += 1.0
    habits[STRIKE_SHARE] += sent
    habits[STRIKE_FULLNESS] += fullness_of(s, p)
    habits[STRIKE_STRENGTH] += share_of(theirs, mine)
    habits[STRIKE_PRESSED] += share_of(others, theirs)
    if answers:
        habits[STRIKE_ANSWERS] += 1.0
    dealings = s.dealings[p, target]
    dealings[ATTACKS_ON] += 1.0
    dealings[FORCE_ON] += share_of(troops, theirs)
    dealings[LATEST_ON] = tick


@compiled(inline=True, internal=True)
def remember_tick(s: State) -> None:
    """Note what everybody has as a tick begins; called at every LOOK_TICKS-th tick."""
    n_players = s.tiles.shape[0] - 1
    tick = s.clock[TICK]
    past = s.past[tick // LOOK_TICKS % N_PAST]
    for p in range(1, n_players + 1):
        past[p, 0] = s.tiles[p]
        past[p, 1] = s.troops[p]
        if s.tiles[p] > 0:
            s.habits[p, LOOKS] += 1.0
            s.habits[p, FULLNESS_SUM] += fullness_of(s, p)
        for q in range(1, p):
            if border_contact(s.contact, p, q) == 0:
                s.dealings[p, q, NEIGHBOURS_SINCE] = -1.0
                s.dealings[q, p, NEIGHBOURS_SINCE] = -1.0
            elif s.dealings[p, q, NEIGHBOURS_SINCE] < 0.0:
                s.dealings[p, q, NEIGHBOURS_SINCE] = tick
                s.dealings[q, p, NEIGHBOURS_SINCE] = tick
