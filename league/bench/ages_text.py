"""What `league bench ages` prints: places by age, the company's, what is still gained."""

from __future__ import annotations

from typing import Any

import numpy as np

from league.bench.ages import Age, Found, LineageAges
from league.pit.mixed.statistics import share_interval
from league.statistics.means import MeanInterval, t_interval


def document(found: Found) -> dict[str, Any]:
    """Return everything as JSON values; intervals are of 95 %, by seed."""
    return {
        "par": found.par,
        "lineages": [
            {
                "league": lineage.league,
                "lineage": lineage.lineage,
                "family": lineage.family,
                "ages": [_age(found, age) for age in lineage.ages],
                "gained_since_two_thirds": _interval(gained(lineage)),
            }
            for lineage in found.lineages
        ],
        "company": {
            name: _interval(found.interval(places)) for name, places in found.company.items()
        },
        "planner": None if found.planner is None else _age(found, found.planner),
    }


def gained(lineage: LineageAges) -> MeanInterval | None:
    """Return by how many places the newest is better than the age nearest two thirds of the way.

    Paired by seed; None if only the newest age was played.
    """
    *older, newest = lineage.ages
    if not older:
        return None
    at = 2 / 3 * newest.trained_decisions
    before = min(older, key=lambda age: abs(age.trained_decisions - at))
    return t_interval((np.array(before.places) - np.array(newest.places)).tolist())


def lines(found: Found) -> list[str]:
    """Return the tables as text."""
    text = []
    for lineage in found.lineages:
        text.append(f"{lineage.league}, {lineage.lineage} (95 % by seed; par is {found.par})")
        text.append("  snapshot               decisions  minutes  place          first")
        text += [_row(found, age) for age in lineage.ages]
        gain = gained(lineage)
        if gain is not None:
            text.append(f"  {_climbs(gain)}")
    text.append("company, in the matches of all snapshots")
    order = sorted(found.company.items(), key=lambda item: float(np.mean(item[1])))
    text += [f"  {name:<20} {_place(found, places)}" for name, places in order]
    if found.planner is not None:
        text.append(f"  {'planner':<20} {_place(found, found.planner.places)}, in the same company")
    return text


def _climbs(gain: MeanInterval) -> str:
    by = f"{gain.mean:+.2f} +/- {gain.half_width:.2f} places since two thirds of the way"
    if gain.low > 0.0:
        return f"still climbing: {by}"
    return f"falling: {by}" if gain.high < 0.0 else f"not told apart from before: {by}"


def _row(found: Found, age: Age) -> str:
    firsts, place = share_interval(age.firsts), _place(found, age.places)
    return (
        f"  {age.name:<20} {age.trained_decisions:>11,} {age.minutes:>8.1f}  {place}  "
        f"{100 * firsts.mean:.1f} +/- {100 * firsts.half_width:.1f} %"
    )


def _place(found: Found, places: list[float]) -> str:
    place = found.interval(places)
    return f"{place.mean:.2f} +/- {place.half_width:.2f}"


def _age(found: Found, age: Age) -> dict[str, Any]:
    return {
        "name": age.name,
        "trained_decisions": age.trained_decisions,
        "minutes": age.minutes,
        "seeds": len(age.places),
        "place": _interval(found.interval(age.places)),
        "firsts": _interval(share_interval(age.firsts)),
    }


def _interval(found: MeanInterval | None) -> dict[str, float] | None:
    return None if found is None else {"mean": found.mean, "half_width": found.half_width}
