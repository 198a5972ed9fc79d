"""A snapshot plays legally, with the right probabilities, whatever it is batched with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agents import policy as subject
from agents.description import SnapshotDescription
from agents.errors import PolicyError
from agents.policy import PolicyAgent, masked_probabilities, sample
from agents.registry import make_loader
from agents.relations import relation_mask
from agents.snapshots import SnapshotStore
from msattn.actor_critic import ActorCritic
from msattn.config import Shapes

# As in conftest.
SHAPES: Shapes = {
    **dict.fromkeys(("global", "local", "tactical"), (3, 16, 16)),
    "scalars": (5,),
}

RNG = np.random.default_rng(0)


@dataclass
class Batch:
    """The part of a SeatBatch that a policy reads."""

    rows: NDArray[np.int64]
    action_mask: NDArray[np.bool_]
    observation: dict[str, NDArray[Any]]
    uniforms: NDArray[np.float64]

    def noise(self, k: int) -> NDArray[np.float64]:
        assert k == 1
        return self.uniforms

    def take(self, rows: NDArray[np.int64] | slice) -> Batch:
        return Batch(
            self.rows[rows],
            self.action_mask[rows],
            {key: np.ascontiguousarray(x[rows]) for key, x in self.observation.items()},
            self.uniforms[rows],
        )


def make_batch(n: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    observation: dict[str, NDArray[Any]] = {
        key: rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        for key, shape in SHAPES.items()
        if len(shape) == 3
    }
    observation["scalars"] = rng.standard_normal((n, *SHAPES["scalars"]), dtype=np.float32)
    mask = rng.random((n, 45)) < 0.3
    mask[:, 40:] = True
    return Batch(np.arange(n), mask, observation, rng.random((n, 1)))


@pytest.fixture
def agent(network: ActorCritic) -> PolicyAgent:
    return PolicyAgent(network, SHAPES)


def test_every_action_is_legal_and_int64(agent: PolicyAgent) -> None:
    batch = make_batch(600)
    actions = agent.act(batch, RNG)
    assert actions.dtype == np.int64 and actions.shape == (600,)
    assert batch.action_mask[np.arange(600), actions].all()


def test_a_row_plays_the_same_alone_shuffled_and_in_a_crowd(agent: PolicyAgent) -> None:
    batch = make_batch(300)
    together = agent.act(batch, RNG)
    order = np.random.default_rng(5).permutation(300)
    assert np.array_equal(agent.act(batch.take(order), RNG), together[order])
    alone = [agent.act(batch.take(slice(row, row + 1)), RNG)[0] for row in range(20)]
    assert alone == together[:20].tolist()


def test_the_forward_pass_is_cut_into_chunks(
    agent: PolicyAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make_batch(20)
    whole = agent.logits(batch.observation)
    sizes: list[int] = []
    agent.network.register_forward_hook(lambda net, inputs, out: sizes.append(out[1].shape[0]))
    monkeypatch.setattr(subject, "MAX_ROWS", 8)
    assert np.allclose(agent.logits(batch.observation), whole, atol=1e-5)
    assert sizes == [8, 8, 4]


def test_a_snapshot_plays_like_the_network_it_was_saved_from(
    tmp_path: Any, network: ActorCritic, description: SnapshotDescription
) -> None:
    store = SnapshotStore(tmp_path)
    loaded = store.load(store.save(network.state_dict(), description))
    agent = PolicyAgent.from_snapshot(loaded, "cpu")
    batch = make_batch(64)
    assert np.array_equal(agent.act(batch, RNG), PolicyAgent(network, SHAPES).act(batch, RNG))
    assert loaded.sha256[:12] in agent.name


def test_greedy_takes_the_best_legal_action(network: ActorCritic) -> None:
    agent = PolicyAgent(network, SHAPES, greedy=True)
    batch = make_batch(50)
    logits = agent.logits(batch.observation)
    expected = np.where(batch.action_mask, logits, -np.inf).argmax(axis=1)
    assert np.array_equal(agent.act(batch, RNG), expected)


def test_acting_leaves_no_gradients_and_no_training_mode(agent: PolicyAgent) -> None:
    agent.act(make_batch(4), RNG)
    assert not agent.network.training
    assert not any(weight.requires_grad for weight in agent.network.parameters())


def test_an_empty_batch_gives_no_actions(agent: PolicyAgent) -> None:
    assert agent.act(make_batch(0), RNG).shape == (0,)


def test_what_cannot_be_played_is_refused_with_a_sentence(agent: PolicyAgent) -> None:
    batch = make_batch(3)
    batch.action_mask[1] = False
    with pytest.raises(PolicyError, match="row 1 of the batch has no legal action"):
        agent.act(batch, RNG)
    batch = make_batch(3)
    other = {**batch.observation, "local": np.zeros((3, 3, 32, 32), dtype=np.uint8)}
    with pytest.raises(PolicyError, match="'local' with shape"):
        agent.act(replace(batch, observation=other), RNG)
    del other["local"]
    with pytest.raises(PolicyError, match="found None"):
        agent.act(replace(batch, observation=other), RNG)
    with torch.no_grad():
        agent.network.action_net.bias[0] = float("nan")
    with pytest.raises(PolicyError, match="not finite"):
        agent.act(batch, RNG)


def test_illegal_actions_have_probability_zero_and_the_rest_sums_to_one() -> None:
    # exp(0) : exp(ln 3) = 1 : 3 after the middle one is struck out
    found = masked_probabilities(
        np.array([[0.0, 50.0, np.log(3.0)]]), np.array([[True, False, True]])
    )
    assert found[0].tolist() == pytest.approx([0.25, 0.0, 0.75])
    assert found[0, 1] == 0.0


def test_sampling_inverts_the_cumulative_distribution() -> None:
    probabilities = np.tile([0.0, 0.25, 0.0, 0.75, 0.0], (5, 1))
    noise = np.array([0.0, 0.2499, 0.25, 0.9, 1.0])
    # cumulative 0, .25, .25, 1, 1: the first strictly above the noise; never a zero, even at 1.0
    assert sample(probabilities, noise).tolist() == [1, 1, 3, 3, 3]


def test_sampled_frequencies_are_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    probabilities = masked_probabilities(rng.standard_normal((1, 6)), np.ones((1, 6), dtype=bool))
    n = 40_000
    actions = sample(np.repeat(probabilities, n, axis=0), rng.random(n))
    found = np.bincount(actions, minlength=6) / n
    # the standard error is at most sqrt(1/4 / 40000) = 0.0025; four of them
    assert np.abs(found - probabilities[0]).max() < 0.01


def test_a_snapshot_with_the_relation_mask_plays_with_it_wherever_it_is_loaded(
    tmp_path: Any, network: ActorCritic, description: SnapshotDescription
) -> None:
    store = SnapshotStore(tmp_path)
    batch: Any = make_batch(200)
    batch.action_mask[:] = True
    rng = np.random.default_rng(1)
    batch.directions = np.zeros((200, 8, 7), np.int64)
    batch.directions[:, :, 0] = rng.integers(-1, 6, (200, 8))  # targets
    batch.directions[:, :, 1:5] = rng.integers(1, 99, (200, 8, 4))
    left = relation_mask(batch.action_mask, batch.directions)
    for masked in (False, True):
        sha256 = store.save(network.state_dict(), replace(description, relation_mask=masked))
        for greedy in (False, True):
            load = make_loader(store, greedy=greedy)
            actions = load(f"snapshot:{sha256}").act(batch, RNG)
            assert left[np.arange(200), actions].all() == masked


def test_a_policy_that_reads_no_views_asks_for_none(network: ActorCritic) -> None:
    agent = PolicyAgent(network, SHAPES)
    assert agent.reads_views
    agent.reads_views = False  # as for a network without views
    batch: Any = make_batch(4)
    batch.scalar_observation = batch.observation
    expected = agent.act(batch, RNG)
    del batch.observation
    assert (agent.act(batch, RNG) == expected).all()
