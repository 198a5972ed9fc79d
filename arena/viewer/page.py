"""Owns the pages that show films: one self-contained HTML file, or parts for a larger page.

A page with several films: `viewer_style()` once in its head, `viewer_script()` once at its end, and
`viewer_embed(payload, key)` wherever a film shall stand. Promises: nothing is asked of any server;
names, maps and titles are data (JSON) that the script writes as text, never as markup.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

_SCRIPTS = ("decode.js", "draw.js", "charts.js", "marks.js", "viewer.js")
_STYLES = ("viewer.css", "marks.css")
_OF_MARKS = ("marks.js", "marks.css")  # what films of edition 2026 alone need
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
"""The page's Content-Security-Policy: a browser refuses any request that it might make."""


def viewer_style() -> str:
    """Return the style sheet of the viewer, whose names all begin with `tv`."""
    return _style()


def _style(with_marks: bool = True) -> str:
    return f"<style>\n{_assets(_STYLES, with_marks)}</style>"


def viewer_script() -> str:
    """Return the script that shows all films of a page, those added later with `mountAll` too."""
    return f"<script>\n{_assets(_SCRIPTS)}</script>"


def _packed_script(with_marks: bool) -> str:
    """Return the script packed to two fifths: most of a small film's page would be script.

    It is unpacked by the page itself; `viewer_script` is the same to read.
    """
    packed = base64.b64encode(zlib.compress(_assets(_SCRIPTS, with_marks).encode(), 9)).decode()
    return f"<script>\n{_asset('unpack.js')}TerritoryUnpack({json.dumps(packed)});\n</script>"


def _assets(names: Sequence[str], with_marks: bool = True) -> str:
    return "".join(_asset(name) for name in names if with_marks or name not in _OF_MARKS)


def viewer_embed(payload: dict[str, Any], key: str) -> str:
    """Return the place of one film in a page, with the film itself.

    Args:
        payload: from `arena.viewer.payload.replay_payload`.
        key: tells the films of a page apart; letters, digits, `-` and `_`.
    """
    safe = html.escape(key, quote=True)
    return (
        f'<div class="tv" data-film="{safe}"></div>\n'
        f'<script type="application/json" id="{safe}">{to_json(payload)}</script>\n'
    )


def viewer_html(payload: dict[str, Any]) -> str:
    """Return a whole page that shows one film."""
    title = payload["title"] or (
        f"Match {payload['match']}" if payload["match"] is not None else "A match of Territory"
    )
    has_marks = "structures" in payload
    parts = {
        "POLICY": html.escape(POLICY, quote=False),
        "TITLE": html.escape(str(title)),
        "STYLE": _style(has_marks),
        "SCRIPT": _packed_script(has_marks),
        "FILM": viewer_embed(payload, "film"),
    }
    # In one pass: a title that holds the name of a part is only a title.
    return re.sub("@([A-Z]+)@", lambda found: parts[found[1]], _asset("page.html"))


def to_json(value: object) -> str:
    """Return JSON that may stand inside a script element, whatever its texts hold."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _asset(name: str) -> str:
    text = (files("arena.viewer") / "page" / name).read_text(encoding="utf-8")
    # Every page carries them: indentation and whole lines of comment are a tenth of their bytes.
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("//", "/*")))
