"""A recorded match of tiny networks and scripts, as a file and as a match of a league."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.registry import make_loader
from agents.snapshots import SnapshotStore
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import Label, write_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from tests.league.tiny_snapshots import tiny_description, tiny_network

MAP = "generated:lakes:64x64:3"
RULES = MatchRules(max_ticks=300)


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """(folder of a snapshot store, agent specs by family)."""
    folder = tmp_path_factory.mktemp("viewer") / "snapshots"
    store = SnapshotStore(folder)
    specs = {}
    for seed, family in enumerate(("attention", "baseline")):
        description = tiny_description(family=family, lineage=family)
        network = tiny_network(description, seed)
        specs[family] = f"snapshot:{store.save(network.state_dict(), description)}"
    return folder, specs


@pytest.fixture(scope="session")
def played(networks: tuple[Path, dict[str, str]]) -> MatchResult:
    """Attention in seats 0 and 2, baseline in seat 1, scripts elsewhere; ten ticks a decision."""
    folder, specs = networks
    learned = (specs["attention"], specs["baseline"], specs["attention"])
    agents = (*learned, *["scripted:tribe", "scripted:opportunist"] * 3, "scripted:tribe")
    (result,) = play_matches([MatchSpec(5, MAP, agents, RULES)], make_loader(folder), load_map)
    assert isinstance(result, MatchResult)
    return result


@pytest.fixture(scope="session")
def replay_file(played: MatchResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The match as a file with names."""
    path = tmp_path_factory.mktemp("viewer-replay") / "final.replay"
    names = ("attention-0001", "baseline-0001", "attention-0001", *["tribe", "opportunist"] * 3)
    write_replay(played, path, Label(names=(*names, "tribe")))
    return path
