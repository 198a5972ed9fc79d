"""Members get another name at any time, and go only if they never played."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from agents.snapshots import SnapshotStore
from db import queries
from db.errors import ConflictError
from db.records import MatchPlan
from db.session import open_writer, read_transaction, write_transaction
from league.cli.main import main
from league.daemon.lock import hold_lock
from league.errors import MemberError
from league.folder.layout import LeagueFolder
from league.folder.rerate import rerate
from league.members.entry import add_member, remove_member, rename_member
from league.plain_text import visible
from tests.league.hand_made import MAP_SHA, add_rated
from tests.league.tiny_snapshots import tiny_description, tiny_network


@pytest.fixture
def session(hand_made_league: LeagueFolder) -> Iterator[Session]:
    """A writing transaction on the hand made league, left before the league is used."""
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as opened:
        yield opened
    engine.dispose()


def _names(folder: LeagueFolder) -> list[str]:
    engine = open_writer(folder.sqlite)
    with read_transaction(engine) as session:
        found = [member.name for member in queries.list_members(session)]
    engine.dispose()
    return found


def _log(folder: LeagueFolder) -> list[tuple[int, str, int | None]]:
    """(seq, member, match) of the whole rating log."""
    engine = open_writer(folder.sqlite)
    with read_transaction(engine) as session:
        season = queries.list_matches(session)[0].rules_sha256
        assert queries.rating_log_is_gap_free(session)
        names = {member.id: member.name for member in queries.list_members(session)}
        found = [
            (row.seq, names[row.member_id], row.match_id)
            for row in queries.rating_log(session, season)
        ]
    engine.dispose()
    return found


def _events(folder: LeagueFolder) -> list[str]:
    engine = open_writer(folder.sqlite)
    with read_transaction(engine) as session:
        found = [event.message for event in queries.list_events(session)]
    engine.dispose()
    return found


# --- another name ---------------------------------------------------------------------------------


def test_a_renamed_member_keeps_its_rating_and_the_journal_says_so(
    hand_made_league: LeagueFolder,
) -> None:
    before = _log(hand_made_league)
    assert rename_member(hand_made_league, "attention-0001", "best")[0] == "attention-0001"
    expected = [
        (seq, "best" if name == "attention-0001" else name, match) for seq, name, match in before
    ]
    assert _log(hand_made_league) == expected
    assert _events(hand_made_league)[0] == "attention-0001 is called best, renamed by hand"


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("attention-0001", "tribe", ConflictError, "'tribe' already exists"),
        ("attention-0001", "a/b", MemberError, "expected a name of letters"),
        ("visitor", "attention-0002", MemberError, "reserved for a snapshot of the learner"),
        ("visitor", "turtle", MemberError, "reserved for the agent scripted:turtle"),
        ("tribe", "mine", MemberError, "would join again at the next start"),
    ],
)
def test_a_name_that_may_not_be_given_changes_nothing(
    old: str, new: str, error: type[Exception], words: str, hand_made_league: LeagueFolder
) -> None:
    before = _names(hand_made_league)
    with pytest.raises(error, match=words):
        rename_member(hand_made_league, old, new)
    assert _names(hand_made_league) == before


def test_a_member_is_renamed_beside_a_running_daemon(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    with hold_lock(hand_made_league):
        assert main(["members", "rename", "visitor", "guest-a", *there]) == 0
        assert capsys.readouterr().out == "visitor is called guest-a\n"
        assert main(["members", "rename", "guest-a", "guest-b", "--json", *there]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "league-members-rename/1",
        "old": "guest-a",
        "name": "guest-b",
    }


def test_an_unsafe_name_of_an_old_league_can_be_changed(hand_made_league: LeagueFolder) -> None:
    unsafe = "[/red]\x1b[2J"
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        add_rated(session, unsafe, agent_spec="plugin:a.b:make")
    engine.dispose()
    assert rename_member(hand_made_league, visible(unsafe), "tame")[1].name == "tame"
    assert unsafe not in _names(hand_made_league) and "tame" in _names(hand_made_league)
    assert _events(hand_made_league)[0] == "[/red]\\x1b[2J is called tame, renamed by hand"


# --- gone -----------------------------------------------------------------------------------------


def test_who_never_played_goes_and_the_rating_log_has_no_gap(
    hand_made_league: LeagueFolder,
) -> None:
    add_member(hand_made_league, "scripted:turtle", "typo")  # admitted with seq 17
    add_member(hand_made_league, "scripted:expander", "stays")  # 18
    log = _log(hand_made_league)
    assert log[-2:] == [(17, "typo", None), (18, "stays", None)]
    assert remove_member(hand_made_league, "typo").name == "typo"
    assert _log(hand_made_league) == [*log[:-2], (17, "stays", None)]
    assert "typo" not in _names(hand_made_league)
    assert rerate(hand_made_league).first_difference_seq is None
    assert _events(hand_made_league)[:3] == [
        "typo was removed by hand: it never played",
        "stays joined by hand",
        "typo joined by hand",
    ]


def test_the_matches_after_an_admission_that_goes_are_replayed_as_they_were(
    hand_made_league: LeagueFolder,
) -> None:
    # The first four rows are admissions; the log is made as if a fifth had come before the matches.
    engine = open_writer(hand_made_league.sqlite)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ratings SET seq = seq + 100 WHERE seq > 4")
        connection.exec_driver_sql("UPDATE ratings SET seq = seq - 99 WHERE seq > 100")
        connection.exec_driver_sql(
            "INSERT INTO ratings SELECT 5, (SELECT id FROM members WHERE name = 'visitor'), NULL, "
            "mu, sigma, rating_version, rules_sha256, allowance FROM ratings WHERE seq = 1"
        )
    engine.dispose()
    log = _log(hand_made_league)
    assert len(log) == 17 and log[4] == (5, "visitor", None)
    remove_member(hand_made_league, "visitor")
    assert _log(hand_made_league) == [
        (seq - (seq > 5), name, match) for seq, name, match in log if seq != 5
    ]
    assert rerate(hand_made_league).first_difference_seq is None


def _failed_match(session: Session, member_id: int) -> None:
    plan = MatchPlan(
        purpose="rating",
        seed=9,
        map="generated:continents:128x128:1",
        map_sha256=MAP_SHA,
        rules_sha256="a" * 64,
        spec={},
        line_up=((member_id, True), (1, True)),
    )
    queries.plan_match(session, plan)


def _child(session: Session, member_id: int) -> None:
    add_rated(session, "child", parent_id=member_id)


def _trained_against(session: Session, member_id: int) -> None:
    (learner, *_) = queries.list_learners(session)
    queries.add_training_results(session, learner.id, {member_id: (4, 2.0)})


def _learns(session: Session, member_id: int) -> None:
    (_, learner) = queries.list_learners(session)
    queries.record_snapshot(session, learner.id, member_id)


@pytest.mark.parametrize(
    ("leave", "words"),
    [
        (_failed_match, "1 matches that were planned, failed or are running"),
        (_child, "1 children"),
        (_trained_against, "1 results in training"),
        (_learns, "1 learners that train on from it"),
    ],
)
def test_who_left_a_trace_stays(leave: object, words: str, hand_made_league: LeagueFolder) -> None:
    assert callable(leave)
    member = add_member(hand_made_league, "scripted:turtle", "used")
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        leave(session, member.id)
    with pytest.raises(MemberError, match=f"{words}.*league members retire used"):
        remove_member(hand_made_league, "used")
    with write_transaction(engine) as session, pytest.raises(ConflictError, match=words):
        queries.remove_member(session, member.id)
    engine.dispose()
    assert "used" in _names(hand_made_league)


def test_who_played_stays_and_the_message_says_to_retire(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    assert main(["members", "remove", "random", *there]) == 2
    assert "3 seats in matches; `league members retire random`" in capsys.readouterr().err
    assert "random" in _names(hand_made_league)


def test_nobody_is_removed_while_the_league_runs(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    with hold_lock(hand_made_league):
        assert main(["members", "remove", "visitor", *there]) == 2
    assert "already running" in capsys.readouterr().err
    assert "visitor" in _names(hand_made_league)
    assert main(["members", "remove", "visitor", "--json", *there]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "league-members-remove/1",
        "removed": "visitor",
    }


def test_a_snapshot_file_goes_with_the_last_member_that_plays_it(
    hand_made_league: LeagueFolder,
) -> None:
    description = tiny_description()
    store = SnapshotStore(hand_made_league.snapshots)
    sha256 = store.save(tiny_network(description).state_dict(), description)
    for name in ("one", "two"):
        add_member(hand_made_league, f"snapshot:{sha256}", name)
    remove_member(hand_made_league, "one")
    assert store.path(sha256).is_file()
    remove_member(hand_made_league, "two")
    assert not store.path(sha256).exists()
