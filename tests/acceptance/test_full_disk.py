"""`league start --detach` on a disk that is really full: a small tmpfs, which needs root."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.conftest import league, n_matches, report, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

SMALL = (
    "learners=[]",
    "rules.max_ticks=100",
    "maps.rate=['generated:plains:64x64:1']",
    "arena.n_workers=1",
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield place
    league("stop", "--league", str(place / "league"))
    unmount = ["umount", str(place)]  # the last processes leave within seconds
    wait_until(lambda: subprocess.run(unmount, check=False).returncode == 0, 20.0, "the unmounting")


def fill(place: Path) -> Path:
    """Write until not a byte more fits."""
    filler = place / "filler"
    for step in (1_000_000, 1):
        with suppress(OSError), filler.open("ab", buffering=0) as stream:
            while True:
                stream.write(b"\0" * step)
    return filler


def test_a_league_detached_on_a_full_disk_is_paused_says_what_it_needs_and_goes_on(
    disk: Path,
) -> None:
    root = disk / "league"
    sets = [part for text in SMALL for part in ("--set", text)]
    made = league("start", "--for", "1s", "--league", str(root), *sets)
    assert made.returncode == 0, made.stderr
    before = n_matches(root)
    filler = fill(disk)
    began = league("start", "--detach", "--league", str(root))
    assert began.returncode == 0, began.stderr
    assert int(began.stdout) > 0
    assert "paused: " in began.stderr and f" MB on {root}" in began.stderr, began.stderr
    said = league("status", "--league", str(root))
    assert said.returncode == 0
    assert "\npaused, disk full, needs " in said.stdout and f" MB on {root}" in said.stdout
    pause = json.loads(league("status", "--json", "--league", str(root)).stdout)["pause"]
    assert pause["kind"] == "disk_full" and 1 <= pause["needs_mb"] <= 32
    assert report(root)["pause"]["needs_mb"] == pause["needs_mb"]
    filler.unlink()
    wait_until(lambda: n_matches(root) > before, 120.0, "a match after the full disk")
    assert report(root)["pause"] is None
    stopped = league("stop", "--league", str(root))
    assert stopped.returncode == 0, stopped.stderr
    assert "Traceback" not in (root / "logs" / "daemon.out").read_text()
    assert "Traceback" not in (root / "logs" / "league.log").read_text()
