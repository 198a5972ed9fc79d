"""Snapshots of each age meet the same company in the same seats; what was played is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena.match import MatchSpec
from db import queries
from db.session import open_writer, write_transaction
from league.bench.ages import FIRST_SEED, Age, Asked, Found, LineageAges, chosen_ages, run
from league.bench.ages_picture import draw_ages, levels
from league.bench.ages_text import document, gained, lines
from league.bench.company import COMPANY
from league.cli.main import main
from league.curves.lineages import Rated
from league.errors import BenchError, PitInterrupted
from league.folder.layout import LeagueFolder
from tests.league.pit.conftest import DiceArena, make_quick_league

DECISIONS = (0, 100, 200, 400, 1_000, 1_600, 2_500)


@pytest.fixture
def quick_league(tmp_path: Path) -> LeagueFolder:
    """A started league of four seats."""
    return make_quick_league(tmp_path / "league")


@pytest.fixture
def league(quick_league: LeagueFolder) -> LeagueFolder:
    """Seven snapshots of a lineage, the file of one of which is gone."""
    engine = open_writer(quick_league.sqlite)
    parent = None
    with write_transaction(engine) as session:
        for i, decisions in enumerate(DECISIONS):
            sha256 = f"{i:x}" * 64
            if i != 3:
                (quick_league.snapshots / f"{sha256}.safetensors").write_bytes(b"weights")
            parent = queries.add_member(
                session, name=f"main-{i:04d}", family="baseline", role="main",
                agent_spec=f"snapshot:{sha256}", snapshot_sha256=sha256, parent_id=parent,
                generation=i, trained_decisions=decisions,
            )  # fmt: skip
    engine.dispose()
    return quick_league


class Watching(DiceArena):
    """Remembers the specs that it was given."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        self.specs: list[MatchSpec] = []

    def submit(self, job_id: int, spec: Any, *, alone: bool = False) -> None:
        self.specs.append(spec)
        super().submit(job_id, spec, alone=alone)


def rated(*decisions: int) -> list[Rated]:
    return [Rated(f"s{n}", n, 0.0, None, None, None, None, 0, None) for n in decisions]


def test_ages_lie_closer_together_where_a_lineage_is_young() -> None:
    rows = rated(*range(0, 10_001, 100))
    chosen = [row.trained_decisions for row in chosen_ages(rows, 6)]
    assert chosen == [0, 400, 1_600, 3_600, 6_400, 10_000]  # (i / 5) squared
    assert chosen_ages(rows[:3], 6) == rows[:3]
    few = [row.trained_decisions for row in chosen_ages(rated(0, 10, 9_000, 10_000, 10_001), 4)]
    assert few == [0, 10, 10_001] or few == [0, 9_000, 10_001]  # one snapshot is not taken twice


def test_all_ages_meet_the_same_company_in_the_same_seats(
    league: LeagueFolder, tmp_path: Path
) -> None:
    arena = Watching()
    asked = Asked(tmp_path / "out", n_ages=3, n_matches=16)
    found = run([league], asked, arena=lambda n, settings: arena)
    (lineage,) = found.lineages
    # 0, 625 and 2,500 of 2,500 decisions; 400 is nearest to 625, but its file is gone.
    assert [age.trained_decisions for age in lineage.ages] == [0, 1_000, 2_500]
    assert found.par == 2.5 and found.planner is None
    assert len(arena.specs) == 3 * 2 * (1 + len(COMPANY))
    seats: dict[tuple[int, int], list[tuple[str, ...]]] = {}
    per_age: dict[str, int] = {}
    for spec in arena.specs:
        snapshots = {name for name in spec.agents if name.startswith("snapshot:")}
        assert len(snapshots) <= 1
        who = tuple("own" if name in snapshots else name for name in spec.agents)
        seats.setdefault((spec.seed, 0), []).append(who)
        for name in snapshots:
            per_age[name] = per_age.get(name, 0) + 1
    for line_ups in seats.values():  # the same seats three times each
        assert all(line_ups.count(who) % 3 == 0 for who in line_ups)
    assert {seed for seed, _ in seats} == {FIRST_SEED, FIRST_SEED + 1}
    for age in lineage.ages:
        assert len(age.places) == 2 and set(age.company) == set(COMPANY)
        together = [age.places, *age.company.values()]
        # Dice have no ties: eight names hold each of four seats once, places 1 to 4.
        assert np.mean(together, axis=0) == pytest.approx([2.5, 2.5])


