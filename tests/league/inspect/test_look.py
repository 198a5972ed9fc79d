"""`league look`: the right observation, the right numbers, and pictures that can be drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.description import SnapshotDescription
from agents.registry import make_loader
from agents.snapshots import SnapshotStore
from arena.env import TerritoryEnv
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import read_replay, write_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION, SMALL_VIEWS
from league.cli.look import look
from league.cli.options import run
from league.errors import UsageError
from league.inspect.look import REGIONS, VIEW_NAMES, attend, measure, regions, see
from msattn.actor_critic import ActorCritic
from msattn.config import TorsoConfig

MAP = "generated:lakes:64x64:3"
RULES = MatchRules(max_ticks=300)
NARROW = TorsoConfig(
    channels=(8, 8, 8), branch_features=16, scalar_features=16, heads=2, fusion=16, output=16
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(replay file, snapshot store): attention in seat 0, baseline in seat 1, scripts elsewhere."""
    folder = tmp_path_factory.mktemp("look")
    store = SnapshotStore(folder / "snapshots")
    learned = []
    for family in ("attention", "baseline"):
        torch.manual_seed(1)
        description = SnapshotDescription(
            family=family,
            shapes=SMALL_VIEWS.shapes(),
            torso=NARROW,
            observation_version=OBSERVATION_VERSION,
            action_version=ACTION_VERSION,
        )
        network = ActorCritic(family, SMALL_VIEWS.shapes(), NARROW)
        learned.append(f"snapshot:{store.save(network.state_dict(), description)}")
    agents = (*learned, *["scripted:tribe", "scripted:opportunist"] * 4)
    spec = MatchSpec(5, MAP, agents, RULES)
    (result,) = play_matches([spec], make_loader(folder / "snapshots"), load_map)
    assert isinstance(result, MatchResult)
    path = folder / "match.replay"
    write_replay(result, path)
    return path, folder / "snapshots"


def test_a_sight_is_what_the_env_showed_at_that_decision(played: tuple[Path, Path]) -> None:
    replay = read_replay(played[0])
    env = TerritoryEnv(MAP, RULES, with_frames=False)
    seen, _ = env.reset(seed=replay.spec.seed)
    actions = list(replay.actions)
    for decision in range(12):
        living = list(env.agents)
        chosen = {agent: int(actions.pop(0)) for agent in living}
        if decision % 4 == 3:
            for agent in living:
                sight = see(replay, int(agent[5:]), decision, load_map)
                for key, values in sight.observation.items():
                    np.testing.assert_array_equal(values, seen[agent][key], err_msg=key)
                np.testing.assert_array_equal(sight.action_mask, seen[agent]["action_mask"])
                assert sight.action == chosen[agent] and sight.tick == 10 * decision
        seen, *_ = env.step(chosen)


def test_the_regions_of_a_cell_add_up_to_one(played: tuple[Path, Path]) -> None:
    sight = see(read_replay(played[0]), 2, 8, load_map)
    for view in VIEW_NAMES:
        parts = regions(sight.observation[view])
        total = sum(part for name, part in parts.items() if name != "own_border")
        # Pooled shares are rounded, and water counts half: two levels of 255 become four.
        np.testing.assert_allclose(total, 1.0, atol=6 / 255)
    assert (regions(sight.observation["global"])["water"] > 0.9).any()


def test_attention_is_measured_in_shares(played: tuple[Path, Path]) -> None:
    replay = read_replay(played[0])
    sight = see(replay, 0, 5, load_map)
    numbers = measure(sight, attend(sight, replay, played[1]))
    json.dumps(numbers, allow_nan=False)
    attention = numbers["attention"]
    assert sum(attention["scale_weights"].values()) == pytest.approx(1)
    assert len(attention["head_weights"]) == NARROW.heads
    for view in VIEW_NAMES:
        for layer in attention["views"][view]["spatial"]:
            assert set(layer["shares"]) == set(REGIONS)
            whole = sum(share for name, share in layer["shares"].items() if name != "own_border")
            assert whole == pytest.approx(1, abs=6 / 255)
            assert 0 < layer["entropy"] <= 1.000001 and layer["peak"] >= 1
    assert numbers["scalars"]["time"] == pytest.approx(50 / 300)
    directions = [d for row in numbers["neighbours"] for d in row["directions"]]
    assert 0 < len(directions) == len(set(directions)) <= 8
    assert all(row["used"] == 1.0 for row in numbers["neighbours"])


@pytest.mark.parametrize(
    ("seat", "decision", "words"),
    [(10, 0, "--seat: expected 0 to 9"), (2, 30, "expected 0 to 29"), (2, -1, "expected 0 to 29")],
)
def test_a_wrong_seat_or_decision_is_a_sentence(
    played: tuple[Path, Path], seat: int, decision: int, words: str
) -> None:
    replay = read_replay(played[0])
    assert replay.ticks == 300  # 30 decisions
    with pytest.raises(UsageError, match=words):
        see(replay, seat, decision, load_map)


def test_attention_of_a_script_or_a_baseline_is_refused(played: tuple[Path, Path]) -> None:
    replay = read_replay(played[0])
    with pytest.raises(UsageError, match="seats with snapshots: 0, 1"):
        attend(see(replay, 2, 0, load_map), replay, played[1])
    with pytest.raises(UsageError, match="baseline family"):
        attend(see(replay, 1, 0, load_map), replay, played[1])


def test_the_command_draws_both_pictures(played: tuple[Path, Path], tmp_path: Path) -> None:
    from PIL import Image

    from league.inspect.picture import Caption, draw_attention

    views = tmp_path / "views.png"
    assert run(look, [str(played[0]), "--seat", "0", "--decision", "5", "--png", str(views)]) == 0
    replay = read_replay(played[0])
    sight = see(replay, 0, 5, load_map)
    record = attend(sight, replay, played[1])
    attention = draw_attention(sight, record, Caption("5", "narrow"), tmp_path / "attention.png")
    for path in (views, attention):
        with Image.open(path) as picture:
            assert min(picture.size) >= 1_000
        assert path.stat().st_size < 300_000


def test_json_needs_no_matplotlib_and_a_picture_says_how_to_get_it(
    played: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    asked = [str(played[0]), "--seat", "3", "--decision", "2"]
    assert run(look, [*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agent"] == "scripted:opportunist"
    assert run(look, [*asked, "--png", str(tmp_path / "x.png")]) == 2
    assert "pip install 'matplotlib" in capsys.readouterr().err
    assert run(look, asked) == 2
    assert "--png FILE or --json" in capsys.readouterr().err
