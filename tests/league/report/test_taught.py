"""Who was taught, and what members that think for long take, on the screen and in the document."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from sqlalchemy import select

from db import queries
from db.models import Member
from db.session import open_writer, write_transaction
from league.curves.lineages import curves_document, league_curves
from league.curves.screen import curves_screen
from league.folder.layout import LeagueFolder
from league.folder.memory import WORKER_TIME_KEY
from league.report.document import report_document
from league.report.screen import WIDTH, report_screen
from league.report.state import ReportState, StateReader


def text_of(renderable: object) -> str:
    console = Console(width=WIDTH, file=io.StringIO(), color_system=None, record=True)
    console.print(renderable)
    return console.export_text()


def read(folder: LeagueFolder) -> ReportState:
    with StateReader(folder) as reader:
        return reader.read()


@pytest.fixture
def taught_league(hand_made_league: LeagueFolder) -> LeagueFolder:
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        member = session.scalars(select(Member).where(Member.name == "attention-0001")).one()
        member.details = {"taught": {"by": "scripted:strategist", "lineage": "attention"}}
        queries.set_league_value(
            session,
            WORKER_TIME_KEY,
            {"slow": ["planner:"], "share": 0.19, "limit": 0.2, "withheld": True},
        )
    engine.dispose()
    return hand_made_league


def test_a_member_that_was_taught_is_told_from_one_that_learnt_from_nothing(
    taught_league: LeagueFolder,
) -> None:
    state = read(taught_league)
    said = {row["name"]: row["taught_by"] for row in report_document(state)["members"]}
    assert said["attention-0001"] == "scripted:strategist"
    assert {teacher for name, teacher in said.items() if name != "attention-0001"} == {None}
    line = "Taught by scripted:strategist, not from nothing: attention-0001"
    assert line in text_of(report_screen(state))
    others = tuple(replace(row, taught_by=None) for row in state.members)
    assert "Taught" not in text_of(report_screen(replace(state, members=others)))


def test_curves_say_which_lineage_was_taught(taught_league: LeagueFolder) -> None:
    curves = league_curves(read(taught_league))
    (league,) = curves_document([curves])["leagues"]
    by_name = {lineage["name"]: lineage["taught_by"] for lineage in league["lineages"]}
    assert by_name["attention"] == "scripted:strategist"
    assert "taught by scripted:strategist" in text_of(curves_screen([curves]))


def test_a_member_that_waits_because_it_thinks_for_long_is_named(
    taught_league: LeagueFolder,
) -> None:
    state = read(taught_league)
    assert report_document(state)["slow_members"] == {
        "specs": ["planner:"],
        "share": 0.19,
        "limit": 0.2,
        "held": True,
    }
    said = " ".join(text_of(report_screen(state)).split())
    assert (
        "planner: took 19 % of the workers' time, at most 20 % (rating.slow_member_share)" in said
    )
    assert "they play less often than the others" in said


def test_a_lesson_is_the_status_of_its_learner(hand_made_league: LeagueFolder) -> None:
    state = read(hand_made_league)
    (learner, *_) = state.learners
    row = replace(learner, status="running", heartbeat_age_s=1.0, progress={"phase": "imitating"})
    assert "imitating" in text_of(report_screen(replace(state, learners=(row,))))


def test_the_hand_made_league_was_never_taught(hand_made_league: LeagueFolder) -> None:
    state = read(hand_made_league)
    assert state.slow is None
    assert all(row.taught_by is None for row in state.members)
