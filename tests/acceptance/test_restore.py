"""A backup of a running league, restored and started, as a user does it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import end, league, n_matches, start, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]


def test_a_league_restored_from_a_backup_made_while_it_ran_goes_on(
    running: Any, tmp_path: Path
) -> None:
    process, root = running
    wait_until(lambda: n_matches(root) >= 4, 300, "rated matches")
    copy, restored = tmp_path / "copy", tmp_path / "restored"
    made = league("backup", str(copy), "--league", str(root))
    assert made.returncode == 0 and made.stdout.strip() == str(copy) and "replays" in made.stderr
    process.kill()

    done = league("restore", str(copy), "--league", str(restored))
    assert done.returncode == 0, done.stderr
    before = n_matches(restored)
    assert before >= 4
    again = start(restored)
    try:
        wait_until(lambda: n_matches(restored) > before, 300, "more rated matches")
        again.send_signal(signal.SIGTERM)
        assert again.wait(60) == 0
    finally:
        end(again)
    checked = league("doctor", "--json", "--league", str(restored))
    assert checked.returncode == 0, json.loads(checked.stdout)["findings"]
    assert len(list((restored / "replays").iterdir())) >= n_matches(restored)
