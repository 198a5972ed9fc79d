"""What the page shows of attention: three moments of a real match of small networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.errors import AgentError
from agents.registry import make_loader
from agents.snapshots import SnapshotStore
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import write_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from db.records import MatchMoment
from league.folder.layout import LeagueFolder
from league.page.sections.attention import answer, attention
from league.page.sights import Attention, glow, moments_of
from msattn.config import TorsoConfig
from tests.league.hand_made import NOON
from tests.league.tiny_snapshots import tiny_description, tiny_network

MAP = "generated:lakes:64x64:3"
VIEWS = TorsoConfig(
    channels=(8, 16), branch_features=8, scalar_features=8, heads=2, fusion=8, output=16
)
NEIGHBOURS = replace(VIEWS, direction_scalars=11, token_features=8, token_heads=2, views="off")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[LeagueFolder, MatchMoment]:
    """A match with attention on views in seat 0 and on neighbours alone in seat 1."""
    folder = LeagueFolder.at(tmp_path_factory.mktemp("sights") / "my-league")
    folder.replays.mkdir(parents=True)
    store = SnapshotStore(folder.snapshots)
    specs = []
    for torso in (VIEWS, NEIGHBOURS):
        description = tiny_description(torso=torso)
        network = tiny_network(description)
        specs.append(f"snapshot:{store.save(network.state_dict(), description)}")
    spec = MatchSpec(5, MAP, (*specs, *["scripted:tribe"] * 8), MatchRules(max_ticks=300))
    (played,) = play_matches([spec], make_loader(folder.snapshots), load_map)
    assert isinstance(played, MatchResult)
    write_replay(played, folder.replays / "1.replay")
    return folder, MatchMoment(1, MAP, NOON, played.ticks, "replays/1.replay")


def test_views_are_shown_at_three_moments_with_shares_that_add_up(
    recorded: tuple[LeagueFolder, MatchMoment],
) -> None:
    folder, match = recorded
    found = moments_of(folder, "attention-0001", match, 0, 200)
    # A life of 200 ticks has decisions 0 to 19: a fifth, a half and four fifths of 19.
    assert [moment.decision for moment in found.moments] == [4, 10, 15]
    assert sum(found.scale_weights.values()) == pytest.approx(1.0, abs=1e-4)
    for moment in found.moments:
        assert [view.name for view in moment.views] == ["global", "local", "tactical"]
        for view in moment.views:
            own = sum(view.shares.values()) - view.shares["own_border"]
            assert own == pytest.approx(1.0, abs=0.02)
            assert view.picture.startswith("data:image/png;base64,")
            assert view.picture != view.glowing
    assert "attends" in answer(found) and "view weighs most" in answer(found)


def test_neighbours_are_shown_where_a_network_reads_no_views(
    recorded: tuple[LeagueFolder, MatchMoment],
) -> None:
    folder, match = recorded
    found = moments_of(folder, "attention-0002", match, 1, 200)
    assert all(moment.views == () for moment in found.moments)
    assert any(moment.neighbours for moment in found.moments)
    for moment in found.moments:
        shares = [share for _, share in moment.neighbours]
        assert shares == sorted(shares, reverse=True)
        assert not shares or sum(shares) == pytest.approx(1.0, abs=1e-4)
    assert "of its attention to one neighbour" in answer(found)
    assert attention(found).view["found"] is found


def test_a_snapshot_that_is_gone_is_an_error_of_its_own(
    recorded: tuple[LeagueFolder, MatchMoment], tmp_path: Path
) -> None:
    folder, match = recorded
    elsewhere = LeagueFolder.at(tmp_path)
    elsewhere.replays.mkdir()
    (elsewhere.replays / "1.replay").write_bytes((folder.replays / "1.replay").read_bytes())
    with pytest.raises(AgentError):
        moments_of(elsewhere, "attention-0001", match, 0, 200)
    assert attention(Attention(missing="It is gone.")).answer == "It is gone."


def test_the_glow_is_bright_where_attention_is_and_dim_elsewhere() -> None:
    grey = np.full((2, 2, 3), 100.0)
    shares = np.array([[0.7, 0.1], [0.1, 0.1]])
    shown = glow(grey, shares)
    assert shown[0, 0, 0] > 100.0 > shown[1, 1, 0]
    even = glow(grey, np.full((2, 2), 0.25))
    np.testing.assert_allclose(even, grey)
