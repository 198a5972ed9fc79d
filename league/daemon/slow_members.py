"""Members that think for long: how much of the workers' time they take, and how often they play.

Promises: members with a `planner:` spec, and plug-ins of which one seat takes longer than all else
of a match, together take at most `rating.slow_member_share` of the workers' time in rated matches,
as the workers measure it; before a first measurement a planner counts with what one takes on a slow
core. What was measured outlives a restart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from agents.registry import is_planner
from db import queries
from db.session import read_transaction
from league.folder.memory import WORKER_TIME_KEY

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from arena.match import MatchResult
    from arena.territory.engine.rules import MatchRules

WINDOW_S = 7_200.0  # of workers' time that counts: two hours of one worker, older time fades
DECISION_S = 0.15  # of a planner of the usual budget (docs/learning.md), before it was measured


@dataclass
class _Time:
    """What one agent has taken: seconds in all its seats, and how many seats."""

    seconds: float = 0.0
    seats: float = 0.0


@dataclass
class _Account:
    """Workers' time, older time fading.

    Attributes:
        worker_s: of all matches; `n` is their number.
        by_spec: of each planner and plug-in.
    """

    worker_s: float = 0.0
    n: float = 0.0
    by_spec: dict[str, _Time] = field(default_factory=dict)

    def fade(self, kept: float) -> None:
        """Keep this share of everything."""
        self.worker_s *= kept
        self.n *= kept
        for time in self.by_spec.values():
            time.seconds *= kept
            time.seats *= kept


class SlowMembers:
    """The account of a running league.

    Args:
        engine: of the league's database; only read here.
        share: of the workers' time; None sets no limit.
        rules: of the matches, for what a planner takes before it was measured.
    """

    def __init__(self, engine: Engine, share: float | None, rules: MatchRules) -> None:
        self._share = share
        self._guess_s = DECISION_S * rules.max_ticks / rules.ticks_per_decision
        self._withheld = False
        self._active: frozenset[str] = frozenset()
        self._engine = engine
        with read_transaction(engine) as session:
            self._account = _read(queries.get_league_value(session, WORKER_TIME_KEY) or {})

    def look(self) -> None:
        """Read who is active: a member may have joined by hand."""
        with read_transaction(self._engine) as session:
            self._active = frozenset(a.agent_spec for a in queries.active_agents(session))

    @property
    def specs(self) -> frozenset[str]:
        """The agent specs that count as slow."""
        known = {*self._account.by_spec, *filter(is_planner, self._active)}
        return frozenset(spec for spec in known if self._is_slow(spec))

    def _is_slow(self, spec: str) -> bool:
        if is_planner(spec):
            return True
        account = self._account
        time = account.by_spec[spec]
        others_s = account.worker_s - self._slow_s((spec,))
        return time.seats > 0 and time.seconds / time.seats > others_s / max(account.n, 1e-9)

    def _slow_s(self, specs: Iterable[str]) -> float:
        by_spec = self._account.by_spec
        return sum(by_spec[spec].seconds for spec in specs if spec in by_spec)

    def room(self, open_matches: Iterable[Sequence[str]]) -> int | None:
        """Return how many seats slow members may have in matches to come; None for any number.

        Args:
            open_matches: agent specs of each match that is planned or being played.
        """
        specs = self.specs
        if self._share is None or self._share >= 1.0 or not specs:
            self._withheld = False
            return None
        account = self._account
        seats = sum(account.by_spec[spec].seats for spec in specs if spec in account.by_spec)
        slow_s = self._slow_s(specs)
        each_s = slow_s / seats if seats > 0 else self._guess_s
        n_open = sum(Counter(agents)[spec] for agents in open_matches for spec in specs)
        # slow_s + x * each_s <= share * (worker_s + x * each_s), for x seats in play or to come.
        most = (self._share * account.worker_s - slow_s) / (each_s * (1.0 - self._share))
        room = max(0, int(most) - n_open)
        self._withheld = room == 0
        return room

    def add(self, result: MatchResult) -> None:
        """Count a match that was played."""
        account = self._account
        account.fade(max(0.0, 1.0 - result.worker_s / WINDOW_S))
        account.worker_s += result.worker_s
        account.n += 1.0
        seats = Counter(result.spec.agents)
        for spec, seconds in result.agent_s.items():
            if is_planner(spec) or spec.startswith("plugin:"):
                time = account.by_spec.setdefault(spec, _Time())
                time.seconds += seconds
                time.seats += seats[spec]

    def store(self, session: Session) -> None:
        """Write the account as it was before the newest match, if there is anybody to count."""
        specs = self.specs
        if not specs:
            return
        worker_s = self._account.worker_s
        queries.set_league_value(
            session,
            WORKER_TIME_KEY,
            {
                **asdict(self._account),
                "slow": sorted(specs),
                "share": self._slow_s(specs) / worker_s if worker_s > 0 else None,
                "limit": self._share,
                "withheld": self._withheld,
            },
        )


def _read(stored: Mapping[str, Any]) -> _Account:
    by_spec = {
        str(spec): _Time(float(time["seconds"]), float(time["seats"]))
        for spec, time in dict(stored.get("by_spec") or {}).items()
    }
    return _Account(float(stored.get("worker_s", 0.0)), float(stored.get("n", 0.0)), by_spec)
