"""Section 8: what the matches look like."""

from __future__ import annotations

from collections.abc import Sequence

from league.page.facts import PageFacts
from league.page.notable import Notable
from league.page.scenes import Scene
from league.page.section import Section
from league.page.words import counted, moment


def matches(facts: PageFacts, scenes: Sequence[Scene]) -> Section:
    """Return the section; `scenes` are the matches of league.page.notable, in its order."""
    return Section(
        "matches",
        "Matches",
        "What does it look like?",
        answer(facts, [scene.notable for scene in scenes]),
        {"rows": facts.state.matches, "scenes": scenes, "moment": moment}
        if facts.state.matches
        else {},
    )


def answer(facts: PageFacts, found: Sequence[Notable]) -> str:
    """Say how long matches are, and what the greatest upset was."""
    if not facts.matches:
        return "No rated match has been finished yet."
    ticks = sorted(match.ticks for match in facts.matches)
    upset = next((each for each in found if each.what == "upset"), None)
    sentence = (
        f"{counted(len(ticks), 'rated match', 'rated matches')}, half of them over by tick "
        f"{ticks[(len(ticks) - 1) // 2]:,}, the longest after {ticks[-1]:,}"
    )
    if upset is None:
        return f"{sentence}."
    return f"{sentence}; the greatest upset is match {upset.match.id}: {upset.why}."
