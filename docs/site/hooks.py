"""What mkdocs asks for while it builds the site: pages that are made from the code and the root.

mkdocs calls `on_files` (mkdocs.yml names this file). Commands come from click, settings from
pydantic, tables from SQLAlchemy, so that none of them can be out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent))

import reference  # noqa: E402  (beside this file, which is no package)

ROOT_PAGES = {
    "readme.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}
_LINK = re.compile(r"\]\(([^)#\s]+)((?:#[^)\s]*)?)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that have no file in docs/."""
    for page, source in ROOT_PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_links_within(text)))
    for page, make in reference.PAGES.items():
        files.append(File.generated(config, f"reference/{page}", content=make()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Lead links to files of the root to their pages."""
    up = "../" * page.file.src_uri.count("/")
    for target, source in ROOT_PAGES.items():
        markdown = markdown.replace(f"]({up}../{source}", f"]({up}{target}")
    return markdown


def _links_within(text: str) -> str:
    """Rewrite links that start at the root to start in docs/; those to other files become text."""
    pages = {source: page for page, source in ROOT_PAGES.items()}

    def rewrite(found: re.Match[str]) -> str:
        target, anchor = found.groups()
        if "://" in target:
            return found.group()
        if target in pages:
            return f"]({pages[target]}{anchor})"
        if target.startswith("docs/") and not target.endswith((".service", ".replay")):
            return f"]({target.removeprefix('docs/')}{anchor})"
        return "](readme.md)"

    return _LINK.sub(rewrite, text)
