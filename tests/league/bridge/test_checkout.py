"""What is found of a checkout: edition, commit, Node, packages; one sentence for what lacks.

`node` is a script here where only what it says is tested; test_original.py has the real one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from league.bridge.checkout import (
    EDITIONS,
    bundled,
    find_checkout,
    find_node,
)
from league.bridge.examine import examine
from league.errors import BridgeError

COMMIT = "f1fc5434be2fafeec0980d1ae99313b7ca84cab1"


def make_checkout(root: Path, edition: str = "2026") -> Path:
    """Make the files by which an edition is told."""
    for name in (*EDITIONS.get(edition, ()), "game/Game.ts"):
        file = root / "src" / "core" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("export {};\n")
    (root / "tsconfig.json").write_text("{}")
    return root


def make_node(folder: Path, version: str, answer: object = None) -> None:
    """Make a `node` that says its version, writes the bundle and answers as build.mjs does."""
    program = folder / "node"
    folder.mkdir(exist_ok=True)
    program.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = --version ]; then echo {version}; exit; fi\n'
        f"echo bundle > \"$4\"\necho '{json.dumps(answer)}'\n"
    )
    program.chmod(0o755)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on the PATH, and a cache of its own."""
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setenv("LEAGUE_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def test_a_checkout_is_told_by_its_files_and_its_commit_is_read_without_git(tmp_path: Path) -> None:
    root = make_checkout(tmp_path / "of")
    assert find_checkout(root).edition == "2026"
    assert find_checkout(root).commit is None
    git = root / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert find_checkout(root).commit == COMMIT
    (git / "refs" / "heads" / "main").write_text("0" * 40 + "\n")
    assert find_checkout(root).commit == "0" * 40
    (git / "HEAD").write_text(COMMIT + "\n")
    assert find_checkout(root, "2026").commit == COMMIT
    (git / "HEAD").write_text("damaged")
    assert find_checkout(root).commit is None


def test_what_is_no_checkout_of_this_edition_is_one_sentence_each(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match=r"expected a checkout of OpenFrontIO at .* found none"):
        find_checkout(tmp_path / "nowhere")
    empty = make_checkout(tmp_path / "neither", "none")
    with pytest.raises(BridgeError, match="has the files of neither"):
        find_checkout(empty)
    old = make_checkout(tmp_path / "old", "2025")
    with pytest.raises(BridgeError, match=r"of edition 2026 at .*, found 2025"):
        find_checkout(old)
    new = make_checkout(tmp_path / "new")
    with pytest.raises(BridgeError, match=r"of edition 2025 at .*, found 2026; leave out"):
        find_checkout(new, "2025")
    (new / "tsconfig.json").unlink()
    with pytest.raises(BridgeError, match=r"expected tsconfig\.json in"):
        find_checkout(new)


def test_node_is_missing_or_old_or_found(
    tmp_path: Path, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_node(node, "v18.3.0")
    with pytest.raises(BridgeError, match=r"expected Node.js 20 or newer, found v18\.3\.0"):
        find_node()
    make_node(node, "v22.1.0")
    assert find_node() == (str(node / "node"), "v22.1.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BridgeError, match=r"expected Node.js .* on the PATH, found none"):
        find_node()


def test_missing_packages_are_named_with_the_command_that_installs_them(
    tmp_path: Path, node: Path
) -> None:
    checkout = find_checkout(make_checkout(tmp_path / "of"))
    make_node(node, "v20.0.0", {"ok": False, "missing": ["jose", "zod"], "errors": ["x"]})
    with pytest.raises(BridgeError, match="found these missing: jose, zod; run `npm install`"):
        bundled(checkout)
    make_node(node, "v20.0.0", {"ok": False, "missing": [], "errors": ["a.ts:3: no export b"]})
    with pytest.raises(
        BridgeError, match=r"cannot be bundled with our adapter: a\.ts:3: no export"
    ):
        bundled(checkout)
    make_node(node, "v20.0.0", None)
    (node / "node").write_text("#!/bin/sh\n[ $1 = --version ] && echo v20.0.0 || echo no >&2\n")
    with pytest.raises(BridgeError, match=r"esbuild could not be run on .*: no"):
        bundled(checkout)


def test_a_bundle_is_made_once_and_again_when_the_checkout_changed(
    tmp_path: Path, node: Path
) -> None:
    root = make_checkout(tmp_path / "of")
    make_node(node, "v20.0.0", {"ok": True, "esbuild": "0.28.2", "missing": [], "errors": []})
    first = bundled(find_checkout(root))
    assert (first.esbuild, first.file.read_text()) == ("0.28.2", "bundle\n")
    assert bundled(find_checkout(root)).esbuild == ""
    assert bundled(find_checkout(root), rebuild=True).file == first.file
    (root / "src" / "core" / "game" / "Game.ts").write_text("export const a = 1;\n")
    changed = bundled(find_checkout(root))
    assert changed.esbuild == "0.28.2"
    assert changed.file != first.file
    assert not list(first.file.parent.glob("*.new*"))


def test_an_examination_says_what_lacks_and_what_was_not_looked_at(
    tmp_path: Path, node: Path
) -> None:
    make_node(node, "v18.0.0")
    found = examine(tmp_path / "nowhere")
    assert [each.ok for each in found.findings] == [False, False, None, None]
    assert not found.ok
    make_node(node, "v20.0.0", {"ok": True, "esbuild": "0.28.2"})
    found = examine(make_checkout(tmp_path / "of"))
    # This node says a text of its own where the adapter would answer.
    assert [each.ok for each in found.findings] == [True, True, True, False]
    assert "the original engine's process" in found.findings[3].text or (
        "something else writes" in found.findings[3].text
    )
