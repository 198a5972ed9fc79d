"""A member that ends its worker's process is found, and takes nobody with it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db import queries
from db.records import MatchRecord, MemberRecord
from db.session import read_transaction, write_transaction
from league.daemon.matches import RatedMatches
from league.members import admission
from league.rating.season import Season
from tests.league.daemon.rated import match_settings
from tests.league.daemon.scripted import Clock, League, ScriptedArena, new_league

SEGV = -int(signal.SIGSEGV)


class Game:
    """Rated matches on a scripted arena whose processes die over some line-ups.

    Args:
        deadly: agent specs -> exit code of the process that plays them, or None.
    """

    def __init__(self, league: League, deadly: Callable[[set[str]], int | None]) -> None:
        self.league = league
        self.deadly = deadly
        self.arena = ScriptedArena()
        self.n_deaths = 0
        self._played = 0
        config = league.config
        self.season = Season.of(config.to_json())
        with write_transaction(league.engine) as session:
            admission.admit_scripted(session, config.rating.scripted_members, self.season)
        settings = match_settings(league)
        self.rated = RatedMatches(
            league.folder, settings, league.engine, self.season, self.arena, [], clock=Clock()
        )

    def join(self, name: str) -> str:
        """Add a plug-in and return its agent spec."""
        spec = f"plugin:{name}:make"
        with write_transaction(self.league.engine) as session:
            member_id = queries.add_member(
                session, name=name, family="plugin", role="main", agent_spec=spec
            )
            admission.admit_rating(session, queries.get_member(session, member_id), self.season)
        return spec

    def play(self, n_rounds: int) -> None:
        """Let processes play what was submitted, two matches each, one where it must be alone."""
        for _ in range(n_rounds):
            self.rated.turn(0.0)
            while self._played < len(self.arena.submitted):
                batch = self.arena.submitted[self._played : self._played + 2]
                if any(alone for _, _, alone in batch):
                    batch = batch[:1]
                self._played += len(batch)
                ids = [job_id for job_id, _, _ in batch]
                exit_code = self.deadly({agent for _, spec, _ in batch for agent in spec.agents})
                if exit_code is None:
                    self.arena.finish(*ids)
                else:
                    self.n_deaths += 1
                    self.arena.die(*ids, exit_code=exit_code)
            self.rated.turn(0.0)

    def member(self, name: str) -> MemberRecord:
        with read_transaction(self.league.engine) as session:
            found = queries.member_by_name(session, name)
        assert found is not None
        return found

    def matches(self, status: str) -> list[MatchRecord]:
        with read_transaction(self.league.engine) as session:
            return queries.list_matches(session, status=status)

    def alarms(self, kind: str) -> list[str]:
        with read_transaction(self.league.engine) as session:
            return [event.message for event in queries.list_events(session, kind=kind)]


@pytest.fixture
def league(tmp_path: Path) -> Iterator[League]:
    with new_league(tmp_path / "league") as made:
        yield made


def test_a_plugin_that_dies_by_sigsegv_is_suspended_and_takes_nobody_with_it(
    league: League,
) -> None:
    game = Game(league, lambda agents: SEGV if "plugin:wild:make" in agents else None)
    game.join("wild")
    game.play(12)
    assert game.member("wild").status == "suspended"
    (alarm,) = game.alarms("suspended")
    assert "killed by SIGSEGV" in alarm and "league members resume wild" in alarm
    # two batches at most were on their way when the first died, and one match alone after them
    assert game.n_deaths <= 3
    wild = game.member("wild").id
    failed = game.matches("failed")
    assert failed and all(wild in [seat for seat, _ in match.line_up] for match in failed)
    assert len(game.matches("finished")) > 20
    with read_transaction(league.engine) as session:
        others = [m for m in queries.list_members(session) if m.name != "wild"]
    assert all(m.status == "active" and m.failures == 0 for m in others)


def test_of_two_plugins_the_innocent_one_stays(league: League) -> None:
    game = Game(league, lambda agents: SEGV if "plugin:wild:make" in agents else None)
    game.join("wild")
    game.join("good")  # the newer of the two
    game.play(20)
    assert game.member("wild").status == "suspended"
    assert game.member("good").status == "active"
    good = game.member("good").id
    with read_transaction(league.engine) as session:
        assert queries.match_counts(session, game.season.rules_sha256)[good] > 0


def test_one_who_is_resumed_plays_again(league: League) -> None:
    broken = True
    game = Game(league, lambda agents: SEGV if broken and "plugin:wild:make" in agents else None)
    game.join("wild")
    game.play(12)
    wild = game.member("wild").id
    broken = False
    with write_transaction(league.engine) as session:
        queries.set_status(session, wild, "active")
    game.play(12)
    with read_transaction(league.engine) as session:
        assert queries.match_counts(session, game.season.rules_sha256)[wild] > 0
    assert game.member("wild").status == "active"


def test_workers_killed_from_outside_accuse_nobody(league: League) -> None:
    n_kills = 3
    killed = 0

    def deadly(agents: set[str]) -> int | None:
        nonlocal killed
        killed += 1
        return -int(signal.SIGKILL) if killed <= n_kills else None

    game = Game(league, deadly)
    game.join("tame")
    game.play(12)
    assert game.n_deaths == n_kills and game.alarms("suspended") == []
    assert game.member("tame").status == "active" and game.matches("failed") == []


def test_matches_that_failed_are_played_one_at_a_time(league: League) -> None:
    game = Game(league, lambda agents: None)
    game.rated.turn(0.0)
    first = [job_id for job_id, _, _ in game.arena.submitted]
    game.arena.die(*first, exit_code=SEGV)
    game.rated.turn(0.0)
    game.rated.turn(0.0)
    again = [job_id for job_id, _, alone in game.arena.submitted[len(first) :] if alone]
    assert again == first[:1]
    game.arena.finish(*[job_id for job_id, _, _ in game.arena.submitted[len(first) :]])
    game.rated.turn(0.0)
    game.rated.turn(0.0)
    again = [job_id for job_id, _, alone in game.arena.submitted[len(first) :] if alone]
    assert again == first[:2]
