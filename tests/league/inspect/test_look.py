"""`league look`: the right observation, the right numbers, and pictures that can be drawn."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.description import SnapshotDescription
from agents.policy import PolicyAgent
from agents.registry import make_loader
from agents.snapshots import SnapshotStore
from arena.agent import TARGET
from arena.env import TerritoryEnv
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import read_replay, write_replay
from arena.territory.engine.actions import DIRECTIONS
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION, SMALL_VIEWS
from league.cli.look import look
from league.cli.options import run
from league.errors import UsageError
from league.inspect.look import (
    REGIONS,
    VIEW_NAMES,
    attend,
    load_attention,
    measure,
    regions,
    see,
)
from league.inspect.neighbours import find_neighbours, rows_of
from league.inspect.text import attention_lines
from league.inspect.worth import decisions_of, orders_of, weigh
from msattn.actor_critic import ActorCritic
from msattn.config import TorsoConfig
from msattn.inspect import without_attention

MAP = "generated:lakes:64x64:3"
RULES = MatchRules(max_ticks=300)
NARROW = TorsoConfig(
    channels=(8, 8, 8), branch_features=16, scalar_features=16, heads=2, fusion=16, output=16
)
TOKENS = replace(NARROW, direction_scalars=11, token_features=8, token_heads=2, views="gated")
LEAN = replace(TOKENS, views="off")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(replay file, snapshot store): scripts in seats 4 to 9, and four networks.

    Attention without tokens in seat 0, a baseline in seat 1; attention with tokens in seat 2, and
    without views in seat 3.
    """
    folder = tmp_path_factory.mktemp("look")
    store = SnapshotStore(folder / "snapshots")
    learned = []
    for family, torso in (
        ("attention", NARROW),
        ("baseline", NARROW),
        ("attention", TOKENS),
        ("attention", LEAN),
    ):
        torch.manual_seed(1)
        description = SnapshotDescription(
            family=family,
            shapes=SMALL_VIEWS.shapes(),
            torso=torso,
            observation_version=OBSERVATION_VERSION,
            action_version=ACTION_VERSION,
        )
        network = ActorCritic(family, SMALL_VIEWS.shapes(), torso)
        torch.nn.init.normal_(network.action_net.weight)  # opinions, for attention to change
        learned.append(f"snapshot:{store.save(network.state_dict(), description)}")
    agents = (*learned, *["scripted:tribe", "scripted:opportunist"] * 3)
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
    with pytest.raises(UsageError, match="seats with snapshots: 0, 1, 2, 3"):
        load_attention(see(replay, 4, 0, load_map), replay, played[1])
    with pytest.raises(UsageError, match="baseline family"):
        load_attention(see(replay, 1, 0, load_map), replay, played[1])


