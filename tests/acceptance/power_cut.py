"""Cut the power of a running league, again and again, and look at what is left. Needs root.

`python tests/acceptance/power_cut.py [--cuts N] [--seed S] [--start-every K]` runs a league without
learners on an ext4 file system in an image file, mounted through a loop device. For each cut the
league's processes are stopped for an instant (so that the copy is of one moment: it is repeated
if the device was written to meanwhile), the image is copied, and they go on. The copy holds what
the disk would hold: what was not synced, or written back by then, is not in it. It is mounted,
which replays the file system's journal as after a power cut, and checked:

* `league.toml` is what it was, and SQLite finds no damage;
* every finished match has its whole replay and is rated exactly once; the newest replays lead to
  their results;
* matches that the running league showed as finished `BOUND_S` before the cut are all there;
* the checks of `league doctor` find nothing, and every tenth time the league starts and goes on.

One line per cut; exit code 1 if anything is wrong, 77 where loop devices cannot be mounted.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from arena.errors import ReplayError
from arena.replay import read_replay, verify
from arena.territory.maps import load_map
from league.folder.doctor import examine
from league.folder.layout import LeagueFolder

BOUND_S = 3.0  # as the README says: what was shown before that is on the disk
IMAGE_MB = 1536  # sparse; the doctor wants some free space
N_VERIFIED = 8  # of the newest matches, played back to their end
EXIT_SKIPPED = 77
SETTINGS = (
    "rules.max_ticks=200",
    "maps.train=['generated:continents:64x64:0-3']",
    "maps.rate=['generated:continents:64x64:100-101']",
    "learners=[]",
)


def league(*arguments: str) -> list[str]:
    """Return the command line of a `league` command."""
    return [sys.executable, "-m", "league.cli", *arguments]


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    """Mount an image through a loop device; yield where it is mounted."""
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True, capture_output=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def written(at: Path) -> list[str]:
    """Return what the kernel counts of writes to the device mounted at a folder."""
    device = at.stat().st_dev
    text = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text()
    fields = text.split()
    return [*fields[4:7], fields[8]]  # writes completed, merged, sectors; requests in flight


def copy_of_one_moment(group: int, at: Path, image: Path, copy: Path) -> None:
    """Copy the image while the processes of a group stand still and nothing is written."""
    for _ in range(50):
        os.killpg(group, signal.SIGSTOP)
        try:
            before = written(at)
            subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
            if written(at) == before and before[-1] == "0":
                return
        finally:
            os.killpg(group, signal.SIGCONT)
        time.sleep(0.05)
    raise SystemExit("the device was written to during every copy: try again on a quieter machine")


def finished(database: Path) -> dict[int, str]:
    """Return the finished matches with the names of their replays."""
    with closing(sqlite3.connect(database, timeout=20.0)) as connection:
        return dict(
            connection.execute("select id, replay_path from matches where status = 'finished'")
        )


def problems_of(root: Path, toml: bytes, shown: set[int]) -> tuple[list[str], int]:
    """Return what is wrong with a league after a power cut, and how many matches it holds."""
    found = [] if (root / "league.toml").read_bytes() == toml else ["league.toml has changed"]
    replays = finished(root / "league.db")
    if lost := shown - set(replays):
        found.append(f"{len(lost)} matches shown {BOUND_S:g} s before the cut are lost")
    for match_id, path in replays.items():
        try:
            replay = read_replay(root / path)
            if match_id > max(replays) - N_VERIFIED:
                verify(replay, lambda reference: load_map(reference, base=root))
        except ReplayError as error:
            found.append(f"match {match_id}: {error}")
    with closing(sqlite3.connect(root / "league.db")) as connection:
        (answer,) = connection.execute("pragma integrity_check").fetchone()
        (unrated,) = connection.execute(
            "select count(*) from seats s join matches m on m.id = s.match_id "
            "where m.status = 'finished' and s.rated and (select count(*) from ratings r "
            "where r.match_id = m.id and r.member_id = s.member_id) != 1"
        ).fetchone()
    if answer != "ok":
        found.append(f"SQLite: {answer}")
    if unrated:
        found.append(f"{unrated} seats are not rated exactly once")
    found += [finding.text for finding in examine(LeagueFolder(root)) if finding.is_wrong]
    return found, len(replays)


def goes_on(root: Path) -> list[str]:
    """Start what is left for a minute, of which busy workers take half; return what is wrong."""
    before = len(finished(root / "league.db"))
    done = subprocess.run(
        league("start", "--for", "60s", "--league", str(root)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return [f"start: exit code {done.returncode}: {done.stderr.strip()[-300:]}"]
    return [] if len(finished(root / "league.db")) > before else ["start: no match was finished"]


def cut_power(work: Path, n_cuts: int, start_every: int, rng: random.Random) -> int:
    """Run the league and cut; return how many cuts left something wrong."""
    image, copy = work / "disk.img", work / "copy.img"
    subprocess.run(["truncate", "-s", f"{IMAGE_MB}M", str(image)], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    n_wrong = n_late = 0
    with mounted(image, work / "disk") as disk:
        root = disk / "league"
        options = [part for text in SETTINGS for part in ("--set", text)]
        with (work / "daemon.txt").open("wb") as output:
            daemon = subprocess.Popen(
                league("start", "--league", str(root), *options),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            ends = time.monotonic() + 300
            while not (root / "league.db").is_file() or not any((root / "replays").iterdir()):
                if daemon.poll() is not None or time.monotonic() > ends:
                    raise SystemExit((work / "daemon.txt").read_text())
                time.sleep(0.2)
            toml = (root / "league.toml").read_bytes()
            for cut in range(n_cuts):
                time.sleep(rng.uniform(0.0, 2.0))
                shown = set(finished(root / "league.db"))
                time.sleep(BOUND_S)
                copy_of_one_moment(daemon.pid, disk, image, copy)
                at_cut = len(finished(root / "league.db"))
                with mounted(copy, work / "after") as after:
                    left = after / "league"
                    found, n = problems_of(left, toml, shown)
                    if (cut + 1) % start_every == 0 and not found:
                        found += goes_on(left)
                n_wrong += bool(found)
                n_late += max(at_cut - n, 0)
                words = "; ".join(found) if found else "whole"
                sys.stdout.write(f"cut {cut + 1}: {n} of {at_cut} matches left, {words}\n")
                sys.stdout.flush()
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait(60)
    sys.stdout.write(
        f"{n_cuts} power cuts, {n_wrong} with damage; {n_late} matches younger than {BOUND_S:g} s "
        "(those of the check's own time included) were not on the disk\n"
    )
    return n_wrong


def main() -> int:
    """Parse the command line, cut, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=10, help="number of power cuts [10]")
    parser.add_argument("--seed", type=int, default=1, help="of the moments [1]")
    parser.add_argument("--start-every", type=int, default=10, help="cuts until a start [10]")
    chosen = parser.parse_args()
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        sys.stdout.write("skipped: needs Linux, root and mkfs.ext4\n")
        return EXIT_SKIPPED
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # unmounts on its way out
    with tempfile.TemporaryDirectory(prefix="league-power-cut-") as folder:
        try:
            rng = random.Random(chosen.seed)
            return 1 if cut_power(Path(folder), chosen.cuts, chosen.start_every, rng) else 0
        except subprocess.CalledProcessError as error:
            if error.cmd[0] != "mount":
                raise
            sys.stdout.write(f"skipped: no loop device can be mounted: {error.stderr!r}\n")
            return EXIT_SKIPPED


if __name__ == "__main__":
    sys.exit(main())
