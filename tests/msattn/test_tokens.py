"""Neighbours as tokens: symmetry, unused rows, gates, and where the scores of an owner go."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from msattn.actor_critic import ActorCritic
from msattn.config import FAMILIES, SCALES, VIEWS, Shapes, TorsoConfig
from msattn.directions import N_SCORES
from msattn.errors import ConfigError
from msattn.tokens import TokenAttention, TokenScores, directions_as_rows, pooled
from tests.msattn.observations import SHAPES, neighbours, observe

SMALL = TorsoConfig.preset("small", SHAPES, views="gated")
LEAN = TorsoConfig.preset("small", SHAPES, views="off")
WITHOUT_NEIGHBOURS = {key: shape for key, shape in SHAPES.items() if key != "neighbours"}
CLASSIC_SHAPES: Shapes = {
    **{scale: (16, side, side) for scale, side in zip(SCALES, (128, 128, 64), strict=True)},
    "scalars": (128,),
    "neighbours": (8, 8 + 32),
}


def sharpened(net: ActorCritic) -> ActorCritic:
    """Give a network scores that are as far apart as a trained one's."""
    assert net.torso.scores is not None
    nn.init.normal_(net.torso.scores.score.weight)
    return net


def n_parameters(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def turned(seen: dict[str, Tensor]) -> dict[str, Tensor]:
    """Turn the directions of an observation by a quarter: two of eight; views stay."""
    rows = seen["neighbours"].clone()
    rows[:, :, :8] = rows[:, :, :8].roll(2, dims=2)
    own, blocks = seen["scalars"][:, :16], seen["scalars"][:, 16:].reshape(-1, 8, 11)
    scalars = torch.cat((own, blocks.roll(2, dims=1).flatten(1)), dim=1)
    return {**seen, "neighbours": rows, "scalars": scalars}


# --- symmetry -------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shapes", [SHAPES, WITHOUT_NEIGHBOURS])
def test_turning_the_directions_turns_the_scores_and_nothing_else(
    family: str, shapes: Shapes
) -> None:
    torch.manual_seed(0)
    net = sharpened(ActorCritic(family, shapes, TorsoConfig.preset("small", shapes, views="off")))
    seen = observe(16)
    before, after = net.torso(seen), net.torso(turned(seen))
    scores, others = before[:, -N_SCORES:].reshape(16, 8, 5), before[:, :-N_SCORES]
    assert torch.allclose(after[:, -N_SCORES:].reshape(16, 8, 5), scores.roll(2, 1), atol=1e-5)
    assert torch.allclose(after[:, :-N_SCORES], others, atol=1e-5)
    assert not torch.allclose(scores.roll(2, 1), scores, atol=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("views", VIEWS)
def test_the_order_of_the_rows_changes_nothing(family: str, views: str) -> None:
    torch.manual_seed(0)
    net = sharpened(ActorCritic(family, SHAPES, replace(SMALL, views=views)))
    seen = observe(16)
    order = torch.randperm(8)
    shuffled = {**seen, "neighbours": seen["neighbours"][:, order]}
    for found, expected in zip(net(shuffled), net(seen), strict=True):
        assert torch.allclose(found, expected, atol=1e-4)


def test_an_order_goes_to_an_owner_all_its_directions_have_its_score() -> None:
    torch.manual_seed(0)
    scores = TokenScores(width=6, features=7, hidden=16)
    rows = torch.zeros(1, 8, 12)
    rows[0, 3, [0, 1, 7]] = 1.0  # N, NE and NW
    rows[0, 5, 4] = 1.0  # S
    tokens, features = torch.rand(1, 8, 6), torch.rand(1, 7)
    found = scores(tokens, features, rows).reshape(8, 5)
    hidden = torch.relu(scores.local(tokens[0]) + scores.context(features))
    expected = scores.score(hidden)
    assert torch.allclose(found[[0, 1, 7]], expected[3].expand(3, 5), atol=1e-6)
    assert torch.allclose(found[4], expected[5], atol=1e-6)
    assert (found[[2, 3, 5, 6]] == 0).all()


# --- rows that are not in use ---------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("views", VIEWS)
def test_without_neighbours_there_are_numbers_and_gradients(family: str, views: str) -> None:
    net = ActorCritic(family, SHAPES, replace(SMALL, views=views))
    zeros = {key: torch.zeros_like(x) for key, x in observe(2).items()}
    logits, values = net(zeros)
    (logits.sum() + values.sum()).backward()
    assert torch.isfinite(logits).all() and torch.isfinite(values).all()
    assert all(torch.isfinite(w.grad).all() for w in net.parameters() if w.grad is not None)
    assert (net.torso(zeros)[:, -N_SCORES:] == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("views", VIEWS)
def test_what_stands_in_an_unused_row_changes_nothing(family: str, views: str) -> None:
    torch.manual_seed(0)
    net = sharpened(ActorCritic(family, SHAPES, replace(SMALL, views=views)))
    seen = observe(16)
    unused = seen["neighbours"][:, :, 8] == 0
    assert unused.any(dim=1).all()
    rows = seen["neighbours"].clone()
    rows[:, :, 9:] += unused[:, :, None] * torch.rand(16, 8, rows.shape[2] - 9)
    for found, expected in zip(net({**seen, "neighbours": rows}), net(seen), strict=True):
        assert torch.allclose(found, expected, atol=1e-5)


def test_nobody_looks_at_an_unused_row_and_the_shares_add_up_to_one() -> None:
    torch.manual_seed(0)
    layer = TokenAttention(scalar_features=5, width=8, heads=2)
    used = torch.tensor([[True, False, True, True], [False] * 4, [False, True, False, False]])
    shares = layer.shares(torch.randn(3, 5), torch.randn(3, 4, 8) * used[:, :, None], used)
    assert shares.shape == (3, 2, 5, 4)
    assert (shares[:, :, :, ~used.any(dim=0)] == 0).all()
    assert (shares[0, :, :, 1] == 0).all() and (shares[1] == 0).all()
    assert torch.allclose(shares[0].sum(dim=2), torch.ones(2, 5), atol=1e-6)
    assert torch.allclose(shares[2, :, :, 1], torch.ones(2, 5), atol=1e-6)


def test_token_attention_is_the_softmax_of_sharpened_cosines() -> None:
    torch.manual_seed(0)
    layer = TokenAttention(scalar_features=5, width=8, heads=2)
    with torch.no_grad():
        layer.sharpness.copy_(torch.tensor([3.0, -2.0]))
    scalars, tokens, used = torch.randn(3, 5), torch.randn(3, 4, 8), torch.rand(3, 4) > 0.3
    used[:, 0] = True
    asking = torch.cat((layer.own_query(scalars)[:, None], layer.query(tokens)), dim=1)
    keys, values = layer.key(tokens), layer.value(tokens)
    mixed = []
    for head, sharpness in enumerate((3.0, -2.0)):
        part = slice(4 * head, 4 * head + 4)
        cosine = torch.cosine_similarity(asking[:, :, None, part], keys[:, None, :, part], dim=3)
        scores = (sharpness * cosine).masked_fill(~used[:, None], -torch.inf)
        shares = torch.softmax(scores, dim=2)
        assert torch.allclose(layer.shares(scalars, tokens, used)[:, head], shares, atol=1e-5)
        mixed.append(shares @ values[:, :, part])
    expected = layer.out(torch.cat(mixed, dim=2))
    assert torch.allclose(layer(scalars, tokens, used), expected, atol=1e-5)


def test_the_baseline_pools_the_rows_in_use_alone() -> None:
    tokens = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0]] * 3])
    used = torch.tensor([[True, True, False], [False] * 3])
    # mean (1 + 3) / 2 and (4 + 0) / 2; maximum 3 and 4
    assert pooled(tokens, used).tolist() == [[2.0, 2.0, 3.0, 4.0], [0.0] * 4]


