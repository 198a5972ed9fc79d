"""Owns the matches of a head-to-head in the league's database, written in whole pairs.

Promises: both matches of a pair are written in one transaction; a pair counts once, whichever run
wrote it; a failed match is kept with its error and counts for neither side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from arena.files import sync_folder
from arena.match import MatchResult
from arena.processes.jobs import Failed
from arena.replay import SUFFIX, write_replays
from arena.territory.maps import load_map
from db import queries
from db.records import MatchPlan
from db.session import read_transaction, write_transaction
from league.folder.layout import LeagueFolder
from league.matches.recording import match_outcome, seat_outcomes
from league.pit.plan import PitPlan
from league.pit.statistics import PitMatch

if TYPE_CHECKING:
    from sqlalchemy import Engine

Pair = tuple[PitMatch, PitMatch]
FAILURE_EVENT = "pit_match_failed"  # its details name the agents at fault
MAX_FAILURES = 100_000  # events read back; a head-to-head gives up after three failures of a pair


class PitLog:
    """The matches of one head-to-head in the league's database."""

    def __init__(self, engine: Engine, folder: LeagueFolder, plan: PitPlan) -> None:
        self._engine, self._folder, self._plan = engine, folder, plan
        self._map_sha256 = lru_cache(maxsize=None)(
            lambda reference: load_map(reference, base=folder.root).sha256
        )

    def load(self) -> tuple[dict[str, Pair], Counter[str], int]:
        """Return complete pairs by key, crashes by member name, and the count of failed matches."""
        halves: dict[tuple[str, int], PitMatch] = {}
        crashes: Counter[str] = Counter()
        n_failed = 0
        with read_transaction(self._engine) as session:
            blamed = {
                event.match_id: event.details["blamed"]
                for event in queries.list_events(session, kind=FAILURE_EVENT, limit=MAX_FAILURES)
            }
            for match in queries.list_matches(
                session, purpose="pit", series_key=self._plan.series_key
            ):
                if match.status == "failed":
                    n_failed += 1
                    crashes.update(name_of(self._plan, spec) for spec in blamed.get(match.id, ()))
                if match.status == "finished" and match.pair_key is not None:
                    seats = queries.match_seats(session, match.id)
                    halves[match.pair_key, match.pair_half or 0] = PitMatch(
                        placements=tuple(seat.placement for seat in seats),
                        sides=self._plan.sides(match.seed, match.pair_half or 0),
                        alive=tuple(seat.eliminated_tick is None for seat in seats),
                    )
        pairs = {
            key: (halves[key, 0], halves[key, 1])
            for key, half in halves
            if half == 0 and (key, 1) in halves
        }
        return pairs, crashes, n_failed

    def record_pair(self, seed: int, results: Sequence[MatchResult]) -> None:
        """Write both matches of a pair, unless another run has written it in the meantime."""
        key = self._plan.pair_key(seed)
        names = [f"pit/{key.replace(':', '-')}-{half}{SUFFIX}" for half in (0, 1)]
        (self._folder.replays / "pit").mkdir(parents=True, exist_ok=True)
        sync_folder(self._folder.replays)
        paths = [self._folder.replays / name for name in names]
        write_replays(dict(zip(paths, results, strict=True)))
        with write_transaction(self._engine) as session:
            known = queries.list_matches(
                session, status="finished", purpose="pit", series_key=self._plan.series_key
            )
            if any(match.pair_key == key for match in known):
                return
            for half, result in enumerate(results):
                match_id = queries.plan_match(session, self._match_plan(seed, half))
                queries.mark_started(session, match_id)
                queries.record_finished_match(
                    session,
                    match_id,
                    match_outcome(result, f"replays/{names[half]}"),
                    seat_outcomes(result),
                )

    def record_failure(self, seed: int, half: int, failed: Failed) -> None:
        """Write a failed match; its pair is played again under the same key."""
        blamed = failed.blamed
        member_ids = {
            side.member_id
            for side in self._plan.line_up(seed, half)
            if side.agent_spec in blamed and side.member_id is not None
        }
        with write_transaction(self._engine) as session:
            match_id = queries.plan_match(session, self._match_plan(seed, half))
            queries.record_failed(
                session, match_id, failed.error, blamed=member_ids, max_failures=1
            )
            queries.add_event(
                session,
                FAILURE_EVENT,
                f"match {match_id} of a head-to-head: {failed.error}",
                level="warning",
                match_id=match_id,
                details={"blamed": list(blamed)},
            )

    def _match_plan(self, seed: int, half: int) -> MatchPlan:
        spec = self._plan.spec(seed, half)
        members = [side.member_id for side in self._plan.line_up(seed, half)]
        return MatchPlan(
            purpose="pit",
            seed=seed,
            map=spec.map,
            map_sha256=self._map_sha256(spec.map),
            rules_sha256=spec.rules.sha256(),
            spec=spec.to_json(),
            line_up=tuple((member, False) for member in members if member is not None),
            series_key=self._plan.series_key,
            pair_key=self._plan.pair_key(seed),
            pair_half=half,
        )


def name_of(plan: PitPlan, agent_spec: str) -> str:
    """Return the name of the side that plays a spec."""
    for side in (plan.a, plan.b, *plan.field):
        if side.agent_spec == agent_spec:
            return side.name
    return agent_spec
