"""The next rung joins when the best trained member has passed the one before, and not earlier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from db import queries
from db.session import read_transaction, write_transaction
from league.config.layers import resolve
from league.daemon.ladder import EVENT, LOOK_EVERY_S, Ladder
from league.errors import ConfigError
from league.matchmaking.ladder import MIN_MATCHES, Rated, Step, next_step
from league.members.admission import admit_scripted
from tests.league.daemon.rated import season
from tests.league.daemon.scripted import Clock, League, new_league

RUNGS = ("turtle", "opportunist", "expander", "strategist")
SURE = Rated(25.0, 0.3, 100)


def step(best: Rated, top: Rated = SURE, n_present: int = 2) -> Step | None:
    present = {name: i for i, name in enumerate(RUNGS[:n_present], start=1)}
    known = {1: replace(top, mu=30.0), n_present: top, 8: best, 9: Rated(40.0, 0.1, 500)}
    return next_step(RUNGS, present, known, {8})


def test_the_interval_of_the_difference_decides() -> None:
    assert step(Rated(25.8, 0.3, 100)) is None  # 0.8 +- 0.83
    assert step(Rated(25.9, 0.3, 100)) == Step(
        "expander", "opportunist", 8, pytest.approx(0.9), pytest.approx(0.8316, abs=1e-4)
    )
    assert step(Rated(24.0, 0.3, 100)) is None


def test_few_matches_show_nothing_whatever_they_say() -> None:
    assert step(Rated(40.0, 0.1, MIN_MATCHES - 1)) is None
    assert step(Rated(40.0, 0.1, 100), replace(SURE, games=MIN_MATCHES - 1)) is None


def test_there_is_nothing_above_the_last_rung_and_nothing_to_pass_below_the_first() -> None:
    assert step(Rated(40.0, 0.1, 100), n_present=4) is None
    assert next_step(RUNGS, {}, {8: Rated(40.0, 0.1, 100)}, {8}) is None


# --- in a league ----------------------------------------------------------------------------------


def climb(league: League, clock: Clock) -> tuple[Ladder, dict[int, Rated]]:
    """A ladder of four rungs of which two have joined, and a trained member far above them."""
    with write_transaction(league.engine) as session:
        admit_scripted(session, ("turtle", "opportunist"), season(league))
        climber = queries.add_member(
            session,
            name="attention-0001",
            family="attention",
            role="main",
            agent_spec="snapshot:ab",
            trained_decisions=1_000,
        )
        top = queries.member_by_name(session, "opportunist")
        assert top is not None
    known = {top.id: SURE, climber: Rated(30.0, 0.3, 100)}
    return Ladder(RUNGS, league.engine, season(league), clock=clock), known


def names(league: League) -> list[str]:
    with read_transaction(league.engine) as session:
        return [m.name for m in queries.list_members(session, statuses=("active",))]


def test_a_rung_joins_once_with_a_rating_and_an_event(tmp_path: Path) -> None:
    clock = Clock()
    with new_league(tmp_path / "league") as league:
        ladder, known = climb(league, clock)
        for _ in range(3):
            ladder.turn(known)
            clock.now += LOOK_EVERY_S
        assert "expander" in names(league) and "strategist" not in names(league)
        with read_transaction(league.engine) as session:
            joined = queries.member_by_name(session, "expander")
            (event,) = queries.list_events(session, kind=EVENT)
            assert joined is not None and joined.role == "anchor"
            rules = season(league).rules_sha256
            assert queries.latest_rating(session, joined.id, rules) is not None
        assert event.member_id == joined.id
        assert event.message == (
            "expander joined: attention-0001 is 5.0 +- 0.8 points above opportunist"
        )


def test_a_guest_becomes_the_rung_and_who_was_retired_stays_away(tmp_path: Path) -> None:
    clock = Clock()
    with new_league(tmp_path / "league") as league:
        ladder, known = climb(league, clock)
        with write_transaction(league.engine) as session:
            guest = queries.add_member(
                session,
                name="expander-guest",
                family="scripted",
                role="anchor",
                agent_spec="scripted:expander",
                status="guest",
            )
        ladder.turn(known)
        assert "expander-guest" in names(league) and "expander" not in names(league)
        with write_transaction(league.engine) as session:
            queries.set_status(session, guest, "retired")
        clock.now += LOOK_EVERY_S
        ladder.turn(known)
        assert "expander-guest" not in names(league)


def test_the_preset_real_has_nations_that_join_by_and_by() -> None:
    config = resolve("real")
    assert config.rules.edition == "2026" and config.rules.crowd == ""
    assert config.rating.ladder == tuple(
        f"nation-{each}" for each in ("easy", "medium", "hard", "impossible")
    )
    present = set(config.rating.ladder) & set(config.rating.anchors)
    assert present == {"nation-easy", "nation-medium"} and "nation" in config.rating.anchors
    assert resolve("small").rating.ladder == ()


@pytest.mark.parametrize(
    ("ladder", "says"),
    [
        ('["nobody"]', "found nobody"),
        ('["tribe", "tribe"]', "distinct names"),
        ('["strategist-eager"]', "not held out"),
        ('["strategist-patient", "tribe"]', "not held out"),
        ('["nation-easy"]', "begin with an anchor"),
        ('["tribe", "nation-easy"]', "edition 2026"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(ladder: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        resolve("small", sets=[f"rating.ladder={ladder}"])
