"""Owns what all pictures of a league share: colours, a figure without pyplot, a small PNG file.

Needs matplotlib (the extra `plot`), and says so in one sentence if it is missing.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from league.errors import FolderError, UsageError
from league.extras import install_command
from league.plain_text import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER, INK, FAINT, LINE = "#11151c", "#e8ecf2", "#8d98a8", "#3a4352"


def require_matplotlib() -> None:
    """Raise UsageError with the command that installs matplotlib if it is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "--png: drawing needs matplotlib, which is not installed; run "
            f"{install_command('plot')}, or use --json"
        ) from error


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of 100 dots per inch, sides in inches; raise UsageError."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(width, height), dpi=100, facecolor=PAPER)
    FigureCanvasAgg(figure)  # no pyplot: no global state, no window system
    return figure


def save_png(figure: Figure, path: Path) -> Path:
    """Write a PNG of 256 colours, a quarter of the size of true colour with no visible difference.

    Raises:
        FolderError: the file cannot be written.
    """
    from PIL import Image

    _show_text_as_it_is(figure)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", facecolor=PAPER)
    picture: Any = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, format="PNG", optimize=True)
    except OSError as error:
        raise FolderError(f"{path}: expected to write a picture, but it failed: {error}") from error
    return path


def _show_text_as_it_is(figure: Figure) -> None:
    """Keep "$" in a name from being read as mathematics, which also fails on most names."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
        if not text.get_text().isprintable():
            text.set_text(visible(text.get_text(), keep="\n"))
