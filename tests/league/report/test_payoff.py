"""`league report --payoff`: what it reads, its screen of 80 columns and its JSON."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from db import queries
from db.records import MatchOutcome, MatchPlan, SeatOutcome
from db.session import open_writer, write_transaction
from league.cli.main import league as command
from league.folder.layout import LeagueFolder
from league.rating.columns import MatchColumns
from league.rating.contradictions import Contradiction, PitScores
from league.report.console import PlainConsole
from league.report.payoff import PayoffState, pit_scores
from league.report.payoff_document import payoff_document
from league.report.payoff_screen import payoff_screen
from league.report.state import StateReader
from tests.league.hand_made import MAP_SHA, NOON


def _read(folder: LeagueFolder) -> PayoffState:
    with StateReader(folder) as reader:
        return reader.read_payoff(at=NOON)


def _lines(state: PayoffState, **options: Any) -> list[str]:
    out = io.StringIO()
    console = PlainConsole(width=options.get("width", 80), file=out, is_plain=True)
    console.print(payoff_screen(state, **options))
    return out.getvalue().splitlines()


def test_the_page_of_the_hand_made_league(hand_made_league: LeagueFolder) -> None:
    lines = _lines(_read(hand_made_league))
    text = "\n".join(lines)
    # Every match ended attention, random, tribe, idle; three of them.
    assert "4 members, 3 rated matches of 1 line-ups, 0 head-to-heads" in lines[0]
    assert re.search(r"1 attention-0001 +\. +100 \(3\) +100 \(3\) +100 \(3\)", text)
    assert re.search(r"4 idle +0 \(3\) +0 \(3\) +0 \(3\) +\.", text)
    assert re.search(r"2 random +3 +0\.0 +100\.0 +0\.0 +0\.0", text)
    assert re.search(r" 1 +1 +attention-0001 +40\.54 +50\.0 +100", text)
    assert "None found." in text and "Nowhere: no pair's matches contradict its ratings" in text


def test_the_document_has_the_promised_keys(hand_made_league: LeagueFolder) -> None:
    document = json.loads(json.dumps(payoff_document(_read(hand_made_league)), allow_nan=False))
    assert [m["name"] for m in document["members"]] == ["attention-0001", "random", "tribe", "idle"]
    best = document["members"][0]
    assert best["placements"] == [3, 0, 0, 0] and best["clone_proof"] == 0.5
    assert best["clone_proof_rank"] == 1 == best["rank"] and best["mixture"] == pytest.approx(1.0)
    assert document["games"][0] == [0, 3, 3, 3]
    assert document["beat_rates"][0] == [None, 1.0, 1.0, 1.0]
    low, high = document["beat_rates_low"][0][1], document["beat_rates_high"][0][1]
    assert 0.1 < low < 0.5 and high == 1.0  # three matches say little
    assert document["cycles"] == [] == document["contradictions"]
    assert document["places_1_and_2"]["first"] == "attention-0001"
    assert document["design_effect"] >= 0.0 and document["head_to_heads"] == []


def _large(state: PayoffState, n: int) -> PayoffState:
    """The same state as of a pool of n members with long names, two of which contradict."""
    from league.rating.beats import count_beats
    from league.rating.standings import standings

    rng = np.random.default_rng(0)
    matches = [((rng.permutation(n)[:10] + 1).tolist(), range(1, 11)) for _ in range(400)]
    columns = MatchColumns.of_matches(matches * 60)
    table = standings({i: (25.0 - i / 10, 0.1) for i in range(1, n + 1)})
    row = state.ranking[0]
    ids = [s.member_id for s in table]
    return dataclasses.replace(
        state,
        names={i: ("宇宙" if i % 2 else "a-member-") * 8 + str(i) for i in ids},
        beats=count_beats(columns, ids),
        placements=np.full((n, 16), 123_456),
        ranking=tuple(dataclasses.replace(row, member_id=s.member_id, standing=s) for s in table),
        contradictions=(Contradiction("pit", 1, 2, 123_456, 0.123, 0.0123, 0.9, 0.1001, 0.9999),),
        cycles=((1, 2, 3),),
    )


@pytest.mark.parametrize("width", [80, 60, 200])
def test_no_line_is_wider_than_80_columns_and_no_number_is_cut(
    hand_made_league: LeagueFolder, width: int
) -> None:
    state = _large(_read(hand_made_league), 30)
    lines = _lines(state, width=width)
    assert max(map(cell_len, lines)) <= min(width, 80) or width > 80
    text = "\n".join(lines)
    # Numbers of a cell stand whole on one line, each as often as there are cells.
    counts = [f"({n:.0f})" for n in state.beats.games[np.triu_indices(30, 1)] if n]
    assert len(re.findall(r"\d+ \(\d+\)", text)) == 2 * len(counts)
    assert text.count("1975296") == 30  # 16 places of 123,456 matches each
    tables = [line for line in lines if re.match(r" +\d+ \S", line)]
    assert tables and all(cell_len(line) <= 80 for line in tables)


def test_only_the_best_are_shown_and_the_page_says_how_many_are_not(
    hand_made_league: LeagueFolder,
) -> None:
    lines = _lines(_large(_read(hand_made_league), 30), max_members=4)
    assert "and 26 more members; --top 30 or --json shows them" in lines
    assert not any(line.startswith("  5 ") for line in lines)


def _pit_rows(
    key: str, seed: int, halves: list[list[tuple[int, int]]]
) -> list[tuple[str, int, int, int, int, int]]:
    return [
        (key, half, seed, seat, member, place)
        for half, seats in enumerate(halves)
        for seat, (member, place) in enumerate(seats)
    ]


def test_the_sides_of_a_head_to_head_are_those_that_exchange_their_seats() -> None:
    # 7 and 4 play among 9 and 9: 4 is above 7 in the first half, below in the second.
    rows = _pit_rows("a", 2, [[(7, 3), (9, 1), (4, 2), (9, 4)], [(4, 4), (9, 1), (7, 2), (9, 3)]])
    # An earlier seed: 4 wins both.
    rows += _pit_rows("b", 1, [[(7, 2), (4, 1)], [(4, 1), (7, 2)]])
    # Half of a pair, and a pair of a member with itself, are none.
    rows += _pit_rows("c", 3, [[(7, 1), (4, 2)]])
    rows += _pit_rows("d", 4, [[(7, 1), (7, 2)], [(7, 1), (7, 2)]])
    assert pit_scores(rows) == [PitScores(4, 7, (1.0, 0.5))]


def test_a_head_to_head_is_held_against_the_ratings(hand_made_league: LeagueFolder) -> None:
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        ids = {member.name: member.id for member in queries.list_members(session)}
        (first, *_) = queries.list_matches(session, purpose="rating")
        worst, best = ids["idle"], ids["attention-0001"]
        for number in range(120):
            half = number % 2
            line_up = ((worst, False), (best, False)) if half else ((best, False), (worst, False))
            plan = MatchPlan(
                *("pit", number // 2, first.map, MAP_SHA, first.rules_sha256, {}, line_up),
                series_key="pit-1",
                pair_key=f"pit-1:{number // 2}",
                pair_half=half,
            )
            match_id = queries.plan_match(session, plan)
            queries.mark_started(session, match_id)
            places = (1, 2) if half else (2, 1)  # idle is always above
            queries.record_finished_match(
                session,
                match_id,
                MatchOutcome(10, "c" * 64, 1.0),
                [SeatOutcome(place, 1, 1) for place in places],
            )
    engine.dispose()
    state = _read(hand_made_league)
    assert state.contradictions == ()
    (found,) = state.pits
    assert found.is_sure and (found.source, found.first, found.second, found.n) == (
        "pit",
        worst,
        best,
        60,
    )
    assert found.seen == 1.0 and found.predicted < 0.1 and found.low > 0.7
    assert any(re.search(r"^idle +attention-0001 .* 60 differs$", line) for line in _lines(state))
    (listed,) = payoff_document(state)["contradictions"]
    assert listed["source"] == "pit" and listed["contradicts"] and listed["first"] == "idle"


def test_the_command_prints_both(hand_made_league: LeagueFolder) -> None:
    runner, folder = CliRunner(), ["--league", str(hand_made_league.root)]
    shown = runner.invoke(command, ["report", "--payoff", "--top", "2", *folder])
    assert shown.exit_code == 0 and "and 2 more members" in shown.output
    document = json.loads(runner.invoke(command, ["report", "--payoff", "--json", *folder]).output)
    assert document["matches"] == 3
    refused = runner.invoke(command, ["report", "--payoff", "--live", *folder])
    assert refused.exit_code == 2 and "--payoff goes with --json alone" in refused.output
