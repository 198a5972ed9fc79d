"""Owns the matches of a head-to-head in the league's database, written in whole units.

Promises: all matches of a unit (one seed) are written in one transaction; a unit counts once,
whichever run wrote it; a failed match is kept with its error and counts for nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from arena.match import MatchResult
from arena.processes.jobs import Failed
from arena.replay import Label
from arena.territory.maps import load_map
from db import queries
from db.records import MatchPlan
from db.session import read_transaction, write_transaction
from league.folder.connect import write_patiently
from league.folder.layout import LeagueFolder
from league.matches.recording import match_outcome, seat_outcomes
from league.matches.replays import ReplayKeeper
from league.pit.looks import look_number
from league.pit.plan import UnitPlan
from league.pit.statistics import PitMatch
from league.store.courier import Courier

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

Unit = tuple[PitMatch, ...]
FAILURE_EVENT = "pit_match_failed"  # its details name the agents at fault
MAX_FAILURES = 100_000  # events read back; a head-to-head gives up after three failures of a unit


class PitLog:
    """The matches of one head-to-head in the league's database."""

    def __init__(self, engine: Engine, folder: LeagueFolder, plan: UnitPlan) -> None:
        self._engine, self._folder, self._plan = engine, folder, plan
        place = folder.store()
        self._courier = None if place is None else Courier(place.open())
        self._replays = ReplayKeeper(folder, self._courier)
        # The folder of a league that is known by its URL alone is on another machine.
        self._keeps_replays = folder.server is None or place is not None
        self._map_sha256 = lru_cache(maxsize=None)(
            lambda reference: load_map(reference, base=folder.root).sha256
        )

    def load(self, seeds: Sequence[int]) -> tuple[dict[int, Unit], Counter[str], int]:
        """Return the complete units of `seeds`, crashes by member name, and failed matches."""
        where = {
            self._plan.part_key(seed, part): (seed, part)
            for seed in seeds
            for part in range(self._plan.n_parts)
        }
        played: dict[tuple[int, int], PitMatch] = {}
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
                at = where.get((match.pair_key or "", match.pair_half or 0))
                if match.status == "finished" and at is not None:
                    seats = queries.match_seats(session, match.id)
                    played[at] = PitMatch(
                        placements=tuple(seat.placement for seat in seats),
                        sides=self._plan.labels(*at),
                        alive=tuple(seat.eliminated_tick is None for seat in seats),
                    )
        units = {}
        for seed in seeds:
            unit = [played.get((seed, part)) for part in range(self._plan.n_parts)]
            if None not in unit:
                units[seed] = tuple(match for match in unit if match is not None)
        return units, crashes, n_failed

    def match_ids(self, seeds: Sequence[int]) -> list[int]:
        """Return the numbers of the finished matches of these seeds, in the order of their play."""
        keys = {
            self._plan.part_key(seed, part) for seed in seeds for part in range(self._plan.n_parts)
        }
        with read_transaction(self._engine) as session:
            matches = queries.list_matches(
                session, status="finished", purpose="pit", series_key=self._plan.series_key
            )
        return [
            match.id for match in matches if (match.pair_key or "", match.pair_half or 0) in keys
        ]

    def count(self, series_key: str) -> int:
        """Return the number of finished matches under another key."""
        with read_transaction(self._engine) as session:
            return len(
                queries.list_matches(
                    session, status="finished", purpose="pit", series_key=series_key
                )
            )

    def look(self, first_seed: int, n_units: int) -> int:
        """Remember that a verdict is given after so many units; return which look it is."""
        key = f"{self._plan.series_key}:verdicts from seed {first_seed}"

        def remember(session: Session) -> int:
            known = queries.get_league_value(session, key) or {}
            earlier = [int(n) for n in known.get("units", [])]
            look = look_number(earlier, n_units)
            if look > len(earlier):
                queries.set_league_value(session, key, {"units": [*earlier, n_units]})
            return look

        return write_patiently(self._engine, remember, "a head-to-head")

    def record(self, seed: int, results: Sequence[MatchResult]) -> None:
        """Write all matches of a unit, unless another run has written them in the meantime."""
        keys = [self._plan.part_key(seed, part) for part in range(self._plan.n_parts)]
        names = [f"pit/{key.replace(':', '-')}-{half}" for key, half in keys]
        labels = {name: self._label(seed, part) for part, name in enumerate(names)}
        paths: dict[str, str | None] = dict.fromkeys(names)
        if self._keeps_replays:
            paths.update(self._replays.write(dict(zip(names, results, strict=True)), labels))

        def store(session: Session) -> None:
            if queries.pair_half_is_taken(session, *keys[0]):
                return
            for part, result in enumerate(results):
                match_id = queries.plan_match(session, self._match_plan(seed, part))
                queries.mark_started(session, match_id)
                queries.record_finished_match(
                    session,
                    match_id,
                    match_outcome(result, paths[names[part]]),
                    seat_outcomes(result),
                )

        write_patiently(self._engine, store, "a head-to-head")

    def _label(self, seed: int, part: int) -> Label:
        """Return what a replay says beside its match, which has no number yet."""
        plan = self._match_plan(seed, part)
        names = tuple(side.name for side in self._plan.line_up(seed, part))
        return Label(names, plan.rules_sha256, plan.map_sha256)

    def record_failure(self, seed: int, part: int, failed: Failed) -> None:
        """Write a failed match; its unit is played again under the same key."""
        blamed = failed.blamed
        member_ids = {
            side.member_id
            for side in self._plan.line_up(seed, part)
            if side.agent_spec in blamed and side.member_id is not None
        }
        with write_transaction(self._engine) as session:
            match_id = queries.plan_match(session, self._match_plan(seed, part))
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

    def _match_plan(self, seed: int, part: int) -> MatchPlan:
        spec = self._plan.spec(seed, part)
        members = [side.member_id for side in self._plan.line_up(seed, part)]
        pair_key, pair_half = self._plan.part_key(seed, part)
        return MatchPlan(
            purpose="pit",
            seed=seed,
            map=spec.map,
            map_sha256=self._map_sha256(spec.map),
            rules_sha256=spec.rules.sha256(),
            spec=spec.to_json(),
            line_up=tuple((member, False) for member in members if member is not None),
            series_key=self._plan.series_key,
            pair_key=pair_key,
            pair_half=pair_half,
        )


def name_of(plan: UnitPlan, agent_spec: str) -> str:
    """Return the name of the side that plays a spec."""
    for side in plan.everybody:
        if side.agent_spec == agent_spec:
            return side.name
    return agent_spec
