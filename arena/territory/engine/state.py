"""The state of one match: a named tuple of arrays that the compiled engine works on in place.

Tiles are addressed in a map with a one-tile frame: tile = (y + 1) * stride + (x + 1) with
stride = width + 2. The frame's owner is OFF_MAP and water's is WATER, so a neighbour look-up never
needs a bounds check. N is the number of framed tiles, P the number of players (ids 1..P, in spawn
order), K the number of attack slots.

Memory: 26 bytes per tile for land, borders, queues' nodes and sets; the operating system commits
only the pages that a match touches (`numpy.zeros` and `numpy.empty` are lazy for large arrays).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine import rules
from arena.territory.engine.by_reference import by_reference
from arena.territory.engine.traffic import (
    MAX_LANES,
    MAX_SHIPS,
    MAX_TRAINS,
    N_SHIP,
    N_TRAIN,
    RAILS_EACH,
)

if TYPE_CHECKING:  # maps do not enter machine code, see compiled.py
    from arena.territory.maps import TerritoryMap

# --- indices into State.clock ---------------------------------------------------------------------
TICK = 0  # the next tick to run
ENDED = 1  # 1 when the match is over
N_ATTACKS = 2  # live entries of attack_list
N_EVENTS = 3  # tile changes so far; the ring holds the last EVENT_RING
STAMP = 4  # current mark of `mark`
FREE_NODE = 5  # head of the list of free queue nodes, -1 when empty
NEXT_NODE = 6  # first queue node never used
FAULT = 7  # 0, or one of the FAULT_ codes below
N_ALIVE = 8
N_ORDERS = 9  # orders waiting for the end of the tick
N_PLAYABLE = 10  # tiles of playable land
MATCH_ENDS = 11  # 0 switches off the end of the match (reference scenarios)
N_LAND = 12
CELL = 13  # side of a cell of the count pyramid, tiles
GRID = 14  # cells per side of the count pyramid
EDITION = 15  # Edition.number
N_STRUCTURES = 16  # rows of `structures` in use
N_SITES = 17  # rows of `sites` in use
NEXT_WORK = 18  # the tick in which the next structure is finished or deleted
FORBIDDEN = 19  # what a reference scenario switches off, bits below; leagues have 0
N_TRADERS = 20  # ports and factories that stand, finished or not
N_SHIPS = 21  # rows of `ships` in use
N_TRAINS = 22  # rows of `trains` in use
N_LANES = 23  # rows of `lanes` that were ever in use
CLOCK_SIZE = 24

NO_ALLIANCES, NO_BOATS, NO_STRUCTURES, NO_NUKES = 1, 2, 4, 8

FAULT_NODES = 1  # all queue nodes are in use
FAULT_SLOTS = 2  # all slots of attacks are in use

# --- tile flags -----------------------------------------------------------------------------------
TERRAIN_BITS = 3  # 0 plains, 1 highland, 2 mountain
SHORE = 4  # land with the shoreline bit
EDGE = 8  # on the edge of the map
PLAYABLE = 16  # in the largest land component
BUILT = 32  # a structure stands on it
COVERED = 64  # within the radius of a finished defence post, whoever's

MIXED = 253  # a cell of the pyramid with several owners, or with water or off-map beside land

WINDOW = 256  # buckets per attack queue; a new entry is at most 160 above the lowest (queue.py)
# --- memory (memory.py): columns of State.habits, what a player did so far; all but the last five
# are sums over its attacks on players (strikes) or on neutral land (spreads)
STRIKES = 0  # their number
STRIKE_SHARE = 1  # sent, as a share of the home troops
STRIKE_FULLNESS = 2  # home troops / cap before it
STRIKE_STRENGTH = 3  # the target's home troops / (those + its own)
STRIKE_ANSWERS = 4  # whether the target was attacking it
STRIKE_PRESSED = 5  # attacks of others on the target / (those + the target's home troops)
SPREADS = 6
SPREAD_SHARE = 7
SPREAD_SQUARES = 8  # of the shares
SPREAD_FULLNESS = 9
FIRST_ORDER = 10  # tick of its first attack
LAST_ORDER = 11  # tick of its latest attack
LOOKS = 12  # ticks at which it was looked at, alive
FULLNESS_SUM = 13  # home troops / cap, summed over those ticks
N_HABITS = 14
# columns of State.dealings, what a player did to another
ATTACKS_ON = 0  # their number
FORCE_ON = 1  # sum of troops / (troops + the other's home troops)
LATEST_ON = 2  # tick of the latest, -1 for none
NEIGHBOURS_SINCE = 3  # tick at which they were first seen to touch, -1 while they don't
N_DEALINGS = 4
LOOK_TICKS = 25  # between two looks
N_PAST = 17  # looks that State.past holds: 400 ticks and the newest

EVENT_RING = 1 << 16
EVENT_MASK = EVENT_RING - 1
# The original has no limit. Attacks on each other cancel, so that connected lands on a plane, each
# attacking all that it touches, have 4 * P at once; 250 players that do so all the time have 467.
ATTACK_SLOTS = 1_024
ATTACK_SLOTS_EACH = 8  # in matches where that is more
LANDINGS_EACH = 16  # slots for attacks of boats that landed, beside those on land
WAY_PER_SIDE = 2  # steps of a way that are kept, per tile of width and height
MAP_ALONE = ("water", "coasts")  # fields that follow from the map, and that matches on it share

# columns of State.ledger, what a player has and did beyond land and troops; edition 2026 alone
# writes it
GOLD = 0
CITY_LEVELS = 1  # sum of the levels of its finished cities
CITY_LEVELS_OWNED = 2  # and one for each under construction
CITIES_MADE = 3  # cities it ever built and upgrades it ever made
HAS_ATTACKED = 4  # whether it ever sent an attack
TRAITOR_UNTIL = 5  # it is a traitor before this tick
LOST_LAND = 6  # whether land with a structure was taken from it since its last turn
DELETES_FROM = 7  # the tick from which on it may mark a structure for deletion
OTHERS_OWNED = 8  # columns 8..12: as CITY_LEVELS_OWNED, of defence posts, ports, .. (rules.py)
OTHERS_MADE = 13  # columns 13..17: as CITIES_MADE
TRADED = 18  # gold that ships and trains brought it
N_LEDGER = 19
# columns of State.structures; rows are in the order in which they were begun, without gaps
STRUCTURE = 0  # its kind, from 1 (rules.py)
STRUCTURE_OWNER = 1
STRUCTURE_TILE = 2
STRUCTURE_LEVEL = 3
FINISHED_AT = 4  # the tick in which it is finished: it counts from the next one on
IS_FINISHED = 5
DELETED_AT = 6  # the tick in which its owner's deletion ends it, 0 for none
LANE = 7  # of a port: its row and column of State.lanes, from 1; 0 for none
DRAWS_LOST = 8  # of a port: draws for a ship that it has lost since the last one
IS_STATION = 9  # whether it is on the railway
NEXT_TRAIN = 10  # of a factory: the tick from which on it may send a train
N_STRUCTURE = 11
MAX_STRUCTURES = 4_096
# columns of State.sites, orders to build that wait for the next tick
SITE_OWNER = 0
SITE_KIND = 1
SITE_TILE = 2  # asked for
N_SITE = 3
# columns of State.pacts, by player and other
ALLIED_UNTIL = 0  # allied before this tick; the same both ways
EXTENDS = 1  # whether the player has agreed to extend it
REQUESTED_AT = 2  # tick of its latest request to the other, -1 for none
IS_PENDING = 3  # whether that request waits for an answer
RELATION_AT = 4  # tick from which on the relation fades (alliances.py)
EMBARGO_UNTIL = 5  # the player trades not with the other before this tick
EMBARGO_NOTED = 6  # whether a nation's relation has paid for the other's embargo
N_PACT = 7
# columns of State.bot_clock that 2026 adds to the five of bots.py
MIND = 5  # NO_MIND, TRIBE_MIND or NATION_MIND
DIFFICULTY = 6  # index into rules.DIFFICULTIES: how a nation's mind thinks
PLACED = 7  # structures that a nation's mind has ordered
SAVED_AT = 8  # tick at which a nation first had the gold that it saves up for, -1 before
N_BOT_CLOCK = 9
NO_MIND, TRIBE_MIND, NATION_MIND = 0, 1, 2
# column of State.bot_ratio that 2026 adds to the three of bots.py
ASSIGNED = 3  # troops that a nation has assigned against tribes
N_BOT_RATIO = 4
# rows of State.mind_lists, scratch of one decision of a mind
NEAR = 0  # by owner: 0 not near, 1 across the border, 2 across a river
ENEMIES = 1
FRIENDS = 2
TRIBES = 3
N_MIND_LISTS = 4
# columns of State.boats
BOAT_OWNER = 0  # 0 for a free row
BOAT_TARGET = 1  # the owner of the landing tile when it left, whom the attack is on
BOAT_TILE = 2  # where it is
BOAT_LANDING = 3  # where it shall land
BOAT_TURNS_AT = 4  # tick in which it turns back, -1 while it sails on, -2 once it has turned
BOAT_WAY = 5  # its row of State.boat_ways
BOAT_STEP = 6  # the next step of its way
BOAT_STEPS = 7  # steps written there
N_BOAT = 8
BOATS_EACH = 3  # at sea, at most
# rows of State.water, and columns of State.coasts (edition_2026/coasts.py)
BODY = 0  # of water, 0 for land
COAST = 1  # row of State.coasts, -1 for none
IS_WIDE = 2  # whether its body is ocean or a large lake, where ports find others
COAST_TILE = 0  # a shore tile, framed
COAST_MASS = 1  # the land that it belongs to
COAST_ACROSS = 2  # and seven more: the coast straight across the water, or -1, by direction
COAST_CROSSING = 10  # and seven more: how far that is, in tiles
N_COAST = 18


@by_reference
class State(NamedTuple):
    """Arrays of one match; see the module's docstring for N, P, K."""

    clock: NDArray[np.int64]  # [CLOCK_SIZE]
    shape: NDArray[np.int64]  # [4]: width, height, stride, N
    offsets: NDArray[np.int64]  # [8]: tile offset of N NE E SE S SW W NW
    owner: NDArray[np.uint8]  # [N]
    flags: NDArray[np.uint8]  # [N]
    # borders: one doubly linked list per player, in the order in which tiles joined it
    border_next: NDArray[np.int32]  # [N]
    border_prev: NDArray[np.int32]  # [N]; -2 when the tile is on no border
    border_head: NDArray[np.int32]  # [P + 1]
    border_tail: NDArray[np.int32]  # [P + 1]
    border_size: NDArray[np.int64]  # [P + 1]
    contact: NDArray[np.int32]  # [P + 1, 8, P + 2] by direction and owner; last: water
    # players
    kind: NDArray[np.uint8]  # [P + 1]
    cap_divisor: NDArray[np.float64]  # [P + 1]
    cap_factor: NDArray[np.float64]  # [P + 1]
    growth_factor: NDArray[np.float64]  # [P + 1]
    tiles: NDArray[np.int64]  # [P + 1]
    playable_tiles: NDArray[np.int64]  # [P + 1]
    tiles_before: NDArray[np.int64]  # [P + 1] tiles when the current tick began
    tiles_at_death: NDArray[np.int64]  # [P + 1] tiles when the tick of elimination began
    troops: NDArray[np.int64]  # [P + 1] home troops
    eliminated_tick: NDArray[np.int64]  # [P + 1]; -1 while alive
    last_change: NDArray[np.int64]  # [P + 1] tick of the last tile won or lost
    last_cluster_check: NDArray[np.int64]  # [P + 1]
    streams: NDArray[np.uint64]  # [P + 1] random streams
    # attacks
    slot_of: NDArray[np.int32]  # [P + 1, P + 1] first slot of attacker on target, or -1
    attack_next: NDArray[np.int32]  # [K] the next of the same attacker and target, or -1
    free_slots: NDArray[np.int32]  # [K + 1]; [K] counts the free ones
    attack_list: NDArray[np.int32]  # [K] live slots in order of creation
    attacker: NDArray[np.int32]  # [K]
    target: NDArray[np.int32]  # [K]
    attack_troops: NDArray[np.float64]  # [K]
    attack_live: NDArray[np.uint8]  # [K]
    retreat_tick: NDArray[np.int64]  # [K] tick of the retreat's order, or -1
    attack_border: NDArray[np.int64]  # [K] size of the border set
    border_set: NDArray[np.uint8]  # [K, N // 8 + 1] bits
    # the attacks' queues (queue.py)
    bucket_head: NDArray[np.int32]  # [K, WINDOW]
    bucket_tail: NDArray[np.int32]  # [K, WINDOW]
    old_head: NDArray[np.int32]  # [K]
    old_tail: NDArray[np.int32]  # [K]
    queue_base: NDArray[np.int64]  # [K] lowest priority inside the window
    queue_low: NDArray[np.int64]  # [K] no entry of the window is below this
    queue_size: NDArray[np.int64]  # [K]
    node_tile: NDArray[np.int32]  # [nodes]
    node_next: NDArray[np.int32]  # [nodes]
    orders: NDArray[np.float64]  # [n, N_ORDER] of the running tick; orders.py has the columns
    # bots: rate, phase, phase of life (0 first, 1 neutral, 2 players), enemy, tick of the choice
    bot_clock: NDArray[np.int64]  # [P + 1, 5]; [P + 1, N_BOT_CLOCK] in 2026
    bot_ratio: NDArray[np.float64]  # [P + 1, 3]: trigger, reserve, expand; N_BOT_RATIO in 2026
    # edition 2026; all but the ledger have no rows in 2025
    ledger: NDArray[np.int64]  # [P + 1, N_LEDGER]
    structures: NDArray[np.int64]  # [MAX_STRUCTURES, N_STRUCTURE]
    sites: NDArray[np.int64]  # [n, N_SITE]
    ships: NDArray[np.int64]  # [MAX_SHIPS, N_SHIP]
    lanes: NDArray[np.int32]  # [MAX_LANES, MAX_LANES] tiles by water between two ports, 0: no way
    trains: NDArray[np.int64]  # [MAX_TRAINS, N_TRAIN]
    rails: NDArray[np.int32]  # [MAX_STRUCTURES, RAILS_EACH, 2] structure + 1 (0: no more), tiles
    stops: NDArray[np.int32]  # [2, MAX_STRUCTURES] scratch
    pacts: NDArray[np.int64]  # [P + 1, P + 1, N_PACT] by player and other
    relations: NDArray[np.float64]  # [P + 1, P + 1] what a player thinks of another, -100 to 100
    boats: NDArray[np.int64]  # [BOATS_EACH * P, N_BOAT] in order of creation
    boat_troops: NDArray[np.float64]  # [BOATS_EACH * P]
    boat_ways: NDArray[np.uint8]  # [BOATS_EACH * P, longest way] directions 0..7, tile by tile
    water: NDArray[np.int32]  # [3, cells] of the map alone
    coasts: NDArray[np.int32]  # [coasts, N_COAST] of the map alone
    landings: NDArray[np.int64]  # [8] scratch
    mind_lists: NDArray[np.int64]  # [N_MIND_LISTS, P + 1]
    # what the observation reads
    habits: NDArray[np.float64]  # [P + 1, N_HABITS]
    dealings: NDArray[np.float64]  # [P + 1, P + 1, N_DEALINGS] by attacker and target
    past: NDArray[np.int64]  # [N_PAST, P + 1, 2] tiles, home troops; look k is in row k % N_PAST
    cell_counts: NDArray[np.int32]  # [GRID * GRID, P + 1] tiles per cell and owner
    cell_uniform: NDArray[np.uint8]  # [GRID * GRID] the one owner of all its tiles, else MIXED
    cell_of_x: NDArray[np.int32]  # [width + 2]
    cell_of_y: NDArray[np.int32]  # [height + 2], already times GRID
    event_at: NDArray[np.int32]  # [EVENT_RING, 4] cell x, cell y, tile x, tile y
    event_owners: NDArray[np.uint8]  # [EVENT_RING, 2] before, after
    event_tick: NDArray[np.int32]  # [EVENT_RING]
    # scratch
    mark: NDArray[np.int32]  # [N] equal to clock[STAMP] when visited
    scratch: NDArray[np.int32]  # [N]
    clusters: NDArray[np.int32]  # [N] cluster tiles, contiguous
    cluster_start: NDArray[np.int32]  # [N + 1] start of each cluster in `clusters`, then the end
    cluster_order: NDArray[np.int32]  # [N] clusters, longest first
    direction_target: NDArray[np.int64]  # [8] (actions.py)
    direction_contact: NDArray[np.int64]  # [8]


