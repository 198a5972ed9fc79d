"""Measure every row of the calibration and print the table; `--write FILE` makes the page.

`python tests/calibration/run.py [--long] [--only WORD] [--write docs/statistics.md]`. Exit code 0:
all rows are what they must be; 1: some are not. Between the marks of the page stands the table;
whatever stands outside them is left as it is.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.calibration.harness import Effort, Measured, Row  # noqa: E402

BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"


def all_rows() -> list[Row]:
    """Return the rows of all files `rows_*.py` beside this one, in the order of the files."""
    rows: list[Row] = []
    for path in sorted(Path(__file__).parent.glob("rows_*.py")):
        rows += importlib.import_module(f"tests.calibration.{path.stem}").ROWS
    return rows


def measure(row: Row, effort: Effort) -> Measured:
    """Measure a row with a stream of its own, so that no row changes another."""
    return row.measure(effort, np.random.default_rng([20261125, zlib.crc32(row.name.encode())]))


def line(row: Row, found: Measured) -> str:
    """Return the row of the table."""
    value = f"{found.value:.4g}" + (f" +- {found.mc_error:.2g}" if found.mc_error else "")
    mark = "yes" if found.ok else "**NO**"
    cells = (row.name, row.printed, row.before, row.target, value, mark, found.detail)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(results: list[tuple[Row, Measured]], effort: Effort) -> str:
    """Return the table with the command that made it."""
    option = " --long" if effort == "long" else ""
    head = [
        f"Made by `python tests/calibration/run.py{option} --write docs/statistics.md`; the error",
        "behind a value is that of the simulation.",
        "",
        "| row | what is printed | before | must be | measured | holds | runs |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(line(row, found) for row, found in results)])


def write_page(path: Path, text: str) -> None:
    """Put the table between the marks of a page, which is made if it does not exist."""
    page = (
        path.read_text(encoding="utf-8") if path.exists() else f"# Statistics\n\n{BEGIN}\n{END}\n"
    )
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after or chr(10)}", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Measure every row of the calibration.")
    parser.add_argument("--long", action="store_true", help="as many runs as the claims need")
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose name holds WORD")
    parser.add_argument("--write", type=Path, metavar="FILE", help="page to put the table in")
    given = parser.parse_args(arguments)
    effort: Effort = "long" if given.long else "fast"
    results = []
    for row in all_rows():
        if given.only in row.name:
            started = time.monotonic()
            results.append((row, measure(row, effort)))
            sys.stdout.write(f"{line(*results[-1])} {time.monotonic() - started:.1f} s\n")
            sys.stdout.flush()
    if given.write:
        write_page(given.write, table(results, effort))
    n_bad = sum(not found.ok for _, found in results)
    sys.stdout.write(f"{len(results) - n_bad} of {len(results)} rows are what they must be\n")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
