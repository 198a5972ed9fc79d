"""The mind of a tribe in edition 2026, the game's small players.

A tribe acts every 40 to 79 ticks, its beat. First it takes neutral land, keeping `expand` of its
cap at home, until the first beat at which it has none near. From then on it waits until it has
`trigger` of its cap, strikes back at the largest attacker, and else attacks a random player near it
(humans and nations are left out by half), keeping `reserve` of its cap. It accepts every alliance,
turns on traitors, and gives up the structures that fall to it.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.alliances import (
    is_allied,
    is_traitor,
    is_waiting,
    make_alliance,
)
from arena.territory.engine.bots import LIFE, PHASE, RATE, TRIGGER
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.cities import mark_for_deletion
from arena.territory.engine.edition_2026.nearby import find_near
from arena.territory.engine.edition_2026.sending import (
    largest_attacker,
    one_in,
    owns_structures,
    send,
)
from arena.territory.engine.numerics import draw
from arena.territory.engine.orders import EXTEND, add_order
from arena.territory.engine.state import (
    ENEMIES,
    EXTENDS,
    FORBIDDEN,
    NEAR,
    NO_ALLIANCES,
    TICK,
    State,
)

_BOT = rules.BOT
_NEUTRAL = int64(rules.NEUTRAL)
_OFFSET = rules.REFERENCE_TICK_OFFSET


@compiled(internal=True)
def _answer_all(s: State, p: int) -> None:
    """Accept every request for an alliance, and every extension."""
    for q in range(1, s.tiles.shape[0]):
        if is_waiting(s.pacts, s.clock, q, p):
            make_alliance(s, p, q)
        elif is_allied(s.pacts, s.clock, p, q) and s.pacts[q, p, EXTENDS]:
            add_order(s, p, EXTEND, q, 0.0, 0)


@compiled(internal=True)
def _traitor_near(s: State, p: int) -> int:
    """Return a random traitor near p that is no friend, 0 for none."""
    if s.clock[FORBIDDEN] & NO_ALLIANCES:
        return 0
    n = 0
    for q in range(1, s.tiles.shape[0]):
        if (
            s.mind_lists[NEAR, q]
            and is_traitor(s.ledger, s.clock, q)
            and not is_allied(s.pacts, s.clock, p, q)
        ):
            s.mind_lists[ENEMIES, n] = q
            n += 1
    if n == 0:
        return 0
    return int(s.mind_lists[ENEMIES, draw(s.streams, p, int64(n))])


@compiled(internal=True)
def _attack_anybody(s: State, p: int) -> None:
    """Attack the first of the players near p, in random order, that it is in the mood for."""
    n = 0
    for q in range(1, s.tiles.shape[0]):
        if s.mind_lists[NEAR, q]:
            s.mind_lists[ENEMIES, n] = q
            n += 1
    while n > 0:
        at = draw(s.streams, p, int64(n))
        q = int(s.mind_lists[ENEMIES, at])
        n -= 1
        s.mind_lists[ENEMIES, at] = s.mind_lists[ENEMIES, n]
        if is_allied(s.pacts, s.clock, p, q) or (s.kind[q] != _BOT and one_in(s.streams, p, 2)):
            continue
        if send(s, p, q, False):
            return


@compiled(internal=True)
def _attack(s: State, p: int) -> None:
    traitor = _traitor_near(s, p)
    if traitor != 0 and one_in(s.streams, p, 3) and send(s, p, traitor, False):
        return
    if s.bot_clock[p, LIFE] == 1:
        if s.mind_lists[NEAR, _NEUTRAL]:
            if send(s, p, _NEUTRAL, False):
                return
        else:
            s.bot_clock[p, LIFE] = 2
    if s.troops[p] / cap_of(s, p) < s.bot_ratio[p, TRIGGER]:
        return
    attacker = largest_attacker(s, p, True)
    if attacker != 0 and send(s, p, attacker, True):
        return
    traitor = _traitor_near(s, p)
    if traitor != 0 and one_in(s.streams, p, 3) and send(s, p, traitor, False):
        return
    _attack_anybody(s, p)


@compiled(internal=True)
def tribe_decision(s: State, p: int) -> None:
    """Let the tribe p act in the current tick, if it is on its beat."""
    mind = s.bot_clock[p]
    now = s.clock[TICK] + _OFFSET
    if now % mind[RATE] != mind[PHASE]:
        return
    find_near(s, p)
    if mind[LIFE] == 0:
        mind[LIFE] = 1
        send(s, p, _NEUTRAL, False)
        return
    _answer_all(s, p)
    if owns_structures(s.ledger, p):
        mark_for_deletion(s, p)
    _attack(s, p)
