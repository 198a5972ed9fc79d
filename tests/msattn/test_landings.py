"""Boats and alliances in the networks: their scores turn with the board and go to their actions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from arena.territory.engine import actions
from arena.territory.observation.views import SMALL_VIEWS
from arena.territory.observation.views_2026 import N_OWN_2026
from msattn.actor_critic import ActorCritic
from msattn.config import FAMILIES, TorsoConfig
from msattn.directions import ALLY, BOAT, BREAK, N_SCORES
from msattn.errors import ConfigError
from tests.msattn.observations import observe

VIEWS = SMALL_VIEWS.of_edition("2026")
SHAPES = VIEWS.shapes()
CONFIG = TorsoConfig.preset("small", SHAPES)


def network(family: str, config: TorsoConfig = CONFIG) -> ActorCritic:
    torch.manual_seed(0)
    net = ActorCritic(family, SHAPES, config, n_actions=VIEWS.n_actions)
    for layer in (net.torso.scores, net.torso.landing_scores):
        if layer is not None:
            nn.init.normal_(layer.score.weight)
    return net


def turned(seen: dict[str, Tensor]) -> dict[str, Tensor]:
    """Turn the directions of an observation by a quarter: two of eight; views stay."""
    rows = seen["neighbours"].clone()
    rows[:, :, :8] = rows[:, :, :8].roll(2, dims=2)
    own, blocks, later = seen["scalars"].split((16, 88, N_OWN_2026), dim=1)
    turned_blocks = blocks.reshape(-1, 8, 11).roll(2, dims=1).flatten(1)
    scalars = torch.cat((own, turned_blocks, later), dim=1)
    landings = seen["landings"].roll(2, dims=1)
    return {**seen, "neighbours": rows, "scalars": scalars, "landings": landings}


def test_the_networks_know_the_layout_of_actions_and_scalars() -> None:
    assert (actions.BOAT, actions.ALLY, actions.BREAK) == (BOAT, ALLY, BREAK)
    assert CONFIG.later_scalars == N_OWN_2026
    assert TorsoConfig.from_dict(CONFIG.to_dict()) == CONFIG
    assert "later_scalars" not in TorsoConfig.preset("small", SMALL_VIEWS.shapes()).to_dict()


@pytest.mark.parametrize("family", FAMILIES)
def test_turning_the_directions_turns_all_orders_that_have_one(family: str) -> None:
    net = network(family)
    seen = observe(16, shapes=SHAPES)
    before, after = net.torso(seen), net.torso(turned(seen))
    n = N_SCORES + 3 * 8
    assert torch.allclose(after[:, :-n], before[:, :-n], atol=1e-5)
    attacks, others = before[:, -n:].split((N_SCORES, 24), dim=1)
    now, now_others = after[:, -n:].split((N_SCORES, 24), dim=1)
    assert torch.allclose(now.reshape(-1, 8, 5), attacks.reshape(-1, 8, 5).roll(2, 1), atol=1e-5)
    for found, expected in zip(now_others.split(8, 1), others.split(8, 1), strict=True):
        assert torch.allclose(found, expected.roll(2, 1), atol=1e-5)
        assert not torch.allclose(found, expected, atol=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_score_is_the_logit_of_its_action_at_first(family: str) -> None:
    net = network(family)
    seen = observe(4, shapes=SHAPES)
    with torch.no_grad():
        features = net.torso(seen)
        net.action_net.weight[:, : -len(net.torso.score_actions)] = 0.0  # the position says nothing
        logits = net(seen)[0]
    scores = features[:, -len(net.torso.score_actions) :]
    assert torch.allclose(logits[:, :40], scores[:, :40])
    for first, at in ((ALLY, 40), (BREAK, 48), (BOAT, 56)):
        assert torch.allclose(logits[:, first : first + 8], scores[:, at : at + 8])
    assert (logits[:, 41:45] == -50).all() and (logits[:, [40, 45, 46]] == 0).all()


def test_an_alliance_is_asked_of_an_owner_by_all_its_directions_and_of_nobody_by_others() -> None:
    net = network("baseline")
    seen = observe(1, shapes=SHAPES)
    rows = torch.zeros_like(seen["neighbours"])
    rows[0, 3, [0, 1, 7, 8]] = 1.0  # N, NE and NW; in use
    scores = net.torso({**seen, "neighbours": rows})[0, -24:-8].reshape(2, 8)
    for each in scores:  # ally, break
        assert each[0] == each[1] == each[7] != 0
        assert (each[2:7] == 0).all()


def test_a_network_that_reads_no_neighbours_has_flat_logits_for_what_is_new() -> None:
    config = TorsoConfig(channels=(8,), direction_scalars=11, later_scalars=N_OWN_2026)
    net = network("baseline", config)
    assert set(net.torso.shapes) == {"global", "local", "tactical", "scalars"}
    assert net.torso.score_actions == list(range(N_SCORES))
    logits, values = net(observe(2, shapes=SHAPES))
    assert logits.shape == (2, 71) and torch.isfinite(values).all()
    assert (logits[:, 45:] != 0).all()


def test_a_head_too_small_for_the_orders_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"n_actions: expected more than 70 .* landings, found 45"
    ):
        ActorCritic("baseline", SHAPES, CONFIG)
    with pytest.raises(ConfigError, match=r"'landings' must be \(8, columns\)"):
        ActorCritic("baseline", {**SHAPES, "landings": (7, 9)}, CONFIG, n_actions=71)
