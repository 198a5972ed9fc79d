"""Leagues of known snapshots for comparisons: scripted agents under the names of two lineages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from db import queries
from db.session import write_transaction
from league.config.layers import resolve
from league.config.toml import write_toml
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import remember_config
from tests.db.migrated import new_database
from tests.league.hand_made import NOON

QUICK = (
    "rules.n_seats=4",
    "rules.max_ticks=200",
    "learner.seats_per_match=2",
    "maps.train=['generated:plains:64x64:1']",
    "maps.rate=['generated:plains:64x64:1']",
)
Chain = Sequence[tuple[int, float]]  # (trained decisions, minutes of running time) per snapshot
MakeSeed = Callable[..., LeagueFolder]


def make_seed(
    root: Path,
    seed: int,
    attention: Chain,
    baseline: Chain,
    *sets: str,
    plays: Sequence[str] = ("scripted:tribe", "scripted:idle"),
    counted: bool = True,
) -> LeagueFolder:
    """A started league with two lineages of these snapshots.

    Args:
        plays: what the snapshots of attention and of baseline play like.
        counted: False stores no running time, as older leagues do: minutes count from NOON.
    """
    config = resolve("small", None, [*QUICK, f"seed={seed}", *sets])
    folder = create_folder(root, write_toml(config))
    engine = new_database(folder.sqlite)
    with write_transaction(engine) as session:
        remember_config(session, config)
        queries.add_member(
            session,
            name="tribe",
            family="scripted",
            role="anchor",
            agent_spec="scripted:tribe",
            at=NOON,
        )
        for family, chain, spec in zip(
            ("attention", "baseline"), (attention, baseline), plays, strict=True
        ):
            learner_id = queries.upsert_learner(session, name=family, family=family, role="main")
            for generation, (decisions, minutes) in enumerate(chain):
                member_id = queries.add_member(
                    session,
                    name=f"{family}-{generation:04d}",
                    family=family,
                    role="main",
                    agent_spec=spec,
                    generation=generation,
                    snapshot_sha256=f"{seed}{generation}".ljust(64, family[0]),
                    trained_decisions=decisions,
                    at=NOON + timedelta(minutes=minutes),
                )
                queries.record_snapshot(session, learner_id, member_id)
                if counted:
                    queries.add_event(
                        session,
                        "promotion",
                        "joined",
                        member_id=member_id,
                        details={"running_s": 60.0 * minutes},
                    )
    engine.dispose()
    return folder


@pytest.fixture
def seed_league(tmp_path: Path) -> MakeSeed:
    """`make_seed` in tmp_path/seed-N."""

    def make(seed: int, *arguments: object, **options: object) -> LeagueFolder:
        return make_seed(tmp_path / f"seed-{seed}", seed, *arguments, **options)  # type: ignore[arg-type]

    return make
