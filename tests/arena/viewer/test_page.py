"""Pages are whole in themselves, and what others named is data in them."""

from __future__ import annotations

import json
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import arena
from arena.replay import read_replay
from arena.territory.maps import load_map
from arena.viewer.page import viewer_embed, viewer_html
from arena.viewer.payload import Says, replay_payload

EVIL = '</script><img src=x onerror="alert(1)">&lt;@FILM@\u2028'


@lru_cache(1)
def payload() -> dict[str, Any]:
    says = Says(title=EVIL, names=[EVIL] * 10, ratings=[27.01, None, *[20.0] * 8])
    return replay_payload(read_replay(Path("docs/images/observation.replay")), load_map, says)


def test_a_page_asks_nobody_for_anything() -> None:
    page = re.sub(
        r'(?s)<script type="application/json".*?</script>',
        "",
        viewer_html({**payload(), "title": ""}),
    )
    assert not re.search(r"""(src|href)=(?!["']data:)""", page)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://", page)


def test_names_and_titles_are_data_and_never_markup() -> None:
    page = viewer_html(payload())
    assert "<img" not in page
    assert page.count('data-film="film"') == 1
    found = re.search(r'<script type="application/json" id="film">(.*?)</script>', page, re.S)
    assert found is not None
    about = json.loads(found[1])
    assert about["title"] == EVIL and about["seats"][3]["name"] == EVIL
    assert about["seats"][0]["rating"] == 27.01 and about["seats"][1]["rating"] is None


def test_several_films_stand_in_one_page_by_their_keys() -> None:
    parts = viewer_embed(payload(), "film-1") + viewer_embed(payload(), "film-2")
    assert re.findall('data-film="(.*?)"', parts) == ["film-1", "film-2"]


def test_a_page_of_some_hundred_decisions_is_below_100_kb() -> None:
    assert len(viewer_html(payload()).encode()) < 100_000


def test_the_wheel_holds_the_files_of_the_page() -> None:
    root = Path(arena.__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    globs = project["tool"]["setuptools"]["package-data"]["arena"]
    packed = {path for glob in globs for path in (root / "arena").glob(glob)}
    files = set((root / "arena/viewer/page").iterdir())
    assert files and files <= packed
