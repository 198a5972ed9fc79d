"""The planner of rated matches: what it knows of the pool, and the matches that it draws.

Promises: planning costs as much as what has changed since the last plan, however long the league
is, and takes no lock; matches in flight count as played; who is not active, rests or is suspected
is not drawn.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.random import PCG64, Generator
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from agents.in_tick import terms_of
from arena.match import MatchSpec
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import expand_references, load_map
from arena.territory.observation.views import Views
from db import queries
from db.records import ActiveAgent, MatchPlan, MatchRecord
from db.session import read_transaction
from league.config.tree import LeagueConfig
from league.matchmaking.ladder import Rated
from league.matchmaking.lineups import Candidate, choose_line_ups
from league.rating.season import Season
from league.rating.standings import SCALE_ANCHOR_SPEC

# "Recent" are as many matches as give every member this many on average: enough that the luck of a
# batch of 16 does not look like a lack, few enough that a newcomer has nothing to catch up.
RECENT_MATCHES = 40
# All reported ratings carry the error of the scale's anchor: with half as many matches again as the
# others, intervals get as narrow as by 15 to 20 % more matches of all, at 0.2 % of the information
# on differences between other members.
SCALE_ANCHOR_WEIGHT = 1.5


@dataclass(frozen=True)
class MatchSettings:
    """How rated matches are set up, played and drawn.

    Attributes:
        maps: map references to draw from.
        seed: seed of the line-ups.
        n_workers: number of worker processes.
        matches_per_worker: matches that a worker plays in lock-step; their line-ups differ, and
            share their networks.
        floor_share: members with fewer recent matches than this share of the mean play first.
        canary_share: share of the planned matches that are canaries; None plays none.
        slow_member_share: share of the workers' time that members which think for long may take.
        ladder: scripted members that join one after the other (league.matchmaking.ladder).
    """

    rules: MatchRules
    views: Views
    maps: tuple[str, ...]
    seed: int
    n_workers: int
    matches_per_worker: int
    floor_share: float
    canary_share: float | None = None
    slow_member_share: float | None = None
    ladder: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: LeagueConfig, n_workers: int) -> MatchSettings:
        """Return those of a league's settings."""
        return cls(
            rules=config.rules.to_rules(),
            views=config.views.to_views(),
            maps=tuple(expand_references(config.maps.rate)),
            seed=config.seed,
            n_workers=n_workers,
            matches_per_worker=config.arena.matches_per_worker,
            floor_share=config.rating.floor_share,
            canary_share=config.rating.canary_share,
            slow_member_share=config.rating.slow_member_share,
            ladder=config.rating.ladder,
        )


