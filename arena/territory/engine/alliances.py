"""Alliances of edition 2026, their breach, and what players think of each other.

A request waits 200 ticks for an answer; asking somebody whose own request waits is to accept it. An
alliance lasts 3,000 ticks, and starts anew when both have said so; a seat is offered that in its
last 300, as the original offers it to its players. Allies can't attack each other,
and attacks that run when an alliance is made come home. Who breaks one is a traitor for 300 ticks,
unless the other is one: its land falls at half the losses (formulas.py).

What a player thinks of another, its relation, is a number from -100 to 100. It fades to 0 by 0.05 a
tick, which is reckoned when it is read: `relation_of`, never State.relations. Only nations' minds
act on it.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.state import (
    ALLIED_UNTIL,
    DIFFICULTY,
    EMBARGO_UNTIL,
    EXTENDS,
    FORBIDDEN,
    IS_PENDING,
    MIND,
    NATION_MIND,
    NEAR,
    NO_ALLIANCES,
    RELATION_AT,
    REQUESTED_AT,
    TICK,
    TRAITOR_UNTIL,
    State,
)

_BOT = rules.BOT
ALLIANCE_TICKS = 3_000
OFFER_TICKS = 300  # before its end from when on a player is offered to extend an alliance
PENDING_TICKS = 200
COOLDOWN_TICKS = 300  # between two requests to the same player
_TRAITOR_TICKS = rules.TRAITOR_TICKS
EMBARGO_TICKS = 3_000  # of one that an attack causes
_FOREVER = 1 << 60
FADES = 0.05  # a relation, per tick
_GREATEST = 100.0  # relation
_MADE = 100.0  # what an alliance of two requests adds to both relations
_BETRAYED, _WITNESS = -100.0, -40.0
HOSTILE = -50.0  # below
FRIENDLY = 50.0  # from here on


@compiled(inline=True, internal=True)
def is_allied(pacts: np.ndarray, clock: np.ndarray, p: int, q: int) -> bool:
    """Return whether p and q are allies (edition 2026 alone)."""
    return bool(pacts[p, q, ALLIED_UNTIL] > clock[TICK])


@compiled(inline=True, internal=True)
def is_traitor(ledger: np.ndarray, clock: np.ndarray, p: int) -> bool:
    """Return whether p broke an alliance less than 300 ticks ago."""
    return bool(ledger[p, TRAITOR_UNTIL] > clock[TICK])


@compiled(internal=True)
def relation_of(
    relations: np.ndarray, pacts: np.ndarray, clock: np.ndarray, p: int, q: int
) -> float:
    """Return what p thinks of q now, from -100 to 100."""
    value = relations[p, q]
    faded = FADES * max(0, clock[TICK] - pacts[p, q, RELATION_AT])
    if value > 0.0:
        return float(max(0.0, value - faded))
    return float(min(0.0, value + faded))


@compiled(internal=True)
def change_relation(
    relations: np.ndarray, pacts: np.ndarray, clock: np.ndarray, p: int, q: int, delta: float
) -> None:
    """Add to what p thinks of q; it begins to fade in the next tick."""
    value = relation_of(relations, pacts, clock, p, q) + delta
    relations[p, q] = min(_GREATEST, max(-_GREATEST, value))
    pacts[p, q, RELATION_AT] = clock[TICK] + 1


@compiled(internal=True)
def count_allies(pacts: np.ndarray, clock: np.ndarray, tiles: np.ndarray, p: int) -> int:
    """Return the number of living allies of p."""
    n = 0
    for q in range(1, tiles.shape[0]):
        if is_allied(pacts, clock, p, q) and tiles[q] > 0:
            n += 1
    return n


@compiled(inline=True, internal=True)
def is_waiting(pacts: np.ndarray, clock: np.ndarray, p: int, q: int) -> bool:
    """Return whether a request of p waits for q's answer."""
    pact = pacts[p, q]
    return bool(pact[IS_PENDING] and clock[TICK] - pact[REQUESTED_AT] <= PENDING_TICKS)


@compiled(inline=True, internal=True)
def awaits_answer(pacts: np.ndarray, clock: np.ndarray, p: int, q: int) -> bool:
    """Return whether p waits for q to accept its request, or to extend their alliance too."""
    if is_allied(pacts, clock, p, q):
        return bool(pacts[p, q, EXTENDS])
    return is_waiting(pacts, clock, p, q)


@compiled(internal=True)
def may_extend(s: State, p: int, q: int) -> bool:
    """Return whether p is offered to extend its alliance with q, and has not agreed to it yet."""
    if q == 0 or not is_allied(s.pacts, s.clock, p, q) or s.tiles[p] == 0 or s.tiles[q] == 0:
        return False
    ends_soon = s.pacts[p, q, ALLIED_UNTIL] - s.clock[TICK] <= OFFER_TICKS
    return bool(ends_soon and not s.pacts[p, q, EXTENDS])


