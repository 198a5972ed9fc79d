"""What a node of a cluster must have to play a league's matches."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from league.matches import nodes
from league.matches.nodes import code_sha256, node_facts

ROOT = Path(__file__).resolve().parents[3]


def test_a_node_with_another_league_folder_or_none_is_told_apart(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, text in ((here, "seed = 1"), (there, "seed = 2")):
        folder.mkdir()
        (folder / "league.toml").write_text(text)

    def of(folder: Path) -> dict[str, str]:
        return node_facts({"maps": str(folder), "snapshots": str(folder / "snapshots")})

    mine = of(here)
    assert mine == of(here)
    assert set(mine) == {"program", "rules", "league folder"}
    (here / "league.toml").write_text("seed = 2")
    assert of(here)["league folder"] != mine["league folder"]
    assert "gone that cannot be read (No such file" in of(tmp_path / "gone")["league folder"]
    # Where snapshots come out of a store, no node needs the folder.
    stored = node_facts({"maps": str(tmp_path / "gone"), "snapshots": object()})
    assert stored == {name: mine[name] for name in ("program", "rules")}


def test_one_changed_line_of_what_plays_makes_another_program(tmp_path: Path) -> None:
    for package in nodes._PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    assert code_sha256(tmp_path) == code_sha256()
    with (tmp_path / "arena" / "lockstep.py").open("a") as stream:
        stream.write("# changed\n")
    assert code_sha256(tmp_path) != code_sha256()


def test_asking_a_node_loads_no_network_and_compiles_nothing() -> None:
    program = (
        "import sys, league.matches.nodes\n"
        "assert not {'torch', 'numba', 'ray'} & set(sys.modules), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