def test_directions_become_rows_where_there_are_no_neighbours() -> None:
    scalars = torch.zeros(1, 16 + 88)
    scalars[0, 16 + 2 * 11 + 4] = 0.25  # E.strength
    rows = directions_as_rows(scalars, 11)
    assert rows.shape == (1, 8, 20)
    assert rows[0, 2].nonzero().flatten().tolist() == [2, 8, 9 + 4]  # direction E, in use, strength
    assert (rows[0, [0, 1, 3, 4, 5, 6, 7]] == 0).all()


# --- gates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shapes", [SHAPES, WITHOUT_NEIGHBOURS])
def test_a_gated_network_starts_as_one_without_views(family: str, shapes: Shapes) -> None:
    torch.manual_seed(0)
    net = sharpened(ActorCritic(family, shapes, replace(SMALL, views="gated")))
    seen = observe(8)
    other = {**seen, **{scale: observe(8, seed=1)[scale] for scale in SCALES}}
    assert torch.equal(net(seen)[0], net(other)[0])
    opened = ActorCritic(family, shapes, replace(SMALL, views="on"))
    assert not torch.allclose(opened(seen)[0], opened(other)[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gradient_reaches_the_gates_at_once_and_the_views_after_them(family: str) -> None:
    torch.manual_seed(0)
    net = sharpened(ActorCritic(family, SHAPES, SMALL))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    seen = observe(16)

    def still() -> set[str]:
        optimizer.zero_grad()
        logits, values = net(seen)
        (torch.log_softmax(logits, dim=1)[:, 3].mean() + values.square().mean()).backward()
        optimizer.step()
        found = net.named_parameters()
        return {name for name, w in found if w.grad is None or not w.grad.abs().max() > 0}

    closed = still()
    behind = ("branches", "fusion", "token_views")
    assert closed and all(any(part in name for part in behind) for name in closed)
    assert not any(name.endswith("gate") for name in closed)
    assert still() == set()


@pytest.mark.parametrize("family", FAMILIES)
def test_without_views_nothing_of_them_is_built_or_read(family: str) -> None:
    net = ActorCritic(family, {k: SHAPES[k] for k in ("scalars", "neighbours")}, LEAN)
    assert not any("branches" in name or "fusion" in name for name in net.state_dict())
    assert list(net.torso.shapes) == ["scalars", "neighbours"]
    seen = observe(3)
    del seen["global"], seen["local"], seen["tactical"]
    assert net(seen)[0].shape == (3, 45)
    assert list(ActorCritic(family, SHAPES, LEAN).state_dict()) == list(net.state_dict())


# --- sizes and settings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "preset", "views", "low", "high"),
    [
        ("attention", "classic", "gated", 1.0e6, 2.0e6),
        ("baseline", "classic", "gated", 1.0e6, 1.5e6),
        ("attention", "small", "gated", 0.2e6, 0.3e6),
        ("baseline", "small", "gated", 0.2e6, 0.3e6),
        ("attention", "small", "off", 25e3, 40e3),
        ("baseline", "small", "off", 25e3, 40e3),
        ("attention", "classic", "off", 40e3, 80e3),
        ("baseline", "classic", "off", 40e3, 80e3),
    ],
)
def test_the_second_version_keeps_the_budgets(
    family: str, preset: str, views: str, low: float, high: float
) -> None:
    shapes = CLASSIC_SHAPES if preset == "classic" else SHAPES
    config = TorsoConfig.preset(preset, shapes, views=views)
    assert config == TorsoConfig.from_dict(config.to_dict())
    assert low <= n_parameters(ActorCritic.on_meta(family, shapes, config)) <= high


def test_the_observation_decides_the_version_of_a_preset() -> None:
    assert TorsoConfig.preset("small", SHAPES).views == "off"
    assert TorsoConfig.preset("classic", SHAPES).views == "gated"
    assert TorsoConfig.preset("small", SHAPES).token_features > 0
    assert TorsoConfig.preset("small", WITHOUT_NEIGHBOURS) == TorsoConfig.preset("small")
    assert TorsoConfig.preset("small", WITHOUT_NEIGHBOURS, views="off").token_features > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_the_facts_of_a_neighbour_and_of_the_seat_change_its_scores(family: str) -> None:
    torch.manual_seed(0)
    net = sharpened(ActorCritic(family, SHAPES, LEAN))
    seen = observe(4)
    before = net.torso(seen)[:, -N_SCORES:]
    for key, column in (("neighbours", 12), ("scalars", 3)):
        changed = {k: x.clone() for k, x in seen.items()}
        changed[key][..., column] += 0.5
        assert not torch.allclose(net.torso(changed)[:, -N_SCORES:], before, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_of_a_batch_gets_the_same_logits_alone(family: str) -> None:
    torch.manual_seed(0)
    net = sharpened(ActorCritic(family, SHAPES, SMALL))
    seen = observe(64)
    with torch.inference_mode():
        logits, values = net(seen)
        alone, value = net({key: x[5:6] for key, x in seen.items()})
    assert torch.allclose(alone[0], logits[5], rtol=1e-4, atol=1e-5)
    assert torch.allclose(value[0], values[5], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_untrained_policy_has_one_wait_and_hardly_a_preference(family: str) -> None:
    torch.manual_seed(1)
    probabilities = torch.softmax(ActorCritic(family, SHAPES, SMALL)(observe(8))[0], dim=1)
    assert probabilities[:, 41:].max().item() < 1e-15
    assert probabilities[:, :41].min().item() > 0.5 / 41
    assert probabilities[:, :41].max().item() < 2 / 41


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": "closed"}, "views must be one of"),
        ({"token_features": -1}, "token_features must be an integer"),
        ({"token_features": 10, "token_heads": 4}, "multiple of token_heads"),
        ({"token_heads": 0}, "token_heads"),
    ],
)
def test_an_impossible_config_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TorsoConfig.from_dict({**SMALL.to_dict(), **change})


@pytest.mark.parametrize("shape", [(8,), (8, 9), (0, 20), (100, 20), (8, 3, 20)])
def test_unreadable_neighbours_are_refused_by_key(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="'neighbours' must be"):
        ActorCritic("attention", {**SHAPES, "neighbours": shape}, SMALL)


def test_tokens_need_neighbours_or_directions() -> None:
    with pytest.raises(ConfigError, match="tokens need"):
        ActorCritic("baseline", WITHOUT_NEIGHBOURS, replace(SMALL, direction_scalars=0))


def test_made_up_rows_hold_each_direction_at_most_once() -> None:
    rows = neighbours(50, torch.Generator().manual_seed(0))
    assert rows[:, :, :8].sum(dim=1).max().item() == 1.0
