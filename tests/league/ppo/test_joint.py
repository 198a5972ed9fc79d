"""An update of several ranks: what one process with all their rows would have done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from league.ppo.algorithm import LeaguePPO
from league.ppo.errors import RanksLostError
from league.ppo.joint import JointGradients, JointRows
from league.ppo.loss import TERMS
from tests.league.ppo.learner_toys import learner
from tests.league.ppo.test_algorithm import Noisy, tensors
from tests.league.ppo.thread_peers import Meeting, ThreadPeers, together

BATCH = 32


def test_ranks_divide_minibatches_of_which_none_is_a_single_row() -> None:
    # 16 rows of each in a minibatch: 40 = 16 + 16 + 8 of the first, 31 = 16 + 15 of the second.
    assert JointRows.of([40, 31], 0, 16) == JointRows([(0, 16), (16, 32), (32, 40)], [32, 31, 8])
    assert JointRows.of([40, 31], 1, 16) == JointRows([(0, 16), (16, 31), (31, 31)], [32, 31, 8])
    # A last minibatch of one row joins the one before it.
    assert JointRows.of([33, 32], 0, 16) == JointRows([(0, 16), (16, 33)], [32, 33])
    assert JointRows.of([33, 32], 1, 16) == JointRows([(0, 16), (16, 32)], [32, 33])
    assert JointRows.of([3, 0], 1, 16) == JointRows([(0, 0)], [3])


def rank_of(n_steps: int, env_seed: int, **settings: Any) -> LeaguePPO:
    """A learner with a rollout of exactly so many rows; all have the same weights."""
    ppo = learner(env=Noisy(seed=env_seed), n_steps=n_steps, **settings)
    ppo.generator.manual_seed(env_seed)
    ppo.collect()
    buffer = ppo.rollout_buffer
    buffer.pos = n_steps  # the last decision brought some more
    for name in ("host_values", "host_returns"):
        setattr(buffer, name, getattr(buffer, name)[:n_steps])
    return ppo


def one_with_all(ranks: list[LeaguePPO], **settings: Any) -> LeaguePPO:
    """One learner with the rows of all of them, and the order that makes the same minibatches."""
    whole = learner(env=Noisy(), n_steps=200, **settings)
    whole.collect()
    buffer, parts = whole.rollout_buffer, [ppo.rollout_buffer for ppo in ranks]
    n = sum(part.size() for part in parts)
    for name, storage in buffer._storage.items():
        storage[:n] = torch.cat([part._storage[name][: part.size()] for part in parts])
    for name in ("host_values", "host_returns"):
        setattr(buffer, name, np.concatenate([getattr(part, name) for part in parts]))
    buffer.pos = n
    return whole


def fix_orders(monkeypatch: pytest.MonkeyPatch, ranks: list[LeaguePPO], whole: LeaguePPO) -> None:
    """Have every epoch go through the rows of each rank in their order."""
    sizes = [ppo.rollout_buffer.size() for ppo in ranks]
    starts = [0, sizes[0]]
    per_rank = BATCH // 2
    rows: list[int] = []
    for i in range(0, max(sizes), per_rank):
        for start, size in zip(starts, sizes, strict=True):
            rows += range(start + min(i, size), start + min(i + per_rank, size))
    for ppo, order in [*((p, range(s)) for p, s in zip(ranks, sizes, strict=True)), (whole, rows)]:
        fixed = torch.tensor(list(order))
        monkeypatch.setattr(ppo.rollout_buffer, "permutation", lambda _, fixed=fixed: fixed)


def train_together(ranks: list[LeaguePPO]) -> None:
    def task(ppo: LeaguePPO) -> Callable[[ThreadPeers], None]:
        def run(peers: ThreadPeers) -> None:
            ppo.peers = peers
            ppo.train()

        return run

    together(*(task(ppo) for ppo in ranks))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"micro_batch": 7},
        {"target_kl": 2e-7},
        {"normalize_advantage": False},
        {"survival_coef": 0.5, "micro_batch": 9},
    ],
    ids=["plain", "in parts", "early stop", "plain advantages", "survival"],
)
def test_two_ranks_make_the_update_of_one_process_with_all_rows(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"batch_size": BATCH, "n_epochs": 3, **settings}
    # 16 rows of each in a minibatch: four of 32, and one of 6 that the second has no row of.
    ranks = [rank_of(70, 1, **settings), rank_of(64, 2, **settings)]
    whole = one_with_all(ranks, **settings)
    before = tensors(whole)
    for name, tensor in before.items():
        for ppo in ranks:
            assert torch.equal(tensors(ppo)[name], tensor)
    fix_orders(monkeypatch, ranks, whole)
    train_together(ranks)
    whole.train()
    found, other, expected = tensors(ranks[0]), tensors(ranks[1]), tensors(whole)
    assert max(float((expected[name] - before[name]).abs().max()) for name in expected) > 1e-4
    for name, tensor in expected.items():
        assert torch.equal(found[name], other[name])  # to the last bit
        # As in test_algorithm: Adam divides by the size of the gradient.
        np.testing.assert_allclose(found[name], tensor, atol=5e-5, rtol=1e-5, err_msg=name)
        assert float((found[name] - tensor).abs().double().mean()) < 2e-6, name
    for name in (*TERMS, "grad_norm", "n_epochs"):
        assert ranks[0].last_log[name] == ranks[1].last_log[name]
        assert ranks[0].last_log[name] == pytest.approx(whole.last_log[name], rel=1e-3, abs=1e-6)
    assert (whole.last_log["n_epochs"] < 3) == ("target_kl" in settings)


def test_the_flat_sum_is_the_mean_gradient_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"batch_size": 200, "n_epochs": 1, "max_grad_norm": 1e9}
    ranks = [rank_of(40, 1, **settings), rank_of(24, 2, **settings)]
    whole = one_with_all(ranks, **settings)
    taken: dict[int, torch.Tensor] = {}
    for i, ppo in enumerate([*ranks, whole]):

        def keep(i: int = i, ppo: LeaguePPO = ppo) -> None:
            grads = [p.grad for p in ppo.policy.parameters() if p.grad is not None]
            taken[i] = torch.cat([grad.reshape(-1) for grad in grads])

        monkeypatch.setattr(ppo.policy.optimizer, "step", keep)
    train_together(ranks)
    whole.train()
    assert torch.equal(taken[0], taken[1])
    scale = float(taken[2].abs().max())
    assert scale > 1e-3
    np.testing.assert_allclose(taken[0], taken[2], atol=2e-6 * scale)


def test_the_rows_with_the_largest_advantages_are_chosen_of_all_ranks_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {"batch_size": BATCH, "n_epochs": 1, "top_advantage_share": 0.25}
    ranks = [rank_of(40, 1, **settings), rank_of(40, 2, **settings)]
    seen: list[list[int]] = [[], []]
    for i, ppo in enumerate(ranks):

        def evaluate(
            observations: Any, masks: torch.Tensor, i: int = i, ppo: LeaguePPO = ppo
        ) -> Any:
            seen[i].append(len(masks))
            return LeaguePPO.evaluate(ppo, observations, masks)

        monkeypatch.setattr(ppo, "evaluate", evaluate)
    for row in range(30):  # the first rank has all the surprises
        ranks[0].rollout_buffer.advantages[row] = 100.0 * (-1) ** row
    train_together(ranks)
    found, other = tensors(ranks[0]), tensors(ranks[1])
    assert all(torch.equal(found[name], other[name]) for name in found)
    # A quarter of 80 rows are 20, all of the first rank: 16 of them in a minibatch, then the rest.
    assert seen == [[16, 4], []]


def test_ranks_undo_a_broken_update_together() -> None:
    ranks = [rank_of(40, 1), rank_of(40, 2)]
    before = tensors(ranks[0])
    ranks[1].rollout_buffer.returns[3] = float("inf")  # of one of them
    train_together(ranks)
    for ppo in ranks:
        assert ppo.last_log["rolled_back"] == 1.0 and ppo.learning_rate_scale == 0.5
        assert all(torch.equal(tensor, before[name]) for name, tensor in tensors(ppo).items())


def test_parameters_that_are_not_trained_have_no_gradient_and_do_not_move() -> None:
    ranks = [rank_of(40, 1), rank_of(40, 2)]
    for ppo in ranks:
        for name, parameter in ppo.policy.named_parameters():
            parameter.requires_grad_(name.startswith("value_net."))
    before = tensors(ranks[0])
    train_together(ranks)
    for name, tensor in tensors(ranks[0]).items():
        assert torch.equal(tensor, before[name]) != name.startswith("value_net."), name


def test_one_sum_carries_all_gradients_and_terms() -> None:
    ppo = learner(env=Noisy())
    parameters = list(ppo.policy.parameters())
    meeting = Meeting(1)
    joint = JointGradients(parameters, ThreadPeers(meeting, 0))
    joint.clear()
    assert joint.add_up(torch.arange(6.0)).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert meeting.exchanges == 1
    assert len(joint.flat) == sum(p.numel() for p in parameters) + 6
    assert all(p.grad is not None and p.grad.stride() == p.stride() for p in parameters)


def test_a_rank_that_fails_ends_the_others() -> None:
    def fails(peers: ThreadPeers) -> None:
        raise ValueError("this one")

    def waits(peers: ThreadPeers) -> None:
        with pytest.raises(RanksLostError):
            peers.gather(b"")

    with pytest.raises(ValueError, match="this one"):
        together(fails, waits)
