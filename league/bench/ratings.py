"""Benchmark of the rating engines: matches rated per second, and a long log rated anew.

The log is synthetic and lies in a real database in a temporary folder: members of different skill,
ten seats a match, rated by the compiled engine as they would be live. Rating it anew is what
`league rerate` does: read the log, replay it, compare every bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from sqlalchemy import insert

from arena.processes.scratch import ScratchFolder
from db import queries
from db.migrate import upgrade
from db.models import Match, Member, Rating, Seat
from db.records import RatingColumns
from db.session import open_reader, open_writer, read_transaction, write_transaction
from league.bench import machine
from league.errors import BenchError
from league.rating import replay
from league.rating.engines import CHAIN_VERSION, ENGINES, rate_function, rating_version
from league.rating.trueskill import BETA, MU, SIGMA, Gaussian

N_SEATS = 10
N_MEMBERS = 60
SPREAD = 6.0  # standard deviation of the members' skills, in rating points
_SEASON = "a" * 64
_CHUNK = 2_000  # matches written with one statement
# Enough matches for a second or two of each engine.
N_RATED = {"compiled": 20_000, "trueskill": 300}


@dataclass(frozen=True)
class Games:
    """Matches of members with a known skill: int64 [matches, seats] each."""

    members: NDArray[np.int64]
    placements: NDArray[np.int64]


def games(n_matches: int, seed: int, n_members: int = N_MEMBERS) -> Games:
    """Return matches of random members, ranked by skill and noise; members are numbered from 0."""
    rng = Generator(PCG64([seed, 1]))
    skill = rng.normal(MU, SPREAD, n_members)
    members = rng.permuted(np.tile(np.arange(n_members), (n_matches, 1)), axis=1)[:, :N_SEATS]
    performance = skill[members] + rng.normal(0.0, BETA, members.shape)
    placements = np.argsort(np.argsort(-performance, axis=1), axis=1) + 1
    return Games(np.ascontiguousarray(members), placements)


def log_of(played: Games, n_members: int = N_MEMBERS) -> RatingColumns:
    """Return the rating log of admissions and matches, without ratings yet."""
    n_matches, n_seats = played.members.shape
    n = n_members + n_matches * n_seats
    nothing = np.zeros(n_members, np.int64)
    return RatingColumns(
        seq=np.arange(1, n + 1),
        member_id=np.append(np.arange(n_members), played.members) + 1,
        match_id=np.append(nothing, np.repeat(np.arange(1, n_matches + 1), n_seats)),
        mu=np.full(n, MU),
        sigma=np.full(n, SIGMA),
        allowance=np.full(n, np.nan),
        parent_id=np.zeros(n, np.int64),
        placement=np.append(nothing, played.placements),
        version=np.zeros(n, np.int64),
        versions=(CHAIN_VERSION,),
    )


def rate_per_s(engine: str, played: Games) -> float:
    """Return how many matches an engine rates in a second of processor time, one by one."""
    rate = rate_function(rating_version(engine))
    ratings: list[Gaussian] = [(MU, SIGMA)] * N_MEMBERS
    rate(ratings[:2], [1, 2])  # loads the code
    rows = list(zip(played.members.tolist(), played.placements.tolist(), strict=True))
    began = time.process_time()
    for members, placements in rows:
        after = rate([ratings[i] for i in members], placements)
        for member, rating in zip(members, after, strict=True):
            ratings[member] = rating
    return len(rows) / (time.process_time() - began)


def write_log(path: Path, log: RatingColumns, mu: Any, sigma: Any) -> None:
    """Write a log with its members, matches and seats into a new database."""
    engine = open_writer(path)
    upgrade(engine)
    first = int(np.flatnonzero(log.match_id)[0])  # the row of the first match
    try:
        with write_transaction(engine) as session:
            database = session.connection()
            database.execute(insert(Member), list(_members(first)))
            for part in _parts(log, first):
                database.execute(insert(Match), list(_matches(log, part)))
                database.execute(insert(Seat), list(_seats(log, part)))
            for part in (np.arange(first), *_parts(log, first)):
                database.execute(insert(Rating), list(_ratings(log, mu, sigma, part)))
    finally:
        engine.dispose()


def _parts(log: RatingColumns, first: int) -> Iterator[NDArray[np.int64]]:
    rows = np.arange(first, len(log))
    for begin in range(0, len(rows), _CHUNK * N_SEATS):
        yield rows[begin : begin + _CHUNK * N_SEATS]


def _members(n: int) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for i in range(1, n + 1):
        yield {
            **{"id": i, "name": f"member-{i}", "family": "scripted", "role": "main"},
            **{"generation": 0, "agent_spec": "scripted:random", "trained_decisions": 0},
            **{"status": "active", "failures": 0, "failures_in_row": 0, "details": {}},
            "created_at": now,
        }


def _matches(log: RatingColumns, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for match_id in log.match_id[rows[::N_SEATS]].tolist():
        yield {
            **{"id": match_id, "purpose": "rating", "status": "finished", "seed": match_id},
            **{"rotation": 0, "map": "bench", "map_sha256": _SEASON, "rules_sha256": _SEASON},
            **{"spec": {}, "line_up": [], "attempts": 1, "failures": 0, "planned_at": now},
            **{"finished_at": now, "ticks": 1, "wall_s": 1.0, "final_state_sha256": _SEASON},
        }


def _seats(log: RatingColumns, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    columns = (log.match_id[rows].tolist(), log.member_id[rows].tolist())
    for index, (match_id, member_id) in enumerate(zip(*columns, strict=True)):
        yield {
            **{"match_id": match_id, "seat": index % N_SEATS, "member_id": member_id},
            **{"placement": int(log.placement[rows[index]]), "tiles": 1, "troops": 1},
            **{"illegal_actions": 0, "rated": True},
        }


def _ratings(
    log: RatingColumns, mu: Any, sigma: Any, rows: NDArray[np.int64]
) -> Iterator[dict[str, Any]]:
    for row in rows.tolist():
        yield {
            **{"seq": int(log.seq[row]), "member_id": int(log.member_id[row])},
            **{"match_id": int(log.match_id[row]) or None, "mu": float(mu[row])},
            **{"sigma": float(sigma[row]), "rating_version": CHAIN_VERSION},
            **{"rules_sha256": _SEASON, "allowance": None},
        }


def rerate(path: Path) -> dict[str, float]:
    """Read a log from its database, replay it, compare it.

    Returns:
        Seconds of reading and of the rest, and the processor's seconds for all.

    Raises:
        BenchError: the replay differs from what is stored.
    """
    engine = open_reader(path)
    began, processor = time.perf_counter(), time.process_time()
    try:
        with read_transaction(engine) as session:
            log = queries.rating_columns(session, _SEASON)
    finally:
        engine.dispose()
    read = time.perf_counter()
    different = replay.first_different_row(log, *replay.replay_columns(log))
    if different is not None:
        raise BenchError(f"the log replays differently from seq {log.seq[different]} on")
    return {
        "read_s": read - began,
        "replay_s": time.perf_counter() - read,
        "total_s": time.perf_counter() - began,
        "processor_s": time.process_time() - processor,
    }


def run(
    matches: int = 100_000, seed: int = 0, tell: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Measure both engines, and the re-rating of a log of `matches` matches.

    Raises:
        BenchError: a log replays differently.
    """
    say = tell or (lambda text: None)
    played = games(matches, seed)
    speed = {}
    for engine in ENGINES:
        say(f"rating with {engine}")
        n = min(matches, N_RATED[engine])
        speed[engine] = rate_per_s(engine, Games(played.members[:n], played.placements[:n]))
    log = log_of(played)
    began = time.process_time()
    mu, sigma = replay.replay_columns(log)
    replayed = matches / (time.process_time() - began)
    with ScratchFolder("league-bench-") as place:
        path = place / "league.db"
        say(f"writing {matches:,} matches into a database")
        write_log(path, log, mu, sigma)
        say("rating them anew")
        seconds = rerate(path)
    return {
        "matches": matches,
        "rated_per_s": speed,
        "replayed_per_s": replayed,
        "rerate": seconds,
        "machine": machine.describe(),
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    speed, seconds = result["rated_per_s"], result["rerate"]
    return [
        f"ratings    one by one: compiled {speed['compiled']:,.0f} matches/s, the package "
        f"{speed['trueskill']:,.0f}; a log {result['replayed_per_s']:,.0f} matches/s",
        f"           {result['matches']:,} matches rated anew in {seconds['total_s']:.2f} s: read "
        f"{seconds['read_s']:.2f} s, replayed and compared {seconds['replay_s']:.2f} s; "
        f"{seconds['processor_s']:.2f} s of one core",
    ]
