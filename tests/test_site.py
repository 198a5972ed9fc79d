"""The documentation builds as a site without a dead link, and its reference is whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from league.cli.main import league
from league.config.tree import LeagueConfig

pytest.importorskip("mkdocs", reason="the documentation is built with the extra `docs`")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def test_every_command_has_its_place(site: Path) -> None:
    page = (site / "reference/commands.html").read_text(encoding="utf-8")
    headings = set(re.findall(r'<h2 id="([^"]+)"', page))
    assert {f"league-{name}" for name in league.commands} <= headings


def test_every_setting_has_its_place(site: Path) -> None:
    page = (site / "reference/settings.html").read_text(encoding="utf-8")
    for section in LeagueConfig.model_fields:
        assert section in page
    for name in type(LeagueConfig().learner).model_fields.keys() - {"reward"}:
        assert f"learner.{name}" in page
    assert "learner.reward.placement" in page


def test_pages_ask_nobody_for_anything(site: Path) -> None:
    """Links may lead away, but styles, scripts, fonts and pictures come with the site."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        asked = re.findall(r'<(?:script|img)[^>]+src="(https?:[^"]+)"', text)
        asked += re.findall(
            r'<link[^>]+rel="(?:stylesheet|preconnect)"[^>]+href="(https?:[^"]+)"', text
        )
        assert asked == [], page
