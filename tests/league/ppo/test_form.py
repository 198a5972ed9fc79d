"""Compiled or not, channels last or first: chosen by probes, and never another gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from gymnasium import spaces
from torch import Tensor, nn

from league.ppo import form as forms
from league.ppo.algorithm import LeaguePPO
from league.ppo.form import Form, choose_form, like_parameters, set_layout
from league.ppo.precision import Probe
from tests.league.ppo.learner_toys import ToyEnv, learner

CPU = torch.device("cpu")


def _choose(ppo: LeaguePPO, asked: Any, **changes: Any) -> Form:
    space = ppo.observation_space
    assert isinstance(space, spaces.Dict)
    values = {"n_rows": 32, "in_bfloat16": False} | changes
    return choose_form(asked, ppo._evaluate, ppo.policy, space, CPU, **values)


@pytest.fixture
def ppo() -> LeaguePPO:
    return learner(ToyEnv())


def test_on_a_cpu_nothing_is_compiled_unless_it_is_asked_for(ppo: LeaguePPO) -> None:
    assert ppo.form.compiled is None
    assert ppo.form.said[0] == "update not compiled: not tried on cpu"
    assert _choose(ppo, "off").said[0] == "update not compiled: learner.compile is off"
    hooked = _choose(ppo, "on", has_hooks=True)
    assert hooked.compiled is None and "learner.survival_coef" in hooked.said[0]


def test_without_a_compiler_it_says_what_is_missing(
    ppo: LeaguePPO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms.shutil, "which", lambda name: None)
    assert _choose(ppo, "on").said[0] == "update not compiled: no C++ compiler"


def _fake_compile(
    calls: list[int], change: Callable[[Tensor], Tensor] = lambda x: x
) -> Callable[..., Any]:
    def compile_(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        def compiled(*arguments: Any) -> Any:
            calls.append(len(arguments[-1]))
            log_probs, values = function(*arguments)
            return change(log_probs), values

        return compiled

    return compile_


def test_whole_passes_of_an_update_go_through_the_compiled_code_and_no_others(
    ppo: LeaguePPO, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(torch, "compile", _fake_compile(calls))
    ppo.form = _choose(ppo, "on")
    assert ppo.form.compiled is not None and "compiled: " in ppo.form.said[0]
    calls.clear()
    ppo.collect()
    assert calls == []
    n = ppo.rollout_buffer.size()
    ppo.train()
    assert calls == [32] * (2 * (n // 32))  # two epochs; what is left of a rollout is not compiled


def test_compiled_code_learns_what_the_other_does(
    ppo: LeaguePPO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", _fake_compile([]))
    other = learner(ToyEnv())
    other.form = _choose(other, "on")
    assert other.form.compiled is not None
    for each in (ppo, other):
        each.update()
    for a, b in zip(ppo.policy.parameters(), other.policy.parameters(), strict=True):
        assert torch.equal(a, b)


def test_another_gradient_a_slower_code_and_an_error_are_refused(
    ppo: LeaguePPO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", _fake_compile([], lambda x: -x))
    found = _choose(ppo, "on")
    assert found.compiled is None and "cosine of the gradients" in found.said[0]

    def broken(function: object, **options: object) -> Any:
        raise ImportError("no Python.h\nin any place")

    monkeypatch.setattr(torch, "compile", broken)
    found = _choose(ppo, "on")
    assert found.compiled is None
    assert found.said[0] == "update not compiled: ImportError: no Python.h"

    monkeypatch.setattr(torch, "compile", _fake_compile([]))
    for asked, gain, is_taken in (("auto", 1.05, False), ("auto", 1.2, True), ("on", 0.9, True)):
        compiled, _ = forms._probe_compiled(
            asked,  # type: ignore[arg-type]
            ppo._evaluate,
            lambda made, gain=gain: Probe(gain, 1.0),
        )
        assert (compiled is not None) is is_taken


def test_the_order_of_channels_changes_no_weight_and_no_gradient() -> None:
    ppo, last = learner(ToyEnv()), learner(ToyEnv())
    set_layout(last.policy, True)
    convolutions = [p for p in last.policy.parameters() if p.dim() == 4]
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in convolutions)
    ppo.collect()
    seen = ppo.rollout_buffer.samples(torch.arange(32))
    found = [each.evaluate(seen.observations, seen.action_masks) for each in (ppo, last)]
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    for log_probs, values in found:
        torch.autograd.backward(log_probs[:, 0].mean() + values.square().mean())
    for a, b in zip(ppo.policy.parameters(), last.policy.parameters(), strict=True):
        if a.grad is not None:
            torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-5)
    last.policy.optimizer.step()
    set_layout(last.policy, False)
    assert all(p.is_contiguous() for p in last.policy.parameters())


def test_an_optimizer_takes_the_order_of_its_parameters() -> None:
    weight = nn.Parameter(torch.rand(4, 3, 2, 2).contiguous(memory_format=torch.channels_last))
    optimizer = torch.optim.Adam([weight], fused=True)
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    known = {name: value.clone() for name, value in optimizer.state[weight].items()}
    for name, value in known.items():
        optimizer.state[weight][name] = value.contiguous()  # as a checkpoint holds it
    like_parameters(optimizer)
    for name, value in optimizer.state[weight].items():
        assert torch.equal(value, known[name]) and value.stride() == known[name].stride()


def test_channels_last_is_taken_where_a_probe_finds_it_faster(
    ppo: LeaguePPO, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = spaces.Dict({"local": spaces.Box(0, 255, (3, 64, 64), "uint8")})

    class Cuda:
        type = "cuda"

    for gain, cosine, is_last in ((1.5, 1.0, True), (1.0, 1.0, False), (1.5, 0.9, False)):
        found = Probe(gain, cosine)
        probe = lambda *a, found=found, **k: found  # noqa: E731
        monkeypatch.setattr(forms, "probe", probe)
        sentence = forms._choose_layout(ppo._evaluate, ppo.policy, space, Cuda())  # type: ignore[arg-type]
        assert sentence.startswith("channels last" if is_last else "channels first")
        for parameter in ppo.policy.parameters():
            if parameter.dim() == 4 and parameter.shape[1] > 1 and parameter.shape[2] > 1:
                last = parameter.is_contiguous(memory_format=torch.channels_last)
                assert last is is_last
