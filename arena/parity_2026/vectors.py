"""Recorded values of the 2026 edition's formulas, compared with ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arena.parity_2026.land import Gap
from arena.parity_2026.recordings import unit_of
from arena.territory.engine import formulas, rules
from arena.territory.engine.edition_2026.cities import price_of
from arena.territory.engine.gold import gold_per_tick, take_gold
from arena.territory.engine.state import (
    CITIES_MADE,
    CITY_LEVELS_OWNED,
    GOLD,
    HAS_ATTACKED,
    N_LEDGER,
    OTHERS_MADE,
    OTHERS_OWNED,
)

_EDITION = rules.EDITIONS["2026"]
_TERRAIN = {"plains": 0, "highland": 1, "mountain": 2}


def formula_gaps(vectors: dict[str, Any]) -> Iterator[Gap]:
    """Yield the largest relative gap of each group of formula vectors of what is played."""
    checks: dict[str, Callable[[dict[str, Any]], list[tuple[float, float]]]] = {
        "max_troops": lambda v: [(_cap(v), v["value"])],
        "troop_increase": lambda v: [(_growth(v), v["value"])],
        "attack_logic_player": _player_attack,
        "attack_logic_neutral": _neutral_attack,
        "tiles_per_tick": _budgets,
        "start_troops": lambda v: [(_start_troops(v), v["value"])],
        "gold_per_tick": lambda v: [(gold_per_tick(rules.KINDS.index(v["type"])), v["value"])],
        "structure_cost": lambda v: [(_price(v), v["cost"])],
        "conquer_gold": lambda v: [(_conquered_gold(v), v["captured"])],
    }
    for group, check in checks.items():
        played = [vector for vector in vectors.get(group, ()) if _is_played(vector)]
        if played:
            gaps = [
                abs(ours - theirs) / max(abs(theirs), 1.0)
                for vector in played
                for ours, theirs in check(vector)
            ]
            yield f"{group}, {len(played)} vectors", float(np.max(gaps)), 1e-9, "relative"


def _is_played(vector: dict[str, Any]) -> bool:
    return "unit" not in vector or unit_of(vector["unit"]) is not None


def _price(vector: dict[str, Any]) -> float:
    kind = rules.STRUCTURES.index(str(unit_of(vector["unit"]))) + 1
    ledger = np.zeros((2, N_LEDGER), np.int64)
    is_city = kind == rules.CITY
    owned = CITY_LEVELS_OWNED if is_city else OTHERS_OWNED + kind - rules.DEFENSE_POST
    made = CITIES_MADE if is_city else OTHERS_MADE + kind - rules.DEFENSE_POST
    ledger[1, owned] = vector["owned_levels"]
    ledger[1, made] = vector["ever_built_or_upgraded"]
    return float(price_of(ledger, 1, kind))


def _conquered_gold(vector: dict[str, Any]) -> float:
    ledger = np.zeros((3, N_LEDGER), np.int64)
    ledger[2, GOLD] = vector["gold"]
    ledger[2, HAS_ATTACKED] = 1
    kind = np.full(3, rules.KINDS.index(vector["conquered"]), np.uint8)
    take_gold(ledger, kind, 1, 2)
    return float(ledger[1, GOLD])


def _start_troops(vector: dict[str, Any]) -> float:
    nation = _EDITION.nation_start[vector["difficulty"].lower()]
    return float(rules.START_TROOPS.get(vector["type"], nation))


def _cap(vector: dict[str, Any]) -> float:
    divisor = rules.BOT_CAP_DIVISOR if vector["type"] == "bot" else 1.0
    is_nation = vector["type"] == "nation"
    factor = _EDITION.nation_cap[vector["difficulty"].lower()] if is_nation else 1.0
    cities = sum(levels for levels in vector.get("city_levels", ()) if levels > 0)
    return float(formulas.troop_cap(vector["tiles"], divisor, factor, cities))


def _growth(vector: dict[str, Any]) -> float:
    factor = _EDITION.bot_growth if vector["type"] == "bot" else 1.0
    if vector["type"] == "nation":
        factor = _EDITION.nation_growth[vector["difficulty"].lower()]
    return float(formulas.troop_increase(float(vector["troops"]), _cap(vector), factor))


def _player_attack(v: dict[str, Any]) -> list[tuple[float, float]]:
    loss, defender_loss, cost = formulas.player_tile(
        _TERRAIN[v["terrain"]],
        rules.KINDS.index(v["attacker"]),
        rules.KINDS.index(v["defender"]),
        float(v["attack_troops"]),
        float(v["defender_troops"]),
        v["attacker_tiles"],
        v["defender_tiles"],
        v["defender_traitor"],
        v["defense_post"],
        _EDITION.number,
    )
    return [
        (loss, v["attackerTroopLoss"]),
        (defender_loss, v["defenderTroopLoss"]),
        (cost, v["tilesPerTickUsed"]),
    ]


def _neutral_attack(v: dict[str, Any]) -> list[tuple[float, float]]:
    kind = rules.KINDS.index(v["attacker"])
    loss, cost = formulas.neutral_tile(_TERRAIN[v["terrain"]], float(v["attack_troops"]), kind)
    return [(loss, v["attackerTroopLoss"]), (cost, v["tilesPerTickUsed"])]


def _budgets(v: dict[str, Any]) -> list[tuple[float, float]]:
    args = (float(v["attack_troops"]), float(v["defender_troops"]), float(v["adj"]))
    return [
        (formulas.attack_budget(*args, False), v["player"]),
        (formulas.attack_budget(*args, True), v["neutral"]),
    ]
