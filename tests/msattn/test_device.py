"""The choice of a device, and the check that refuses one that computes wrongly."""

from __future__ import annotations

import pytest
import torch

from msattn import device as subject
from msattn.errors import DeviceError


def present(*kinds: str):
    return lambda kind: kind in kinds


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [(("cpu",), "cpu"), (("cpu", "mps"), "mps"), (("cpu", "mps", "cuda"), "cuda")],
)
def test_auto_prefers_cuda_then_mps_then_cpu(
    monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], expected: str
) -> None:
    monkeypatch.setattr(subject, "_is_there", present(*kinds))
    monkeypatch.setattr(subject, "disagreement", lambda device: None)
    assert subject.choose_device("auto").type == expected


def test_a_wrong_mps_is_passed_over_by_auto_and_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject, "_is_there", present("cpu", "mps"))
    monkeypatch.setattr(subject, "disagreement", lambda device: "logits on mps are off")
    assert subject.choose_device("auto").type == "cpu"
    with pytest.raises(DeviceError, match="logits on mps are off"):
        subject.choose_device("mps")


def test_an_absent_or_unknown_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_is_there", present("cpu"))
    with pytest.raises(DeviceError, match="'cuda' was asked for"):
        subject.choose_device("cuda")
    with pytest.raises(DeviceError, match="'tpu'"):
        subject.choose_device("tpu")


def test_the_cpu_agrees_with_itself_and_random_streams_stay() -> None:
    before = torch.random.get_rng_state()
    assert subject.disagreement(torch.device("cpu")) is None
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_device_with_a_wrong_kernel_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch.nn.functional.scaled_dot_product_attention
    calls = []

    def wrong_the_second_time(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return right(q, k, v) * (1.0 if len(calls) == 1 else 1.5)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", wrong_the_second_time)
    assert "is off by" in (subject.disagreement(torch.device("cpu")) or "")
