"""`league bridge`: what it says and its exit codes, without Node and without a checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from league.cli.main import main
from tests.schemas import fits


def test_check_lists_what_lacks_and_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["bridge", "check", "--engine", str(tmp_path)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("checkout  MISSING  expected a checkout of OpenFrontIO at ")
    assert lines[1].startswith("node      MISSING  expected Node.js 20 or newer as `node`")
    assert lines[2] == "packages  -        not looked at, because of the above"
    assert main(["bridge", "check", "--engine", str(tmp_path), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    fits(document)
    assert [each["ok"] for each in document["findings"]] == [False, False, None, None]


def test_the_checkout_is_named_by_an_option_or_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEAGUE_OPENFRONT", raising=False)
    assert main(["bridge", "check"]) == 2
    assert "--engine" in capsys.readouterr().err
    monkeypatch.setenv("LEAGUE_OPENFRONT", str(tmp_path / "elsewhere"))
    assert main(["bridge", "check"]) == 2
    assert "elsewhere" in capsys.readouterr().out