@compiled(internal=True)
def may_ask(s: State, p: int, q: int) -> bool:
    """Return whether a request of p to q for an alliance is not refused."""
    if s.clock[FORBIDDEN] & NO_ALLIANCES or p == q or q == 0:
        return False
    if (
        s.tiles[p] == 0
        or s.tiles[q] == 0
        or is_allied(s.pacts, s.clock, p, q)
        or is_waiting(s.pacts, s.clock, p, q)
    ):
        return False
    if is_waiting(s.pacts, s.clock, q, p):
        return True
    asked = s.pacts[p, q, REQUESTED_AT]
    return bool(asked < 0 or s.clock[TICK] - asked >= COOLDOWN_TICKS)


@compiled(internal=True)
def make_alliance(s: State, p: int, q: int) -> None:
    """Ally p and q from now on."""
    for i in range(2):
        pact = s.pacts[p, q] if i == 0 else s.pacts[q, p]
        pact[ALLIED_UNTIL] = s.clock[TICK] + ALLIANCE_TICKS
        pact[EXTENDS] = 0
        pact[IS_PENDING] = 0


@compiled(internal=True)
def request_alliance(s: State, p: int, q: int) -> None:
    """Carry out p's order to ask q; it is an acceptance if q asked first."""
    if not may_ask(s, p, q):
        return
    if not is_waiting(s.pacts, s.clock, q, p):
        s.pacts[p, q, REQUESTED_AT] = s.clock[TICK]
        s.pacts[p, q, IS_PENDING] = 1
        return
    make_alliance(s, p, q)
    change_relation(s.relations, s.pacts, s.clock, p, q, _MADE)
    change_relation(s.relations, s.pacts, s.clock, q, p, _MADE)
    for i in range(2):
        pact = s.pacts[p, q] if i == 0 else s.pacts[q, p]
        if pact[EMBARGO_UNTIL] < _FOREVER:
            pact[EMBARGO_UNTIL] = 0


@compiled(internal=True)
def reject_alliance(s: State, p: int, q: int) -> None:
    """Carry out p's order to reject q's request."""
    s.pacts[q, p, IS_PENDING] = 0


@compiled(internal=True)
def extend_alliance(s: State, p: int, q: int) -> None:
    """Carry out p's order to extend the alliance with q, which takes both."""
    if q == 0 or not is_allied(s.pacts, s.clock, p, q) or s.tiles[p] == 0 or s.tiles[q] == 0:
        return
    s.pacts[p, q, EXTENDS] = 1
    if s.pacts[q, p, EXTENDS]:
        make_alliance(s, p, q)


@compiled(internal=True)
def end_alliance(s: State, p: int, q: int) -> None:
    """Break the alliance of p with q; p is a traitor from now on unless q is one."""
    if not is_traitor(s.ledger, s.clock, q):
        s.ledger[p, TRAITOR_UNTIL] = s.clock[TICK] + _TRAITOR_TICKS
    s.pacts[p, q, ALLIED_UNTIL] = 0
    s.pacts[q, p, ALLIED_UNTIL] = 0


@compiled(internal=True)
def betray(s: State, p: int, q: int) -> None:
    """Carry out p's order to break the alliance with q, before the eyes of all near p.

    State.mind_lists[NEAR] holds who is near p.
    """
    end_alliance(s, p, q)
    change_relation(s.relations, s.pacts, s.clock, q, p, _BETRAYED)
    for neighbour in range(1, s.tiles.shape[0]):
        if s.mind_lists[NEAR, neighbour]:
            change_relation(s.relations, s.pacts, s.clock, neighbour, p, _WITNESS)


@compiled(internal=True)
def note_order(s: State, p: int, target: int) -> None:
    """Note that p orders an attack on a player: no trade, and no alliance that it waits for."""
    if s.kind[p] == _BOT or s.kind[target] == _BOT:
        return
    pact = s.pacts[target, p]
    if pact[EMBARGO_UNTIL] < _FOREVER:
        pact[EMBARGO_UNTIL] = s.clock[TICK] + EMBARGO_TICKS + 1
    pact[IS_PENDING] = 0


@compiled(internal=True)
def note_attack(s: State, p: int, target: int) -> None:
    """Note that an attack of p on a player has begun, which costs relation: 60, 70, 80 or 100."""
    difficulty = s.bot_clock[target, DIFFICULTY] if s.bot_clock[target, MIND] == NATION_MIND else 1
    change_relation(
        s.relations,
        s.pacts,
        s.clock,
        target,
        p,
        -100.0 if difficulty == 3 else -60.0 - 10.0 * difficulty,
    )


@compiled(internal=True)
def has_embargo(pacts: np.ndarray, clock: np.ndarray, p: int, q: int) -> bool:
    """Return whether p trades not with q."""
    return bool(pacts[p, q, EMBARGO_UNTIL] > clock[TICK])


@compiled(internal=True)
def set_embargo(s: State, p: int, q: int, is_on: bool) -> None:
    """Begin an embargo without an end, or end any."""
    s.pacts[p, q, EMBARGO_UNTIL] = _FOREVER if is_on else 0


@compiled(internal=True)
def dissolve_alliances(s: State, p: int) -> None:
    """End all alliances and requests of a dead player in silence."""
    for q in range(1, s.tiles.shape[0]):
        for i in range(2):
            pact = s.pacts[p, q] if i == 0 else s.pacts[q, p]
            pact[ALLIED_UNTIL] = 0
            pact[EXTENDS] = 0
            pact[IS_PENDING] = 0
