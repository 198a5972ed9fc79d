"""Owns the console of every screen: text is printed as text, whatever it holds.

Promises: a name such as `[/red]` or `:smile:` is printed as it is, never read as markup or emoji
code, and no control character of a name, a map or a message reaches the terminal, even if a screen
forgot to make it visible.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from league.plain_text import visible


def foreign(text: object, style: str = "") -> Text:
    """Return text that others wrote (a name, a map, a message) for a cell of a table."""
    return Text(visible(text), style=style)


class PlainConsole(Console):
    """A console without markup and emoji codes that lets no control character of a text pass."""

    def __init__(
        self,
        *,
        file: IO[str] | None = None,
        stderr: bool = False,
        width: int | None = None,
        is_plain: bool = False,
        record: bool = False,
    ) -> None:
        """Make a console; `is_plain` means no colours, `record` a picture in full colour."""
        super().__init__(
            file=file,
            stderr=stderr,
            width=width,
            record=record,
            force_terminal=True if record else None,
            color_system="truecolor" if record else None if is_plain else "auto",
            markup=False,
            emoji=False,
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable, with every unsafe character shown as an escape."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text, keep="\n"), segment.style)
