"""`league compare` on real matches: scripted agents as the snapshots of two lineages."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from db import queries
from db.session import read_transaction
from league.cli.main import main
from league.compare.answer import SeedScore, answer
from league.compare.equals import MEASURES, find_equals
from league.compare.leagues import read_leagues
from league.compare.run import Comparison
from league.compare.text import format_comparison, sentence
from league.folder.connect import reader
from league.pit.run import PitProgress
from tests.league.compare.conftest import MakeSeed
from tests.league.pit.conftest import DiceArena
from tests.schemas import fits

A = [(0, 0.1), (120_000, 2.0), (240_000, 4.0)]
B = [(0, 0.1), (120_100, 1.8), (240_100, 3.6)]


def _command(root: Path, *more: str) -> list[str]:
    return ["compare", "--seeds", str(root), "--matches", "4", "--workers", "1", *more]


@pytest.mark.timeout(300)
def test_tribe_beats_idle_in_two_leagues_and_the_same_command_plays_nothing_twice(
    seed_league: MakeSeed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [seed_league(seed, A, B) for seed in (1, 2)]
    assert main(_command(tmp_path, "--json")) == 4  # two seeds: of these snapshots alone
    first = json.loads(capsys.readouterr().out)
    fits(first)
    assert first["levels"] == {"decisions": 240_000, "minutes": 3.6}
    assert [row["a"]["name"] for row in first["pairings"]["decisions"]] == ["attention-0002"] * 2
    five, mixed, *_ = first["answers"]
    assert (five["company"], mixed["company"], five["of"]) == ("five", "mixed", "snapshots")
    assert five["score"] > 0.5 and five["elo"] > 0
    assert len(five["seeds"]) == 2 and five["seeds"][0]["n_pairs"] == 2
    assert "says nothing of the architectures" in first["scope"]

    def n_matches() -> list[int]:
        counts = []
        for folder in folders:
            with reader(folder) as engine, read_transaction(engine) as session:
                assert not queries.list_matches(session, purpose="rating")
                counts.append(len(queries.list_matches(session, purpose="pit", status="finished")))
        return counts

    for folder, first_seed in zip(folders, (1_000_001, 2_000_001), strict=True):
        with reader(folder) as engine, read_transaction(engine) as session:
            seeds = {match.seed for match in queries.list_matches(session, purpose="pit")}
        assert seeds == {first_seed, first_seed + 1}  # no match twice, so that errors differ

    # 2 pairs five against five and 2 among the scripts; at equal minutes 0002 meet again
    assert n_matches() == [8, 8]
    assert main(_command(tmp_path, "--json")) == 4
    assert json.loads(capsys.readouterr().out) == first
    assert n_matches() == [8, 8]
    assert main(_command(tmp_path)) == 4
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("At equal decisions, five against five ")
    assert "these snapshots of attention" in out[0]
    assert any(line.startswith("Cost: attention trains 0.90 times as many") for line in out)


def test_an_interruption_while_playing_gives_no_half_answer(
    seed_league: MakeSeed,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed_league(1, A, B)
    n_played = 0

    def interrupt(progress: PitProgress) -> str:
        nonlocal n_played
        n_played += 1
        os.kill(os.getpid(), signal.SIGINT)  # in the first pair of four
        return ""

    monkeypatch.setattr("league.pit.run.PitProgress.line", interrupt)
    assert main(["compare", "--seeds", str(tmp_path), "--matches", "8", "--workers", "1"]) == 130
    captured = capsys.readouterr()
    assert captured.out == "" and n_played >= 1
    assert "what was played is stored, and the same command goes on" in captured.err


def _comparison(seed_league: MakeSeed, n_seeds: int, scores: list[float]) -> Comparison:
    folders = [seed_league(seed, A, B) for seed in range(1, n_seeds + 1)]
    leagues = read_leagues(folders, "attention", "baseline")
    rows = [
        SeedScore(league.name, "a", "b", score, 0.01, 50, (5.0, 6.0))
        for league, score in zip(leagues, scores, strict=True)
    ]
    return Comparison(
        a="attention",
        b="baseline",
        leagues=tuple(leagues),
        equals={measure: find_equals(leagues, measure) for measure in MEASURES},
        answers=tuple(answer(m, c, rows) for m in MEASURES for c in ("five", "mixed")),
        rates=(0.9,) * n_seeds,
        different_settings=(),
    )


def test_an_interrupted_comparison_answers_nothing_and_keeps_what_was_played(
    seed_league: MakeSeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = seed_league(1, A, B)
    monkeypatch.setattr("league.pit.play.LocalArena", lambda *a, **k: DiceArena(break_after=3))
    assert main(_command(tmp_path)) == 130
    with reader(folder) as engine, read_transaction(engine) as session:
        assert len(queries.list_matches(session, purpose="pit", status="finished")) == 2


def test_three_seeds_speak_of_the_families(seed_league: MakeSeed) -> None:
    found = _comparison(seed_league, 3, [0.42, 0.43, 0.44])
    assert "five against five baseline is stronger than attention (Elo -49" in sentence(
        found, "decisions"
    )
    text = "\n".join(format_comparison(found))
    assert "these snapshots" not in text
    assert "clustered by training seed (Student's t, 2 degrees of freedom)" in text


def test_an_interval_that_holds_an_even_score_shows_no_difference(seed_league: MakeSeed) -> None:
    found = _comparison(seed_league, 3, [0.40, 0.52, 0.60])
    assert "no difference between attention and baseline is shown" in sentence(found, "minutes")


def test_two_seeds_never_speak_of_the_families(seed_league: MakeSeed) -> None:
    found = _comparison(seed_league, 2, [0.60, 0.61])
    said = sentence(found, "decisions")
    assert "these snapshots of attention are stronger than those of baseline" in said
    assert " attention is stronger" not in said
    lines = format_comparison(found)
    assert any(line.startswith("    between the two training seeds:") for line in lines)


def test_settings_without_training_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--set", "learner.n_epochs=1", "--seeds", str(tmp_path)]) == 2
    assert "--set changes what --run trains" in capsys.readouterr().err
