"""Who chooses with the relation mask is said under the standings and in the document."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console
from sqlalchemy import select

from db.models import Member
from db.session import open_writer, write_transaction
from league.folder.layout import LeagueFolder
from league.report.document import report_document
from league.report.masked import masked_lines
from league.report.screen import WIDTH, report_screen
from league.report.state import StateReader


def test_members_with_the_mask_are_told_from_those_that_choose_freely(
    hand_made_league: LeagueFolder,
) -> None:
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        member = session.scalars(select(Member).where(Member.name == "attention-0001")).one()
        member.details = {"relation_mask": True}
    engine.dispose()
    with StateReader(hand_made_league) as reader:
        state = reader.read()
    said = {row["name"]: row["relation_mask"] for row in report_document(state)["members"]}
    assert said.pop("attention-0001") is True and not any(said.values())
    line = "With the relation mask, which is made by hand: attention-0001"
    assert masked_lines(state.members) == [line]
    console = Console(width=WIDTH, file=io.StringIO(), color_system=None, record=True)
    console.print(report_screen(state))
    assert line in console.export_text()
    all_of_them = [replace(row, relation_mask=True) for row in state.members]
    assert masked_lines(all_of_them)[0].endswith(f" and {len(all_of_them) - 1} more")
    assert masked_lines([replace(row, relation_mask=False) for row in state.members]) == []
