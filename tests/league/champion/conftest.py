"""A league database with four anchors, a lineage, and matches that a test scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from db import queries
from db.records import MatchOutcome, MatchPlan, SeatOutcome
from league.champion.book import load
from league.champion.court import advance
from league.champion.trials import Stage, Trial, line_up, seed_of
from league.rating.trueskill import RATING_VERSION
from tests.league.hand_made import MAP_SHA, RULES_SHA, STATE_SHA, add_rated

ANCHORS = ("tribe", "expander", "idle", "random")
SNAPSHOTS = (("attention-0001", 100_000), ("attention-0002", 200_000), ("attention-0003", 400_000))


class Court:
    """Plays trials as a test says and lets the court judge them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.now = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
        self.ids: dict[str, int] = {}
        for name in ANCHORS:
            self.ids[name] = add_rated(session, name, 25.0, 0.5, role="anchor")
        learner = queries.upsert_learner(session, name="attention", family="attention", role="main")
        parent = None
        for generation, (name, decisions) in enumerate(SNAPSHOTS):
            parent = self.ids[name] = add_rated(
                session,
                name,
                24.0,
                1.0,
                family="attention",
                parent_id=parent,
                generation=generation,
                agent_spec=f"snapshot:{generation}",
                snapshot_sha256=str(generation) * 64,
                trained_decisions=decisions,
            )
            queries.record_snapshot(session, learner, parent)
        self.learner = learner

    def rate(self, name: str, mu: float, matches: int = 30) -> None:
        """Give a member a rating and this many finished rated matches against idle."""
        member_id = self.ids[name]
        for _ in range(matches):
            plan = self._plan("rating", [member_id, self.ids["idle"]], rated=True)
            match_id = queries.plan_match(self.session, plan)
            queries.record_finished_match(
                self.session,
                match_id,
                MatchOutcome(100, STATE_SHA, 1.0),
                [SeatOutcome(place, 1, 1) for place in (1, 2)],
                rate=lambda before, placements: [(mu, 0.5), before[1]],
                rating_version=RATING_VERSION,
            )

    def join(self, name: str) -> int:
        """Let the lineage's next snapshot join: 100,000 decisions more than its newest."""
        learner = queries.learner_by_name(self.session, "attention")
        assert learner is not None and learner.member_id is not None
        newest = queries.get_member(self.session, learner.member_id)
        self.ids[name] = add_rated(
            self.session,
            name,
            family="attention",
            parent_id=newest.id,
            agent_spec=f"snapshot:{name}",
            trained_decisions=newest.trained_decisions + 100_000,
        )
        queries.record_snapshot(self.session, learner.id, self.ids[name])
        return self.ids[name]

    def hold_out(self, name: str) -> None:
        """Name a member in `rating.held_out` of the stored settings."""
        queries.set_league_value(self.session, "config", {"rating": {"held_out": [name]}})

    def advance(self, minutes: float = 0.0) -> None:
        self.now += timedelta(minutes=minutes)
        states = queries.rating_states(self.session, RULES_SHA)
        advance(self.session, {row.member_id: (row.mu, row.games) for row in states}, self.now)

    def play(self, key: str, score: float, pairs: int) -> None:
        """Let pairs of the open round of a canary end with this score of its first member.

        Score 1 or 0 gives every pair that score, 0.5 one half each; else that share of the pairs
        is won.
        """
        trial = self.trial(key)
        known = {row.seed for row in queries.series_results(self.session, trial.series_key)}
        for index in range(len(known), len(known) + pairs):
            won = round((index + 1) * score) > round(index * score)
            for half in (0, 1):
                members = line_up(trial, self.stage, index, half)
                assert members is not None
                first = trial.a if won else trial.b
                second = trial.b if won else trial.a
                order = [first, second]
                places = [1 if m == order[0] else 4 if m == order[1] else 3 for m in members]
                self.finish(trial, index, members, places, half)

    def play_mirror(self, matches: int, places_of: Any) -> None:
        """Let matches of the mirror end; `places_of(index)` returns the places of its seats."""
        trial = self.trial("mirror")
        known = {row.seed for row in queries.series_results(self.session, trial.series_key)}
        for index in range(len(known), len(known) + matches):
            members = line_up(trial, self.stage, index, 0)
            assert members is not None
            self.finish(trial, index, members, places_of(index), None)

    def finish(
        self,
        trial: Trial,
        index: int,
        members: Sequence[int],
        places: Sequence[int],
        half: int | None,
    ) -> None:
        seed = seed_of(trial, index)
        plan = self._plan(
            "canary",
            members,
            seed=seed,
            series_key=trial.series_key,
            pair_key=None if half is None else f"{trial.series_key}:{seed}",
            pair_half=half,
        )
        match_id = queries.plan_match(self.session, plan)
        queries.record_finished_match(
            self.session,
            match_id,
            MatchOutcome(100, STATE_SHA, 1.0),
            [SeatOutcome(place, 1, 1) for place in places],
        )

    @property
    def stage(self) -> Stage:
        from arena.territory.engine.rules import MatchRules
        from arena.territory.observation.views import Views

        anchors = tuple(self.ids[name] for name in ANCHORS)
        return Stage(MatchRules(n_seats=10), Views(), ("generated:plains:64x64:1",), anchors)

    def trial(self, key: str) -> Trial:
        entry = load(self.session).entries[key]
        assert entry.open
        return entry.trial(key)

    def status(self, key: str) -> str:
        return load(self.session).entries[key].status

    def events(self, kind: str) -> list[str]:
        return [event.message for event in queries.list_events(self.session, kind=kind)]

    def _plan(
        self, purpose: str, members: Sequence[int], *, rated: bool = False, **fields: Any
    ) -> MatchPlan:
        values = {"seed": 1, **fields}
        return MatchPlan(
            purpose=purpose,
            map="generated:plains:64x64:1",
            map_sha256=MAP_SHA,
            rules_sha256=RULES_SHA,
            spec={},
            line_up=tuple((member, rated) for member in members),
            **values,
        )


@pytest.fixture
def court(session: Session) -> Court:
    return Court(session)
