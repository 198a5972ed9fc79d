"""Logs of a made-up game whose players' strengths are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

# In TrueSkill points above the mean; performances scatter by beta.
STRENGTH = {"ann": 8.0, "bob": 4.0, "cid": 1.0, "dee": 0.0, "eve": -4.0, "fay": -9.0}
BETA = 25.0 / 6.0


def line(number: int, players: list[str], **changes: Any) -> dict[str, Any]:
    """A match that its players finished in this order."""
    seats = [{"seat": at, "player": who, "place": at + 1} for at, who in enumerate(players)]
    values = {"schema": "nplayer-results/1", "game": "poker", "match": f"g{number}", "seats": seats}
    return {**values, **changes}


def matches(n: int, *, seed: int = 1) -> list[dict[str, Any]]:
    """Matches of three to five players, drawn from their strengths."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        seated = rng.choice(sorted(STRENGTH), size=int(rng.integers(3, 6)), replace=False)
        form = {who: STRENGTH[who] + BETA * rng.standard_normal() for who in seated.tolist()}
        found.append(line(number, sorted(form, key=lambda who: -form[who])))
    return found


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path
