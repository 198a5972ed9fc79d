"""Rated matches of a scripted arena, for the tests of them."""

from __future__ import annotations

from db import queries
from db.records import MatchRecord
from db.session import read_transaction
from league.daemon.matches import RatedMatches
from league.daemon.planner import MatchSettings
from league.rating.season import Season
from tests.league.daemon.scripted import Clock, League, ScriptedArena


def season(league: League) -> Season:
    return Season.of(league.config.to_json())


def rated_matches(
    league: League,
    arena: ScriptedArena,
    backlog: list[MatchRecord] | None = None,
    clock: Clock | None = None,
    ends: float | None = None,
) -> RatedMatches:
    config = league.config
    settings = MatchSettings(
        rules=config.rules.to_rules(),
        views=config.views.to_views(),
        maps=config.maps.rate,
        seed=config.seed,
        n_workers=1,
        matches_per_worker=2,
        floor_share=config.rating.floor_share,
    )
    return RatedMatches(
        league.folder,
        settings,
        league.engine,
        season(league),
        arena,
        backlog or [],
        ends=ends,
        clock=clock or Clock(),
    )


def matches(league: League, status: str | None = None) -> list[MatchRecord]:
    with read_transaction(league.engine) as session:
        return queries.list_matches(session, status=status)
