"""How agents join by hand, stay guests, retire and come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from agents.errors import AgentError, SnapshotCorruptError, SnapshotMissingError
from agents.snapshots import SnapshotStore
from arena.territory.observation.views import SMALL_VIEWS, Views
from db import queries
from db.errors import ConflictError, NotFoundError
from db.migrate import upgrade
from db.models import MEMBER_STATUSES
from db.session import open_writer, read_transaction, write_transaction
from league.errors import FolderError, MemberError
from league.folder.layout import LeagueFolder, create_folder
from league.members.entry import (
    Newcomer,
    add_member,
    change_status,
    ensure_guest,
    find_member,
    identify,
)
from league.rating.season import Season
from league.rating.trueskill import MU, SIGMA
from tests.league.hand_made import RULES_SHA, add_rated
from tests.league.tiny_snapshots import tiny_description, tiny_network, tiny_of_2026

ALLOWANCE = 25 / 6  # rating.sigma_allowance of both presets
TURTLE = Newcomer("turtle", "scripted", "anchor", "scripted:turtle")

_OF_AN_EDITION = ("observation_version", "action_version", "n_actions", "shapes")


def _snapshot_file(folder: Path, **description: object) -> Path:
    """A snapshot file outside of any league."""
    described = tiny_description(**description)
    store = SnapshotStore(folder / "snapshots")
    sha256 = store.save(tiny_network(described).state_dict(), described)
    return store.path(sha256).rename(folder / "downloaded.safetensors")


def _members(folder: LeagueFolder) -> dict[str, str]:
    """Status by name."""
    engine = open_writer(folder.sqlite)
    with read_transaction(engine) as session:
        found = {member.name: member.status for member in queries.list_members(session)}
    engine.dispose()
    return found


def _season(session: Session) -> Season:
    """The season of the hand made league: that of its first rated match."""
    return Season(queries.list_matches(session)[0].rules_sha256, ALLOWANCE)


# --- who is meant ---------------------------------------------------------------------------------


def test_a_snapshot_file_is_copied_into_the_store_and_named_by_lineage_and_hash(
    tmp_path: Path,
) -> None:
    path = _snapshot_file(tmp_path, lineage="rush", parent="3" * 64, trained_decisions=11)
    found = identify(str(path), tmp_path / "store", SMALL_VIEWS)
    sha256 = found.snapshot_sha256
    assert sha256 is not None
    assert (tmp_path / "store" / f"{sha256}.safetensors").read_bytes() == path.read_bytes()
    assert found == Newcomer(
        name=f"rush-{sha256[:8]}",
        family="attention",
        role="main",
        agent_spec=f"snapshot:{sha256}",
        snapshot_sha256=sha256,
        parent_sha256="3" * 64,
        trained_decisions=11,
    )


def test_a_snapshot_of_other_views_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    path = _snapshot_file(tmp_path, shapes=Views(16, 32, 16).shapes())
    store = tmp_path / "store"
    with pytest.raises(MemberError, match="trained on views of 32/32/16, found 16/32/16"):
        identify(str(path), store, SMALL_VIEWS)
    assert not list(store.glob("*.safetensors"))
    assert identify(str(path), store, None).family == "attention"  # a pit takes any
    # Now that the store holds it, its hash is refused by the league as the file was.
    (held,) = store.glob("*.safetensors")
    with pytest.raises(MemberError, match="found 16/32/16"):
        identify(f"snapshot:{held.stem}", store, SMALL_VIEWS)


def test_a_snapshot_of_another_observation_version_is_refused_and_an_older_one_is_a_guest(
    tmp_path: Path,
) -> None:
    old = replace(SMALL_VIEWS, observation_version=1)
    path = _snapshot_file(tmp_path, observation_version=1, shapes=old.shapes())
    store = tmp_path / "store"
    with pytest.raises(
        MemberError, match=r"observation version 2 like the league, found version 1; .*league pit"
    ):
        identify(str(path), store, SMALL_VIEWS)
    assert not list(store.glob("*.safetensors"))
    assert identify(str(path), store, old).family == "attention"
    assert identify(str(path), store, SMALL_VIEWS, may_be_older=True).family == "attention"
    newer = _snapshot_file(tmp_path)
    for may_be_older in (False, True):  # what a newer one reads is not there
        with pytest.raises(MemberError, match=r"version 1 like the league, found version 2; .*\n?"):
            identify(str(newer), store, old, may_be_older=may_be_older)


@pytest.mark.parametrize("may_be_older", [False, True])
def test_a_snapshot_of_another_edition_is_refused_with_both_versions_and_where_it_plays(
    tmp_path: Path, may_be_older: bool
) -> None:
    of_2026 = tiny_of_2026()
    path = _snapshot_file(tmp_path, **{key: getattr(of_2026, key) for key in _OF_AN_EDITION})
    store = tmp_path / "store"
    with pytest.raises(
        MemberError,
        match=r"observation version 2 and action version 1, those of the league's edition 2025, "
        r"found 3 and 2, those of edition 2026; it plays in leagues of that edition",
    ):
        identify(str(path), store, SMALL_VIEWS, may_be_older=may_be_older)
    assert identify(str(path), store, SMALL_VIEWS.of_edition("2026")).family == "attention"
    older = _snapshot_file(tmp_path)
    with pytest.raises(MemberError, match=r"edition 2026, found 2 and 1, those of edition 2025"):
        identify(str(older), store, SMALL_VIEWS.of_edition("2026"), may_be_older=may_be_older)


def test_a_snapshot_is_found_by_a_prefix_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    described = tiny_description()
    store = SnapshotStore(tmp_path / "snapshots")
    sha256 = store.save(tiny_network(described).state_dict(), described)
    found = identify(f"snapshot:{sha256[:6]}", store.folder, SMALL_VIEWS)
    assert found.agent_spec == f"snapshot:{sha256}"
    with pytest.raises(SnapshotMissingError, match="no snapshot ffff"):
        identify("snapshot:ffff", store.folder, SMALL_VIEWS)


def test_specs_name_what_they_are(tmp_path: Path) -> None:
    assert identify("scripted:turtle", tmp_path, SMALL_VIEWS) == TURTLE
    plugin = identify("plugin:bots.rush:make", tmp_path, SMALL_VIEWS, check=False)
    assert (plugin.name, plugin.family, plugin.role) == ("bots.rush.make", "plugin", "main")
    with pytest.raises(AgentError):
        identify("telepathy:x", tmp_path, SMALL_VIEWS)


def test_a_planner_is_no_anchor_and_its_name_tells_its_budget(tmp_path: Path) -> None:
    usual = identify("planner:decisions=10", tmp_path, None)
    quick = identify("planner:copies=2", tmp_path, None)
    assert usual == Newcomer("planner", "scripted", "main", "planner:")
    assert quick == Newcomer("planner-copies-2", "scripted", "main", "planner:copies=2")
    with pytest.raises(AgentError, match="expected each of decisions, copies, candidates"):
        identify("planner:seconds=2", tmp_path, None)


def test_a_scripted_member_is_found_under_its_present_and_its_former_name(session: Session) -> None:
    old = add_rated(session, "wait")  # of a league that an older version made
    for text in ("idle", "wait", "scripted:idle", "scripted:wait"):
        assert find_member(session, text).id == old
        if text.startswith("scripted:"):
            assert ensure_guest(session, identify(text, Path(), None)).id == old
    with pytest.raises(NotFoundError, match="no member for 'nobody'"):
        find_member(session, "nobody")


def test_an_exact_name_wins_over_a_former_one(session: Session) -> None:
    add_rated(session, "idle")
    named = add_rated(session, "wait", agent_spec="plugin:a:b")
    assert find_member(session, "wait").id == named


def test_a_member_does_not_join_again_under_its_other_name(hand_made_league: LeagueFolder) -> None:
    with pytest.raises(MemberError, match=r"idle \(retired\) already plays scripted:idle"):
        add_member(hand_made_league, "scripted:wait")


def test_a_plug_in_that_cannot_play_does_not_join(hand_made_league: LeagueFolder) -> None:
    before = _members(hand_made_league)
    with pytest.raises(AgentError):
        add_member(hand_made_league, "plugin:no_such_module:make")
    assert _members(hand_made_league) == before


# --- joining --------------------------------------------------------------------------------------


def test_who_joins_is_active_rated_and_in_the_journal(hand_made_league: LeagueFolder) -> None:
    member = add_member(hand_made_league, "scripted:turtle", "slow")
    assert (member.name, member.status, member.agent_spec) == ("slow", "active", "scripted:turtle")
    engine = open_writer(hand_made_league.sqlite)
    with read_transaction(engine) as session:
        (newest, *_) = queries.list_events(session)
        log = queries.rating_log(session, _season(session).rules_sha256)
        drawn = queries.active_agents(session)
    engine.dispose()
    assert (newest.message, newest.member_id) == ("slow joined by hand", member.id)
    assert [(row.mu, row.sigma) for row in log if row.member_id == member.id] == [(MU, SIGMA)]
    assert member.id in {candidate.member_id for candidate in drawn}


def test_a_snapshot_whose_parent_is_in_the_pool_starts_from_its_rating(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    # "d" * 64 is attention-0001, who has won three matches.
    path = _snapshot_file(tmp_path, parent="d" * 64)
    child = add_member(hand_made_league, str(path), "child")
    engine = open_writer(hand_made_league.sqlite)
    with read_transaction(engine) as session:
        parent = queries.resolve_member(session, "attention-0001")
        ratings = queries.latest_ratings(session, _season(session).rules_sha256)
    engine.dispose()
    assert (child.parent_id, child.generation) == (parent.id, parent.generation + 1)
    assert ratings[child.id].mu == ratings[parent.id].mu > MU
    assert ratings[child.id].allowance == ALLOWANCE


def test_the_parent_of_who_joins_is_the_member_and_not_an_older_guest_of_its_weights(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        add_rated(session, "old-guest", None, status="guest", snapshot_sha256="4" * 64)
        parent = add_rated(session, "parent", None, snapshot_sha256="4" * 64)
    engine.dispose()
    path = _snapshot_file(tmp_path, parent="4" * 64)
    assert add_member(hand_made_league, str(path), "child").parent_id == parent


@pytest.mark.parametrize("name", ["", "-rush", "a b", "a/b", "../rush", "x" * 201, "rush\n"])
def test_a_malformed_name_is_refused(hand_made_league: LeagueFolder, name: str) -> None:
    before = _members(hand_made_league)
    with pytest.raises(MemberError, match="expected a name of letters"):
        add_member(hand_made_league, "scripted:turtle", name)
    assert _members(hand_made_league) == before


def test_a_taken_name_is_refused_and_nobody_joins(hand_made_league: LeagueFolder) -> None:
    before = _members(hand_made_league)
    with pytest.raises(ConflictError, match="'tribe' already exists"):
        add_member(hand_made_league, "scripted:turtle", "tribe")
    assert _members(hand_made_league) == before


def test_nobody_joins_a_league_before_its_first_start(tmp_path: Path) -> None:
    folder = create_folder(tmp_path / "league", "seed = 1\n")
    engine = open_writer(folder.sqlite)
    upgrade(engine)
    engine.dispose()
    with pytest.raises(FolderError, match="league that has been started"):
        add_member(folder, "scripted:turtle")
    assert _members(folder) == {}


def test_a_guest_that_joins_becomes_the_member_and_is_rated(hand_made_league: LeagueFolder) -> None:
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        guest = ensure_guest(session, TURTLE)
    joined = add_member(hand_made_league, "scripted:turtle")
    assert (joined.id, joined.status) == (guest.id, "active")
    with read_transaction(engine) as session:
        assert guest.id in {c.member_id for c in queries.active_agents(session)}
    engine.dispose()


# --- guests ---------------------------------------------------------------------------------------


def test_a_guest_is_neither_rated_nor_drawn(session: Session) -> None:
    guest = ensure_guest(session, TURTLE)
    assert guest.status == "guest"
    assert queries.latest_rating(session, guest.id, RULES_SHA) is None
    assert queries.active_agents(session) == []


def test_who_is_known_already_needs_no_guest(session: Session) -> None:
    known = add_rated(session, "slow", agent_spec="scripted:turtle", status="retired")
    assert ensure_guest(session, TURTLE) == queries.get_member(session, known)
    again = ensure_guest(session, TURTLE)
    assert (again.id, again.status, len(queries.list_members(session))) == (known, "retired", 1)


def test_a_guest_whose_name_is_taken_gets_another_one(session: Session) -> None:
    add_rated(session, "turtle", agent_spec="plugin:bots.turtle:make")
    assert ensure_guest(session, TURTLE).name == "turtle-guest"


# --- retiring and resuming ------------------------------------------------------------------------

ALLOWED = {
    ("active", "retired"),
    ("suspended", "retired"),
    ("retired", "active"),
    ("suspended", "active"),
    ("quarantined", "active"),  # with a whole snapshot, see below
}


@pytest.mark.parametrize("after", ["retired", "active"])
@pytest.mark.parametrize("before", MEMBER_STATUSES)
def test_only_these_statuses_change_by_hand(
    hand_made_league: LeagueFolder, before: str, after: str
) -> None:
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        add_rated(session, "someone", None, status=before)
        n_events = len(queries.list_events(session))
    if (before, after) in ALLOWED:
        assert change_status(hand_made_league, "someone", after).status == after
    else:
        with pytest.raises(MemberError, match=f"someone is {before}; only members that are"):
            change_status(hand_made_league, "someone", after)
        assert _members(hand_made_league)["someone"] == before
    with read_transaction(engine) as session:
        events = queries.list_events(session)
    engine.dispose()
    assert len(events) - n_events == ((before, after) in ALLOWED)
    if (before, after) in ALLOWED:
        assert events[0].message == f"someone: {before} -> {after}, by hand"


def test_who_comes_back_starts_with_a_clean_run_of_failures(
    hand_made_league: LeagueFolder,
) -> None:
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        member_id = add_rated(session, "clumsy", None, status="suspended")
        for _ in range(3):
            queries.count_failure(session, member_id)
    engine.dispose()
    back = change_status(hand_made_league, "clumsy", "active")
    assert (back.failures, back.failures_in_row) == (3, 0)


def test_a_quarantined_member_comes_back_only_with_a_whole_snapshot(
    hand_made_league: LeagueFolder,
) -> None:
    described = tiny_description()
    store = SnapshotStore(hand_made_league.snapshots)
    sha256 = store.save(tiny_network(described).state_dict(), described)
    whole = store.path(sha256).read_bytes()
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        add_rated(session, "ill", None, status="quarantined", snapshot_sha256=sha256)
    engine.dispose()
    store.path(sha256).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(SnapshotCorruptError, match="changed after it was saved; restore it"):
        change_status(hand_made_league, "ill", "active")
    store.path(sha256).unlink()
    with pytest.raises(SnapshotMissingError):
        change_status(hand_made_league, "ill", "active")
    assert _members(hand_made_league)["ill"] == "quarantined"
    store.path(sha256).write_bytes(whole)
    assert change_status(hand_made_league, "ill", "active").status == "active"


def test_nobody_of_that_name_is_a_sentence(hand_made_league: LeagueFolder) -> None:
    with pytest.raises(NotFoundError, match="found no member for 'nobody'"):
        change_status(hand_made_league, "nobody", "retired")
