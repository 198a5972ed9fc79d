"""A stranger's first minutes: the commands of docs/first-ten-minutes.md, timed in a fresh clone.

    python tests/bench/first_minutes.py FOLDER [--for 5m] [--from REPOSITORY]

FOLDER must not exist. The program clones the repository into it, runs the page's commands one after
the other with a home of their own (so that nothing compiled is found), and prints a row of the
page's table for each: what it took as a user waits, the processor time, the load of the machine
before. What each command printed is in FOLDER/said/, by number. Nothing of it needs a terminal;
where the page says what a terminal shows, that is to be looked at.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "make .venv/.installed",
    "make league FOR={run}",
    ".venv/bin/league status",
    ".venv/bin/league report --next",
    ".venv/bin/league watch --once",
    ".venv/bin/league report --html report.html",
    ".venv/bin/league replay show 1 --html match.html",
    ".venv/bin/league pit attention-0001 scripted:tribe --matches 20",
    ".venv/bin/league config learner.n_matches",
    ".venv/bin/league doctor",
)


def run(command: str, folder: Path, said: Path, environment: dict[str, str]) -> str:
    """Run a command and return its row of the table."""
    load = os.getloadavg()[0]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    with said.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    waited = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
    code = "" if done.returncode == 0 else f", exit code {done.returncode}"
    return (
        f"| `{command}` | {waited:.0f} s | {spent:.0f} s | {load:.1f} | {len(lines)} lines{code} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Time a stranger's first ten minutes.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--for", dest="run", default="5m", help="how long the league runs")
    parser.add_argument("--from", dest="source", default=str(ROOT), help="repository to clone")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    said = options.folder / "said"
    said.mkdir()
    home = options.folder / "home"
    home.mkdir()
    clone = options.folder / "clone"
    subprocess.run(["git", "clone", "--quiet", options.source, str(clone)], check=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "LEAGUE", "NUMBA", "OMP", "VIRTUAL_ENV"))
    } | {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    print("| command | waited | processor | load before | said |", flush=True)
    print("|---|---|---|---|---|", flush=True)
    for number, command in enumerate(COMMANDS):
        text = command.format(run=options.run)
        print(run(text, clone, said / f"{number}.txt", environment), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
