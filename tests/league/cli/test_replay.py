"""Progress of `league replay`: silent when it is quick, and the time left is measured."""

from __future__ import annotations

import time

import pytest

from league.cli import replay


def test_progress_is_silent_for_a_second_and_then_says_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with replay._progress("drawing") as report:
        report(10, 100)  # the first counts from here: what was before it was something else
        now += 0.9
        report(19, 100)
        assert capsys.readouterr().err == ""
        now += 1.1
        report(30, 100)
        # 20 in 2.0 s: 70 more take 7 s
        assert capsys.readouterr().err == "drawing: 30 of 100, 7 s left\n"
        now += 5
        report(60, 100)
        assert capsys.readouterr().err == ""  # on a pipe a line every fifteen seconds
