"""What a seat sees in edition 2026 beyond version 2 of the observation, by name: version 3.

Everything of version 2 stays where it is; what is new comes after it: three channels of each view,
scalars of the seat at the end, facts at the end of a neighbour's row, and a table of its own for
what a boat would meet in each direction.
"""

from __future__ import annotations

from typing import Final

CHANNELS_2026: Final[tuple[tuple[str, str], ...]] = (
    ("city", "cities: L / (L + 1) of the level L, half of it while under construction"),
    ("boat", "boats: mine 1/2, those that shall land on me 1, others 1/4"),
    ("post", "defence posts: 1, half of it while under construction"),
)

OWN_SCALARS_2026: Final[tuple[tuple[str, str], ...]] = (
    ("gold", "log10(1 + my gold) / 8"),
    ("savings", "my gold g against the price c of my next city or level: g / (g + c)"),
    ("price", "log10(c) / 7"),
    ("can_build", "1 when a city can be built now"),
    ("can_upgrade", "1 when a city can be upgraded now"),
    ("cities", "levels n of my finished cities: n / (n + 4)"),
    ("building", "levels of mine under construction: n / (n + 1)"),
    ("city_cap", "share of my cap that comes from cities"),
    ("exposed", "share of my city levels with land of a rival within 10 tiles"),
    ("cap_rank", "my cap / (that + the largest cap of a rival)"),
    ("gold_rank", "my gold / (that + the most gold of a rival)"),
    ("levels_rank", "my city levels / (those + the most of a rival)"),
    ("boats", "my boats at sea / 3"),
    ("at_sea", "troops in my boats / (those + my home troops)"),
    ("landing_on_me", "troops in boats that shall land on me / (those + my home troops)"),
    ("allies", "my allies / (seats - 1)"),
    ("asked", "seats that wait for my answer to a request or extension / (seats - 1)"),
    ("asking", "seats whose answer to my request or extension is pending / (seats - 1)"),
    ("traitor", "share of the 300 ticks of being a traitor that is left"),
    ("truce", "share of the 50 ticks left in which humans may not be attacked by humans"),
)

NEIGHBOUR_FACTS_2026: Final[tuple[tuple[str, str], ...]] = (
    ("cap", "its cap / (its + mine)"),
    ("gold", "log10(1 + its gold) / 8"),
    ("richer", "its gold / (its + mine)"),
    ("cities", "levels n of its finished cities: n / (n + 4)"),
    ("cities_near", "levels n of its cities with my land within 10 tiles: n / (n + 1)"),
    ("is_tribe", "1 when it is a tribe"),
    ("is_nation", "1 when it is a nation"),
    ("is_ally", "1 when we are allied"),
    ("alliance", "share of the 3,000 ticks of our alliance that is left"),
    ("asks_me", "1 when its request for an alliance, or its extension, waits for my answer"),
    ("is_asked", "1 when mine waits for its answer"),
    ("may_ask", "1 when ALLY is legal: ask it, accept its request, or extend our alliance"),
    ("traitor", "share of the 300 ticks of being a traitor that is left"),
    ("opinion", "what it thinks of me, 0 .. 1 for -100 .. 100"),
    ("allies", "its allies / (seats - 1)"),
    ("boats_on_me", "troops B in its boats that shall land on me: B / (B + T_me)"),
    ("at_sea", "troops in all its boats / (those + its home troops)"),
    ("posts_near", "its finished defence posts n with my land within 30 tiles: n / (n + 1)"),
)

LANDING_FACTS: Final[tuple[tuple[str, str], ...]] = (
    ("is_legal", "1 when a boat may be sent in this direction"),
    ("is_neutral", "1 when it would land on unowned land"),
    ("is_rival", "1 when it would land on a player's"),
    ("is_overseas", "1 when I cannot attack there by land"),
    ("strength", "T_q / (T_q + T_me), home troops of that owner"),
    ("land", "its tiles / (its + mine)"),
    ("fullness", "its home troops / its cap, at most 2"),
    ("cities", "levels n of its finished cities: n / (n + 4)"),
    ("crossing", "log2(1 + tiles from coast to coast, in steps of two) / 10"),
)

N_OWN_2026: Final = len(OWN_SCALARS_2026)
N_NEIGHBOUR_2026: Final = len(NEIGHBOUR_FACTS_2026)
N_LANDING: Final = len(LANDING_FACTS)
