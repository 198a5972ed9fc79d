"""Owns the SVG of a report: the same screen, drawn to a file by Rich."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import RenderableType

from league.errors import FolderError
from league.plain_text import visible
from league.report.console import PlainConsole
from league.report.screen import WIDTH, report_screen
from league.report.state import ReportState

_FONT_FACE = re.compile(r"\s*@font-face\s*\{[^}]*\}")


def write_svg(state: ReportState, path: Path) -> Path:
    """Draw the report to an SVG file and return its path; raise FolderError."""
    title = f"league report ({visible(state.league)})"
    return draw_svg([report_screen(state)], WIDTH, title, path)


def draw_svg(parts: Sequence[RenderableType], width: int, title: str, path: Path) -> Path:
    """Draw what a terminal of this width shows to an SVG file; raise FolderError."""
    console = PlainConsole(record=True, width=width, file=StringIO())
    for part in parts:
        console.print(part)
    try:
        # A fixed id: the same parts give the same bytes.
        svg = console.export_svg(title=title, unique_id="league")
        path.write_text(_without_foreign_fonts(svg), encoding="utf-8")
    except OSError as error:
        raise FolderError(f"{path}: expected to write a picture, but it failed: {error}") from error
    return path


def _without_foreign_fonts(svg: str) -> str:
    """Remove the rules that let a browser fetch fonts from a network; its own will do."""
    return _FONT_FACE.sub("", svg)
