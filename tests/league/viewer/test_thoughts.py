"""What a page says that a network thought is what it computed when it chose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from agents.policy import masked_probabilities
from agents.snapshots import SnapshotStore
from arena.replay import read_replay
from arena.territory.maps import load_map
from arena.viewer.film import record_film
from arena.viewer.packing import from_signed, unpack
from arena.viewer.payload import film_payload
from league.errors import UsageError
from league.inspect.look import attend, see
from league.viewer.thoughts import Thoughts


def test_values_and_probabilities_are_those_of_the_decision(
    replay_file: Path, networks: tuple[Path, dict[str, str]]
) -> None:
    replay, (snapshots, _) = read_replay(replay_file), networks
    thoughts = Thoughts(replay.spec.agents, snapshots)
    film = record_film(replay, load_map, watcher=thoughts)
    insights = thoughts.insights()
    assert sorted(insights) == [0, 1, 2]
    assert [insights[seat].member for seat in (0, 1, 2)] == ["attention", "baseline", "attention"]
    store = SnapshotStore(snapshots)
    for seat, decision in ((0, 4), (1, 9), (2, 12)):
        sight = see(replay, seat, decision, load_map)
        network = store.load(replay.spec.agents[seat].partition(":")[2]).network
        inputs = {key: torch.from_numpy(each[None]) for key, each in sight.observation.items()}
        with torch.inference_mode():
            logits, value = network(inputs)
        expected = masked_probabilities(logits.numpy(), sight.action_mask[None])[0]
        np.testing.assert_allclose(insights[seat].chances[decision], expected, atol=1e-4)
        assert insights[seat].values[decision] == pytest.approx(float(value), abs=1e-4)
        # An order that was given had a probability.
        assert insights[seat].chances[decision][film.orders[decision, seat]] > 0


def test_attention_is_that_of_the_decision_and_of_the_seats_asked_for(
    replay_file: Path, networks: tuple[Path, dict[str, str]]
) -> None:
    replay, (snapshots, _) = read_replay(replay_file), networks
    thoughts = Thoughts(replay.spec.agents, snapshots, attended=[2])
    record_film(replay, load_map, watcher=thoughts)
    insights = thoughts.insights()
    assert not insights[0].attention and not insights[1].attention
    sight = see(replay, 2, 7, load_map)
    record = attend(sight, replay, snapshots)
    for view, layers in record.spatial.items():
        for layer, weights in enumerate(layers):
            found = insights[2].attention[view][layer][7]
            np.testing.assert_allclose(found, weights[0], rtol=1e-3, atol=1e-4)
    assert record.head_weights is not None and insights[2].scales is not None
    np.testing.assert_allclose(insights[2].scales[7], record.head_weights[0].mean(0), atol=1e-4)
    assert insights[1].scales is None


def test_a_payload_holds_thoughts_within_its_resolution(
    replay_file: Path, networks: tuple[Path, dict[str, str]]
) -> None:
    replay, (snapshots, _) = read_replay(replay_file), networks
    thoughts = Thoughts(replay.spec.agents, snapshots, attended=[0])
    film = record_film(replay, load_map, watcher=thoughts)
    insights = thoughts.insights()
    payload = film_payload(film, None, insights)
    sections = unpack(payload)
    n = len(film) - 1
    values = np.cumsum(from_signed(sections["values_0"])) / 1000
    alive = ~np.isnan(insights[0].values)
    np.testing.assert_allclose(values[:n][alive], insights[0].values[alive], atol=0.0006)
    levels = np.frombuffer(sections["chances_0"], np.uint8).reshape(n, 45)
    # Half a level of 127 in the square root: at most 0.5 / 127 * 2 of the probability.
    found = (levels[alive] / 127) ** 2
    np.testing.assert_allclose(found, insights[0].chances[alive], atol=0.009)
    about = payload["seats"][0]["insight"]
    view, layer, height, width, peak = about["attention"][0]
    kept = np.frombuffer(sections[f"attention_0_{view}_{layer}"], np.uint8)
    shown = peak * (kept.reshape(n, height, width)[alive] / 63) ** 2
    np.testing.assert_allclose(shown, insights[0].attention[view][layer][alive], atol=peak / 50)


def test_a_seat_without_thoughts_says_why(
    replay_file: Path, networks: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    agents = read_replay(replay_file).spec.agents
    assert Thoughts(agents, networks[0]).silent[3].startswith("A script:")
    assert "--league DIR" in Thoughts(agents, None).silent[0]
    # a store that lost the snapshots
    assert "cannot be asked" in Thoughts(agents, tmp_path / "empty").silent[0]
    assert "planner" in Thoughts(["planner:decisions=1"], None).silent[0].lower()


def test_attention_of_a_seat_that_has_none_is_refused(
    replay_file: Path, networks: tuple[Path, dict[str, str]]
) -> None:
    agents = read_replay(replay_file).spec.agents
    with pytest.raises(UsageError, match=r"seat 1 with snapshot:.*; seats of it: 0, 2"):
        Thoughts(agents, networks[0], attended=[1])
    with pytest.raises(UsageError, match="seats of it: none"):
        Thoughts(agents, None, attended=[0])