class Planner:
    """Draws rated matches of a running league.

    Args:
        engine: of the league's database; it is only read.
        base: the league folder, from which relative map references start.
    """

    def __init__(self, settings: MatchSettings, engine: Engine, season: Season, base: Path) -> None:
        self.settings = settings
        self._engine = engine
        self._season = season
        self._base = base
        self._map_hashes: dict[str, str] = {}
        self._ratings: dict[int, Rated] = {}
        self._seq = 0  # of the newest change of a rating that is known
        self._recent: deque[tuple[int, ...]] | None = None  # rated members per match
        self._rng = Generator(PCG64(np.random.SeedSequence(entropy=self._entropy())))

    def _entropy(self) -> list[int]:
        """Return the league's seed and the number of matches: a restart draws new line-ups."""
        with read_transaction(self._engine) as session:
            n_matches = sum(queries.matches_by_status(session).values())
        return [self.settings.seed, n_matches]

    def plan(
        self,
        n: int,
        in_flight: Sequence[MatchRecord],
        *,
        batch: int | None = None,
        suspects: Collection[int] = (),
        resting: Collection[str] = (),
    ) -> list[MatchPlan]:
        """Draw `n` matches, none with fewer than two members.

        Args:
            in_flight: matches that are planned or being played.
            batch: matches that are played together; None for a worker's whole batch.
            suspects: ids of members that are not drawn for the time being.
            resting: agent specs that are not drawn for the time being.
        """
        with read_transaction(self._engine) as session:
            agents = {agent.member_id: agent for agent in queries.active_agents(session)}
            self._take_in(session, len(agents))
        drawn = [
            agent
            for agent in agents.values()
            if agent.member_id in self._ratings
            and agent.member_id not in suspects
            and agent.agent_spec not in resting
        ]
        if len(drawn) < 2:
            return []
        line_ups = choose_line_ups(
            self._candidates(drawn, in_flight),
            self.settings.rules.n_seats,
            n,
            self._rng,
            share=batch or self.settings.matches_per_worker,
            floor_share=self.settings.floor_share,
            in_flight={frozenset(_rated(match.line_up)) for match in in_flight},
        )
        return [self._match(line_up, agents) for line_up in line_ups]

    @property
    def known(self) -> Mapping[int, Rated]:
        """What is known of each rated member, by id, as of the last plan."""
        return self._ratings

    def standings(self) -> dict[int, tuple[float, int]]:
        """Return mu and number of rated matches by member id, as of the last plan."""
        return {member_id: (row.mu, row.games) for member_id, row in self._ratings.items()}

    def inserted(self, plans: Iterable[MatchPlan]) -> None:
        """Count matches that were drawn and are in the database now."""
        if self._recent is not None:
            self._recent.extend(tuple(_rated(plan.line_up)) for plan in plans)

    def _take_in(self, session: Session, n_active: int) -> None:
        """Read the ratings, or what has changed of them, and the latest matches at the start."""
        rules = self._season.rules_sha256
        n_recent = self._n_recent(n_active)
        if self._recent is None or (self._recent.maxlen or 0) < n_recent:
            # Twice as long as needed, so that it is read anew when the pool has doubled.
            found = queries.recent_line_ups(session, rules, 2 * n_recent)
            self._recent = deque(found, maxlen=2 * n_recent)
        if not self._ratings:
            for state in queries.rating_states(session, rules):
                self._ratings[state.member_id] = Rated(state.mu, state.sigma, state.games)
                self._seq = max(self._seq, state.seq)
            return
        for change in queries.rating_changes(session, rules, self._seq):
            known = self._ratings.get(change.member_id)
            games = (known.games if known is not None else 0) + change.is_match
            self._ratings[change.member_id] = Rated(change.mu, change.sigma, games)
            self._seq = change.seq

    def _n_recent(self, n_members: int) -> int:
        return -(-RECENT_MATCHES * n_members // self.settings.rules.n_seats)

    def _candidates(
        self, drawn: Sequence[ActiveAgent], in_flight: Sequence[MatchRecord]
    ) -> list[Candidate]:
        assert self._recent is not None
        latest = islice(reversed(self._recent), self._n_recent(len(drawn)))
        recent = Counter(chain.from_iterable(latest))
        flying = Counter(chain.from_iterable(_rated(match.line_up) for match in in_flight))
        found = []
        for agent in drawn:
            rated = self._ratings[agent.member_id]
            is_anchor = agent.role == "anchor"
            is_scale = is_anchor and agent.agent_spec == SCALE_ANCHOR_SPEC
            found.append(
                Candidate(
                    agent.member_id,
                    rated.mu,
                    rated.sigma,
                    rated.games + flying[agent.member_id],
                    anchor=is_anchor,
                    in_flight=flying[agent.member_id],
                    recent=recent[agent.member_id],
                    is_free=agent.agent_spec.startswith("scripted:"),
                    weight=SCALE_ANCHOR_WEIGHT if is_scale else 1.0,
                )
            )
        return found

    def _match(
        self, line_up: tuple[tuple[int, bool], ...], agents: dict[int, ActiveAgent]
    ) -> MatchPlan:
        settings = self.settings
        specs = tuple(agents[member_id].agent_spec for member_id, _ in line_up)
        spec = MatchSpec(
            seed=int(self._rng.integers(2**62)),
            map=settings.maps[int(self._rng.integers(len(settings.maps)))],
            agents=specs,
            rules=settings.rules,
            views=settings.views,
            rotation=int(self._rng.integers(settings.rules.n_players)),
            terms=terms_of(specs),
        )
        spec = replace(spec, map_sha256=self._map_sha256(spec.map))
        return MatchPlan(
            purpose="rating",
            seed=spec.seed,
            map=spec.map,
            map_sha256=spec.map_sha256,
            rules_sha256=self._season.rules_sha256,
            spec=spec.to_json(),
            line_up=line_up,
            rotation=spec.rotation,
        )

    def _map_sha256(self, reference: str) -> str:
        if reference not in self._map_hashes:
            self._map_hashes[reference] = load_map(reference, base=self._base).sha256
        return self._map_hashes[reference]


def _rated(line_up: Iterable[tuple[int, bool]]) -> list[int]:
    return [member_id for member_id, is_rated in line_up if is_rated]
