"""What the minds of edition 2026 cost: processor time of a tick with nations and tribes.

    PYTHONPATH=. python tests/bench/minds.py MAP...

Per map: ten nations (five of medium, five of hard skill), then 24 nations and 55 tribes, on seeded
spawns, 1,500 ticks in steps of 100. Only processor time of this process is counted, so that other
work on the machine matters little. The costliest step is shown too: neutral land is taken in it.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from arena.territory.engine.engine import Engine
from arena.territory.engine.spawns import choose_spawns
from arena.territory.maps import TerritoryMap, load_map

TICKS, STEP = 1_500, 100


def match(territory: TerritoryMap, nations: int, tribes: int, seed: int) -> Engine:
    """Return a match of minds at tick 0."""
    engine = Engine(territory, nations + tribes, seed=seed, edition="2026")
    engine.never_end()
    spawns = choose_spawns(engine.map, nations + tribes, seed)
    for p, (x, y) in enumerate(spawns, start=1):
        is_nation = p <= nations
        skill = "medium" if p % 2 else "hard"
        kind = "nation" if is_nation else "bot"
        engine.place(p, kind=kind, difficulty=skill, spawn=(int(x), int(y)))
        engine.give_mind(p, "nation" if is_nation else "tribe", skill)
    return engine


def main(maps: list[str]) -> None:
    """Print one row per map and line-up."""
    match(TerritoryMap.from_terrain("small", np.full((40, 40), 128, np.uint8)), 2, 1, 1).run(100)
    for path in maps:
        territory = load_map(path)
        for nations, tribes in ((10, 0), (24, 55)):
            engine = match(territory, nations, tribes, 1)
            spent = []
            for _ in range(TICKS // STEP):
                began = time.process_time()
                engine.run(STEP)
                spent.append((time.process_time() - began) / STEP * 1e6)
            print(
                f"{territory.name:22} {nations:3} nations {tribes:3} tribes "
                f"{np.mean(spent):8.0f} us a tick, {max(spent):8.0f} in the costliest hundred, "
                f"{int((engine.tiles > 0).sum()):3} alive at {engine.tick}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
