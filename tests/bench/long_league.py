"""Make a league of many matches, and time `league doctor`, `league report` or its page on it.

    PYTHONPATH=. python tests/bench/long_league.py FOLDER [--matches 20000] [--members 40]
    PYTHONPATH=. python tests/bench/long_league.py FOLDER --matches 100000 --members 200 --report
    PYTHONPATH=. python tests/bench/long_league.py FOLDER --matches 100000 --members 200 --html

The first 1,000 matches are written through db.queries and then copied under new numbers: ten seats
a match, one real replay for each (the same match under every number), ratings as the matches lead
to them. With `--report` or `--html` there are no replays, every match has members and placements of
its own, drawn by known strengths, two of them held out and the others snapshots, and a second
process prints the report or writes the page (`--quick`: no match is played back), first without
what an earlier report left in the folder and then with it. An existing FOLDER is only examined or
reported.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from agents.registry import make_loader
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import write_replay
from arena.territory.maps import load_map
from db import queries
from db.migrate import upgrade
from db.records import MatchOutcome, MatchPlan, SeatOutcome
from db.session import open_writer, write_transaction
from league.config.layers import resolve
from league.config.toml import write_toml
from league.folder.doctor import examine
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import remember_config
from league.rating.engines import CHAIN_VERSION, rate_by_chain
from league.rating.replay import replay_columns

MAP = "generated:plains:64x64:1"
N_SEATS = 10
FIRST = 1_000


def make(root: Path, n_matches: int, n_members: int, *, is_drawn: bool = False) -> LeagueFolder:
    """Write the league; `is_drawn` gives every match members and placements of its own."""
    config = resolve("small", None, ["learners=[]", f"maps.rate=['{MAP}']"])
    folder = create_folder(root, write_toml(config))
    rules = dataclasses.replace(config.rules.to_rules(), max_ticks=300)
    sha256 = config.rules.to_rules().sha256()
    spec = MatchSpec(seed=1, map=MAP, agents=("scripted:random",) * N_SEATS, rules=rules)
    (played,) = play_matches([spec], make_loader(), load_map)
    assert isinstance(played, MatchResult)
    write_replay(played, folder.root / "one")
    replay = (folder.root / "one").read_bytes()
    (folder.root / "one").unlink()
    hidden = config.rating.held_out if is_drawn else ()
    names = [*hidden, *(f"m{i}" for i in range(n_members))][:n_members]
    engine = open_writer(folder.sqlite)
    upgrade(engine)
    with write_transaction(engine) as session:
        remember_config(session, config)
        ids = [
            queries.add_member(
                session,
                name=name,
                family="scripted",
                role="main",
                agent_spec=f"scripted:{name}",
                snapshot_sha256=f"{i:064x}" if is_drawn and i >= len(hidden) else None,
            )
            for i, name in enumerate(names)
        ]
        for member_id in ids:
            queries.append_rating(
                session, member_id, 25.0, 8.0, rules_sha256=sha256, rating_version=CHAIN_VERSION
            )
    rng = np.random.default_rng(0)
    begin = datetime.now(UTC) - timedelta(hours=1)
    with write_transaction(engine) as session:
        for number in range(min(FIRST, n_matches)):
            at = begin + timedelta(seconds=number)
            line_up = tuple((int(i), True) for i in rng.permutation(ids)[:N_SEATS])
            plan = MatchPlan("rating", number, MAP, "b" * 64, sha256, spec.to_json(), line_up)
            match_id = queries.plan_match(session, plan, at=at)
            name = f"replays/{match_id:08d}.replay"
            outcome = MatchOutcome(played.ticks, played.final_state_sha256, 0.5, name)
            seats = [SeatOutcome(p, 100, 1000) for p in played.placements]
            queries.record_finished_match(
                session,
                match_id,
                outcome,
                seats,
                rate=rate_by_chain,
                rating_version=CHAIN_VERSION,
                at=at,
            )
    engine.dispose()
    copy(folder, n_matches)
    if is_drawn:
        draw(folder, ids, rng)
    rate(folder, sha256)
    if is_drawn:
        return folder
    for number in range(1, n_matches + 1):
        (folder.replays / f"{number:08d}.replay").write_bytes(replay)
    return folder


def copy(folder: LeagueFolder, n_matches: int) -> None:
    """Copy the first matches under the numbers up to `n_matches`."""
    connection = sqlite3.connect(folder.sqlite)
    for shift_by in range(FIRST, n_matches, FIRST):
        newest = connection.execute("SELECT max(seq) FROM ratings").fetchone()[0]
        for table, key, new in (
            ("matches", "id", f"id + {shift_by}"),
            ("seats", "match_id", f"match_id + {shift_by}"),
            ("ratings", "match_id", f"match_id + {shift_by}"),
        ):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = {
                **{name: name for name in columns},
                key: new,
                "replay_path": f"printf('replays/%08d.replay', id + {shift_by})",
                "seq": f"{newest} + row_number() OVER (ORDER BY seq)",
            }
            chosen = ", ".join(values[name] for name in columns)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} "
                f"WHERE {key} <= {FIRST}"
            )
        connection.commit()
    connection.close()


def draw(folder: LeagueFolder, ids: list[int], rng: np.random.Generator) -> None:
    """Give every match a line-up of its own, and placements by strengths of 25 +- 2 points."""
    connection = sqlite3.connect(folder.sqlite)
    (n_matches,) = connection.execute("SELECT count(*) FROM matches").fetchone()
    strength = rng.normal(25.0, 2.0, len(ids))
    chosen = rng.random((n_matches, len(ids))).argsort(axis=1)[:, :N_SEATS]
    order = (-rng.normal(strength[chosen], 25 / 6)).argsort(axis=1)
    line_ups = np.asarray(ids)[np.take_along_axis(chosen, order, axis=1)].tolist()
    connection.execute("DROP INDEX uq_seats_match_id_member_id_rated")
    connection.execute("DELETE FROM ratings WHERE match_id IS NOT NULL")
    (newest,) = connection.execute("SELECT max(seq) FROM ratings").fetchone()
    (sha256,) = connection.execute("SELECT max(rules_sha256) FROM matches").fetchone()
    seats, ratings = [], []
    for match_id, line_up in enumerate(line_ups, start=1):
        for seat, member in enumerate(line_up):
            newest += 1
            seats.append((member, seat + 1, match_id, seat))
            mu = strength[member - ids[0]] + rng.normal(0.0, 0.1)
            ratings.append((newest, member, match_id, mu, 0.1, CHAIN_VERSION, sha256))
    connection.executemany(
        "UPDATE seats SET member_id = ?, placement = ? WHERE match_id = ? AND seat = ?", seats
    )
    connection.executemany(
        "INSERT INTO ratings (seq, member_id, match_id, mu, sigma, rating_version, rules_sha256) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        ratings,
    )
    connection.execute(
        "CREATE UNIQUE INDEX uq_seats_match_id_member_id_rated ON seats (match_id, member_id) "
        "WHERE rated"
    )
    connection.execute("UPDATE matches SET line_up = '[]', replay_path = NULL")
    connection.commit()
    connection.close()


def rate(folder: LeagueFolder, rules_sha256: str) -> None:
    """Replace all ratings by those that the matches lead to."""
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        log = queries.rating_columns(session, rules_sha256)
        mu, sigma = replay_columns(log, version=CHAIN_VERSION)
        queries.replace_ratings(
            session, log.seq.tolist(), mu.tolist(), sigma.tolist(), CHAIN_VERSION
        )
    engine.dispose()


def time_report(folder: LeagueFolder) -> int:
    """Print the wall time of `league report` as a user waits for it, cold and warm."""
    command = [sys.executable, "-m", "league", "report", "--json", "--league", str(folder.root)]
    for name in ("without a cache", "with a cache", "with a cache"):
        if name == "without a cache":
            for path in folder.cache.glob("*"):
                path.unlink()
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        print(f"league report {name}: {time.monotonic() - began:.2f} s{done.stderr[-500:]}")
        if done.returncode:
            return done.returncode
    print(f"{len(json.loads(done.stdout)['members'])} members")
    return 0


def time_page(folder: LeagueFolder) -> int:
    """Print what `league report --html --quick` takes, in processor time and as a user waits."""
    page = folder.root / "report.html"
    command = [sys.executable, "-m", "league", "report", "--html", str(page), "--quick"]
    for name in ("without a cache", "with a cache"):
        if name == "without a cache":
            for path in folder.cache.glob("*"):
                path.unlink()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        done = subprocess.run([*command, "--league", str(folder.root)], stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode:
            return done.returncode
        print(
            f"league report --html {name}: {spent:.1f} s of processor time, "
            f"{time.monotonic() - began:.1f} s, {page.stat().st_size / 1000:,.0f} kB, "
            f"{after.ru_maxrss / 1000:,.0f} MB of memory"
        )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Time `league doctor` on a long league.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--matches", type=int, default=20_000)
    parser.add_argument("--members", type=int, default=40)
    parser.add_argument("--report", action="store_true", help="time `league report`")
    parser.add_argument("--html", action="store_true", help="time `league report --html`")
    options = parser.parse_args()
    folder = LeagueFolder.at(options.folder)
    began = time.monotonic()
    if not folder.is_league():
        is_drawn = options.report or options.html
        folder = make(folder.root, options.matches, options.members, is_drawn=is_drawn)
        print(f"made in {time.monotonic() - began:.0f} s")
    if options.report:
        return time_report(folder)
    if options.html:
        return time_page(folder)
    began = time.monotonic()
    findings = examine(folder)
    wall_s = time.monotonic() - began
    for finding in findings:
        print(f"{finding.level:<5}  {finding.text}")
    size = folder.sqlite.stat().st_size
    print(f"{options.matches} matches: {wall_s:.1f} s, database {size / 1e6:.0f} MB")
    return 1 if any(finding.is_wrong for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
