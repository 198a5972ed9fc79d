"""The mind of a nation in edition 2026, at four levels of skill.

On its beat a nation answers requests for alliances, builds, and attacks: neutral land first; else,
with enough troops at home, the first of the targets in its list that takes an attack. The lists
differ by difficulty (index into rules.DIFFICULTIES), and so do the pace and how much it keeps at
home. At the thirds of its beat it builds only.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.alliances import (
    HOSTILE,
    is_allied,
    is_traitor,
    relation_of,
)
from arena.territory.engine.bots import LIFE, PHASE, RATE, RESERVE, TRIGGER
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.building import build
from arena.territory.engine.edition_2026.diplomacy import (
    answer_requests,
    ask_enemies,
    note_embargoes,
    set_embargoes,
    turns_on,
)
from arena.territory.engine.edition_2026.nearby import find_near
from arena.territory.engine.edition_2026.sending import (
    EASY,
    HARD,
    MEDIUM,
    incoming,
    largest_attacker,
    one_in,
    owns_structures,
    send,
    send_anywhere,
)
from arena.territory.engine.edition_2026.voyages import nearest_islander
from arena.territory.engine.orders import ATTACK, add_order
from arena.territory.engine.state import (
    ASSIGNED,
    DIFFICULTY,
    ENEMIES,
    FORBIDDEN,
    FRIENDS,
    MIND,
    NATION_MIND,
    NEAR,
    NO_ALLIANCES,
    TICK,
    TRIBES,
    State,
)

_BOT = rules.BOT
_NEUTRAL = int64(rules.NEUTRAL)
_OFFSET = rules.REFERENCE_TICK_OFFSET
# whom to attack
_TRIBES, _RETALIATE, _BETRAY, _HATED, _TRAITOR, _VERY_WEAK, _VICTIM, _WEAKEST = range(1, 9)
_ISLANDER = 9
_PLANS = np.array(  # by difficulty; 0 ends a list
    [
        [_TRIBES, _RETALIATE, _BETRAY, _HATED, _WEAKEST, 0, 0, 0, 0],
        [_TRIBES, _RETALIATE, _BETRAY, _HATED, _TRAITOR, _WEAKEST, _ISLANDER, 0, 0],
        [_TRIBES, _RETALIATE, _BETRAY, _TRAITOR, _HATED, _VERY_WEAK, _VICTIM, _WEAKEST, _ISLANDER],
        [_RETALIATE, _TRIBES, _VERY_WEAK, _TRAITOR, _BETRAY, _VICTIM, _HATED, _WEAKEST, _ISLANDER],
    ],
    np.int64,
)


@compiled(internal=True)
def _sort_by_troops(s: State, row: int, n: int) -> None:
    """Sort the first n of a list by home troops, keeping the order of equal ones."""
    players = s.mind_lists[row]
    for i in range(1, n):
        q = players[i]
        at = i
        while at > 0 and s.troops[players[at - 1]] > s.troops[q]:
            players[at] = players[at - 1]
            at -= 1
        players[at] = q


@compiled(internal=True)
def _list_neighbours(s: State, p: int) -> tuple[int, int]:
    """List enemies and friends near p, weakest first; return how many there are of each."""
    enemies = 0
    friends = 0
    for q in range(1, s.tiles.shape[0]):
        if not s.mind_lists[NEAR, q]:
            continue
        if is_allied(s.pacts, s.clock, p, q):
            s.mind_lists[FRIENDS, friends] = q
            friends += 1
        else:
            s.mind_lists[ENEMIES, enemies] = q
            enemies += 1
    _sort_by_troops(s, int64(ENEMIES), enemies)
    _sort_by_troops(s, int64(FRIENDS), friends)
    return enemies, friends


@compiled(internal=True)
def _is_better_tribe(s: State, q: int, other: int) -> bool:
    """Return whether tribe q comes before another: with structures first, then the thinner one."""
    has, has_other = owns_structures(s.ledger, q), owns_structures(s.ledger, other)
    if has != has_other:
        return has
    return s.troops[q] * s.tiles[other] < s.troops[other] * s.tiles[q]


@compiled(internal=True)
def _attack_tribes(s: State, p: int) -> bool:
    """Attack the easiest tribes near p, several at once; return whether troops were assigned."""
    tribes = s.mind_lists[TRIBES]
    n = 0
    for q in range(1, s.tiles.shape[0]):
        if not s.mind_lists[NEAR, q] or s.kind[q] != _BOT or is_allied(s.pacts, s.clock, p, q):
            continue
        at = n
        while at > 0 and _is_better_tribe(s, q, int(tribes[at - 1])):
            tribes[at] = tribes[at - 1]
            at -= 1
        tribes[at] = q
        n += 1
    if n == 0:
        return False
    s.bot_ratio[p, ASSIGNED] = 0.0
    difficulty = s.bot_clock[p, DIFFICULTY]
    most = 100
    if difficulty == EASY:
        most = 1
    elif difficulty == MEDIUM:
        most = 1 if one_in(s.streams, p, 2) else 2
    elif difficulty == HARD:
        most = 3
    for i in range(min(n, most)):
        send(s, p, int(tribes[i]), False)
    return bool(s.bot_ratio[p, ASSIGNED] > 0.0)


@compiled(internal=True)
def _attack_friend(s: State, p: int, enemies: int, friends: int) -> bool:
    """Betray the first friend of which that pays, and attack it."""
    if s.clock[FORBIDDEN] & NO_ALLIANCES:
        return False
    for i in range(friends):
        q = int(s.mind_lists[FRIENDS, i])
        if turns_on(s, p, q, enemies + friends):
            return send(s, p, q, True)
    return False


@compiled(internal=True)
def _attack_hated(s: State, p: int) -> bool:
    """Attack the most hated player that is not much stronger."""
    found = int64(0)
    least = HOSTILE
    for q in range(1, s.tiles.shape[0]):
        if (
            q == p
            or s.tiles[q] == 0
            or s.troops[q] > 3 * s.troops[p]
            or is_allied(s.pacts, s.clock, p, q)
        ):
            continue
        relation = relation_of(s.relations, s.pacts, s.clock, p, q)
        if relation < least:
            least = relation
            found = q
    return found != 0 and send(s, p, found, False)


@compiled(internal=True)
def _fits(s: State, p: int, q: int, target: int) -> bool:
    """Return whether enemy q is what the list asks for."""
    mine, theirs = float(s.troops[p]), float(s.troops[q])
    if target == _WEAKEST:
        return theirs < mine
    if target == _VICTIM:
        return theirs <= 1.2 * mine and incoming(s, q) > 0.5 * theirs
    if theirs >= 1.2 * mine:
        return False
    if target == _TRAITOR:
        return is_traitor(s.ledger, s.clock, q)
    return theirs < 0.15 * cap_of(s, q)


@compiled(internal=True)
def _follow_plan(s: State, p: int, enemies: int, friends: int) -> None:
    """Go through the list of p's difficulty until an order is given."""
    plan = _PLANS[s.bot_clock[p, DIFFICULTY]]
    for step in range(plan.shape[0]):
        target = plan[step]
        if target == 0:
            return
        given = False
        if target == _TRIBES:
            given = _attack_tribes(s, p)
        elif target == _RETALIATE:
            attacker = largest_attacker(s, p, False)
            given = attacker != 0 and send(s, p, attacker, True)
        elif target == _BETRAY:
            given = _attack_friend(s, p, enemies, friends)
        elif target == _HATED:
            given = _attack_hated(s, p)
        elif target == _ISLANDER:
            islander = nearest_islander(s, p) if enemies == 0 else 0
            given = islander != 0 and send(s, p, islander, False)
        else:
            for i in range(enemies):
                q = int(s.mind_lists[ENEMIES, i])
                if _fits(s, p, q, target):
                    given = send(s, p, q, False)
                    break
                if target == _WEAKEST:
                    break
        if given:
            return


