"""A map's name comes from a manifest or a path and may hold anything: it is kept printable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.territory.maps import generate_map, load_map, save_map
from arena.territory.maps.maps import plain_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Éire 🏝️ [v2]", "Éire 🏝️ [v2]"),
        ("\x1b[2Jisle", "\\x1b[2Jisle"),
        ("a\nb", "a\\nb"),
        ("a\u202eb", "a\\u202eb"),
        ("x" * 201, "x" * 200),
        ("\x1b" * 200, "\\x1b" * 50),  # 4 characters each
    ],
)
def test_a_maps_name_is_shown_and_never_obeyed(name: str, shown: str, tmp_path: Path) -> None:
    assert plain_name(name) == shown
    assert plain_name(shown) == shown
    folder = save_map(generate_map("lakes", 32, 32, 1), tmp_path / "map")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["name"] = name
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    loaded = load_map(folder)
    assert loaded.name == shown
    assert load_map(save_map(loaded, tmp_path / "copy")).name == shown
