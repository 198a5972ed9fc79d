"""On which terms players sit in a match: as humans, as tribes or as nations, with whose mind.

A seat on the terms of a human is played by its agent. All others think inside the tick, with the
original game's minds, and their agents are never asked. The crowd of a match are players beyond its
seats, who belong to nobody; it is written as `tribes=100,nations-medium=29`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from arena.errors import MatchError

DIFFICULTIES: Final = ("easy", "medium", "hard", "impossible")
HUMAN_TERMS: Final = ""
TRIBE_TERMS: Final = "bot"
NATION_MIND: Final = "nation"
"""The strongest nation's mind on the terms of a human: skill without the handicap."""
TERMS: Final = (
    HUMAN_TERMS,
    TRIBE_TERMS,
    NATION_MIND,
    *(f"nation-{difficulty}" for difficulty in DIFFICULTIES),
)
_WORDS: Final = {"tribes": TRIBE_TERMS} | {
    f"nations-{difficulty}": f"nation-{difficulty}" for difficulty in DIFFICULTIES
}
_FORMER_WORDS: Final = {"nations": "nations-medium"}


def is_nation(terms: str) -> bool:
    """Return whether these terms take the mind of a nation, which edition 2026 alone has."""
    return terms.startswith(NATION_MIND)


def has_handicap(terms: str) -> bool:
    """Return whether a player on these terms starts or grows unlike a human."""
    return terms not in (HUMAN_TERMS, NATION_MIND)


def check_terms(terms: str, edition: str) -> None:
    """Raise MatchError unless there is a mind for these terms in this edition."""
    if terms not in TERMS:
        raise MatchError(f"expected terms of {', '.join(TERMS[1:])} or none, found {terms!r}")
    if is_nation(terms) and edition != "2026":
        raise MatchError(
            f"expected edition 2026 for a player with the mind of a nation ({terms}), found "
            f"edition {edition}, whose nations have none: they would never move"
        )


def parse_crowd(text: str) -> dict[str, int]:
    """Return how many players of the crowd sit on which terms, in the order of `_WORDS`.

    Args:
        text: `tribes=N` and `nations-easy=N` to `nations-impossible=N`, with commas between them;
            `nations=N` is of medium difficulty; "" is nobody.

    Raises:
        MatchError: it is written otherwise.
    """
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        word, equals, number = (piece.strip() for piece in part.partition("="))
        word = _FORMER_WORDS.get(word, word)
        is_number = number.isascii() and number.isdecimal() and len(number) <= 3
        if not equals or word not in _WORDS or word in found or not is_number:
            raise MatchError(
                f"expected a crowd such as tribes=100,nations-medium=29 ({', '.join(_WORDS)}, "
                f"each once), found {text!r}"
            )
        found[word] = int(number)
    return {terms: found[word] for word, terms in _WORDS.items() if found.get(word)}


def crowd_text(crowd: dict[str, int]) -> str:
    """Return the one way to write what `parse_crowd` found."""
    words = {terms: word for word, terms in _WORDS.items()}
    return ",".join(f"{words[terms]}={n}" for terms, n in crowd.items())


@lru_cache(maxsize=64)
def crowd_terms(text: str) -> tuple[str, ...]:
    """Return the terms of each player of a crowd."""
    return tuple(terms for terms, n in parse_crowd(text).items() for _ in range(n))
