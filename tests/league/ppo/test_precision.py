"""The precision of a learner: by setting, or by a probe on this machine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from league.ppo import precision
from league.ppo.precision import Probe, autocast, chooses_bfloat16, is_worth_probing, probe

CPU = torch.device("cpu")


def space(side: int) -> spaces.Dict:
    return spaces.Dict(
        {
            "view": spaces.Box(0, 255, (2, side, side), np.uint8),
            "scalars": spaces.Box(-1.0, 1.0, (5,), np.float32),
        }
    )


class Policy(nn.Module):
    """A convolution with BatchNorm, which has running means to spoil."""

    action_space = spaces.Discrete(7)

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.dtype] = []
        self.convolution = nn.Conv2d(2, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.LazyLinear(8)

    def evaluate(self, in_bfloat16, rows, masks):
        with autocast(CPU, in_bfloat16):
            x = self.convolution(rows["view"].float() / 255.0)
            self.seen.append(x.dtype)
            out = self.head(self.norm(x).relu().flatten(1))
        return out[:, :7].float(), out[:, 7].float()


@pytest.fixture()
def policy() -> Policy:
    torch.manual_seed(0)
    policy = Policy()
    policy.evaluate(False, {"view": torch.zeros(2, 2, 8, 8, dtype=torch.uint8)}, None)
    policy.seen.clear()
    return policy


def test_a_probe_compares_both_precisions_and_leaves_the_policy_as_it_was(policy: Policy) -> None:
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    found = probe(policy.evaluate, policy, space(8), CPU)
    assert found.gain > 0.0
    assert found.cosine > 0.99  # one network, one batch, two precisions
    assert set(policy.seen) == {torch.float32, torch.bfloat16}
    assert all(parameter.grad is None for parameter in policy.parameters())
    for name, value in policy.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    ("gain", "cosine", "pays"),
    [(1.48, 0.9999, True), (1.1, 0.9999, False), (0.8, 0.9999, False), (2.0, 0.98, False)],
)
def test_bfloat16_pays_when_it_is_faster_and_points_the_same_way(
    gain: float, cosine: float, pays: bool
) -> None:
    assert Probe(gain, cosine).pays is pays


def test_only_large_views_on_a_device_with_a_unit_are_probed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "can_bfloat16", lambda device: True)
    assert is_worth_probing(space(64), CPU)
    assert not is_worth_probing(space(32), CPU)
    assert not is_worth_probing(spaces.Dict({"scalars": space(8)["scalars"]}), CPU)
    monkeypatch.setattr(precision, "can_bfloat16", lambda device: False)
    assert not is_worth_probing(space(64), CPU)


@pytest.mark.parametrize("pays", [True, False])
def test_auto_does_as_the_probe_finds_and_says_so(
    pays: bool, policy: Policy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(precision, "can_bfloat16", lambda device: True)
    monkeypatch.setattr(precision, "probe", lambda *_: Probe(1.5 if pays else 0.8, 0.9999))
    with caplog.at_level("INFO", logger=precision.__name__):
        assert chooses_bfloat16("auto", policy.evaluate, policy, space(64), CPU) is pays
    assert ("training in bfloat16" in caplog.text) is pays


def test_a_setting_is_obeyed_with_a_warning_where_it_is_slow(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(precision, "can_bfloat16", lambda device: False)
    assert chooses_bfloat16("bfloat16", policy.evaluate, policy, space(8), CPU)
    assert "slower" in caplog.text
    assert not chooses_bfloat16("float32", policy.evaluate, policy, space(64), CPU)
