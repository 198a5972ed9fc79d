"""How members enter the pool: ratings of their start, snapshots of learners, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from agents.errors import SnapshotCorruptError, SnapshotError, SnapshotVersionError
from agents.snapshots import SnapshotStore
from arena.territory.observation.views import OBSERVATION_VERSION, SMALL_VIEWS, Views
from db import queries
from db.records import LearnerRecord, MemberRecord
from league.config.layers import resolve
from league.config.tree import LeagueConfig
from league.members.admission import (
    admit_rating,
    admit_scripted,
    admit_snapshot,
    check_offer,
)
from league.rating.replay import first_difference
from league.rating.season import Season
from league.rating.trueskill import MU, SIGMA
from tests.league.hand_made import RULES_SHA, add_rated
from tests.league.tiny_snapshots import tiny_description, tiny_network, tiny_of_2026

SEASON = Season(RULES_SHA, sigma_allowance=4.0)
FIRST, SECOND = "1" * 64, "2" * 64


@pytest.fixture(scope="module")
def config() -> LeagueConfig:
    return resolve("small")


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


def _learner(session: Session) -> LearnerRecord:
    """The lineage `attention` as it stands now."""
    queries.upsert_learner(session, name="attention", family="attention", role="main")
    found = queries.learner_by_name(session, "attention")
    assert found is not None
    return found


def _admit(session: Session, sha256: str, parent: str | None = None) -> MemberRecord:
    description = tiny_description(parent=parent, trained_decisions=7_000)
    return admit_snapshot(session, _learner(session), sha256, description, SEASON)


def _rating(session: Session, member_id: int) -> tuple[float, float, float | None]:
    """mu, sigma and allowance of a member that has one rating."""
    rating = queries.latest_rating(session, member_id, RULES_SHA)
    assert rating is not None
    return rating.mu, rating.sigma, rating.allowance


def test_a_child_starts_at_its_parents_mu_with_the_allowance_in_quadrature(
    session: Session,
) -> None:
    parent = add_rated(session, "parent", 31.0, 3.0)
    child = add_rated(session, "child", None, parent_id=parent)
    admit_rating(session, queries.get_member(session, child), SEASON)
    # hypot(3, 4) = 5, less than 25/3
    assert _rating(session, child) == (31.0, 5.0, 4.0)
    # The log says what a replay needs to find the same start.
    assert first_difference(queries.rating_log(session, RULES_SHA)) is None


def test_a_child_of_an_uncertain_parent_is_never_less_known_than_a_stranger(
    session: Session,
) -> None:
    parent = add_rated(session, "parent", 31.0, 8.0)
    child = add_rated(session, "child", None, parent_id=parent)
    admit_rating(session, queries.get_member(session, child), SEASON)
    # hypot(8, 4) = 8.94 is above 25/3
    assert _rating(session, child) == (31.0, SIGMA, 4.0)


def test_without_a_rated_parent_a_member_starts_unknown(session: Session) -> None:
    first = add_rated(session, "first", None)
    # Its parent has a rating, but of another season.
    old = add_rated(session, "old", 31.0, 3.0, rules_sha256="e" * 64)
    child = add_rated(session, "child", None, parent_id=old)
    for member_id in (first, child):
        admit_rating(session, queries.get_member(session, member_id), SEASON)
        assert _rating(session, member_id) == (MU, SIGMA, None)


def test_a_rated_member_keeps_its_rating(session: Session) -> None:
    member_id = add_rated(session, "known", 31.0, 3.0)
    admit_rating(session, queries.get_member(session, member_id), SEASON)
    assert len(queries.rating_log(session, RULES_SHA)) == 1


def test_the_anchors_join_once_however_often_the_league_starts(
    session: Session, config: LeagueConfig
) -> None:
    for _ in range(2):
        admit_scripted(session, config.rating.anchors, SEASON)
    members = queries.list_members(session)
    assert tuple(m.name for m in members) == config.rating.anchors
    assert {(m.family, m.role, m.status) for m in members} == {("scripted", "anchor", "active")}
    assert [m.agent_spec for m in members] == [f"scripted:{m.name}" for m in members]
    log = queries.rating_log(session, RULES_SHA)
    assert [row.member_id for row in log] == [m.id for m in members]
    assert {(row.mu, row.sigma) for row in log} == {(MU, SIGMA)}


def test_an_anchor_of_an_older_league_keeps_its_old_name_and_its_rating(
    session: Session, config: LeagueConfig
) -> None:
    old = add_rated(session, "wait", 22.0, 0.5, role="anchor")
    admit_scripted(session, config.rating.anchors, SEASON)
    names = [m.name for m in queries.list_members(session)]
    # "idle", the first of the anchors, is there as "wait"; the others join after it
    assert names == ["wait", *config.rating.anchors[1:]]
    assert _rating(session, old) == (22.0, 0.5, None)


def test_a_new_season_rates_all_who_may_play_again_and_no_guest(
    session: Session, config: LeagueConfig
) -> None:
    ids = {
        status: add_rated(session, status, 31.0, 3.0, status=status)
        for status in ("active", "suspended", "retired")
    }
    ids |= {
        status: add_rated(session, status, None, status=status)
        for status in ("guest", "quarantined")
    }
    admit_scripted(session, config.rating.anchors, Season("f" * 64, 4.0))
    rated = queries.latest_ratings(session, "f" * 64)
    assert {status for status, i in ids.items() if i in rated} == {"active", "suspended", "retired"}
    assert rated[ids["active"]].mu == MU  # nothing is carried over from the other season


def test_a_snapshot_joins_as_the_next_of_its_lineage(session: Session) -> None:
    first = _admit(session, FIRST)
    assert (first.name, first.generation, first.parent_id) == ("attention-0000", 0, None)
    assert (first.family, first.role, first.status) == ("attention", "main", "active")
    assert (first.agent_spec, first.snapshot_sha256) == (f"snapshot:{FIRST}", FIRST)
    assert first.trained_decisions == 7_000
    second = _admit(session, SECOND, parent=FIRST)
    assert (second.name, second.generation, second.parent_id) == ("attention-0001", 1, first.id)
    learner = _learner(session)
    assert (learner.member_id, learner.generation) == (second.id, 2)


def test_a_snapshot_that_was_taught_says_so_in_its_row(session: Session) -> None:
    lesson = {"by": "scripted:strategist", "lineage": "attention", "rows": 80_000}
    description = tiny_description(extra={"role": "main", "taught": lesson})
    taught = admit_snapshot(session, _learner(session), FIRST, description, SEASON)
    assert taught.details == {"taught": {"by": "scripted:strategist", "lineage": "attention"}}
    foreign = tiny_description(extra={"taught": {"by": "x" * 10_000}})  # an imported file's words
    found = admit_snapshot(session, _learner(session), SECOND, foreign, SEASON)
    assert found.details == {"taught": {"by": "x" * 200, "lineage": "?"}}
    assert _admit(session, "3" * 64).details == {}


def test_a_snapshot_starts_from_the_rating_of_its_parent(session: Session) -> None:
    parent = add_rated(session, "parent", 31.0, 3.0, snapshot_sha256=FIRST)
    child = _admit(session, SECOND, parent=FIRST)
    assert child.parent_id == parent
    assert _rating(session, child.id) == (31.0, 5.0, 4.0)  # hypot(3, 4) = 5


def test_the_same_snapshot_twice_is_one_member(session: Session) -> None:
    # A crash between the row and the settling of the offer lists the offer again.
    first = _admit(session, FIRST)
    assert _admit(session, FIRST) == first
    assert len(queries.list_members(session)) == 1
    assert len(queries.rating_log(session, RULES_SHA)) == 1
    assert _learner(session).generation == 1


def test_a_guest_of_the_same_weights_does_not_stand_in_for_the_member(session: Session) -> None:
    guest = add_rated(session, "visitor", None, status="guest", snapshot_sha256=FIRST)
    member = _admit(session, FIRST)
    assert member.id != guest and member.status == "active"
    assert _rating(session, member.id) == (MU, SIGMA, None)
    assert queries.get_member(session, guest).status == "guest"
    assert queries.latest_rating(session, guest, RULES_SHA) is None


def test_the_parent_is_the_rated_member_and_not_an_older_guest_of_its_weights(
    session: Session,
) -> None:
    add_rated(session, "visitor", None, status="guest", snapshot_sha256=FIRST)
    parent = add_rated(session, "parent", 31.0, 3.0, snapshot_sha256=FIRST)
    child = _admit(session, SECOND, parent=FIRST)
    assert child.parent_id == parent
    assert _rating(session, child.id) == (31.0, 5.0, 4.0)  # hypot(3, 4) = 5


def test_a_name_that_somebody_else_has_does_not_keep_a_snapshot_out(session: Session) -> None:
    for name in ("attention-0000", "attention-0000-2"):
        add_rated(session, name, agent_spec="plugin:bots.rush:make")
    first = _admit(session, FIRST)
    assert (first.name, first.generation) == ("attention-0000-3", 0)
    (event,) = queries.list_events(session, kind="name_taken")
    assert (event.level, event.member_id) == ("warning", first.id)
    assert "attention-0000 is the name of another member" in event.message
    assert _admit(session, FIRST) == first
    assert _admit(session, SECOND, parent=FIRST).name == "attention-0001"
    assert len(queries.list_events(session, kind="name_taken")) == 1


def test_an_unknown_parent_leaves_a_snapshot_without_one(session: Session) -> None:
    # Weights that were imported elsewhere, or a parent that never became a member.
    assert _admit(session, SECOND, parent=FIRST).parent_id is None


def test_a_good_offer_is_moved_into_the_store_and_described(
    store: SnapshotStore, config: LeagueConfig
) -> None:
    description = tiny_description(trained_decisions=9)
    sha256 = store.offer(tiny_network(description).state_dict(), description)
    found = check_offer(store, sha256, config.views.to_views())
    assert (found.lineage, found.trained_decisions) == ("attention", 9)
    assert store.path(sha256).is_file()
    # Until it is settled it stays listed, so that a crash here loses nothing.
    assert [(offer.sha256, offer.admitted) for offer in store.list_offers()] == [(sha256, True)]


def test_an_offer_for_other_views_is_refused(store: SnapshotStore, config: LeagueConfig) -> None:
    description = tiny_description(shapes=Views(16, 32, 16).shapes())
    sha256 = store.offer(tiny_network(description).state_dict(), description)
    with pytest.raises(SnapshotError, match=r"expected views .* found .*16, 16"):
        check_offer(store, sha256, config.views.to_views())
    assert store.shas() == []  # nothing of it stays once it is discarded
    store.discard(sha256)
    assert list(store.offered.iterdir()) == []


def test_an_offer_of_another_observation_version_is_refused(
    tmp_path: Path, store: SnapshotStore, config: LeagueConfig
) -> None:
    description = replace(tiny_description(), observation_version=OBSERVATION_VERSION + 1)
    careless = SnapshotStore(tmp_path / "snapshots")
    sha256 = careless.offer(tiny_network(description).state_dict(), description)
    with pytest.raises(SnapshotVersionError, match="observation version"):
        check_offer(store, sha256, config.views.to_views())
    assert not store.path(sha256).exists()


@pytest.mark.parametrize(("ours", "theirs"), [(1, 2), (2, 1)])
def test_a_league_admits_offers_of_its_own_observation_version_alone(
    store: SnapshotStore, ours: int, theirs: int
) -> None:
    of_league, of_other = (replace(SMALL_VIEWS, observation_version=v) for v in (ours, theirs))
    shas = [
        store.offer(tiny_network(description).state_dict(), description)
        for description in (
            tiny_description(
                observation_version=views.observation_version, shapes=views.shapes(), lineage=name
            )
            for views, name in ((of_league, "own"), (of_other, "foreign"))
        )
    ]
    assert check_offer(store, shas[0], of_league).lineage == "own"
    with pytest.raises(SnapshotVersionError, match=f"expected observation version {ours} as the"):
        check_offer(store, shas[1], of_league)
    assert store.shas() == [shas[0]]


def test_a_league_of_2026_admits_offers_with_its_own_actions_alone(store: SnapshotStore) -> None:
    views = SMALL_VIEWS.of_edition("2026")
    own, older = tiny_of_2026(), tiny_description()
    offered = [store.offer(tiny_network(each).state_dict(), each) for each in (own, older)]
    assert check_offer(store, offered[0], views).n_actions == 71
    with pytest.raises(SnapshotVersionError, match=r"expected observation version 3 .* found 2"):
        check_offer(store, offered[1], views)
    short = replace(own, n_actions=45)
    cut = store.offer(tiny_network(short).state_dict(), short)
    with pytest.raises(SnapshotVersionError, match=r"with 71 actions as the league .* with 45"):
        check_offer(store, cut, views)


def test_a_damaged_offer_is_refused_and_not_stored(
    store: SnapshotStore, config: LeagueConfig
) -> None:
    description = tiny_description()
    sha256 = store.offer(tiny_network(description).state_dict(), description)
    path = store.offered / f"{sha256}.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SnapshotCorruptError, match="changed after it was saved"):
        check_offer(store, sha256, config.views.to_views())
    assert not store.path(sha256).exists()
