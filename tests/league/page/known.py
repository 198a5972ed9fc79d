"""A league whose answers are known: who is better, on which map, from which seat, against whom.

Four members in four seats, and the winner always has seat 2. On lakes: expander, attention-0001,
tribe, attention-0000. On continents: attention-0001, tribe, attention-0000, expander.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

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
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import remember_config
from league.rating.engines import CHAIN_VERSION, rate_by_chain
from league.rating.trueskill import MU, SIGMA
from tests.league.hand_made import MAP_SHA, NOON, STATE_SHA

N_MATCHES = 80
UPSET, CLOSEST, LONGEST = 70, 33, 50  # match ids
ORDERS = {
    "lakes": ("expander", "attention-0001", "tribe", "attention-0000"),
    "continents": ("attention-0001", "tribe", "attention-0000", "expander"),
}
SEATS = (1, 2, 0, 3)  # whose place each seat has: the winner sits in seat 2
EVIL = "<script>alert('x')</script>"


def make_known_league(root: Path, *, n_matches: int = N_MATCHES, evil: str = "") -> LeagueFolder:
    """Write the league; `evil` is a name of a guest that has played nothing, and a message."""
    config = resolve("small", None, ["rules.n_seats=4", "learner.seats_per_match=2"])
    folder = create_folder(root, write_toml(config))
    engine = open_writer(folder.sqlite)
    upgrade(engine)
    sha256 = config.rules.to_rules().sha256()
    with write_transaction(engine) as session:
        remember_config(session, config)
        ids = _members(session, sha256)
        for number in range(1, n_matches + 1):
            _match(session, ids, number, sha256)
        _training(session, ids)
        queries.add_event(session, "start", "the league began", at=NOON)
        message = (
            f"a learner died in {folder.root}/checkpoints/x and /home/somebody/secret/y {evil}"
        )
        queries.add_event(session, "learner_died", message, level="alarm", at=NOON)
        if evil:
            queries.add_member(
                session, name=evil, family="plugin", role="main", agent_spec="plugin:a:b", at=NOON
            )
            queries.upsert_learner(
                session, name=f"learner {evil}", family="baseline", role="main", at=NOON
            )
    engine.dispose()
    return folder


def _members(session: Session, sha256: str) -> dict[str, int]:
    ids: dict[str, int] = {}
    for name, decisions in (
        *(("tribe", 0), ("expander", 0)),
        *(("attention-0000", 1_000), ("attention-0001", 9_000)),
    ):
        is_network = name.startswith("attention")
        snapshot = f"{len(ids):064d}"
        ids[name] = queries.add_member(
            session,
            name=name,
            family="attention" if is_network else "scripted",
            role="main" if is_network else "anchor",
            agent_spec=f"snapshot:{snapshot}" if is_network else f"scripted:{name}",
            snapshot_sha256=snapshot if is_network else None,
            generation=int(name[-1]) if is_network else 0,
            trained_decisions=decisions,
            at=NOON + timedelta(minutes=decisions / 1_000),
        )
        queries.append_rating(
            session, ids[name], MU, SIGMA, rules_sha256=sha256, rating_version=CHAIN_VERSION
        )
    return ids


def _match(session: Session, ids: dict[str, int], number: int, sha256: str) -> None:
    kind = "lakes" if number % 2 else "continents"
    order = ORDERS[kind]
    if number == UPSET:
        order = ("attention-0000", "attention-0001", "tribe", "expander")
    plan = MatchPlan(
        purpose="rating",
        seed=number,
        map=f"generated:{kind}:128x128:{number}",
        map_sha256=MAP_SHA,
        rules_sha256=sha256,
        spec={},
        line_up=tuple((ids[order[place]], True) for place in SEATS),
    )
    at = NOON + timedelta(seconds=30 * number)
    match_id = queries.plan_match(session, plan, at=at)
    queries.mark_started(session, match_id, at=at)
    tiles = [1_000, 990 if number == CLOSEST else 500, 300, 0]
    queries.record_finished_match(
        session,
        match_id,
        MatchOutcome(1_900 if number == LONGEST else 1_000, STATE_SHA, 2.5),
        [
            SeatOutcome(place + 1, tiles[place], 1_000, 600 if place == 3 else None, place)
            for place in SEATS
        ],
        rate=rate_by_chain,
        rating_version=CHAIN_VERSION,
        at=at,
    )


def _training(session: Session, ids: dict[str, int]) -> None:
    """Sixty updates: places from 3.0 down to 1.5; three games of four against expander."""
    learner = queries.upsert_learner(
        session, name="attention", family="attention", role="main", status="running", at=NOON
    )
    numbers = {}
    for update in range(60):
        numbers = {
            "placement_mean": 3.0 if update < 30 else 1.5,
            "explained_variance": 0.6,
            "entropy": 2.0,
            "clip_share": 0.1,
            "seconds_update": 6.0,
            "seconds_env": 3.0,
            "seconds_policy": 1.0,
        }
        queries.add_update(
            session,
            learner,
            150 * (update + 1),
            numbers,
            {ids["expander"]: (30, 10.0), ids["tribe"]: (10, 5.0)},
            at=NOON + timedelta(seconds=10 * update),
        )
    foes = [[ids["expander"], 0.3, 0.6], [ids["tribe"], 0.5, 0.4]]
    queries.record_progress(
        session,
        learner,
        trained_decisions=9_000,
        progress={**numbers, "meets": {"wave": [ids["expander"], None], "foes": foes}},
        at=NOON,
    )
    queries.record_snapshot(session, learner, ids["attention-0001"])


def add_recorded_match(folder: LeagueFolder) -> int:
    """Play one real match of the four members' places on a small map, with its replay; return its
    number. The networks' seats are played by a script: no snapshot is needed."""
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        ids = {member.name: member.id for member in queries.list_members(session)}
        (first, *_) = queries.list_matches(session, status="finished")
        sha256 = queries.get_match(session, first.id).rules_sha256
        sets = ["rules.n_seats=4", "learner.seats_per_match=2", "rules.max_ticks=200"]
        rules = resolve("small", None, sets).rules.to_rules()
        spec = MatchSpec(
            seed=7, map="generated:plains:64x64:1", agents=("scripted:expander",) * 4, rules=rules
        )
        (played,) = play_matches([spec], make_loader(), load_map)
        assert isinstance(played, MatchResult)
        line_up = tuple((ids[name], True) for name in ORDERS["lakes"])
        at = NOON + timedelta(hours=1)
        plan = MatchPlan("rating", 7, spec.map, MAP_SHA, sha256, spec.to_json(), line_up)
        match_id = queries.plan_match(session, plan, at=at)
        queries.mark_started(session, match_id, at=at)
        name = f"replays/{match_id:08d}.replay"
        write_replay(played, folder.root / name)
        queries.record_finished_match(
            session,
            match_id,
            MatchOutcome(played.ticks, played.final_state_sha256, 0.5, name),
            [SeatOutcome(place, 100 - place, 1_000) for place in played.placements],
            rate=rate_by_chain,
            rating_version=CHAIN_VERSION,
            at=at,
        )
    engine.dispose()
    return match_id


