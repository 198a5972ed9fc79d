"""What a machine without the league's folder keeps of it, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena.machine import is_machine_trouble
from arena.territory.maps import load_map
from arena.territory.maps.folders import save_map
from league.errors import StoreAwayError, StoreError
from league.matches.worker import cached_maps, setup
from league.store.afar import folder_here, place_here
from league.store.names import with_digest
from league.store.snapshots import PlaceOfSnapshots
from league.store.store import StorePlace


@pytest.fixture
def place(tmp_path: Path) -> StorePlace:
    return StorePlace(str(tmp_path / "store"), str(tmp_path / "manager" / "cache"), 10**7)


def in_store(place: StorePlace, folder: Path, name: str) -> None:
    """Put a map's folder into the store, as the league's machine does."""
    for path in sorted(folder.iterdir()):
        raw = path.read_bytes()
        place.open().put_new(with_digest(f"maps/{name}/{path.name}", raw), raw)


def a_map(folder: Path, seed: int) -> Path:
    return save_map(load_map(f"generated:plains:32x32:{seed}"), folder)


def test_copies_lie_in_the_leagues_folder_where_there_can_be_one_else_among_the_users_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: StorePlace
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    root = tmp_path / "volume" / "mine"
    assert folder_here(root) == root / "cache" / "nodes"
    assert place_here(place, root).cache == str(root / "cache" / "nodes" / "store")

    (tmp_path / "file").write_text("no folder can be made below this")
    here = [folder_here(tmp_path / "file" / name / "mine") for name in ("ann", "bob")]
    assert {path.parent for path in here} == {tmp_path / "caches" / "territory-league"}
    assert here[0] != here[1]  # leagues of one name in two places keep apart

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(StoreError, match=r"on this node .* make one of them writable for the user"):
        folder_here(tmp_path / "file" / "mine")


def test_a_map_of_the_league_comes_out_of_the_store_and_not_of_another_leagues_folder(
    tmp_path: Path, place: StorePlace
) -> None:
    made = a_map(tmp_path / "made", 1)
    in_store(place, made, "mine")
    root = tmp_path / "node"
    a_map(root / "maps" / "mine", 2)  # another league's, of the same name

    found = cached_maps(root, place)("maps/mine")

    assert found.sha256 == load_map(made).sha256
    assert cached_maps(root, place)("generated:plains:32x32:3").width == 32


def test_a_map_that_is_on_its_way_into_the_store_is_waited_for_and_nobody_is_blamed(
    tmp_path: Path, place: StorePlace
) -> None:
    (tmp_path / "store").mkdir()
    load = cached_maps(tmp_path / "node", place)
    with pytest.raises(StoreAwayError, match="maps/mine: the map is not in the store yet") as error:
        load("maps/mine")
    assert is_machine_trouble(error.value)
    in_store(place, a_map(tmp_path / "made", 1), "mine")
    assert load("maps/mine").width == 32


def test_a_worker_that_may_be_far_keeps_its_copies_in_this_machines_folder(
    tmp_path: Path, place: StorePlace
) -> None:
    in_store(place, a_map(tmp_path / "made", 1), "mine")
    root = tmp_path / "path-of-the-manager"
    snapshots = PlaceOfSnapshots(root / "snapshots", place, is_far=True)
    context = setup({"snapshots": snapshots, "maps": str(root)})
    assert context.load_map("maps/mine").width == 32
    assert (root / "cache" / "nodes" / "maps" / "mine" / "map.bin").exists()
    assert not (root / "maps").exists() and not (root / "snapshots").exists()
