"""Replay scenarios recorded from the 2026 edition and compare ours within fixed gates.

Land, gold, structures, boats and alliances are played. A file that needs something else before it
ends is compared up to the tick before that, and the gate says so; where nothing is left, one
sentence does.

Gates: formula vectors, growth and building exact, caps to the recorded decimal; lone and duel
scenarios within 0.5 % of the tiles at the end, and 3 % along the path (6 % below 500 tiles), gold
exact in the nearest of three streams (in another a player falls a tick earlier or later), what
stands at the end exact; enclaves in the same tick for the same captor, the nearest of five streams
within 2 tiles (an attack that runs meanwhile scatters by 4); boats tick by tick, tile by tile and
troop by troop in the nearest of eight streams, and the land as that of duels; scenarios with minds
by replaying their recorded orders as orders from outside: the sum over players of tile gaps as a
share of owned tiles, median of three streams, 2 % at 301, 3 % at 601 and 12 % at 1591, or the last
tick recorded before (ticks of the original).
"""

from arena.parity_2026.gates import scenario_gaps
from arena.parity_2026.vectors import formula_gaps

__all__ = ["formula_gaps", "scenario_gaps"]