def test_what_was_played_is_kept_and_the_same_command_goes_on(
    league: LeagueFolder, tmp_path: Path
) -> None:
    asked = Asked(tmp_path / "out", n_ages=3, n_matches=16)
    whole = run(
        [league], replace(asked, out=tmp_path / "other"), arena=lambda n, settings: DiceArena()
    )
    with pytest.raises(PitInterrupted, match="the same command goes on"):
        run([league], asked, arena=lambda n, settings: DiceArena(break_after=27))
    kept = json.loads((tmp_path / "out" / "league" / "main-0000.json").read_text())
    n_kept = len(kept["played"]["place"])
    assert 1 <= n_kept <= 2
    again = Watching()
    assert run([league], asked, arena=lambda n, settings: again) == whole
    assert 0 < len(again.specs) <= (6 - n_kept) * 8  # not what was played before

    def never(n: int, settings: object) -> Any:
        raise AssertionError("played again")

    assert run([league], asked, arena=never) == whole
    fewer = run([league], replace(asked, n_matches=8), arena=never)
    assert fewer.lineages[0].ages[0].places == whole.lineages[0].ages[0].places[:1]


def test_what_was_played_otherwise_is_refused(league: LeagueFolder, tmp_path: Path) -> None:
    asked = Asked(tmp_path / "out", n_ages=2, n_matches=8)
    run([league], asked, arena=lambda n, settings: DiceArena())
    path = tmp_path / "out" / "league" / "main-0000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"plan": "mixed-other"}))
    with pytest.raises(BenchError, match="under these rules, maps and company, found others"):
        run([league], asked, arena=lambda n, settings: DiceArena())
    path.write_text("{")
    with pytest.raises(BenchError, match="remove it to begin anew"):
        run([league], asked, arena=lambda n, settings: DiceArena())


def test_a_planner_plays_in_the_same_company_in_fewer_matches(
    league: LeagueFolder, tmp_path: Path
) -> None:
    arena = Watching()
    asked = Asked(tmp_path / "out", n_ages=2, n_matches=16, planner_matches=8)
    found = run([league], asked, arena=lambda n, settings: arena)
    assert found.planner is not None and len(found.planner.places) == 1
    assert sum("planner:" in spec.agents for spec in arena.specs) <= 8
    assert ("planner", found.planner.places[0]) == (
        levels(found)[-1][0].split()[0],
        levels(found)[-1][1],
    )
    assert "planner" in lines(found)[-1]


def test_a_league_without_trained_snapshots_is_one_sentence(
    quick_league: LeagueFolder, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match="expected a main lineage with trained snapshots"):
        run([quick_league], Asked(tmp_path / "out"))


def age(name: str, decisions: int, places: list[float]) -> Age:
    company = {each: [5.0] * len(places) for each in COMPANY}
    return Age(name, decisions, decisions / 100, places, [0.1] * len(places), company)


FOUND = Found(
    (
        LineageAges(
            "one", "main", "baseline",
            (
                age("a", 0, [6.0, 6.5, 7.0]),
                age("b", 6_400, [4.0, 4.4, 4.2]),
                age("c", 10_000, [3.8, 4.1, 4.0]),
            ),
        ),
    ),
    5.5,
)  # fmt: skip


def test_the_newest_is_compared_with_two_thirds_of_the_way_seed_by_seed() -> None:
    gain = gained(FOUND.lineages[0])
    assert gain is not None
    assert gain.mean == pytest.approx((0.2 + 0.3 + 0.2) / 3)  # of 6,400 decisions, not of 0
    text = "\n".join(lines(FOUND))
    assert "still climbing: +0.23 +/- 0.14 places" in text  # 4.30 x 0.058 / sqrt 3
    assert document(FOUND)["lineages"][0]["ages"][2]["place"]["mean"] == pytest.approx(3.9667, 1e-4)
    twice = replace(FOUND, lineages=FOUND.lineages * 2)  # no more seeds than before
    assert [len(places) for places in twice.company.values()] == [3] * len(COMPANY)
    wide = FOUND.interval([1.0, 10.0])
    assert (wide.low, wide.high) == (1.0, 10.0)  # Student's t of two would be far wider
    alone = replace(FOUND.lineages[0], ages=FOUND.lineages[0].ages[:1])
    assert gained(alone) is None


@pytest.mark.parametrize("against", ["decisions", "minutes"])
def test_the_picture_shows_every_lineage_and_the_company(tmp_path: Path, against: str) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    two = (FOUND.lineages[0], replace(FOUND.lineages[0], league="two"))
    path = draw_ages(replace(FOUND, lineages=two), tmp_path / "ages.png", against=against)
    with Image.open(path) as picture:
        assert picture.size == (1200, 750)
        colours = {c for _, c in picture.convert("RGB").getcolors(2**20)}
    assert (0xF0, 0x62, 0x92) in colours  # of the family


def test_the_command_prints_what_was_played(
    league: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run([league], Asked(out, n_ages=2, n_matches=16), arena=lambda n, settings: DiceArena())
    words = ["bench", "ages", str(league.root), "--ages", "2", "--matches", "16"]
    assert main([*words, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "main-0000" in text and "company, in the matches of all snapshots" in text
    assert main([*words, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["par"] == 2.5
