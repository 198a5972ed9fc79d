"""Break the lines that keep the promises, one at a time, and see a test fail for each.

`python tests/breaks.py [WORD]` copies the project into a temporary folder, makes one change per
row of tests/breaks.toml there, runs that row's test and reports which breaks passed unnoticed.
Only rows whose name holds WORD are tried. Exit code 0: every break was caught; 1: some were not, or
a row's line has changed and the row must follow it. docs/promises.md is the list for people.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Break(NamedTuple):
    """One change: in `file`, `old` (which occurs once) becomes `new`; `test` must fail."""

    name: str
    file: str
    old: str
    new: str
    test: str


BREAKS = [
    Break(**row)
    for row in tomllib.loads((ROOT / "tests/breaks.toml").read_text(encoding="utf-8"))["break"]
]


def try_break(row: Break, copy: Path) -> str | None:
    """Make one change in the copy and run its test; returns what is wrong, or None."""
    path = copy / row.file
    before = path.read_text(encoding="utf-8")
    if before.count(row.old) != 1:
        return f"{row.file} holds the old text {before.count(row.old)} times, expected once"
    path.write_text(before.replace(row.old, row.new), encoding="utf-8")
    try:
        found = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", row.test],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(before, encoding="utf-8")
    if found.returncode == 1:  # tests ran, and one failed
        return None
    if found.returncode == 0:
        return f"no test of {row.test} failed"
    return f"{row.test} could not run: {(found.stdout + found.stderr)[-400:]}"


def main(words: list[str]) -> int:
    """Try all breaks, or those whose name holds a word."""
    chosen = [row for row in BREAKS if all(word in row.name for word in words)]
    n_missed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "league-data*")
        shutil.copytree(ROOT, copy, ignore=ignored)
        for row in chosen:
            trouble = try_break(row, copy)
            n_missed += trouble is not None
            sys.stdout.write(f"{'caught' if trouble is None else 'MISSED'}  {row.name}\n")
            if trouble is not None:
                sys.stdout.write(f"        {trouble}\n")
    sys.stdout.write(f"{len(chosen) - n_missed} of {len(chosen)} breaks were caught\n")
    return 1 if n_missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
