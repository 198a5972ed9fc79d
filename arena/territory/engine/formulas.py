"""The formulas of growth and attack, compiled; each is checked against recorded vectors.

Source: the original engine's default configuration. `kind` is rules.HUMAN, BOT or NATION.
"""

from __future__ import annotations

from arena.territory.engine import rules
from arena.territory.engine.compiled import compiled
from arena.territory.engine.numerics import exponential, power

_BOT = rules.BOT
_CITY_CAP = rules.CITY_CAP
_LN2_OVER_50K = 0.6931471805599453 / 50_000.0


@compiled(inline=True)
def _clamp(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


@compiled(inline=True, internal=True)
def share_of(a: float, b: float) -> float:
    """Return a / (a + b), 0 when both are 0."""
    return a / (a + b) if a > 0.0 else 0.0


@compiled()
def troop_cap(tiles: int, cap_divisor: float, cap_factor: float, city_levels: int = 0) -> float:
    """Return the most home troops to grow to; divisor 3 for bots, a factor for nations, else 1.

    `city_levels` is the sum of the levels of finished cities.
    """
    land = 2.0 * (power(float(tiles), 0.6) * 1000.0 + 50_000.0)
    return (land + _CITY_CAP * city_levels) / cap_divisor * cap_factor


@compiled()
def troop_increase(troops: float, cap: float, growth_factor: float) -> float:
    """Return the growth of one tick before rounding; negative above the cap."""
    growth = 10.0 + power(troops, 0.73) / 4.0
    growth *= 1.0 - troops / cap
    growth *= growth_factor
    return min(troops + growth, cap) - troops


@compiled(inline=True)
def terrain_magnitude(terrain: int) -> float:
    """Return the troops lost per tile, before factors: 80 plains, 100 highland, 120 mountain."""
    return 80.0 + 20.0 * terrain


@compiled(inline=True)
def terrain_speed(terrain: int) -> float:
    """Return the cost of a tile in units of an attack's budget, before factors."""
    if terrain == 0:
        return 16.5
    return 20.0 if terrain == 1 else 25.0


@compiled(inline=True)
def attack_budget(troops: float, defender_troops: float, border: float, neutral: bool) -> float:
    """Return the budget of an attack for one tick; `border` is its border size plus jitter."""
    if neutral:
        return border * 2.0
    if defender_troops <= 0.0:
        return 0.5 * border * 3.0
    return _clamp((5.0 * troops / defender_troops) * 2.0, 0.01, 0.5) * border * 3.0


@compiled(inline=True)
def neutral_tile(terrain: int, troops: float, attacker_kind: int) -> tuple[float, float]:
    """Return (attacker loss, cost) of one neutral tile."""
    magnitude = terrain_magnitude(terrain)
    loss = magnitude / 10.0 if attacker_kind == _BOT else magnitude / 5.0
    return loss, _clamp(2000.0 * max(10.0, terrain_speed(terrain)) / troops, 5.0, 100.0)


@compiled(inline=True)
def large_defender_factor(tiles: int) -> float:
    """Return 0.7 + 0.3 s, the discount on taking large defenders; s falls around 150,000 tiles."""
    return 0.7 + 0.3 * (1.0 - 1.0 / (1.0 + exponential(-_LN2_OVER_50K * (tiles - 150_000.0))))


@compiled(inline=True)
def player_tile(
    terrain: int,
    attacker_kind: int,
    defender_kind: int,
    troops: float,
    defender_troops: float,
    attacker_tiles: int,
    defender_tiles: int,
    traitor: bool,
    defense_post: bool,
    edition: int,
) -> tuple[float, float, float]:
    """Return (attacker loss, defender loss, cost) of one tile taken from a player.

    Args:
        traitor, defense_post: whether the defender is a traitor or a post of it covers the tile;
            in 2025 never in a league: the recorded vectors cover them.
        edition: Edition.number; 2026 makes dense defenders cost more, and attacks on bots less.
    """
    magnitude = terrain_magnitude(terrain)
    speed = terrain_speed(terrain)
    if defense_post:
        magnitude *= 5.0
        speed *= 3.0
    if attacker_kind != _BOT and defender_kind == _BOT:
        magnitude *= 0.8 if edition == 0 else 0.7
    large_defender = large_defender_factor(defender_tiles)
    loss_factor = 1.0
    speed_factor = 1.0
    if attacker_tiles > 100_000:
        share = 100_000.0 / attacker_tiles
        loss_factor = power(share, 0.35)  # (sqrt(share)) ** 0.7
        speed_factor = power(share, 0.6)
    ratio = defender_troops / troops
    loss = _clamp(ratio, 0.6, 2.0) * magnitude * 0.8 * large_defender * loss_factor
    cost = _clamp(ratio / 5.0, 0.2, 1.5) * speed * large_defender * speed_factor
    density = defender_troops / defender_tiles
    if traitor:
        loss *= 0.5
        cost *= 0.8
    if edition != 0:
        dense = 1.3 * density * (magnitude / 100.0) * (0.5 if traitor else 1.0)
        loss = 0.6 * loss + 0.4 * dense
    return loss, density, cost