def tile_flags(territory: TerritoryMap) -> NDArray[np.uint8]:
    """Return the flags of the framed map, uint8[N]."""
    height, width = territory.terrain.shape
    magnitude = territory.terrain & 31
    flags = (magnitude >= rules.HIGHLAND_FROM).astype(np.uint8)
    flags += magnitude >= rules.MOUNTAIN_FROM
    flags[territory.land & ((territory.terrain & 64) != 0)] |= SHORE
    flags[0, :] |= EDGE
    flags[-1, :] |= EDGE
    flags[:, 0] |= EDGE
    flags[:, -1] |= EDGE
    flags[territory.playable] |= PLAYABLE
    framed = np.zeros((height + 2, width + 2), np.uint8)
    framed[1:-1, 1:-1] = flags
    return framed.reshape(-1)


def allocate(
    territory: TerritoryMap,
    n_players: int,
    grid: int,
    *,
    edition: int = 0,
    ways: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None,
) -> State:
    """Return the state of an empty match: all land neutral, no player placed.

    Args:
        territory: the map.
        n_players: 1..250.
        grid: cells per side of the count pyramid (the global view's size).
        edition: Edition.number.
        ways: the fields `water` and `coasts`, which are shared and not copied.
    """
    height, width = territory.terrain.shape
    stride = width + 2
    n = (height + 2) * stride
    p = n_players
    is_2026 = edition != 0
    k = p * p + p  # one on each other owner, and room to merge
    if is_2026:
        k += LANDINGS_EACH * p
    k = min(k, max(ATTACK_SLOTS, ATTACK_SLOTS_EACH * p))
    cell = -(-max(width, height) // grid)

    owner = np.full((height + 2, stride), rules.OFF_MAP, np.uint8)
    owner[1:-1, 1:-1] = np.where(territory.land, rules.NEUTRAL, rules.WATER)
    clock = np.zeros(CLOCK_SIZE, np.int64)
    clock[FREE_NODE] = -1
    clock[MATCH_ENDS] = 1
    clock[N_PLAYABLE] = territory.n_playable
    clock[N_LAND] = territory.n_land
    clock[CELL] = cell
    clock[GRID] = grid
    clock[EDITION] = edition
    cell_of_x = np.zeros(width + 2, np.int32)
    cell_of_x[1:-1] = np.arange(width) // cell
    cell_of_y = np.zeros(height + 2, np.int32)
    cell_of_y[1:-1] = np.arange(height) // cell * grid
    cell_counts = np.zeros((grid * grid, p + 1), np.int32)
    cell_rows = np.add.reduceat(territory.land, np.arange(0, height, cell), 0, np.int32)
    land_tiles = np.add.reduceat(cell_rows, np.arange(0, width, cell), 1)
    neutral = cell_counts[:, 0].reshape(grid, grid)
    neutral[: land_tiles.shape[0], : land_tiles.shape[1]] = land_tiles
    cell_uniform = np.full(grid * grid, MIXED, np.uint8)
    cell_uniform[cell_counts[:, 0] == cell * cell] = rules.NEUTRAL
    cell_uniform[cell_counts[:, 0] == 0] = rules.WATER
    free_slots = np.zeros(k + 1, np.int32)
    free_slots[:k] = np.arange(k - 1, -1, -1)
    free_slots[k] = k
    n_nodes = 3 * n + 65_536
    dealings = np.zeros((p + 1, p + 1, N_DEALINGS))
    dealings[:, :, [LATEST_ON, NEIGHBOURS_SINCE]] = -1.0
    n_others = p + 1 if is_2026 else 0
    n_boats = BOATS_EACH * p if is_2026 else 0
    n_lanes = MAX_LANES if is_2026 else 0
    pacts = np.zeros((n_others, n_others, N_PACT), np.int64)
    pacts[:, :, REQUESTED_AT] = -1

    return State(
        clock=clock,
        shape=np.array([width, height, stride, n], np.int64),
        offsets=np.array(
            [-stride, -stride + 1, 1, stride + 1, stride, stride - 1, -1, -stride - 1], np.int64
        ),
        owner=owner.reshape(-1),
        flags=tile_flags(territory),
        border_next=np.empty(n, np.int32),
        border_prev=np.full(n, -2, np.int32),
        border_head=np.full(p + 1, -1, np.int32),
        border_tail=np.full(p + 1, -1, np.int32),
        border_size=np.zeros(p + 1, np.int64),
        contact=np.zeros((p + 1, 8, p + 2), np.int32),
        kind=np.zeros(p + 1, np.uint8),
        cap_divisor=np.ones(p + 1),
        cap_factor=np.ones(p + 1),
        growth_factor=np.ones(p + 1),
        tiles=np.zeros(p + 1, np.int64),
        playable_tiles=np.zeros(p + 1, np.int64),
        tiles_before=np.zeros(p + 1, np.int64),
        tiles_at_death=np.zeros(p + 1, np.int64),
        troops=np.zeros(p + 1, np.int64),
        eliminated_tick=np.full(p + 1, -1, np.int64),
        last_change=np.full(p + 1, -1, np.int64),
        last_cluster_check=np.zeros(p + 1, np.int64),
        streams=np.zeros(p + 1, np.uint64),
        slot_of=np.full((p + 1, p + 1), -1, np.int32),
        attack_next=np.full(k, -1, np.int32),
        free_slots=free_slots,
        attack_list=np.zeros(k, np.int32),
        attacker=np.zeros(k, np.int32),
        target=np.zeros(k, np.int32),
        attack_troops=np.zeros(k),
        attack_live=np.zeros(k, np.uint8),
        retreat_tick=np.full(k, -1, np.int64),
        attack_border=np.zeros(k, np.int64),
        border_set=np.zeros((k, n // 8 + 1), np.uint8),
        bucket_head=np.full((k, WINDOW), -1, np.int32),
        bucket_tail=np.full((k, WINDOW), -1, np.int32),
        old_head=np.full(k, -1, np.int32),
        old_tail=np.full(k, -1, np.int32),
        queue_base=np.zeros(k, np.int64),
        queue_low=np.zeros(k, np.int64),
        queue_size=np.zeros(k, np.int64),
        node_tile=np.empty(n_nodes, np.int32),
        node_next=np.empty(n_nodes, np.int32),
        orders=np.zeros((4 * p + 16, 5)),
        bot_clock=np.zeros((p + 1, N_BOT_CLOCK if is_2026 else 5), np.int64),
        bot_ratio=np.zeros((p + 1, N_BOT_RATIO if is_2026 else 3)),
        ledger=np.zeros((p + 1, N_LEDGER), np.int64),
        structures=np.zeros((MAX_STRUCTURES if is_2026 else 0, N_STRUCTURE), np.int64),
        sites=np.zeros((4 * p + 16 if is_2026 else 0, N_SITE), np.int64),
        ships=np.zeros((MAX_SHIPS if is_2026 else 0, N_SHIP), np.int64),
        lanes=np.zeros((n_lanes, n_lanes), np.int32),
        trains=np.zeros((MAX_TRAINS if is_2026 else 0, N_TRAIN), np.int64),
        rails=np.zeros((MAX_STRUCTURES if is_2026 else 0, RAILS_EACH, 2), np.int32),
        stops=np.zeros((2, MAX_STRUCTURES if is_2026 else 0), np.int32),
        pacts=pacts,
        relations=np.zeros((n_others, n_others)),
        boats=np.zeros((n_boats, N_BOAT), np.int64),
        boat_troops=np.zeros(n_boats),
        boat_ways=np.zeros((n_boats, WAY_PER_SIDE * (width + height)), np.uint8),
        water=np.zeros((3, 0), np.int32) if ways is None else ways[0],
        coasts=np.zeros((0, N_COAST), np.int32) if ways is None else ways[1],
        landings=np.zeros(8, np.int64),
        mind_lists=np.zeros((N_MIND_LISTS, n_others), np.int64),
        habits=np.zeros((p + 1, N_HABITS)),
        dealings=dealings,
        past=np.zeros((N_PAST, p + 1, 2), np.int64),
        cell_counts=cell_counts,
        cell_uniform=cell_uniform,
        cell_of_x=cell_of_x,
        cell_of_y=cell_of_y,
        event_at=np.zeros((EVENT_RING, 4), np.int32),
        event_owners=np.zeros((EVENT_RING, 2), np.uint8),
        event_tick=np.zeros(EVENT_RING, np.int32),
        mark=np.zeros(n, np.int32),
        scratch=np.empty(n, np.int32),
        clusters=np.empty(n, np.int32),
        cluster_start=np.empty(n + 1, np.int32),
        cluster_order=np.empty(n, np.int32),
        direction_target=np.zeros(8, np.int64),
        direction_contact=np.zeros(8, np.int64),
    )
