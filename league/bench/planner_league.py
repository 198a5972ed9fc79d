"""How long planning takes in a league of a given size: a real database, filled in bulk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median

from numpy.random import Generator
from sqlalchemy import Engine, insert

from arena.processes.scratch import ScratchFolder
from db.migrate import upgrade
from db.models import Match, Member, Rating
from db.session import open_writer, write_transaction
from league.config.layers import resolve
from league.daemon.planner import MatchSettings, Planner
from league.rating.season import Season
from league.rating.trueskill import MU, RATING_VERSION, SIGMA

N_SEATS = 10
BATCH = 16  # matches that a worker plays together, as by default
_N_SCRIPTS = 6
_MAP = "generated:plains:64x64:2"
_AT_ONCE = 2_000  # matches per transaction


def planning_times(
    n_members: int, n_matches: int, n_plans: int, rng: Generator
) -> dict[str, float]:
    """Measure the planner on a real database of this size.

    Returns:
        "start_ms": the first plan of a run, which reads what it needs to know; "line_up_ms": each
        line-up of a later plan of a batch, after as many matches were rated; the median.
    """
    config = resolve("small")
    settings = MatchSettings(
        config.rules.to_rules(), config.views.to_views(), (_MAP,), 0, 1, BATCH, 0.5
    )
    with ScratchFolder("league-bench-") as folder:
        engine = open_writer(folder / "league.db")
        try:
            upgrade(engine)
            league = _League(engine, n_members)
            for start in range(0, n_matches, _AT_ONCE):
                n = min(_AT_ONCE, n_matches - start)
                drawn = [rng.permutation(n_members)[:N_SEATS] + 1 for _ in range(n)]
                league.add_matches([members.tolist() for members in drawn])
            planner = Planner(settings, engine, league.season, folder)
            began = time.perf_counter()
            plans = planner.plan(BATCH, [])
            start_s = time.perf_counter() - began
            spent = []
            for _ in range(n_plans):
                league.add_matches([[member for member, _ in plan.line_up] for plan in plans])
                planner.inserted(plans)
                began = time.perf_counter()
                plans = planner.plan(BATCH, [])
                spent.append((time.perf_counter() - began) / BATCH)
        finally:
            engine.dispose()
    return {"start_ms": 1000.0 * start_s, "line_up_ms": 1000.0 * median(spent)}


class _League:
    """A database with members, finished matches and ratings; seats and specs are left out."""

    def __init__(self, engine: Engine, n_members: int) -> None:
        self.season = Season("a" * 64, 0.0)
        self._engine = engine
        self._seq = self._n_matches = 0
        members = range(1, n_members + 1)
        with write_transaction(engine, durable=False) as session:
            session.execute(insert(Member), [_member(i) for i in members])
        self._append([(i, None) for i in members])

    def add_matches(self, line_ups: Sequence[Sequence[int]]) -> None:
        """Add finished matches of these members, and their changes of ratings."""
        ids = range(self._n_matches + 1, self._n_matches + len(line_ups) + 1)
        self._n_matches += len(line_ups)
        rows = [
            {
                "id": match_id,
                "purpose": "rating",
                "status": "finished",
                "seed": 1,
                "rotation": 0,
                "map": _MAP,
                "map_sha256": "b" * 64,
                "rules_sha256": self.season.rules_sha256,
                "spec": {},
                "line_up": [[member, True] for member in members],
                "attempts": 0,
                "failures": 0,
                "planned_at": datetime.now(UTC),
                "finished_at": datetime.now(UTC),
                "ticks": 1_500,
                "wall_s": 1.0,
                "final_state_sha256": "c" * 64,
            }
            for match_id, members in zip(ids, line_ups, strict=True)
        ]
        with write_transaction(self._engine, durable=False) as session:
            session.execute(insert(Match), rows)
        self._append([(m, i) for i, members in zip(ids, line_ups, strict=True) for m in members])

    def _append(self, changes: Sequence[tuple[int, int | None]]) -> None:
        rows = [
            {
                "seq": seq,
                "member_id": member_id,
                "match_id": match_id,
                "mu": MU + member_id / 20.0,
                "sigma": 0.25 if match_id else SIGMA,
                "rating_version": RATING_VERSION,
                "rules_sha256": self.season.rules_sha256,
            }
            for seq, (member_id, match_id) in enumerate(changes, start=self._seq + 1)
        ]
        with write_transaction(self._engine, durable=False) as session:
            session.execute(insert(Rating), rows)
        self._seq += len(rows)


def _member(number: int) -> dict[str, object]:
    is_script = number <= _N_SCRIPTS
    return {
        "id": number,
        "name": f"member-{number}",
        "family": "scripted" if is_script else "baseline",
        "role": "anchor" if is_script else "main",
        "generation": 0,
        "agent_spec": f"scripted:{number}" if is_script else f"snapshot:{number:064x}",
        "trained_decisions": 0,
        "status": "active",
        "failures": 0,
        "failures_in_row": 0,
        "details": {},
        "created_at": datetime.now(UTC),
    }
