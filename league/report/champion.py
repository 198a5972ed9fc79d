"""What a report shows of the champion and of the canaries that guard it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from league.champion import book, throne
from league.plain_text import visible

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class ChampionRow:
    """The champion: since when, what decided it (ratings, test, hand, rollback), and why."""

    name: str
    since: datetime
    by: str
    why: str


@dataclass(frozen=True)
class CanaryRow:
    """A canary: untested, passing, suspect or failing, and what its latest round said."""

    key: str
    status: str
    said: str


def read_champion(session: Session) -> ChampionRow | None:
    """Return the reigning champion, or None."""
    reign = throne.reigning(session)
    return None if reign is None else ChampionRow(reign.name, reign.since, reign.by, reign.why)


def read_canaries(session: Session) -> Iterator[CanaryRow]:
    """Yield the canaries by key; the challenge is none."""
    for key, entry in sorted(book.load(session).entries.items()):
        if entry.kind != "challenge":
            yield CanaryRow(key, entry.status, entry.said)


def champion_lines(champion: ChampionRow | None, canaries: Sequence[CanaryRow]) -> list[Text]:
    """Return a line for the champion, and one for each canary that is suspect or failing."""
    lines = []
    if champion is not None:
        said = f"since {champion.since:%Y-%m-%d %H:%M} UTC ({champion.by}: {champion.why})"
        lines.append(Text.assemble(("Champion ", "bold"), visible(f"{champion.name} {said}")))
    for row in canaries:
        if row.status in ("suspect", "failing"):
            blocks = ": no promotion by a test" if row.status == "failing" else ", tried again"
            style = "bold red" if row.status == "failing" else "yellow"
            text = f"Canary {row.key} is {row.status}{blocks}; {row.said}"
            lines.append(Text(visible(text), style=style))
    return lines


def champion_document(
    champion: ChampionRow | None, canaries: Sequence[CanaryRow]
) -> dict[str, Any]:
    """Return {"champion", "canaries"} as JSON values."""
    return {
        "champion": None
        if champion is None
        else {
            "name": champion.name,
            "since": champion.since.isoformat(),
            "by": champion.by,
            "why": champion.why,
        },
        "canaries": [{"key": row.key, "status": row.status, "said": row.said} for row in canaries],
    }
