"""The direction scores: one judgement for all eight directions, and how a policy starts with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from msattn.actor_critic import ActorCritic
from msattn.config import FAMILIES, N_DIRECTIONS, Shapes, TorsoConfig
from msattn.directions import N_INTENSITIES, N_SCORES, DirectionScores
from msattn.errors import ConfigError

SMALL = TorsoConfig.preset("small")
SHAPES: Shapes = {
    "global": (12, 32, 32),
    "local": (12, 32, 32),
    "tactical": (12, 16, 16),
    "scalars": (104,),
}
WAIT = 40


def observe(n: int) -> dict[str, torch.Tensor]:
    return {key: torch.rand(n, *shape) for key, shape in SHAPES.items()}


def test_turning_the_directions_turns_the_scores() -> None:
    torch.manual_seed(0)
    scores = DirectionScores(direction_scalars=11, features=7, hidden=16)
    own, blocks, features = torch.rand(3, 16), torch.rand(3, 8, 11), torch.rand(3, 7)
    before = scores(torch.cat((own, blocks.flatten(1)), dim=1), features)
    turned = blocks.roll(2, dims=1)  # a quarter turn: two of eight directions
    after = scores(torch.cat((own, turned.flatten(1)), dim=1), features)
    expected = before.reshape(3, N_DIRECTIONS, N_INTENSITIES).roll(2, dims=1)
    assert torch.allclose(after.reshape(3, 8, 5), expected, atol=1e-6)
    assert not torch.allclose(after, before, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_untrained_policy_has_one_wait_and_hardly_a_preference(family: str) -> None:
    torch.manual_seed(1)
    probabilities = torch.softmax(ActorCritic(family, SHAPES, SMALL)(observe(8))[0], dim=1)
    # 40 orders and one WAIT share everything: 1 / 41 each, at most twice that.
    assert probabilities[:, WAIT + 1 :].max().item() < 1e-15
    assert probabilities[:, : WAIT + 1].max().item() < 2 / 41
    assert probabilities[:, : WAIT + 1].min().item() > 0.5 / 41


@pytest.mark.parametrize("family", FAMILIES)
def test_the_four_other_waits_stay_out_of_play_while_learning(family: str) -> None:
    torch.manual_seed(2)
    net = ActorCritic(family, SHAPES, SMALL)
    log_probs = torch.log_softmax(net(observe(8))[0], dim=1)
    (log_probs[:, WAIT].mean() - 0.01 * (log_probs.exp() * log_probs).sum(dim=1).mean()).backward()
    gradient = net.action_net.weight.grad
    assert gradient is not None
    assert gradient[WAIT + 1 :].abs().max().item() < 1e-12 < gradient[WAIT].abs().max().item()


def test_scores_are_the_logits_of_the_orders_at_the_start() -> None:
    net = ActorCritic("baseline", SHAPES, SMALL)
    weight = net.action_net.weight
    assert torch.equal(weight[:N_SCORES, -N_SCORES:], torch.eye(N_SCORES))
    assert (weight[N_SCORES:, -N_SCORES:] == 0).all()


def test_without_direction_scalars_there_are_no_scores() -> None:
    net = ActorCritic("attention", {**SHAPES, "scalars": (9,)}, replace(SMALL, direction_scalars=0))
    assert net.torso.scores is None and net.action_net.in_features == SMALL.output


def test_directions_that_do_not_fit_are_refused_with_both_numbers() -> None:
    with pytest.raises(ConfigError, match=r"8 directions with 11 scalars each .* 80 scalars"):
        ActorCritic("attention", {**SHAPES, "scalars": (80,)}, SMALL)
    with pytest.raises(ConfigError, match="direction_scalars must be an integer"):
        TorsoConfig(direction_scalars=-1)
