"""Small scenarios in the format of the recorded ones, made here by the formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from arena.territory.engine.formulas import troop_cap, troop_increase

Record = dict[str, Any]


def growth_record() -> Record:
    """A human on 52 tiles and a bot on 30, 40 ticks, by the formulas."""
    cap = {"A": troop_cap(52, 1.0, 1.0), "B": troop_cap(30, 3.0, 1.0)}
    troops: dict[str, list[int]] = {"A": [25_000], "B": [10_000]}
    for _ in range(39):
        for name, factor in (("A", 1.0), ("B", 0.6)):
            last = troops[name][-1]
            troops[name].append(last + int(troop_increase(float(last), cap[name], factor)))
    return {
        "name": "growth_made_here",
        "scenario": {
            "kind": "growth_no_attack",
            "map": {"uniform_byte": 128, "width": 20, "height": 20},
            "difficulty": "medium",
            "owner_rects": [["A", 2, 2, 14, 5], ["B", 2, 8, 11, 10]],
        },
        "players": [
            {"id": "A", "type": "human", "start_troops": 25_000},
            {"id": "B", "type": "bot", "start_troops": 10_000},
        ],
        "ticks": list(range(101, 141)),
        "tiles": [[52] * 40, [30] * 40],
        "troops": [troops["A"], troops["B"]],
    }


def lone_record() -> Record:
    """A corridor one tile wide, so B = 1: 2 * (1 + r) <= 10 buys one tile a tick at any jitter.

    A tile costs at least 2,000 * 16.5 / 900 = 36; 55 tiles at 16 troops leave 20 of 900.
    """
    return {
        "name": "lone_made_here",
        "scenario": {
            "kind": "lone_expansion",
            "map": {"uniform_byte": 128, "width": 400, "height": 1},
            "owner_rects": [["A", 0, 0, 149, 0]],
            "orders": [[105, 900]],
        },
        "players": [{"id": "A", "type": "human", "start_troops": 25_000}],
        "ticks": list(range(101, 161)),
        # order at tick 105: the first tile falls in 106
        "tiles": [[150 + max(0, tick - 105) for tick in range(101, 161)]],
        "troops": [[0] * 60],
    }


def written(folder: Path, record: Any) -> Path:
    path = folder / "record.json"
    path.write_text(record if isinstance(record, str) else json.dumps(record))
    return path
