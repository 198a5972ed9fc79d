"""The chaos program itself: what it says where it cannot do what it is asked for."""

from __future__ import annotations

import pytest

from tests.acceptance import chaos
from tests.db import postgresql_server


def test_without_server_programs_nothing_is_tried_and_the_exit_code_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgresql_server, "programs", lambda: None)
    assert chaos.main(["--postgres"]) == 77
    said = capsys.readouterr().out
    assert said.startswith("skipped: no PostgreSQL server (initdb, postgres, pg_ctl) is installed")
