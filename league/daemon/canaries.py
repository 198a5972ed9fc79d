"""Canary and challenge matches of a running league: planned as a small share, judged now and then.

Promises: they have the purpose `canary` and never change a rating; they take at most
`rating.canary_share` of the matches that are planned; what is judged follows from the stored
matches alone, so that a restart decides the same (league.champion.court).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arena.territory.maps import load_map
from db import queries
from db.records import MatchPlan
from db.session import read_transaction
from league.champion import trials
from league.champion.book import load
from league.champion.court import advance
from league.champion.pool import active_members
from league.champion.trials import Stage, Trial
from league.champion.verdicts import DRIFT_PAIRS, MAX_PAIRS, MIRROR_PER_SEAT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from arena.processes.supervisor import Clock
    from arena.territory.engine.rules import MatchRules
    from arena.territory.observation.views import Views
    from db.records import MatchRecord, MemberRecord
    from league.champion.pool import Ratings

PURPOSE = "canary"
PURPOSES = ("rating", PURPOSE)  # of the matches that the daemon plays
JUDGE_EVERY_S = 10.0
# Pairs of a sequential trial in play at a time: few, because what is played after its end is lost.
PAIRS_AHEAD = 8
URGENT = 4  # challenges and re-tests get as many seeds as this many other canaries


@dataclass(frozen=True)
class CanarySettings:
    """How canary matches are set up.

    Attributes:
        share: of all matches that are planned; None plays none.
    """

    rules: MatchRules
    views: Views
    maps: tuple[str, ...]
    share: float | None


def own_matches(matches: Iterable[MatchRecord], rules_sha256: str) -> list[MatchRecord]:
    """Return the matches that the daemon plays, of the present rules."""
    return [m for m in matches if m.purpose in PURPOSES and m.rules_sha256 == rules_sha256]


class Canaries:
    """The canaries and challenges of a running league.

    Args:
        engine: of the league's database; planning only reads it.
        base: the league folder, from which relative map references start.
    """

    def __init__(
        self,
        settings: CanarySettings,
        engine: Engine,
        rules_sha256: str,
        base: Path,
        *,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._rules_sha256 = rules_sha256
        self._base = base
        self._clock = clock
        self._now = now
        self._judged_at = -JUDGE_EVERY_S
        self._changed: set[str] | None = None  # series with new results; at the start all
        self._open: set[str] = set()  # series of the open rounds, as of the last judgement
        self._open_now: set[str] = set()
        self._served: dict[str, float] = {}
        self._n_others = 0
        self._n_canaries = 0
        self._map_hashes: dict[str, str] = {}

    def is_due(self) -> bool:
        """Return whether `judge` shall be called."""
        due = self._clock() - self._judged_at >= JUDGE_EVERY_S
        return self._settings.share is not None and due

    def judge(self, session: Session, ratings: Ratings) -> None:
        """Judge what was played, crown and raise alarms, open what is due.

        Args:
            ratings: mu and number of rated matches by member id.
        """
        book = advance(session, ratings, self._now(), changed=self._changed)
        self._open_now = {
            entry.trial(key).series_key for key, entry in book.entries.items() if entry.open
        }
        self._judged_at = self._clock()

    def judged(self) -> None:
        """Forget what was new for the last judgement, which is in the database now.

        A round that has just been opened may have been played before: it is judged the next time.
        """
        self._changed = self._open_now - self._open
        self._open = self._open_now

    def settled(self, match: MatchRecord) -> None:
        """Take note that a match has a result, or will have none."""
        if self._changed is not None and match.series_key is not None:
            self._changed.add(match.series_key)

    def inserted(self, n_canaries: int, n_others: int) -> None:
        """Count matches that are in the database now."""
        self._n_canaries += n_canaries
        self._n_others += n_others

    def plan(
        self, n: int, *, suspects: Collection[int] = (), resting: Collection[str] = ()
    ) -> list[MatchPlan]:
        """Draw canary matches in place of some of `n` that are to be planned now.

        Args:
            suspects: ids of members that are not drawn for the time being.
            resting: agent specs that are not drawn for the time being.
        """
        share = self._settings.share
        if share is None:
            return []
        room = int(share * (self._n_others + self._n_canaries + n)) - self._n_canaries
        planned: list[MatchPlan] = []
        if room < 2:
            return planned
        with read_transaction(self._engine) as session:
            members = {
                member_id: member
                for member_id, member in active_members(session).items()
                if member_id not in suspects and member.agent_spec not in resting
            }
            book = load(session)
            waiting = {
                key: self._seeds(session, entry.trial(key), members)
                for key, entry in book.entries.items()
                if entry.open
            }
            least = min((self._served[key] for key in waiting if key in self._served), default=0.0)
            for key in waiting:  # a new one stands with the least served of all
                self._served.setdefault(key, least)
            while waiting:
                key = min(waiting, key=self._served.__getitem__)
                found = next(waiting[key], None)
                if found is None or len(planned) + len(found) > room:
                    del waiting[key]
                    continue
                planned += found
                is_urgent = key == "challenge" or book.entries[key].status == "suspect"
                self._served[key] += 1 / URGENT if is_urgent else 1.0
        return planned

    def _seeds(
        self, session: Session, trial: Trial, members: Mapping[int, MemberRecord]
    ) -> Iterator[list[MatchPlan]]:
        """Yield the matches of the next seeds of a round, as many as it needs for now."""
        if trial.a not in members or (trial.b is not None and trial.b not in members):
            return  # for the time being, or retired since it was judged last
        results = queries.series_results(session, trial.series_key)
        seeds = {row.seed for row in results}
        failed = {row.seed for row in results if row.status == "failed"}
        n_wanted = self._limit(trial) - len(seeds - failed)
        if trial.kind in MAX_PAIRS:
            n_open = len({row.seed for row in results if row.status in ("planned", "running")})
            n_wanted = min(n_wanted, PAIRS_AHEAD - n_open)
        for index in range(len(seeds), len(seeds) + n_wanted):
            yield self._plan_seed(trial, members, index)

    def _limit(self, trial: Trial) -> int:
        if trial.b is None:
            return MIRROR_PER_SEAT * self._settings.rules.n_seats
        return MAX_PAIRS.get(trial.kind, DRIFT_PAIRS)

    def _plan_seed(
        self, trial: Trial, members: Mapping[int, MemberRecord], index: int
    ) -> list[MatchPlan]:
        stage = Stage(
            self._settings.rules,
            self._settings.views,
            self._settings.maps,
            tuple(m.id for m in members.values() if m.role == "anchor"),
        )
        specs = {m.id: m.agent_spec for m in members.values()}
        planned = []
        for half in range(trial.halves):
            seats = trials.line_up(trial, stage, index, half)
            if seats is None:
                return []
            spec = trials.match_spec(trial, stage, specs, index, seats)
            spec = replace(spec, map_sha256=self._map_sha256(spec.map))
            planned.append(
                MatchPlan(
                    purpose=PURPOSE,
                    seed=spec.seed,
                    map=spec.map,
                    map_sha256=spec.map_sha256,
                    rules_sha256=self._rules_sha256,
                    spec=spec.to_json(),
                    line_up=tuple((member_id, False) for member_id in seats),
                    series_key=trial.series_key,
                    pair_key=None if trial.b is None else f"{trial.series_key}:{spec.seed}",
                    pair_half=None if trial.b is None else half,
                )
            )
        return planned

    def _map_sha256(self, reference: str) -> str:
        if reference not in self._map_hashes:
            self._map_hashes[reference] = load_map(reference, base=self._base).sha256
        return self._map_hashes[reference]
