"""Canary matches of a running league: their share, their form, and that they rate nobody."""

from __future__ import annotations

from collections import Counter

from db import queries
from db.session import read_transaction, write_transaction
from league.champion.book import Book, Entry, load, save
from league.daemon.canaries import JUDGE_EVERY_S
from league.daemon.manager import Manager
from league.daemon.matches import RatedMatches
from tests.league.daemon.rated import match_settings, matches, season
from tests.league.daemon.scripted import Clock, League, ScriptedArena, ScriptedProcess


def watched(
    league: League, arena: ScriptedArena, clock: Clock, share: float | None = 0.25
) -> RatedMatches:
    settings = match_settings(league, share)
    return RatedMatches(
        league.folder, settings, league.engine, season(league), arena, [], clock=clock
    )


def play(rated: RatedMatches, arena: ScriptedArena, turns: int) -> None:
    """Let everything that is in play end, turn by turn."""
    done: set[int] = set()
    for _ in range(turns):
        arena.finish(*[job for job, _, _ in arena.submitted if job not in done])
        done |= {job for job, _, _ in arena.submitted}
        rated.turn(0.0)


def load_book(league: League) -> Book:
    with read_transaction(league.engine) as session:
        return load(session)


def test_canaries_take_their_share_of_the_matches_and_rate_nobody(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = watched(league, arena, clock)
    play(rated, arena, 40)
    played = matches(league)
    canaries = [match for match in played if match.purpose == "canary"]
    assert 0.2 <= len(canaries) / len(played) <= 0.25
    assert not any(is_rated for match in canaries for _, is_rated in match.line_up)
    with read_transaction(league.engine) as session:
        log = queries.rating_log(session, season(league).rules_sha256)
    rated_ids = {row.match_id for row in log if row.match_id is not None}
    assert rated_ids and not rated_ids & {match.id for match in canaries}


def test_without_a_share_there_are_no_canaries(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = watched(league, arena, clock, None)
    play(rated, arena, 20)
    assert {match.purpose for match in matches(league)} == {"rating"}
    assert load_book(league).entries == {}


def test_pairs_of_a_canary_are_planned_whole_on_one_seed(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    play(watched(league, arena, clock), arena, 40)
    canaries = [match for match in matches(league) if match.purpose == "canary"]
    halves = [(match.pair_key, match.pair_half) for match in canaries if match.pair_key]
    assert halves and len(set(halves)) == len(halves)
    assert {key for key, half in halves if half == 0} == {key for key, half in halves if half == 1}


def test_the_court_judges_what_was_played_now_and_then(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = watched(league, arena, clock, 1.0)
    rated.turn(0.0)
    opened = {key for key, entry in load_book(league).entries.items() if entry.open}
    assert {"order:tribe:random", "order:tribe:idle", "mirror", "drift"} <= opened
    # Seats finish in seat order, whoever plays: the mirror's 40 matches show seat 0 favoured.
    while load_book(league).entries["mirror"].status == "untested":
        clock.now += JUDGE_EVERY_S
        play(rated, arena, 10)
        assert len(matches(league)) < 600
    with read_transaction(league.engine) as session:
        (event,) = queries.list_events(session, kind="canary_suspect")
    assert event.message.startswith("canary mirror: tribe against itself: seat 0 does not take")
    mirror = load_book(league).entries["mirror"]
    assert (mirror.status, mirror.round, mirror.open) == ("suspect", 2, True)


def test_a_round_that_was_played_before_is_judged_without_another_match(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = watched(league, arena, clock, 1.0)
    while load_book(league).entries.get("mirror", Entry("mirror", 0, None)).status == "untested":
        clock.now += JUDGE_EVERY_S
        play(rated, arena, 10)
    with write_transaction(league.engine) as session:  # as if nothing had depended on it meanwhile
        save(session, load(session).without("mirror"))
    for _ in range(2):  # it is opened, and then judged; nothing ends meanwhile
        clock.now += JUDGE_EVERY_S
        rated.turn(0.0)
    mirror = load_book(league).entries["mirror"]
    assert (mirror.status, mirror.round) == ("suspect", 2)


def test_interrupted_canary_matches_are_played_again(league: League) -> None:
    def manager(arena: ScriptedArena) -> Manager:
        config = league.config.model_copy(
            update={"rating": league.config.rating.model_copy(update={"canary_share": 1.0})}
        )
        return Manager(
            league.folder,
            config,
            league.engine,
            arena=arena,
            launch=lambda name, orders: ScriptedProcess(),
        )

    first = ScriptedArena()
    started = manager(first)
    for _ in range(3):
        started.turn(0.0)
    running = {m.id for m in matches(league, "running") if m.purpose == "canary"}
    assert running
    again = ScriptedArena()
    manager(again).turn(0.0)
    assert running <= {job for job, _, _ in again.submitted}


def test_a_retired_member_is_on_trial_no_longer(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    rated = watched(league, arena, clock)
    rated.turn(0.0)
    with write_transaction(league.engine) as session:
        random = queries.member_by_name(session, "random")
        assert random is not None
        queries.set_status(session, random.id, "retired")
    play(rated, arena, 20)
    canaries = [match for match in matches(league) if match.purpose == "canary"]
    assert canaries
    assert all(random.id not in dict(match.line_up) for match in canaries)


def test_no_canary_starves_behind_another(league: League) -> None:
    arena, clock = ScriptedArena(), Clock()
    play(watched(league, arena, clock), arena, 60)
    played: Counter[str] = Counter()
    for match in matches(league):
        if match.purpose == "canary":
            assert match.series_key is not None
            kind = match.series_key.split(":")[1]
            played[kind] += 1 if match.pair_key is None else match.pair_half or 0
    # two orders, a mirror and a drift canary are open; seeds are dealt out in turn
    assert set(played) == {"order", "mirror", "drift"}
    assert abs(played["mirror"] - played["drift"]) <= 1
    assert abs(played["order"] - 2 * played["drift"]) <= 2
