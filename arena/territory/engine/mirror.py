"""A board that another program plays, written into a state of ours.

The observation, the masks and the agents then work on it unchanged. `mirror_tick` brings land,
borders, contacts, troops and memory over one tick; `mirror_attacks` replaces the running attacks.
No rule of ours is applied: what happened is what one is told.

The queues of mirrored attacks are filled from the attacker's border, as when an attack starts: what
an agent thinks through on a clone goes on from there, and no more of the other program's attack
queues is known.
"""

from __future__ import annotations

import numpy as np

from arena.territory.engine.attacks import compact_attacks, end_attack
from arena.territory.engine.compiled import compiled, int64
from arena.territory.engine.land import take_tile
from arena.territory.engine.memory import note_attack, remember_tick
from arena.territory.engine.queue import clear, push_neighbours
from arena.territory.engine.state import FAULT, FAULT_SLOTS, LOOK_TICKS, N_ATTACKS, TICK, State

BEFORE_PLAY = -1
"""The tick of what happened before play: it triggers no look and dates no change."""

# Columns of an attack that started
ATTACKER, TARGET, TROOPS, HOME, TARGET_HOME, OTHERS, ANSWERS = range(7)


@compiled()
def mirror_tick(
    s: State,
    tick: int,
    tiles: np.ndarray,
    owners: np.ndarray,
    troops: np.ndarray,
    started: np.ndarray,
) -> None:
    """Bring a state from the beginning of `tick` to its end.

    Args:
        tick: that which was played, or BEFORE_PLAY.
        tiles, owners: int64[n], framed tiles in the order in which they changed hands, and to whom.
        troops: int64[P] home troops at the end, by player.
        started: float64[m, 7], see ATTACKER and following: the attacks that started, with home
            troops before they left.
    """
    s.clock[TICK] = tick
    for p in range(1, s.tiles.shape[0]):
        s.tiles_before[p] = s.tiles[p]
    if tick >= 0 and tick % LOOK_TICKS == 0:
        remember_tick(s)
    for i in range(tiles.shape[0]):
        take_tile(s, tiles[i], owners[i])
    for i in range(started.shape[0]):
        p = int64(started[i, ATTACKER])
        target = int64(started[i, TARGET])
        s.troops[p] = int64(started[i, HOME])
        if target > 0:
            s.troops[target] = int64(started[i, TARGET_HOME])
        note_attack(
            s, p, target, started[i, TROOPS], started[i, OTHERS], started[i, ANSWERS] != 0.0
        )
    for i in range(troops.shape[0]):
        s.troops[i + 1] = troops[i]
    s.clock[TICK] = tick + 1


@compiled()
def mirror_attacks(
    s: State, players: np.ndarray, troops: np.ndarray, retreating: np.ndarray
) -> None:
    """Replace all running attacks.

    Args:
        players: int64[n, 2], attacker and target (0 for neutral land), in order of creation.
        troops: float64[n].
        retreating: bool[n], whether it was ordered home.
    """
    for i in range(s.clock[N_ATTACKS]):
        a = int64(s.attack_list[i])
        if s.attack_live[a]:
            end_attack(s, a)
    compact_attacks(s)
    last = s.free_slots.shape[0] - 1
    for i in range(players.shape[0]):
        p = players[i, 0]
        target = players[i, 1]
        if s.free_slots[last] == 0:
            s.clock[FAULT] = FAULT_SLOTS
            return
        s.free_slots[last] -= 1
        a = int64(s.free_slots[s.free_slots[last]])
        s.attacker[a] = p
        s.target[a] = target
        s.attack_live[a] = 1
        s.attack_troops[a] = troops[i]
        s.retreat_tick[a] = s.clock[TICK] - 1 if retreating[i] else -1
        clear(s, a)
        tile = int64(s.border_head[p])
        while tile >= 0:
            push_neighbours(s, a, tile)
            tile = int64(s.border_next[tile])
        s.attack_next[a] = -1
        before = int64(s.slot_of[p, target])
        if before < 0:
            s.slot_of[p, target] = a
        else:  # after landings a player has several on one owner
            while s.attack_next[before] >= 0:
                before = int64(s.attack_next[before])
            s.attack_next[before] = a
        s.attack_list[s.clock[N_ATTACKS]] = a
        s.clock[N_ATTACKS] += 1
