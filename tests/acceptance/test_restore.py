"""A backup of a running league, restored and started, as a user does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import league, quick_settings, report, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]


def test_a_league_restored_from_a_backup_made_while_it_ran_goes_on(
    running: Any, tmp_path: Path
) -> None:
    process, root = running
    wait_until(lambda: (root / "league.db").exists() and process.poll() is None, 180, "a database")
    wait_until(lambda: report(root)["matches"] >= 4, 300, "rated matches")
    copy, restored = tmp_path / "copy", tmp_path / "restored"
    made = league("backup", str(copy), "--league", str(root))
    assert made.returncode == 0 and made.stdout.strip() == str(copy) and "replays" in made.stderr
    process.kill()

    done = league("restore", str(copy), "--league", str(restored))
    assert done.returncode == 0, done.stderr
    n_matches = report(restored)["matches"]
    assert n_matches >= 4
    again = league("start", "--for", "15s", "--league", str(restored), *quick_settings())
    assert again.returncode == 0, again.stderr
    assert report(restored)["matches"] > n_matches
    checked = league("doctor", "--json", "--league", str(restored))
    assert checked.returncode == 0, json.loads(checked.stdout)["findings"]
    assert len(list((restored / "replays").iterdir())) >= report(restored)["matches"]
