"""Run a league of many members at its highest match rate, and measure what grows.

    PYTHONPATH=. python tests/acceptance/endurance.py [--minutes 30] [--members 200]

Small maps, short matches, scripted members and no learners: the rate is bounded by the daemon, its
database and its replays, not by the game. Every five seconds the memory of each process is read
(USS: what would be free if the process ended). At the end: matches,
memory slope of each process by least squares without its first minutes, bytes
per match in the database, and what `league doctor` says. One line of totals is appended to
--log. Exit code: 0 the books are right, 1 they are not; pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
import sqlalchemy

from db.session import open_reader, read_transaction
from league.folder.doctor import examine
from league.folder.layout import LeagueFolder
from league.members.entry import add_member

SETTINGS = (
    "rules.max_ticks=60",
    "maps.train=['generated:plains:32x32:0-3']",
    "maps.rate=['generated:plains:32x32:100-103']",
    "arena.n_workers=2",
    "learners=[]",
)
SCRIPTS = ("idle", "random", "tribe", "expander", "turtle", "opportunist")
EVERY_S = 5.0
SETTLING_H = 3.0 / 60.0  # the beginning of each process that is left out of its slope
Samples = dict[str, list[tuple[float, float]]]


def start(folder: LeagueFolder, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the daemon of a league; its words go to a file beside the folder."""
    with (folder.root.parent / "output.txt").open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "league.cli", "start", "--league", str(folder.root), *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
        )


def make(folder: LeagueFolder, n_members: int) -> None:
    """Make a league by a first start, and add scripted members until it has `n_members`."""
    sets = [part for text in SETTINGS for part in ("--set", text)]
    if start(folder, *sets, "--for", "5s").wait() != 0:
        raise SystemExit("the first start failed; its words are in output.txt")
    present = int(query(folder, "SELECT count(*) FROM members")[0][0])
    for number in range(max(0, n_members - present)):
        script = SCRIPTS[number % len(SCRIPTS)]
        add_member(folder, f"scripted:{script}", f"{script}-{number:03}")


def query(folder: LeagueFolder, statement: str) -> list[tuple[float, ...]]:
    """Return the rows of a query over a read-only connection."""
    engine = open_reader(folder.sqlite)
    try:
        with read_transaction(engine) as session:
            return [tuple(row) for row in session.execute(sqlalchemy.text(statement))]
    finally:
        engine.dispose()


def watch(daemon: subprocess.Popen[bytes], began: float) -> Samples:
    """Return (hours, MB) by process, read until the daemon ends."""
    samples: Samples = defaultdict(list)
    while daemon.poll() is None:
        hours = (time.monotonic() - began) / 3600.0
        try:
            parent = psutil.Process(daemon.pid)
            processes = [parent, *parent.children(recursive=True)]
        except psutil.Error:
            break
        for number, process in enumerate(processes):
            try:
                uss = process.memory_full_info().uss / 1e6
                name = "daemon" if number == 0 else f"child {process.pid}"
                samples[name].append((hours, uss))
            except psutil.Error:
                continue
        time.sleep(EVERY_S)
    return samples


def slope(points: list[tuple[float, float]]) -> str:
    """Return first, last and MB/h of one process, of the settled part of its life alone."""
    settled = [(at, mb) for at, mb in points if mb > 0.0 and at >= points[0][0] + SETTLING_H]
    if len(settled) < 10:
        return f"{len(points)} samples: too few for a slope"
    at, mb = np.array(settled).T
    per_hour, _ = np.polyfit(at, mb, 1)
    return f"{mb[0]:.1f} MB -> {mb[-1]:.1f} MB, {per_hour:+.1f} MB/h"


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description="Run a league of many members for long.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--log", type=Path, help="file to which the line of totals is appended")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="league-endurance-"))
    folder = LeagueFolder.at(place / "league")
    try:
        make(folder, options.members)
        before = int(query(folder, "SELECT count(*) FROM matches WHERE status='finished'")[0][0])
        bytes_before = database_bytes(folder)
        began = time.monotonic()
        daemon = start(folder, "--for", f"{options.minutes * 60:.0f}s")
        samples = watch(daemon, began)
        code = daemon.wait()
        seconds = time.monotonic() - began
        lines = report(folder, samples, seconds, before, bytes_before)
        findings = examine(folder)
        wrong = [finding.text for finding in findings if finding.is_wrong]
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print("\n".join(lines))
    for text in wrong:
        print(f"WRONG  {text}")
    print(f"daemon ended with {code}; doctor: {len(wrong)} wrong of {len(findings)}")
    if options.log is not None:
        with options.log.open("a", encoding="utf-8") as stream:
            stream.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {'; '.join(lines)}\n")
    return int(bool(wrong) or code != 0)


def database_bytes(folder: LeagueFolder) -> int:
    """Return the size of the database's files."""
    return sum(path.stat().st_size for path in folder.root.glob("league.db*"))


def report(
    folder: LeagueFolder, samples: Samples, seconds: float, before: int, bytes_before: int
) -> list[str]:
    """Return the facts of a run, a line each."""
    n = int(query(folder, "SELECT count(*) FROM matches WHERE status='finished'")[0][0]) - before
    members = int(query(folder, "SELECT count(*) FROM members WHERE status='active'")[0][0])
    twice = query(
        folder,
        "SELECT count(*) FROM (SELECT 1 FROM ratings WHERE match_id IS NOT NULL "
        "GROUP BY match_id, member_id HAVING count(*) > 1)",
    )[0][0]
    grown = database_bytes(folder) - bytes_before
    lines = [
        f"{members} members, {n} matches in {seconds:.0f} s ({n / seconds:.1f} matches/s)",
        f"{twice:.0f} rated twice, {grown / max(n, 1) / 1000:.2f} kB of database a match",
    ]
    for name, points in sorted(samples.items()):
        lines.append(f"{name}: {slope(points)}")
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