def make_large_league(root: Path, n_members: int, n_matches: int) -> LeagueFolder:
    """Write a league of many members in matches of ten, placements by their numbers: no writer of
    ours would be fast enough."""
    folder = make_known_league(root, n_matches=1)
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        (match,) = queries.list_matches(session, status="finished")
        first = max(member.id for member in queries.list_members(session)) + 1
        for number in range(n_members):
            queries.add_member(
                session,
                name=f"a-member-with-quite-a-long-name-{number:04d}",
                family="baseline" if number % 2 else "attention",
                role="main",
                agent_spec=f"snapshot:{number:064d}",
                snapshot_sha256=f"{number:064d}",
                trained_decisions=1_000 * number,
                at=NOON + timedelta(seconds=number),
            )
        sha256 = queries.get_match(session, match.id).rules_sha256
    rng = np.random.default_rng(0)
    raw = engine.raw_connection()
    cursor = raw.cursor()
    columns = [row[1] for row in cursor.execute("PRAGMA table_info(matches)")]
    copied = ", ".join("id + ?" if name == "id" else name for name in columns)
    (seq,) = cursor.execute("SELECT max(seq) FROM ratings").fetchone()
    for number in range(1, n_matches + 1):
        cursor.execute(
            f"INSERT INTO matches ({', '.join(columns)}) SELECT {copied} FROM matches WHERE id = ?",
            (number, match.id),
        )
        members = sorted(rng.permutation(n_members)[:10].tolist())
        for seat, member in enumerate(members):
            seq += 1
            cursor.execute(
                "INSERT INTO seats VALUES (?, ?, ?, ?, 100, 1000, NULL, 0, 1)",
                (match.id + number, seat, first + member, 10 - seat),
            )
            cursor.execute(
                "INSERT INTO ratings VALUES (?, ?, ?, ?, 1.0, ?, ?, NULL)",
                (seq, first + member, match.id + number, 20 + member / 20, CHAIN_VERSION, sha256),
            )
    raw.commit()
    raw.close()
    engine.dispose()
    return folder
