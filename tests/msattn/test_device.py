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
    right = torch.baddbmm
    n_calls, wrong_from = 0, 10_000

    def baddbmm(*args: torch.Tensor) -> torch.Tensor:
        nonlocal n_calls
        n_calls += 1
        return right(*args) * (1.5 if n_calls > wrong_from else 1.0)

    monkeypatch.setattr(torch, "baddbmm", baddbmm)
    assert subject.disagreement(torch.device("cpu")) is None
    assert n_calls > 0
    # The reference pass makes the first half of the calls, the device's pass the second.
    n_calls, wrong_from = 0, n_calls // 2
    assert "is off by" in (subject.disagreement(torch.device("cpu")) or "")
