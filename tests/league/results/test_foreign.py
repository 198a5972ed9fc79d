"""Results of another game, rated like our own: imported, reported, exported and imported again."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from league.cli.main import main
from league.errors import ConfigError
from league.folder.doctor import examine
from league.folder.layout import LeagueFolder
from league.folder.opening import open_for_start
from league.folder.rerate import rerate
from league.results import foreign
from league.results.table import COLUMNS
from tests.league.hand_made import make_league
from tests.league.results.logs import STRENGTH, line, matches, write
from tests.schemas import fits

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEAGUE_DIR", raising=False)


def run(capsys: Capture, *words: str) -> str:
    capsys.readouterr()
    assert main(list(words)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def report(capsys: Capture, league: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(capsys, "report", "--league", league, "--json"))
    return found


def test_a_foreign_log_is_rated_and_reported(capsys: Capture) -> None:
    write(Path("log.jsonl"), matches(300))
    out = run(capsys, "results", "import", "log.jsonl", "--league", "poker")
    assert (
        out == "300 matches of poker with 6 players in poker; see `league report --league poker`\n"
    )
    found = report(capsys, "poker")
    assert (found["matches"], found["game"], found["win"]) == (300, "poker", None)
    # The order of the known strengths, except that cid and dee, 1 point apart, may change places.
    names = [row["name"] for row in found["members"]]
    assert [*names[:2], *sorted(names[2:4]), *names[4:]] == sorted(STRENGTH)
    by_name = {row["name"]: row["mu"] for row in found["members"]}
    # 17 points between first and last, each known to about a point
    assert by_name["ann"] - by_name["fay"] == pytest.approx(17.0, abs=3.0)
    assert rerate(LeagueFolder.at("poker")).first_difference_seq is None
    assert not [f.text for f in examine(LeagueFolder.at("poker")) if f.is_wrong]
    assert "land mass" not in run(capsys, "report", "--league", "poker")


def test_the_same_file_again_adds_nothing_and_a_longer_one_what_is_new(capsys: Capture) -> None:
    write(Path("log.jsonl"), matches(20))
    write(Path("longer.jsonl"), matches(30))
    words = ("results", "import", "--league", "poker", "--json")
    names = ("log.jsonl", "log.jsonl", "longer.jsonl")
    said = [json.loads(run(capsys, *words, name)) for name in names]
    fits(said[0])
    counts = [(found["added"], found["known"]) for found in said]
    assert counts == [(20, 0), (0, 20), (10, 20)]
    run(capsys, "results", "import", "longer.jsonl", "--league", "at-once")
    in_parts, at_once = (report(capsys, league)["members"] for league in ("poker", "at-once"))
    assert [row["mu"] for row in in_parts] == [row["mu"] for row in at_once]


def test_an_import_that_was_killed_is_completed_by_the_next(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path("log.jsonl"), matches(25))
    monkeypatch.setattr(foreign, "AT_A_TIME", 10)
    before, calls = foreign._add, []

    def die(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        before(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(foreign, "_add", die)
        assert main(["results", "import", "log.jsonl", "--league", "poker"]) == 130
    run(capsys, "results", "import", "log.jsonl", "--league", "poker")
    run(capsys, "results", "import", "log.jsonl", "--league", "whole")
    assert [row["mu"] for row in report(capsys, "poker")["members"]] == [
        row["mu"] for row in report(capsys, "whole")["members"]
    ]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_what_is_exported_can_be_imported_and_gives_the_same_ratings(
    capsys: Capture, kind: str
) -> None:
    log = matches(15)
    log[3]["seats"][0]["score"], log[3]["map"] = 12.5, "the green table"
    log[4]["purpose"] = "practice"
    write(Path("log.jsonl"), log)
    run(capsys, "results", "import", "log.jsonl", "--league", "poker")
    words = ("results", "export", "--purpose", "all", "--format", kind)
    first = run(capsys, *words, "--league", "poker")
    Path(f"copy.{kind}").write_text(first)
    run(capsys, "results", "import", f"copy.{kind}", "--league", "copy")
    assert run(capsys, *words, "--league", "copy") == first
    assert report(capsys, "poker")["matches"] == 14  # practice moves no rating
    assert "12.5" in first and "the green table" in first


def test_a_seat_is_exported_with_its_ratings_before_and_after(capsys: Capture) -> None:
    write(Path("log.jsonl"), [line(1, ["ann", "bob"]), line(2, ["bob", "ann"])])
    run(capsys, "results", "import", "log.jsonl", "--league", "poker")
    first, second = map(
        json.loads, run(capsys, "results", "export", "--league", "poker").splitlines()
    )
    ann, bob = first["seats"]
    assert ann["before"] == bob["before"] == {"mu": 25.0, "sigma": pytest.approx(25 / 3)}
    # Two unknown players without ties: the winner gains what the loser loses.
    assert ann["after"]["mu"] - 25 == pytest.approx(25 - bob["after"]["mu"]) and (
        ann["after"]["mu"] > 28
    )
    assert [seat["before"] for seat in second["seats"]] == [bob["after"], ann["after"]]


def test_our_own_results_are_exported_in_the_same_format(tmp_path: Path, capsys: Capture) -> None:
    folder = make_league(tmp_path / "league")
    words = ("results", "export", "--league", str(folder.root))
    first, *_ = map(json.loads, run(capsys, *words).splitlines())
    assert (first["game"], first["match"], first["length"]) == ("territory", "1", 1500)
    assert [(s["player"], s["place"], s["score"]) for s in first["seats"]] == [
        *(("tribe", 3, 100.0), ("random", 2, 100.0), ("idle", 4, 100.0)),
        ("attention-0001", 1, 100.0),
    ]
    assert first["seats"][3]["player_id"] == f"snapshot:{'d' * 64}"
    rows = list(csv.DictReader(io.StringIO(run(capsys, *words, "--format", "csv"))))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 12
    assert rows[3]["player"] == "attention-0001" and float(rows[3]["mu_after"]) > 25
    run(capsys, *words, "--out", "mine.csv")
    assert Path("mine.csv").read_text().startswith("schema,game,match")
    assert main([*words, "--out", "mine.csv"]) == 2


def test_who_beats_whom_and_cycles_are_shown(capsys: Capture) -> None:
    log = [
        line(3 * n + at, pair)
        for n in range(40)
        for at, pair in enumerate((["rock", "cut"], ["cut", "wrap"], ["wrap", "rock"]))
    ]
    write(Path("log.jsonl"), log)
    run(capsys, "results", "import", "log.jsonl", "--league", "circle")
    found = json.loads(run(capsys, "results", "payoff", "--league", "circle", "--json"))
    at = {name: number for number, name in enumerate(found["members"])}
    assert found["beat_rate"][at["rock"]][at["cut"]] == 1.0
    assert found["matches"][at["rock"]][at["cut"]] == 40
    assert sorted(found["cycles"][0]) == ["cut", "rock", "wrap"]
    assert "cycle: " in run(capsys, "results", "payoff", "--league", "circle")


def test_nobody_starts_a_league_of_another_game_or_mixes_two(
    tmp_path: Path, capsys: Capture
) -> None:
    write(Path("log.jsonl"), matches(2))
    run(capsys, "results", "import", "log.jsonl", "--league", "poker")
    with pytest.raises(ConfigError, match="found one of the results of 'poker'"):
        open_for_start(tmp_path / "poker")
    write(Path("other.jsonl"), [line(1, ["a", "b"], game="chess4")])
    own = make_league(tmp_path / "own")
    for league, found in (("poker", "results of 'poker'"), (str(own.root), "a league of our own")):
        capsys.readouterr()
        assert main(["results", "import", "other.jsonl", "--league", league]) == 2
        assert found in capsys.readouterr().err
