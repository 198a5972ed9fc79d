"""Names of members: checked at every door, reserved for those who will give them, never a path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from agents.snapshots import SnapshotStore
from arena.territory.observation.views import SMALL_VIEWS
from db import queries
from db.session import open_writer, read_transaction, write_transaction
from league.errors import MemberError
from league.folder.layout import LeagueFolder
from league.members.entry import Newcomer, add_member, ensure_guest, find_member, identify
from league.members.exports import export_member
from league.members.names import free_name, made_name
from league.plain_text import visible
from tests.league.hand_made import add_rated
from tests.league.tiny_snapshots import tiny_description, tiny_network

HOSTILE = (
    "[/red]",
    "../../x",
    "/etc/cron.d/x",
    "\x1b]0;owned\x07\x1b[2J",
    "a\u202eb",
    "..",
    "-rf",
    "x" * 5_000,
    "a\0b\nc",
)


@contextmanager
def _writing(folder: LeagueFolder) -> Iterator[Session]:
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        yield session
    engine.dispose()


def _names(folder: LeagueFolder) -> set[str]:
    engine = open_writer(folder.sqlite)
    with read_transaction(engine) as session:
        found = {member.name for member in queries.list_members(session)}
    engine.dispose()
    return found


def _snapshot(folder: LeagueFolder, lineage: str = "attention") -> str:
    """Hash of a snapshot in the league's store."""
    description = tiny_description(lineage=lineage)
    store = SnapshotStore(folder.snapshots)
    return store.save(tiny_network(description).state_dict(), description)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("attention", "attention"),
        ("[/red]", "red"),
        ("../../x", "x"),
        ("a b/c", "a-b-c"),
        ("rush\n", "rush"),
        ("böts.make", "b-ts.make"),
        ("\x1b[2J", "2J"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("x" * 101, "x" * 100),
    ],
)
def test_a_made_name_keeps_what_a_name_may_hold(text: str, made: str) -> None:
    assert made_name(text) == made


@pytest.mark.parametrize("lineage", HOSTILE)
def test_whatever_lineage_a_snapshot_states_the_member_has_a_plain_name(
    lineage: str, hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    sha256 = _snapshot(hand_made_league, lineage)
    name = add_member(hand_made_league, f"snapshot:{sha256}").name
    assert name.endswith(f"-{sha256[:8]}")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    out = tmp_path / "out"
    out.mkdir()
    assert export_member(hand_made_league, name, "safetensors", out).parent == out


def test_a_plug_ins_name_is_made_plain_too(tmp_path: Path) -> None:
    found = identify("plugin:[b]x/../y:make", tmp_path, SMALL_VIEWS, check=False)
    assert found.name == "b-x-..-y.make"


def test_a_member_of_an_old_league_cannot_make_export_leave_its_folder(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    sha256 = _snapshot(hand_made_league)
    with _writing(hand_made_league) as session:
        add_rated(
            session,
            "../../x",
            None,
            family="attention",
            agent_spec=f"snapshot:{sha256}",
            snapshot_sha256=sha256,
        )
    out = tmp_path / "a" / "b"
    out.mkdir(parents=True)
    written = export_member(hand_made_league, "../../x", "safetensors", out)
    assert written == out / "x.safetensors"
    assert [path.name for path in tmp_path.rglob("*.safetensors") if out in path.parents] == [
        "x.safetensors"
    ]
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("attention-0000", "reserved for a snapshot of the learner 'attention'"),
        ("attention-12345", "reserved for a snapshot of the learner 'attention'"),  # %04d grows
        ("former-0007", "reserved for a snapshot of the learner 'former'"),
        ("turtle", "reserved for the agent scripted:turtle"),
        ("wait", "reserved for the agent scripted:idle"),  # its former name
        ("scripted:mine", "cannot be read as an agent spec"),
    ],
)
def test_a_reserved_name_is_refused_and_nobody_joins(
    name: str, words: str, hand_made_league: LeagueFolder
) -> None:
    with _writing(hand_made_league) as session:
        queries.upsert_learner(session, name="former", family="baseline", role="main")
    before = _names(hand_made_league)
    with pytest.raises(MemberError, match=words):
        add_member(hand_made_league, "scripted:expander", name)
    assert _names(hand_made_league) == before


@pytest.mark.parametrize("name", ["attention-000", "rush-0000", "attention-0000x", "my-attention"])
def test_a_name_that_no_learner_gives_is_free(name: str, hand_made_league: LeagueFolder) -> None:
    assert add_member(hand_made_league, "scripted:turtle", name).name == name


def test_an_agent_may_have_its_own_scripted_name(hand_made_league: LeagueFolder) -> None:
    assert add_member(hand_made_league, "scripted:turtle", "turtle").name == "turtle"


def test_a_made_name_that_is_reserved_or_taken_gets_a_number(session: Session) -> None:
    queries.upsert_learner(session, name="attention", family="attention", role="main")
    # The first eight digits of one hash in forty are decimal, like a generation of a learner.
    assert free_name(session, "attention-12345678") == "attention-12345678-2"
    add_rated(session, "attention-12345678-2")
    assert free_name(session, "attention-12345678") == "attention-12345678-3"


def test_a_guest_finds_a_name_whatever_is_taken(session: Session) -> None:
    for name in ("turtle", "turtle-guest", "turtle-guest-2"):
        add_rated(session, name, agent_spec=f"plugin:{name}:make")
    turtle = Newcomer("turtle", "scripted", "anchor", "scripted:turtle")
    assert ensure_guest(session, turtle).name == "turtle-guest-3"


def test_a_member_with_an_unsafe_name_is_found_by_what_the_screen_shows(session: Session) -> None:
    found = add_rated(session, "a\x1b[2Jb")
    assert find_member(session, visible("a\x1b[2Jb")).id == found
    assert visible("a\x1b[2Jb") == "a\\x1b[2Jb"
