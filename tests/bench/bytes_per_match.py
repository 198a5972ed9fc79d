"""Say what takes the room in a league's SQLite database, in bytes per finished match.

    PYTHONPATH=. python tests/bench/bytes_per_match.py league-data

Reads the table `dbstat`, which SQLite has where it was compiled with it. `pages` are the bytes of
whole pages, `payload` what the rows in them hold.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from contextlib import closing
from pathlib import Path


def main() -> int:
    """Print a table, largest first; exit code 1 where nothing can be said."""
    parser = argparse.ArgumentParser(description="Bytes per finished match, by table and index.")
    parser.add_argument("league", type=Path, help="a league's folder")
    path = parser.parse_args().league / "league.db"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        finished = "SELECT count(*) FROM matches WHERE status = 'finished'"
        (n,) = connection.execute(finished).fetchone()
        try:
            rows = connection.execute(
                "SELECT name, sum(pgsize), sum(payload) FROM dbstat GROUP BY name ORDER BY 2 DESC"
            ).fetchall()
        except sqlite3.OperationalError as error:
            sys.stderr.write(f"this SQLite has no dbstat: {error}\n")
            return 1
    if not n:
        sys.stderr.write(f"{path}: no match is finished\n")
        return 1
    print(f"{'table or index':<44} pages  payload   (bytes per match, {n} matches)")
    for name, pages, payload in rows:
        if pages / n >= 1.0:
            print(f"{name:<44} {pages / n:5.0f}  {payload / n:7.0f}")
    print(f"{'all':<44} {sum(row[1] for row in rows) / n:5.0f}  {sum(r[2] for r in rows) / n:7.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
