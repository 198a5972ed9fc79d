"""Rated matches of a scripted arena, for the tests of them."""

from __future__ import annotations

from dataclasses import replace

from db import queries
from db.records import MatchRecord
from db.session import read_transaction
from league.daemon.matches import RatedMatches
from league.daemon.planner import MatchSettings
from league.rating.season import Season
from tests.league.daemon.scripted import Clock, League, ScriptedArena


def season(league: League) -> Season:
    return Season.of(league.config.to_json())


def match_settings(league: League, canary_share: float | None = None) -> MatchSettings:
    """Two matches a batch, one worker, and no canaries unless a share is given."""
    settings = MatchSettings.of(league.config, n_workers=1)
    return replace(settings, matches_per_worker=2, canary_share=canary_share)


def rated_matches(
    league: League,
    arena: ScriptedArena,
    backlog: list[MatchRecord] | None = None,
    clock: Clock | None = None,
    ends: float | None = None,
) -> RatedMatches:
    return RatedMatches(
        league.folder,
        match_settings(league),
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
