"""A league of many members and matches for measuring: a real database, filled in bulk.

The first matches are planned, recorded and rated by the functions that the manager uses; those
after them are copies under new numbers, made by the database itself. Rows, indices and statistics
are those of a played league of this size; who met whom repeats itself every `BLOCK` matches.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.random import Generator
from sqlalchemy import Engine, Table, func, insert, literal_column, select, text
from sqlalchemy.orm import Session

from arena.match import MatchResult, MatchSpec, pack_actions
from db import queries
from db.migrate import upgrade
from db.models import Match, Rating, Seat
from db.records import MatchPlan
from db.session import open_writer, write_transaction
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.tree import LeagueConfig
from league.errors import BenchError
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import remember_config
from league.matches.recording import match_outcome, seat_outcomes
from league.members import admission
from league.rating.engines import rate_function
from league.rating.season import Season

BLOCK = 500  # matches that are recorded one by one, and then copied
MAP = "generated:plains:64x64:2"
N_DECISIONS = 60  # of a match of the preset small


class FullLeague:
    """A league folder with its open database.

    Args:
        root: a new folder.
        n_members: scripts of the preset included.
        url: of an empty database on a server; None keeps the league in a SQLite file.

    Raises:
        BenchError: the database of `url` is not empty.
    """

    def __init__(self, root: Path, n_members: int, rng: Generator, url: str | None = None) -> None:
        sets = [f"maps.rate=['{MAP}']", "arena.n_workers=1"]
        sets += [] if url is None else [f"database.url={url}"]
        self.config: LeagueConfig = resolve("small", None, sets)
        self.folder: LeagueFolder = create_folder(
            root, write_toml(self.config), has_password=url is not None
        )
        self.season = Season.of(self.config.to_json())
        self._rng = rng
        self.n_matches = 0
        self._n_whole = 0  # matches of the lowest numbers, between which nobody recorded others
        self.engine: Engine = open_writer(self.folder.database())
        upgrade(self.engine)
        with write_transaction(self.engine) as session:
            if queries.matches_by_status(session) or queries.list_members(session):
                raise BenchError(
                    f"expected an empty database to measure in, found a league in "
                    f"{self.folder.database()}; make one: createdb NAME"
                )
            remember_config(session, self.config)
            admission.admit_scripted(session, self.config.rating.scripted_members, self.season)
            self._add_snapshots(session, n_members)
            self._specs = {m.id: m.agent_spec for m in queries.list_members(session)}

    def fill(self, n_matches: int) -> None:
        """Bring the league to this number of finished matches."""
        if self.n_matches == 0:
            self._record(min(BLOCK, n_matches))
            self._n_whole = self.n_matches
        is_first = self._n_whole == self.n_matches
        while self.n_matches < n_matches:
            self._copy(min(self._n_whole, n_matches - self.n_matches))
            if is_first:
                self._n_whole = self.n_matches
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as server:
                server.execute(text("ANALYZE"))

    def result(self, spec: MatchSpec) -> MatchResult:
        """Return a result by dice, of the size of a real one."""
        n = spec.rules.n_seats
        actions = self._rng.integers(45, size=(N_DECISIONS, n), dtype=np.uint8)
        return MatchResult(
            spec=spec,
            placements=tuple(int(place) + 1 for place in self._rng.permutation(n)),
            tiles=(100,) * n,
            troops=(10_000,) * n,
            eliminated_tick=(None,) * n,
            ticks=1_500,
            final_state_sha256="c" * 64,
            actions=pack_actions(list(actions)),
            n_illegal=(0,) * n,
            wall_s=0.5,
            weights=tuple(
                agent.partition(":")[2] if agent.startswith("snapshot:") else ""
                for agent in spec.agents
            ),
        )

    def close(self) -> None:
        """Close the connections; a SQLite league goes with its folder."""
        self.engine.dispose()

    def _add_snapshots(self, session: Session, n_members: int) -> None:
        """Add trained members, each a child of the one before it of its family."""
        parents: dict[str, int] = {}
        for number in range(n_members - len(queries.list_members(session))):
            family = ("attention", "baseline")[number % 2]
            sha256 = f"{number:064x}"
            member_id = queries.add_member(
                session,
                name=f"{family}-{number:04}",
                family=family,
                role="main",
                agent_spec=f"snapshot:{sha256}",
                snapshot_sha256=sha256,
                parent_id=parents.get(family),
                trained_decisions=20_000 * number,
            )
            parents[family] = member_id
            admission.admit_rating(session, queries.get_member(session, member_id), self.season)

    def _record(self, n: int) -> None:
        version = self.season.rating_version
        rules = self.config.rules.to_rules()
        ids = list(self._specs)
        for number in range(n):
            members = [ids[i] for i in self._rng.permutation(len(ids))[: rules.n_seats]]
            spec = MatchSpec(
                seed=number,
                map=MAP,
                agents=tuple(self._specs[member] for member in members),
                rules=rules,
                map_sha256="b" * 64,
            )
            line_up = tuple((member, True) for member in members)
            plan = MatchPlan(
                "rating", number, MAP, "b" * 64, self.season.rules_sha256, spec.to_json(), line_up
            )
            result = self.result(spec)
            with write_transaction(self.engine, durable=False) as session:
                match_id = queries.plan_match(session, plan)
                queries.mark_started(session, match_id)
                queries.record_finished_match(
                    session,
                    match_id,
                    match_outcome(result, f"replays/{match_id:08d}.replay"),
                    seat_outcomes(result),
                    rate=rate_function(version),
                    rating_version=version,
                )
        self.n_matches = n

    def _copy(self, n: int) -> None:
        """Copy the first `n` matches, with seats and ratings, under the next numbers."""
        with write_transaction(self.engine, durable=False) as session:
            by = session.scalar(select(func.max(Match.id))) or 0
            first = session.scalar(select(func.min(Rating.seq)).where(Rating.match_id.is_not(None)))
            rows = session.scalar(select(func.max(Rating.seq))) or 0
            shift = rows + 1 - (first or 0)
            _copy_rows(session, Match.__table__, "id", n, {"id": by})
            _copy_rows(session, Seat.__table__, "match_id", n, {"match_id": by})
            _copy_rows(session, Rating.__table__, "match_id", n, {"match_id": by, "seq": shift})
            if self.engine.dialect.name == "postgresql":
                session.execute(
                    text(
                        "SELECT setval(pg_get_serial_sequence('matches', 'id'), "
                        "(SELECT max(id) FROM matches))"
                    )
                )
        self.n_matches += n


def _copy_rows(session: Session, table: object, key: str, n: int, add: dict[str, int]) -> None:
    """Copy the rows of the first `n` matches, with numbers added to some columns."""
    assert isinstance(table, Table)
    chosen = [
        (column + literal_column(str(add[column.name]))) if column.name in add else column
        for column in table.columns
    ]
    rows = select(*chosen).where(table.columns[key] <= n)
    session.execute(insert(table).from_select([c.name for c in table.columns], rows))
