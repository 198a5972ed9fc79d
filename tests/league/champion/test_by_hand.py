"""`league champion`, `league promote` and `league rollback`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from db.session import write_transaction
from league.champion.book import Book, Entry, save
from league.cli.main import main
from league.folder.connect import writer
from league.folder.layout import LeagueFolder


def _save(folder: LeagueFolder, book: Book) -> None:
    with writer(folder) as engine, write_transaction(engine) as session:
        save(session, book)


def test_a_champion_is_made_and_taken_back_with_reasons(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    assert main(["champion", *there]) == 1
    assert capsys.readouterr().out.startswith("No champion")
    assert main(["promote", "tribe", "--why", "the scale", *there]) == 0
    assert main(["promote", "attention-0001", "--why", "won a long pit", *there]) == 0
    capsys.readouterr()
    assert main(["champion", "--json", *there]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["champion"] == "attention-0001" and shown["failing"] == []
    assert [(r["name"], r["by"], r["why"], r["previous"]) for r in shown["history"]] == [
        ("tribe", "hand", "the scale", None),
        ("attention-0001", "hand", "won a long pit", "tribe"),
    ]
    assert main(["rollback", "--why", "it forgot lakes", *there]) == 0
    assert capsys.readouterr().out == "tribe is champion again, in place of attention-0001\n"
    assert main(["report", *there]) == 0
    assert "Champion tribe since" in capsys.readouterr().out
    assert main(["rollback", *there]) == 2
    assert "before tribe, found none" in capsys.readouterr().err


def test_a_failing_canary_blocks_a_promotion_by_hand_unless_it_is_meant(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    order = Entry("order", 1, 2, status="failing", said="tribe against random is below: 3 %")
    _save(hand_made_league, Book({"order:tribe:random": order}))
    assert main(["promote", "tribe", "--why", "the scale", *there]) == 2
    assert "tribe against random is below" in capsys.readouterr().err
    assert main(["promote", "tribe", "--why", "the scale", "--anyway", *there]) == 0
    capsys.readouterr()
    assert main(["champion", *there]) == 1  # a canary is failing
    assert "  FAILING  order:tribe:random: tribe against random" in capsys.readouterr().out
    assert main(["report", *there]) == 0
    assert "Canary order:tribe:random is failing: no promotion" in capsys.readouterr().out
    assert main(["report", "--json", *there]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["champion"]["by"] == "hand"
    assert document["canaries"][0]["status"] == "failing"


@pytest.mark.parametrize(("canary", "is_blocked"), [("better", False), ("forgetting", False)])
def test_a_canary_about_others_blocks_nobody_else(
    hand_made_league: LeagueFolder, canary: str, is_blocked: bool
) -> None:
    entry = Entry("better", 4, 2, status="failing", said="about attention")
    if canary == "forgetting":
        entry = replace(entry, kind="forgetting", lineage="baseline")
    _save(hand_made_league, Book({"key": entry}))
    there = ["--league", str(hand_made_league.root)]
    assert (main(["promote", "tribe", "--why", "x", *there]) == 2) is is_blocked


def test_a_promotion_needs_a_reason_and_an_active_member(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    assert main(["promote", "tribe", "--why", "  ", *there]) == 2
    assert "expected a reason" in capsys.readouterr().err
    assert main(["promote", "idle", "--why", "x", *there]) == 2
    assert "idle, which is retired" in capsys.readouterr().err
    assert main(["promote", "nobody", "--why", "x", *there]) == 2
