"""What a node of a cluster must have to play a league's matches."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from arena.cluster.nodes import UNKNOWN
from league.matches import nodes
from league.matches.nodes import code_sha256, node_facts
from league.store.snapshots import PlaceOfSnapshots
from league.store.store import StorePlace

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


def test_a_node_that_reaches_another_store_or_none_is_told_apart(tmp_path: Path) -> None:
    stores = [tmp_path / name for name in ("mine", "yours", "empty")]
    for store, text in zip(stores, ('{"id": "1"}', '{"id": "2"}', None), strict=True):
        store.mkdir()
        if text is not None:
            (store / "league.json").write_text(text)

    def fact(store: Path) -> str:
        place = StorePlace(str(store), str(tmp_path / "cache"), 10**6)
        snapshots = PlaceOfSnapshots(tmp_path / "gone" / "snapshots", place, is_far=True)
        found = node_facts({"maps": str(tmp_path / "gone"), "snapshots": snapshots})
        assert set(found) == {"program", "rules", "store"}  # no folder is asked for
        return found["store"]

    mine, yours, empty = map(fact, stores)
    assert len({mine, yours, empty}) == 3 and f"{stores[0]} with league.json" in mine
    assert f"{stores[2]} without the mark league.json" in empty
    (tmp_path / "file").write_text("where a folder was mounted")
    assert fact(tmp_path / "file").startswith(UNKNOWN)  # it may answer another time


def test_nodes_that_train_must_have_the_code_of_training_too(tmp_path: Path) -> None:
    assert code_sha256() != code_sha256(trains=True)
    here, there = (node_facts({"trains": trains}) for trains in (True, False))
    assert here["program"] != there["program"] and here["rules"] == there["rules"]
    assert "editions 2025 and 2026" in here["rules"]


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
