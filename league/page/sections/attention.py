"""Section 9: is the attention used, and what for."""

from __future__ import annotations

from arena.territory.observation.keys import VIEW_NAMES
from league.page.section import Section
from league.page.sights import Attention
from league.page.words import listed, number, percent

REGION_WORDS = {
    "own_border": "its own border",
    "own": "its own land",
    "rivals": "rivals",
    "neutral": "neutral land",
    "water": "water",
    "off_map": "what is off the map",
}
NEARLY_EVEN = 0.95  # entropy of a map against that of an even one
LEAST_AREA = 0.01  # of a view; the share of a smaller region is chance


def attention(found: Attention) -> Section:
    """Return the section."""
    return Section(
        "attention",
        "Attention",
        "Is the attention used, and what for?",
        answer(found),
        {"found": found, "regions": REGION_WORDS, "percent": percent, "number": number}
        if found.moments
        else {},
    )


def ratios(found: Attention, view: str) -> dict[str, float]:
    """Return by region how many times as much attention it has as an even spread would give it.

    The mean over the moments in which the region takes a part of the view that says something.
    """
    values: dict[str, list[float]] = {}
    for moment in found.moments:
        for each in moment.views:
            if each.name == view:
                for region, share in each.shares.items():
                    if each.areas[region] >= LEAST_AREA:
                        values.setdefault(region, []).append(share / each.areas[region])
    return {region: sum(all_) / len(all_) for region, all_ in values.items()}


def answer(found: Attention) -> str:
    """Say what is looked at more than evenly, and which view weighs most."""
    if not found.moments:
        return found.missing or "There is nothing to show."
    parts = [part for part in (_of_neighbours(found), _of_views(found)) if part]
    if not parts:
        return f"{found.member} had nobody and nothing to look at in these moments."
    return f"In these {len(found.moments)} moments {found.member} {'; '.join(parts)}."


def _of_neighbours(found: Attention) -> str:
    """Say how much of its attention the neighbour that it looks at most has."""
    shares = [moment.neighbours for moment in found.moments if moment.neighbours]
    if not shares:
        return ""
    most = sum(first[0][1] for first in shares) / len(shares)
    even = sum(1.0 / len(each) for each in shares) / len(shares)
    return (
        f"gives {percent(most)} of its attention to one neighbour, where an even spread would give "
        f"{percent(even)}"
    )


def _of_views(found: Attention) -> str:
    """Say what is looked at more than evenly, and which view weighs most."""
    said = []
    for view in VIEW_NAMES:
        known = ratios(found, view)
        if known:
            most = max(known, key=lambda region: known[region])
            said.append(f"{REGION_WORDS[most]} ({view} view, {number(known[most], 1)} times)")
    evenness = [view.entropy for moment in found.moments for view in moment.views]
    if not said or not evenness:
        return ""
    mean = sum(evenness) / len(evenness)
    spread = "nearly evenly" if mean > NEARLY_EVEN else "unevenly"
    sentence = (
        f"attends {spread} to the map (evenness {number(mean)} of 1), most above an even share to "
        f"{listed(said)}"
    )
    if not found.scale_weights:
        return sentence
    heaviest = max(found.scale_weights, key=lambda view: found.scale_weights[view])
    return f"{sentence}; the {heaviest} view weighs most ({percent(found.scale_weights[heaviest])})"