@compiled(internal=True)
def _has_tribe_with_structures(s: State, p: int) -> bool:
    for q in range(1, s.tiles.shape[0]):
        is_tribe = s.mind_lists[NEAR, q] and s.kind[q] == _BOT
        if is_tribe and owns_structures(s.ledger, q) and not is_allied(s.pacts, s.clock, p, q):
            return True
    return False


@compiled(internal=True)
def _attack(s: State, p: int) -> None:
    enemies, friends = _list_neighbours(s, p)
    if s.mind_lists[NEAR, _NEUTRAL] and send(s, p, _NEUTRAL, False):
        return
    if enemies == 0:
        if one_in(s.streams, p, 5):
            send_anywhere(s, p)
    else:
        if one_in(s.streams, p, 10):
            send_anywhere(s, p)
            return
        ask_enemies(s, p, enemies)
    if _has_tribe_with_structures(s, p) and _attack_tribes(s, p):
        return
    fullness = s.troops[p] / cap_of(s, p)
    if fullness < s.bot_ratio[p, RESERVE]:
        return
    if fullness < s.bot_ratio[p, TRIGGER] and not one_in(s.streams, p, 10):
        return
    _follow_plan(s, p, enemies, friends)


@compiled(internal=True)
def _nation_decision(s: State, p: int) -> None:
    mind = s.bot_clock[p]
    if mind[LIFE] == 0:
        mind[LIFE] = 1
        add_order(s, p, ATTACK, _NEUTRAL, s.troops[p] / 2.0, 0)
        return
    since = (s.clock[TICK] + _OFFSET - mind[PHASE]) % mind[RATE]
    if since != 0:
        if since == mind[RATE] // 3 or since == mind[RATE] * 2 // 3:
            build(s, p)
        return
    find_near(s, p)
    note_embargoes(s, p)
    answer_requests(s, p)
    build(s, p)
    set_embargoes(s, p)
    _attack(s, p)


@compiled(internal=True)
def let_nations_act(s: State) -> None:
    """Let every nation's mind act that is on its beat, as the tick begins."""
    for p in range(1, s.tiles.shape[0]):
        if s.bot_clock[p, MIND] == NATION_MIND and s.tiles[p] > 0:
            _nation_decision(s, p)
