"""`league bridge games` without Node: fake_peer.py is the original."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from arena.processes.jobs import Done, Failed, JobError, News
from league.bridge.game import GameRequest
from league.bridge.games import GameJob, GamesReport, GamesRequest, play, play_games
from league.bridge.text import format_games, games_json
from league.errors import BridgeEngineError, BridgeError, PitInterrupted, StoreAwayError
from tests.league.bridge.lobby import PeerBundle, bundle_of
from tests.schemas import fits

WINS = GameRequest("scripted:expander", "tiny", tribes=1, max_ticks=3_000, seed=3)
SHORT = replace(WINS, max_ticks=80)


class InProcess:
    """Plays a job at each poll, the newest first: games end in another order than they began.

    Args:
        spoil: changes a job before it is played; takes how many were played before, too.
        oldest_first: plays the oldest job instead.
    """

    def __init__(
        self,
        spoil: Callable[[int, GameJob], GameJob] = lambda n, job: job,
        *,
        oldest_first: bool = False,
    ) -> None:
        self._spoil, self._next = spoil, 0 if oldest_first else -1
        self._waiting: list[tuple[int, GameJob]] = []
        self.n_played = 0

    is_ready, start_trouble = True, None

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        assert isinstance(spec, GameJob)
        self._waiting.append((job_id, spec))

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        job_id, job = self._waiting.pop(self._next)
        job = self._spoil(self.n_played, job)
        self.n_played += 1
        (out,) = play({}, [job], lambda ticks: None)
        if isinstance(out, JobError):
            return [Failed(job_id, out.error, out.traceback, out.fault, out.blamed)]
        return [Done(job_id, out)]

    def take_news(self) -> list[News]:
        return []

    def close(self, grace_s: float) -> None:
        pass


def played(request: GamesRequest, bundle: PeerBundle, arena: InProcess) -> GamesReport:
    return play_games(request, bundle, None, arena=lambda n_workers: arena)


def test_games_count_in_the_order_of_their_seeds_and_their_share_has_an_interval(
    checkout: Path, tmp_path: Path
) -> None:
    seen: list[tuple[int, int, int]] = []
    request = GamesRequest(WINS, 3, records=tmp_path / "games")
    report = play_games(
        *(request, bundle_of(checkout), None, lambda *each: seen.append(each)),
        arena=lambda n_workers: InProcess(),
    )
    assert seen == [(1, 3, 1), (2, 3, 2), (3, 3, 3)]  # the last one was played first
    assert [game.file for game in report.games] == [
        tmp_path / "games" / f"seed-{seed}.record" for seed in (3, 4, 5)
    ]
    assert all(json.loads(path.read_text()) for path in (tmp_path / "games").iterdir())
    assert (report.won.share, report.won.high) == (1.0, 1.0)
    assert report.won.low == pytest.approx(0.025 ** (1 / 3))  # Clopper and Pearson, 3 of 3
    assert (report.n_failed, report.exit_code, report.failure) == (0, 0, None)
    lines = format_games(report)
    assert lines[1].startswith("Won: 3 of 3 games, 100.0 % [29.2, 100.0]   Land at the end: ")
    assert lines[-1].startswith("  seed    5  won: ")
    fits(games_json(report), "league-bridge-games/1")


def test_a_game_that_ends_at_its_last_tick_is_not_won_and_keeps_no_record(checkout: Path) -> None:
    report = played(GamesRequest(SHORT, 2), bundle_of(checkout), InProcess())
    assert (report.won.share, report.n_conquered) == (0.0, 0)
    assert [(game.file, game.turns, game.checks) for game in report.games] == [(None, 0, 0)] * 2
    assert "was number 1 of 2" in format_games(report)[-1]
    fits(games_json(report), "league-bridge-games/1")


def test_a_game_whose_engine_crashed_is_played_again(checkout: Path) -> None:
    def crashes_once(n: int, job: GameJob) -> GameJob:
        return replace(job, bundle=bundle_of(checkout, "dies")) if n == 1 else job

    report = played(GamesRequest(SHORT, 3), bundle_of(checkout), InProcess(crashes_once))
    assert (len(report.games), report.n_failed, report.exit_code) == (3, 1, 0)


def test_trouble_of_the_machine_is_nobodys_fault_and_the_game_is_played_again(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: object) -> None:
        monkeypatch.undo()
        raise StoreAwayError("the store does not answer")

    monkeypatch.setattr("league.bridge.games.play_game", away)
    report = played(GamesRequest(SHORT, 1), bundle_of(checkout), InProcess())
    assert (len(report.games), report.n_failed, report.exit_code) == (1, 1, 0)


def test_what_was_played_before_the_engine_was_given_up_is_reported(checkout: Path) -> None:
    def last_two_crash(n: int, job: GameJob) -> GameJob:
        return replace(job, bundle=bundle_of(checkout, "dies")) if job.game.seed > 4 else job

    arena = InProcess(last_two_crash, oldest_first=True)
    report = played(GamesRequest(SHORT, 4), bundle_of(checkout), arena)
    assert (len(report.games), report.exit_code) == (2, 70)
    assert "Ended after 2 of 4 games: the game of seed " in format_games(report)[3]
    fits(games_json(report), "league-bridge-games/1")
    with pytest.raises(BridgeEngineError, match="failed 3 times: the original engine's process"):
        played(GamesRequest(SHORT, 2), bundle_of(checkout, "dies"), InProcess())


def test_a_request_that_cannot_be_played_is_refused_at_the_first_game(checkout: Path) -> None:
    arena = InProcess()
    with pytest.raises(BridgeError, match="expected a map of the checkout in"):
        played(GamesRequest(replace(SHORT, map="atlantis"), 5), bundle_of(checkout), arena)
    assert arena.n_played == 1


@pytest.mark.parametrize("oldest_first", [True, False])
def test_an_interrupted_command_reports_the_games_that_count(
    checkout: Path, oldest_first: bool
) -> None:
    def interrupted(n: int, job: GameJob) -> GameJob:
        if n == 2:
            raise KeyboardInterrupt
        return job

    request = GamesRequest(SHORT, 3)
    arena = InProcess(interrupted, oldest_first=oldest_first)
    if oldest_first:
        report = played(request, bundle_of(checkout), arena)
        assert (len(report.games), report.exit_code) == (2, 130)
        assert "Ended after 2 of 3 games: interrupted" in format_games(report)[3]
    else:  # of the games that ended, none is the first one: short ones would count alone
        with pytest.raises(PitInterrupted, match="run the same command again"):
            played(request, bundle_of(checkout), arena)


def test_games_are_played_by_worker_processes(checkout: Path) -> None:
    report = play_games(GamesRequest(SHORT, 2, n_workers=2), bundle_of(checkout), None)
    assert [game.ticks for game in report.games] == [80, 80]
