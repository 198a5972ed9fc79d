"""A small league of matches that were really played: ten seats, 200 ticks, four members."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.registry import make_loader
from agents.snapshots import SnapshotStore
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import Label, write_replay
from arena.territory.maps import load_map
from db import queries
from db.migrate import upgrade
from db.records import MatchPlan
from db.session import open_writer, write_transaction
from league.config.layers import resolve
from league.config.toml import write_toml
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import remember_config
from league.matches.recording import match_outcome, seat_outcomes
from league.rating.engines import CHAIN_VERSION, rate_by_chain
from league.rating.trueskill import MU, SIGMA
from tests.league.tiny_snapshots import tiny_description, tiny_network

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MAP = "generated:plains:64x64:1"
N_MATCHES = 12
NAMES = ("tribe", "expander", "idle", "attention-0001")


def make_played_league(root: Path) -> LeagueFolder:
    """Twelve rated matches of ten seats with their replays; one rated seat for each member."""
    sets = [
        "rules.max_ticks=200",
        "rating.held_out=['idle']",
        "rating.anchors=['tribe','expander']",
    ]
    config = resolve("small", None, sets, [MAP])
    folder = create_folder(root, write_toml(config))
    description = tiny_description(trained_decisions=12_345)
    sha256 = SnapshotStore(folder.snapshots).save(
        tiny_network(description).state_dict(), description
    )
    specs = {name: f"scripted:{name}" for name in NAMES[:3]} | {NAMES[3]: f"snapshot:{sha256}"}
    rules, views = config.rules.to_rules(), config.views.to_views()
    line_up = [NAMES[seat % 4] for seat in range(10)]
    map_sha256 = load_map(MAP).sha256
    found = play_matches(
        [
            MatchSpec(seed, MAP, tuple(specs[name] for name in line_up), rules, views, seed)
            for seed in range(N_MATCHES)
        ],
        make_loader(folder.snapshots),
        load_map,
    )
    engine = open_writer(folder.sqlite)
    upgrade(engine)
    with write_transaction(engine) as session:
        remember_config(session, config)
        ids = {}
        for name in NAMES:
            is_network = name == NAMES[3]
            ids[name] = queries.add_member(
                session,
                name=name,
                family="attention" if is_network else "scripted",
                role="main" if is_network else "anchor",
                agent_spec=specs[name],
                snapshot_sha256=sha256 if is_network else None,
                trained_decisions=12_345 if is_network else 0,
                at=NOON,
            )
            queries.append_rating(
                session,
                ids[name],
                MU,
                SIGMA,
                rules_sha256=rules.sha256(),
                rating_version=CHAIN_VERSION,
            )
        for number, result in enumerate(found):
            assert isinstance(result, MatchResult)
            plan = MatchPlan(
                purpose="rating",
                seed=number,
                rotation=number,
                map=MAP,
                map_sha256=map_sha256,
                rules_sha256=rules.sha256(),
                spec={},
                line_up=tuple((ids[name], seat < 4) for seat, name in enumerate(line_up)),
            )
            match_id = queries.plan_match(session, plan, at=NOON)
            queries.mark_started(session, match_id, at=NOON)
            path = f"replays/{match_id}.replay"
            label = Label(tuple(line_up), rules.sha256(), map_sha256, match_id)
            write_replay(result, folder.root / path, label)
            queries.record_finished_match(
                session,
                match_id,
                match_outcome(result, path),
                seat_outcomes(result),
                rate=rate_by_chain,
                rating_version=CHAIN_VERSION,
                at=NOON + timedelta(minutes=number),
            )
        learner = queries.upsert_learner(
            session, name="attention", family="attention", role="main", status="running", at=NOON
        )
        queries.record_snapshot(session, learner, ids[NAMES[3]])
        # The third update is lost in a crash: the learner goes on from 2,560 decisions.
        for decisions in (1_280, 2_560, 3_840, 3_200):
            numbers = {"entropy": 3.0 - decisions / 1_280, "kl": 0.01}
            queries.add_update(session, learner, decisions, numbers, at=NOON)
    engine.dispose()
    return folder


@pytest.fixture(scope="session")
def played_once(tmp_path_factory: pytest.TempPathFactory) -> LeagueFolder:
    """See `make_played_league`; only copies of it are handed out."""
    return make_played_league(tmp_path_factory.mktemp("played") / "league-data")


@pytest.fixture
def played_league(played_once: LeagueFolder, tmp_path: Path) -> LeagueFolder:
    """A copy of `played_once`, in the folder `league-data` of an otherwise empty one."""
    shutil.copytree(played_once.root, tmp_path / "league-data")
    return LeagueFolder(tmp_path / "league-data")
