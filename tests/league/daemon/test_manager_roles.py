"""What the manager knows of learners that began again after a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from db import queries
from db.session import read_transaction, write_transaction
from league.learner.messages import (
    Offered,
    Ready,
    Restarted,
    Roster,
)
from league.rating.trueskill import MU, SIGMA
from tests.league.daemon.managed import Run
from tests.league.daemon.scripted import new_league


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with new_league(tmp_path / "league") as made:
        started = Run(made)
        started.turn()
        yield started


def test_a_snapshot_after_a_reset_has_no_parent_and_starts_unknown(run: Run) -> None:
    parent = run.offer()
    run.say(Offered(parent, 640, "start"))
    run.say(Restarted(None))
    fresh = run.offer(parent=None, seed=1)  # as the trainer describes it after its reset
    run.say(Offered(fresh, 1_280, "120,000 decisions since the last snapshot"))
    with read_transaction(run.league.engine) as session:
        member = queries.member_by_name(session, "attention-0001")
        assert member is not None and member.parent_id is None
        rating = queries.latest_rating(session, member.id, run.manager.season.rules_sha256)
    assert rating is not None and (rating.mu, rating.sigma) == (MU, SIGMA)


def test_what_is_known_of_weights_that_were_replaced_is_forgotten_until_the_next_snapshot(
    run: Run,
) -> None:
    first = run.offer()
    run.say(Offered(first, 640, "start"), Ready(640))

    def x_of_tribe() -> float:
        roster = run.told(Roster)[-1]
        assert isinstance(roster, Roster)
        tribe = next(i for i, spec in roster.specs.items() if spec == "scripted:tribe")
        return next(foe.x for foe in roster.foes if foe.member_id == tribe)

    with write_transaction(run.league.engine) as session:
        member = queries.member_by_name(session, "attention-0000")
        assert member is not None
        for match_id, _, _ in run.arena.submitted[:1]:
            queries.append_rating(
                session,
                member.id,
                45.0,
                1.0,
                rules_sha256=run.manager.season.rules_sha256,
                rating_version="test",
                match_id=match_id,
            )
    run.say(Ready(640))
    assert x_of_tribe() > 0.9  # 45 against 25
    run.say(Restarted(None))
    assert x_of_tribe() == 0.5
    second = run.offer(seed=2)
    run.say(Offered(second, 1_280, "enough"))
    run.say(Ready(1_280))
    assert x_of_tribe() == 0.5  # unknown itself, but a member
    assert run.manager._rosters._restarted == {}
