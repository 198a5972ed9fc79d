"""Section 8: what the matches look like."""

from __future__ import annotations

from collections.abc import Sequence

from league.page.facts import PageFacts
from league.page.notable import Notable
from league.page.scenes import Scene
from league.page.section import Section
from league.page.words import counted, moment, percent


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
    middle, longest = ticks[(len(ticks) - 1) // 2], ticks[-1]
    sentence = f"{counted(len(ticks), 'rated match', 'rated matches')}, "
    if middle == longest:
        to_the_end = percent(ticks.count(longest) / len(ticks))
        sentence += f"{to_the_end} of them as long as the longest, {longest:,} ticks"
    else:
        sentence += f"half of them over by tick {middle:,}, the longest after {longest:,}"
    if upset is None:
        return f"{sentence}."
    return f"{sentence}; the greatest upset is match {upset.match.id}: {upset.why}."
