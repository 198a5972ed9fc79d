"""What the report, the page and the screen say of held-out scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from league.course.held_out import HeldOutScore
from league.page.facts import read_facts
from league.page.sections.progress import held_out_chart
from league.page.write import league_page
from league.report.document import report_document
from league.report.held_out import held_out_lines, lineage_of
from league.report.state import StateReader
from league.screen.learners import learners_lines
from league.screen.state import Look
from tests.league.page.known import make_known_league
from tests.league.screen.states import learner, member, state

NAMES = ("strategist-eager", "strategist-patient")


def score(per_cent: int, n: int = 100) -> HeldOutScore:
    return HeldOutScore(per_cent / 100, per_cent / 100 - 0.05, per_cent / 100 + 0.05, n)


CHAIN = (
    member(10, "a-0", "attention", held_out=score(30)),
    member(11, "a-1", "attention", parent_id=10, held_out=score(70)),
    member(12, "a-2", "attention", parent_id=11, held_out=score(65)),
    member(13, "a-3", "attention", parent_id=12, held_out=score(90, n=3)),  # too few matches
    member(14, "b-0", "baseline", held_out=score(20)),
)


def test_a_line_says_the_first_the_best_and_the_newest_snapshot_of_each_main() -> None:
    mains = [
        learner("a", "attention", 0, latest_member="a-3"),
        learner("b", "baseline", 1, latest_member="b-0"),
        learner("x", "attention", 2, latest_member="a-1", role="main_exploiter"),
    ]
    assert held_out_lines(mains, CHAIN, NAMES) == [
        "Held-out score, % of strategist-eager and strategist-patient that a snapshot places "
        "above, in so many matches:",
        "  a: a-0 30 (25-35) in 100, a-1 70 (65-75) in 100, a-2 65 (60-70) in 100",
        "  b: b-0 20 (15-25) in 100",
    ]
    assert [row.name for row in lineage_of(mains[0], CHAIN)] == ["a-0", "a-1", "a-2", "a-3"]
    assert held_out_lines(mains, [replace(row, held_out=None) for row in CHAIN], NAMES) == []


def test_a_lineage_that_leads_back_to_itself_ends() -> None:
    round_ = (replace(CHAIN[0], parent_id=12), *CHAIN[1:3])
    found = lineage_of(learner("a", "attention", 0, latest_member="a-2"), round_)
    assert [row.name for row in found] == ["a-0", "a-1", "a-2"]


def test_report_and_page_read_it_from_the_matches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_known_league(tmp_path / "known")
    with StateReader(folder) as reader:
        assert all(row.held_out is None for row in reader.read().members)
    assert "whom no learner meets" not in league_page(folder, only=["progress"])
    monkeypatch.setattr("league.report.state.held_out_names", lambda settings: ("expander",))
    with StateReader(folder) as reader:
        found = reader.read()
    scores = {row.name: row.held_out for row in found.members}
    # 0001 is below expander on the 40 maps of lakes and above on 40 others; 0000 likewise.
    for name in ("attention-0000", "attention-0001"):
        known = scores[name]
        assert known is not None and (known.score, known.n_matches) == (0.5, 80)
    assert scores["expander"] is None and scores["tribe"] is None  # held out; not trained
    rows = report_document(found)["members"]
    (told,) = (row["held_out"] for row in rows if row["name"] == "attention-0001")
    assert told["score"] == 0.5 and told["n_matches"] == 80
    facts = read_facts(folder)
    chart = held_out_chart(facts, "decisions")
    assert chart is not None and len(chart.dots) == 2
    assert "50 % (" in chart.dots[0].title and "80 matches" in chart.dots[0].title
    assert "Against expander, whom no learner meets" in league_page(folder, only=["progress"])


def test_the_screen_shows_it_and_leaves_out_the_reward_where_lines_are_few() -> None:
    few = [line.plain for line in learners_lines(state(), Look(), 80, 7)]
    assert few[2].split()[:4] == ["held", "out", "63", "%"] and "▁" in few[2]
    assert not any(line.startswith("reward") for line in few)
    many = [line.plain for line in learners_lines(state(), Look(), 80, 20)]
    assert any(line.startswith("reward") for line in many)
    training = {name: replace(each, held_out=()) for name, each in state().training.items()}
    without = [line.plain for line in learners_lines(state(training=training), Look(), 80, 7)]
    assert any(line.startswith("reward") for line in without)
    assert not any(line.startswith("held out") for line in without)