def test_the_command_draws_both_pictures(played: tuple[Path, Path], tmp_path: Path) -> None:
    from PIL import Image

    from league.inspect.picture import Caption, draw_attention

    views = tmp_path / "views.png"
    assert run(look, [str(played[0]), "--seat", "0", "--decision", "5", "--png", str(views)]) == 0
    replay = read_replay(played[0])
    sight = see(replay, 0, 5, load_map)
    drawn = [views]
    for seat in (0, 2, 3):
        sight = see(replay, seat, 5, load_map)
        record = attend(sight, replay, played[1])
        caption = Caption("5", "narrow")
        drawn.append(draw_attention(sight, record, caption, tmp_path / f"attention-{seat}.png"))
    for path in drawn:
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
    asked = [str(played[0]), "--seat", "5", "--decision", "2"]
    assert run(look, [*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agent"] == "scripted:opportunist"
    assert run(look, [*asked, "--png", str(tmp_path / "x.png")]) == 2
    assert "pip install 'matplotlib" in capsys.readouterr().err
    assert run(look, asked) == 2
    assert "--png FILE, --json or --attention" in capsys.readouterr().err


# --- neighbours -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seat", [2, 3])
def test_attention_names_the_neighbours_by_direction_and_kind(
    played: tuple[Path, Path], seat: int
) -> None:
    replay = read_replay(played[0])
    sight = see(replay, seat, 5, load_map)
    record = attend(sight, replay, played[1])
    attention = measure(sight, record)["attention"]
    json.dumps(attention, allow_nan=False)
    found = attention["neighbours"]
    rows = sight.observation["neighbours"]
    # Every direction with a target belongs to one neighbour, whose row says what it is.
    told = {d: each for each in found for d in each["directions"]}
    assert set(told) == {DIRECTIONS[d] for d in range(8) if rows[:, d].any()}
    for each in found:
        assert each["kind"] == ("neutral" if rows[each["row"], 9] else "rival")
        assert each["name"] == f"{' '.join(each['directions'])} {each['kind']}"
    assert sum(each["seat"] for each in found) == pytest.approx(1, abs=1e-5)
    for each in found:
        assert sum(each["looks_at"].values()) == pytest.approx(1, abs=1e-5)
        assert ("scales" in each) == (seat == 2)
    assert ("gates" in attention) == (seat == 2)


def test_the_rows_of_a_network_that_reads_directions_are_named_too() -> None:
    scalars = np.zeros(16 + 88, np.float32)
    scalars[16 + 11 * 2 : 16 + 11 * 2 + 2] = 0.3, 1.0  # E: contact, neutral
    scalars[16 + 11 * 7] = 0.2  # NW: contact with a rival
    (east, northwest) = find_neighbours(rows_of({"scalars": scalars}))
    assert (east.name, northwest.name) == ("E neutral", "NW rival")


def test_the_decisions_of_a_seat_are_those_that_were_recorded(played: tuple[Path, Path]) -> None:
    replay = read_replay(played[0])
    seat = 2
    loaded = load_attention(see(replay, seat, 0, load_map), replay, played[1])
    agent = PolicyAgent(loaded.network, loaded.description.shapes)
    rng = np.random.default_rng(0)
    chosen = [int(agent.act(batch, rng)[0]) for batch in decisions_of(replay, seat, load_map)]
    assert chosen == [see(replay, seat, i, load_map).action for i in range(len(chosen))]
    assert len(chosen) > 10


@pytest.mark.parametrize("seat", [0, 2, 3])
def test_what_attention_is_worth_is_counted_over_the_decisions(
    played: tuple[Path, Path], seat: int
) -> None:
    replay = read_replay(played[0])
    loaded = load_attention(see(replay, seat, 0, load_map), replay, played[1])
    n_decisions, worth = weigh(loaded, replay, seat, load_map)
    kinds = {0: ["places", "scales"], 2: ["places", "scales", "neighbours"], 3: ["neighbours"]}
    assert list(worth) == (["all", *kinds[seat]] if len(kinds[seat]) > 1 else kinds[seat])
    agent = PolicyAgent(loaded.network, loaded.description.shapes)
    moved = []
    for batch in decisions_of(replay, seat, load_map):
        before = agent.probabilities(batch)
        with without_attention(loaded.network):
            moved.append(float(np.abs(agent.probabilities(batch) - before).sum()) / 2)
    assert n_decisions == len(moved)
    total = worth.get("all", worth.get("neighbours"))
    assert total is not None and 0 <= total.played <= 1
    # Orders to the same owner are one, so that the shift by action is an upper bound.
    assert 0 < total.shift <= np.mean(moved) + 1e-9
    if seat == 2:  # closed gates: the views change nothing
        assert worth["places"].shift == 0 == worth["scales"].shift


def test_equal_intensities_against_the_same_owner_are_one_order(
    played: tuple[Path, Path],
) -> None:
    batch = next(decisions_of(read_replay(played[0]), 2, load_map))
    orders = orders_of(batch)
    assert set(orders[40:]) == {40}
    targets = batch.directions[0, :, TARGET]
    for d in range(8):
        for e in range(8):
            assert (orders[5 * d] == orders[5 * e]) == (d == e or 0 <= targets[d] == targets[e])


def test_attention_is_told_on_the_screen(played: tuple[Path, Path]) -> None:
    replay = read_replay(played[0])
    words_of = {0: "Where it looks", 2: "gate 0.0000", 3: "Which neighbours the seat looks at"}
    for seat, words in words_of.items():
        sight = see(replay, seat, 5, load_map)
        loaded = load_attention(sight, replay, played[1])
        numbers = measure(
            sight, attend(sight, replay, played[1], loaded), weigh(loaded, replay, seat, load_map)
        )
        text = "\n".join(attention_lines(numbers, "narrow"))
        assert words in text and "change without attention" in text
        assert max(len(line) for line in text.splitlines()) <= 100
