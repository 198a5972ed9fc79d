"""What nations' minds of edition 2026 agree to, whom they ask, and when they betray.

The harder a nation is, the less it is confused, the more it looks at facts and the fewer allies it
wants. Who is near must be known (nearby.py).
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine import rules
from arena.territory.engine.alliances import (
    FRIENDLY,
    HOSTILE,
    change_relation,
    count_allies,
    end_alliance,
    has_embargo,
    is_allied,
    is_traitor,
    is_waiting,
    make_alliance,
    may_ask,
    reject_alliance,
    relation_of,
    set_embargo,
)
from arena.territory.engine.caps import cap_of
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.edition_2026.sending import (
    EASY,
    HARD,
    IMPOSSIBLE,
    MEDIUM,
    one_in,
    sum_attacks,
)
from arena.territory.engine.numerics import draw
from arena.territory.engine.orders import ALLY, EXTEND, add_order
from arena.territory.engine.state import (
    DIFFICULTY,
    EMBARGO_NOTED,
    ENEMIES,
    EXTENDS,
    FORBIDDEN,
    N_ATTACKS,
    NEAR,
    NO_ALLIANCES,
    REQUESTED_AT,
    TICK,
    State,
)

_BOT, _HUMAN = rules.BOT, rules.HUMAN
_EMBARGO = 20.0  # relation that an embargo of the other costs while it lasts
_ASKS = 30  # one in so many possible requests is made


@compiled(inline=True, internal=True)
def _percent(streams: np.ndarray, p: int, low: int, high: int) -> float:
    """Draw low..high - 1 percent."""
    return (low + draw(streams, p, int64(high - low))) / 100.0


@compiled(inline=True, internal=True)
def _in_percent_of_cases(streams: np.ndarray, p: int, percent: int) -> bool:
    return draw(streams, p, int64(100)) < percent


@compiled(internal=True)
def _strength(s: State, p: int) -> float:
    """Return the troops of p at home and in its attacks."""
    n = s.clock[N_ATTACKS]
    away = sum_attacks(n, s.attack_list, s.attack_live, s.attacker, s.attack_troops, p)
    return s.troops[p] + max(0.0, away)


@compiled(internal=True)
def _has_too_many_allies(s: State, p: int, q: int) -> bool:
    """Return whether q is allied with so many that hard nations fear the rest."""
    difficulty = s.bot_clock[p, DIFFICULTY]
    if difficulty < HARD:
        return False
    n = 0
    for other in range(1, s.tiles.shape[0]):
        if s.tiles[other] > 0 and s.kind[other] != _BOT:
            n += 1
    return count_allies(s.pacts, s.clock, s.tiles, q) >= n * (0.5 if difficulty == HARD else 0.25)


@compiled(internal=True)
def _is_threat(s: State, p: int, q: int) -> bool:
    difficulty = s.bot_clock[p, DIFFICULTY]
    mine, theirs = float(s.troops[p]), float(s.troops[q])
    if difficulty == EASY:
        return False
    if difficulty == MEDIUM:
        return theirs > 2.5 * mine
    if theirs <= mine:
        return False
    if difficulty == HARD:
        return cap_of(s, q) > 2.0 * cap_of(s, p)
    if theirs > 1.5 * mine or s.tiles[q] > 1.5 * s.tiles[p]:
        return True
    return cap_of(s, q) > 1.5 * cap_of(s, p)


@compiled(internal=True)
def _is_dear(s: State, p: int, q: int) -> bool:
    """Return whether p accepts for friendship's sake; hard nations don't always."""
    if relation_of(s.relations, s.pacts, s.clock, p, q) < FRIENDLY:
        return False
    difficulty = s.bot_clock[p, DIFFICULTY]
    if difficulty < HARD:
        return True
    return _in_percent_of_cases(s.streams, p, 83 if difficulty == HARD else 67)


@compiled(internal=True)
def _has_enough_allies(s: State, p: int, q: int) -> bool:
    difficulty = s.bot_clock[p, DIFFICULTY]
    if difficulty == EASY:
        return False
    if difficulty == MEDIUM:
        return count_allies(s.pacts, s.clock, s.tiles, p) >= 4 + draw(s.streams, p, int64(2))
    near = 0
    friends = 0
    for other in range(1, s.tiles.shape[0]):
        if s.mind_lists[NEAR, other] and s.kind[other] != _BOT:
            near += 1
            if is_allied(s.pacts, s.clock, p, other):
                friends += 1
    if near >= 2 and s.mind_lists[NEAR, q] and s.kind[q] != _BOT:
        return near <= friends + 1
    least = 3 if difficulty == HARD else 2
    return count_allies(s.pacts, s.clock, s.tiles, p) >= least + draw(s.streams, p, int64(2))


@compiled(internal=True)
def _is_early(s: State, p: int) -> bool:
    """Return whether p accepts because the match is young."""
    difficulty = s.bot_clock[p, DIFFICULTY]
    tick = s.clock[TICK] + 1  # the original counts from the end of its phase of spawning
    if difficulty == EASY:
        return tick < 3_000 and _in_percent_of_cases(s.streams, p, 90)
    if difficulty == IMPOSSIBLE:
        return tick < 600 and _in_percent_of_cases(s.streams, p, 30)
    return tick < 1_800 and _in_percent_of_cases(s.streams, p, 70 if difficulty == MEDIUM else 50)


@compiled(internal=True)
def _is_as_strong(s: State, p: int, q: int) -> bool:
    difficulty = s.bot_clock[p, DIFFICULTY]
    low = 60 if difficulty == EASY else 65 + 5 * difficulty  # of strength; 10 more of tiles
    mine, theirs = _strength(s, p), _strength(s, q)
    of_strength = mine * _percent(s.streams, p, low, low + 10)
    of_tiles = s.tiles[p] * _percent(s.streams, p, low + 10, low + 20)
    return theirs > of_strength or (s.tiles[q] > of_tiles and theirs > 0.5 * mine)


@compiled(internal=True)
def accepts(s: State, p: int, q: int) -> bool:
    """Return whether the nation p wants an alliance with q; the first rule that speaks decides."""
    difficulty = s.bot_clock[p, DIFFICULTY]
    if difficulty < IMPOSSIBLE and one_in(s.streams, p, 10 << difficulty):
        return one_in(s.streams, p, 2)  # confused
    if is_traitor(s.ledger, s.clock, q) and _in_percent_of_cases(s.streams, p, 90):
        return False
    if _has_too_many_allies(s, p, q):
        return False
    if _is_threat(s, p, q):
        return True
    if relation_of(s.relations, s.pacts, s.clock, p, q) < 0.0:
        return False
    if _is_dear(s, p, q):
        return True
    if _has_enough_allies(s, p, q):
        return False
    return _is_early(s, p) or _is_as_strong(s, p, q)


@compiled(internal=True)
def answer_requests(s: State, p: int) -> None:
    """Answer every request for an alliance, and every wish to extend one."""
    if s.clock[FORBIDDEN] & NO_ALLIANCES:
        return
    for q in range(1, s.tiles.shape[0]):
        if is_waiting(s.pacts, s.clock, q, p):
            if s.pacts[q, p, REQUESTED_AT] > 0 and accepts(s, p, q):
                make_alliance(s, p, q)
            else:
                reject_alliance(s, p, q)
    for q in range(1, s.tiles.shape[0]):
        if is_allied(s.pacts, s.clock, p, q) and s.pacts[q, p, EXTENDS] and accepts(s, p, q):
            add_order(s, p, EXTEND, q, 0.0, 0)


@compiled(internal=True)
def ask_enemies(s: State, p: int, n: int) -> None:
    """Ask now and then one of the first n of State.mind_lists[ENEMIES] for an alliance."""
    if s.clock[FORBIDDEN] & NO_ALLIANCES:
        return
    for i in range(n):
        q = int(s.mind_lists[ENEMIES, i])
        if not one_in(s.streams, p, _ASKS):
            continue
        if s.kind[q] == _BOT and s.bot_clock[p, DIFFICULTY] != EASY:
            continue
        if may_ask(s, p, q) and accepts(s, p, q):
            add_order(s, p, ALLY, q, 0.0, 0)


@compiled(internal=True)
def note_embargoes(s: State, p: int) -> None:
    """Let each embargo of others against p cost relation, as long as it lasts."""
    for q in range(1, s.tiles.shape[0]):
        if q == p or s.tiles[q] == 0:
            continue
        is_on = has_embargo(s.pacts, s.clock, q, p)
        if is_on != (s.pacts[p, q, EMBARGO_NOTED] != 0):
            change_relation(s.relations, s.pacts, s.clock, p, q, -_EMBARGO if is_on else _EMBARGO)
            s.pacts[p, q, EMBARGO_NOTED] = 1 if is_on else 0


@compiled(internal=True)
def set_embargoes(s: State, p: int) -> None:
    """Begin embargoes against those whom p hates; the harder it is, the later they end."""
    difficulty = s.bot_clock[p, DIFFICULTY]
    for q in range(1, s.tiles.shape[0]):
        if q == p or s.tiles[q] == 0:
            continue
        relation = relation_of(s.relations, s.pacts, s.clock, p, q)
        if relation < HOSTILE:
            set_embargo(s, p, q, True)
        elif has_embargo(s.pacts, s.clock, p, q):
            ends = difficulty < HARD and relation >= 0.0
            if ends or (difficulty < IMPOSSIBLE and relation >= FRIENDLY):
                set_embargo(s, p, q, False)


@compiled(internal=True)
def turns_on(s: State, p: int, q: int, n_near: int) -> bool:
    """Break p's alliance with q if that pays; return whether it did.

    Args:
        n_near: number of players near p.
    """
    difficulty = s.bot_clock[p, DIFFICULTY]
    mine, theirs = s.troops[p], s.troops[q]
    breaks = False
    if difficulty >= HARD:
        breaks = _strength(s, q) < 0.2 * cap_of(s, q) and theirs < mine
    elif difficulty == MEDIUM or s.kind[q] != _HUMAN:
        breaks = mine >= 10 * theirs
    if difficulty != EASY and not breaks:
        breaks = is_traitor(s.ledger, s.clock, q) and theirs < 1.2 * mine
        breaks = breaks or (n_near == 1 and 3 * theirs < mine)
    if breaks:
        end_alliance(s, p, q)
    return breaks
