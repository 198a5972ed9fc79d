"""A small league made by hand: known members, three rated matches, two learners, fixed times."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

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
from tests.db.migrated import new_database

RULES_SHA = "a" * 64
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MAP_SHA = "b" * 64
STATE_SHA = "c" * 64


def add_rated(
    session: Session,
    name: str,
    mu: float | None = MU,
    sigma: float = SIGMA,
    *,
    rules_sha256: str = RULES_SHA,
    **fields: Any,
) -> int:
    """A member with a rating, or with none where `mu` is None; scripted unless told otherwise."""
    values = {"family": "scripted", "role": "main", "agent_spec": f"scripted:{name}", **fields}
    member_id = queries.add_member(session, name=name, **values)
    if mu is not None:
        queries.append_rating(
            session, member_id, mu, sigma, rules_sha256=rules_sha256, rating_version=CHAIN_VERSION
        )
    return member_id


def make_league(
    root: Path, *, weights: bytes | None = None, url: str | None = None
) -> LeagueFolder:
    """Four anchors and one trained member; `attention-0001` beats everyone three times.

    Args:
        weights: bytes of the snapshot of `attention-0001`; None names a snapshot that is not there.
        url: of an empty database on a server; None keeps the league in its folder.
    """
    if url is not None:
        return _make(root, weights, url)
    root.mkdir(parents=True, exist_ok=True)
    for name, raw in _made_before(weights).items():
        if raw is None:
            (root / name).mkdir(exist_ok=True)
        else:
            (root / name).write_bytes(raw)
    return LeagueFolder(root)


@cache
def _made_before(weights: bytes | None) -> dict[str, bytes | None]:
    """The files of the league, and its folders as None; writing its rows takes far longer."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "league"
        _make(root, weights, None)
        return {
            path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes()
            for path in sorted(root.rglob("*"))
        }


def _make(root: Path, weights: bytes | None, url: str | None) -> LeagueFolder:
    sets = ["rules.n_seats=4", "learner.seats_per_match=2"]
    config = resolve("small", None, sets if url is None else [*sets, f"database.url={url}"])
    folder = create_folder(root, write_toml(config))
    snapshot = "d" * 64
    if weights is not None:
        snapshot = hashlib.sha256(weights).hexdigest()
        (folder.snapshots / f"{snapshot}.safetensors").write_bytes(weights)
    if url is None:
        engine = new_database(folder.sqlite)
    else:
        engine = open_writer(url)
        upgrade(engine)
    rules = config.rules.to_rules()
    rules_sha256 = rules.sha256()
    with write_transaction(engine) as session:
        remember_config(session, config)
        ids = {
            name: queries.add_member(
                session,
                name=name,
                family="scripted",
                role="anchor",
                agent_spec=f"scripted:{name}",
                at=NOON,
            )
            for name in ("tribe", "random", "idle")
        }
        ids["attention-0001"] = queries.add_member(
            session,
            name="attention-0001",
            family="attention",
            role="main",
            agent_spec=f"snapshot:{snapshot}",
            snapshot_sha256=snapshot,
            trained_decisions=12_345,
            at=NOON,
        )
        queries.add_member(
            session,
            name="visitor",
            family="plugin",
            role="main",
            agent_spec="plugin:a:b",
            status="guest",
            at=NOON,
        )
        for member_id in ids.values():
            queries.append_rating(
                session,
                member_id,
                MU,
                SIGMA,
                rules_sha256=rules_sha256,
                rating_version=CHAIN_VERSION,
            )
        queries.set_status(session, ids["idle"], "retired")
        for number in range(3):
            plan = MatchPlan(
                purpose="rating",
                seed=number,
                map=f"generated:continents:128x128:{1000 + number}",
                map_sha256=MAP_SHA,
                rules_sha256=rules_sha256,
                spec={},
                line_up=tuple((ids[name], True) for name in ids),
            )
            match_id = queries.plan_match(session, plan, at=NOON)
            queries.mark_started(session, match_id, at=NOON)
            # tribe, random, idle, attention: always third, second, fourth, first
            queries.record_finished_match(
                session,
                match_id,
                MatchOutcome(ticks=1500, final_state_sha256=STATE_SHA, wall_s=2.5),
                [SeatOutcome(place, 100, 1000) for place in (3, 2, 4, 1)],
                rate=rate_by_chain,
                rating_version=CHAIN_VERSION,
                at=NOON + timedelta(seconds=number),
            )
        for name, family, speed in (("attention", "attention", 140.0), ("baseline", "baseline", 0)):
            numbers = {"decisions_per_s": speed, "placement_mean": 4.5, "kl": 0.0123}
            learner = queries.upsert_learner(
                session, name=name, family=family, role="main", status="running", at=NOON
            )
            queries.record_progress(
                session,
                learner,
                trained_decisions=12_345,
                progress=numbers if speed else {},
                at=NOON,
            )
            if speed:
                queries.record_snapshot(session, learner, ids["attention-0001"])
        queries.add_event(session, "start", "the league began", at=NOON)
        queries.add_event(session, "canary", "random beats tribe", level="alarm", at=NOON)
    engine.dispose()
    return folder
