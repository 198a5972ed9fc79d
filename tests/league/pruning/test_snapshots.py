"""Snapshots under a budget: who stays, who goes first, and how a pruned one comes back."""

from __future__ import annotations

import pytest

from db import queries
from db.records import MatchPlan
from db.session import write_transaction
from league.champion import book, throne
from league.errors import MemberError
from league.folder.doctor import examine, repair
from league.members.entry import Newcomer, change_status, ensure_guest
from league.members.exports import export_member
from league.pit.sides import side_in_league
from league.pruning.files import finish_pending
from league.pruning.prune import Pruned as Done
from league.pruning.prune import Pruning
from league.pruning.record import Budgets
from league.rating.payoff import Payoff
from tests.league.hand_made import MAP_SHA
from tests.league.pruning.pruned_league import SNAPSHOT_BYTES, Pruned, nobody


def run(
    pruned: Pruned,
    n_fit: float,
    *,
    payoff: Payoff | None = None,
    grace_s: float = 0.0,
    dry_run: bool = False,
) -> Done:
    """One whole pass with room for so many snapshots."""
    found = Pruning(
        pruned.folder,
        pruned.engine,
        Budgets(snapshots=n_fit * SNAPSHOT_BYTES),
        pruned.season.rules_sha256,
        lambda: payoff or nobody(),
        grace_s=grace_s,
        dry_run=dry_run,
    )
    for _ in found.steps():
        pass
    return found.done


@pytest.fixture
def five(pruned: Pruned) -> Pruned:
    """A champion of its family and role, and four below it, mu 21 to 24."""
    for rank in range(5):
        pruned.add(f"m{rank}", 25.0 - rank)
    return pruned


def test_below_the_budget_nothing_goes(five: Pruned) -> None:
    assert run(five, 5.0).snapshots == []
    assert five.snapshots() == {"m0", "m1", "m2", "m3", "m4"}


def test_the_weakest_go_retire_and_their_reason_is_in_the_journal(five: Pruned) -> None:
    done = run(five, 3.0)
    assert [name for name, *_ in done.snapshots] == ["m4", "m3"]
    assert five.snapshots() == {"m0", "m1", "m2"}
    members = five.members()
    assert members["m4"].status == members["m3"].status == "retired"
    newest, oldest = five.events("pruned")
    assert (oldest.member_id, newest.member_id) == (members["m4"].id, members["m3"].id)
    assert "keep.snapshots" in oldest.message and "the weakest that plays" in oldest.message
    # mu 21, sigma 1
    assert "(mu - 3 sigma 18.00)" in oldest.message
    assert members["m4"].details["pruned"]["reason"] in oldest.message


def test_who_does_not_play_goes_before_who_does(five: Pruned) -> None:
    with write_transaction(five.engine) as session:
        members = {m.name: m.id for m in queries.list_members(session)}
        for name, status in (("m0", "suspended"), ("m1", "quarantined"), ("m2", "retired")):
            queries.set_status(session, members[name], status)
    five.add("m5", 30.0)  # now the champion
    assert [name for name, *_ in run(five, 2.0).snapshots] == ["m2", "m1", "m0", "m4"]
    assert five.members()["m1"].status == "quarantined"


def test_a_newcomer_waits_for_its_verdict(five: Pruned) -> None:
    five.add("young", 0.0, games=99)
    done = run(five, 5.0)
    assert [name for name, *_ in done.snapshots] == ["m4"]
    assert done.stay["young"] == "it has played fewer than 100 rated matches"


def _learner(pruned: Pruned, name: str, role: str, newest: int) -> None:
    with write_transaction(pruned.engine) as session:
        learner = queries.upsert_learner(session, name=name, family="attention", role=role)
        queries.record_snapshot(session, learner, newest)


def test_anchors_champions_ancestors_cycles_and_members_of_pits_stay(pruned: Pruned) -> None:
    ids = {name: pruned.add(name, mu, role=role) for name, mu, role in (
        ("anchor", 1.0, "anchor"),
        ("best-anchor", 2.0, "anchor"),
        ("champion", 40.0, "main"),
        ("best-exploiter", 24.0, "league_exploiter"),
        ("pitted", 6.0, "main"),
        ("rock", 7.0, "main"),
        ("paper", 8.0, "main"),
        ("scissors", 9.0, "main"),
        ("ordinary", 10.0, "main"),
    )}  # fmt: skip
    ids["grandparent"] = pruned.add("grandparent", 3.0, role="main")
    ids["parent"] = pruned.add("parent", 4.0, role="main", parent_id=ids["grandparent"])
    ids["newest"] = pruned.add("newest", 5.0, role="main", parent_id=ids["parent"])
    ids["planned"] = pruned.add("planned", 5.5, role="main")
    ids["before"] = pruned.add("before", 23.0)
    ids["exploiter"] = pruned.add("exploiter", 3.5, parent_id=ids["before"])
    _learner(pruned, "attention", "main", ids["newest"])  # of the settings
    _learner(pruned, "exploiter", "league_exploiter", ids["exploiter"])
    ids["dethroned"] = pruned.add("dethroned", 5.6, role="main")
    ids["canary"] = pruned.add("canary", 5.7, role="main")
    with write_transaction(pruned.engine) as session:
        for name in ("dethroned", "champion"):
            throne.crown(session, queries.get_member(session, ids[name]), "hand", "a test")
        canaries = book.load(session)
        entry = book.Entry("mirror", ids["canary"], None)
        book.save(session, canaries.with_entry("mirror", entry))
    pruned.play(1, (ids["pitted"], 1), purpose="pit")
    with write_transaction(pruned.engine) as session:
        line_up = ((ids["planned"], True), (1, True))
        rules_sha256 = pruned.season.rules_sha256
        queries.plan_match(session, MatchPlan("rating", 1, "m", MAP_SHA, rules_sha256, {}, line_up))
    payoff = Payoff()
    circle = [ids["rock"], ids["scissors"], ids["paper"]]
    for first, second in zip(circle, circle[1:] + circle[:1], strict=True):
        for _ in range(60):
            payoff.add_match([first, second], [1, 2])
    done = run(pruned, 0.1, payoff=payoff)
    assert [name for name, *_ in done.snapshots] == ["ordinary", "before"]
    assert done.stay == {
        "anchor": "it is an anchor",
        "best-anchor": "it is an anchor",
        "champion": "it is a champion",
        "best-exploiter": "it is a champion",
        "dethroned": "it was champion, and may be again",
        "canary": "a canary is played with it",
        "grandparent": "it is a living ancestor",
        "parent": "it is a living ancestor",
        "newest": "it is a living ancestor",
        "exploiter": "a learner goes on from it",
        "rock": "it is part of a cycle",
        "paper": "it is part of a cycle",
        "scissors": "it is part of a cycle",
        "pitted": "it has played head to head",
        "planned": "a match with it is planned or running",
    }
    assert pruned.snapshots() == set(done.stay)


def test_an_ancestor_that_was_retired_may_go(pruned: Pruned) -> None:
    pruned.add("champion", 40.0, role="main")
    parent = pruned.add("parent", 3.0, role="main")
    newest = pruned.add("newest", 5.0, role="main", parent_id=parent)
    _learner(pruned, "attention", "main", newest)
    assert run(pruned, 0.1).snapshots == []
    change_status(pruned.folder, "parent", "retired")
    assert [name for name, *_ in run(pruned, 0.1).snapshots] == ["parent"]


def test_a_snapshot_with_another_member_that_stays_stays(five: Pruned) -> None:
    sha256 = five.members()["m4"].snapshot_sha256
    with write_transaction(five.engine) as session:
        queries.add_member(
            session,
            name="twin",
            family="attention",
            role="anchor",
            agent_spec=f"snapshot:{sha256}",
            snapshot_sha256=sha256,
        )
    assert [name for name, *_ in run(five, 4.0).snapshots] == ["m3"]


def test_beside_a_running_learner_the_file_waits_and_goes_at_the_next_start(five: Pruned) -> None:
    run(five, 4.0, grace_s=3600.0)
    assert five.members()["m4"].status == "retired" and "m4" in five.snapshots()
    run(five, 4.0)  # an hour is not over
    assert "m4" in five.snapshots()
    for _ in finish_pending(five.folder, five.engine, nobody_runs=True):
        pass
    assert five.snapshots() == {"m0", "m1", "m2", "m3"}


def test_weights_that_come_back_before_their_file_goes_stay(five: Pruned) -> None:
    run(five, 4.0, grace_s=3600.0)
    m4 = five.members()["m4"]
    newcomer = Newcomer("m4", "attention", "main", m4.agent_spec, m4.snapshot_sha256)
    with write_transaction(five.engine) as session:  # `league pit FILE ...`
        assert ensure_guest(session, newcomer).id == m4.id
    for _ in finish_pending(five.folder, five.engine, nobody_runs=True):
        pass
    assert "m4" in five.snapshots()


def test_what_changed_since_the_choice_stays(five: Pruned, monkeypatch: pytest.MonkeyPatch) -> None:
    m4 = five.members()["m4"].id
    before = Pruning._retire

    def plan_first(self: Pruning, *arguments: object) -> bool:
        monkeypatch.setattr(
            "league.pruning.protection.queries.members_of_open_matches", lambda session: {m4}
        )
        return before(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Pruning, "_retire", plan_first)
    assert [name for name, *_ in run(five, 4.0).snapshots] == ["m3"]
    assert five.members()["m4"].status == "active"


def test_the_doctor_calls_no_pruned_snapshot_missing_and_repairs_none(five: Pruned) -> None:
    run(five, 3.0)
    for member in five.members().values():  # the hashes of these files are made up
        if member.snapshot_sha256 and member.name in five.snapshots():
            five.snapshot(member.snapshot_sha256).unlink()
    (found,) = [f for f in examine(five.folder) if f.text.startswith("snapshots:")]
    assert "0 of 3 good, 2 pruned" in found.text and len(found.details) == 3
    repair(five.folder)
    members = five.members()
    assert [members[name].status for name in ("m2", "m3")] == ["quarantined", "retired"]


def test_a_pruned_member_says_so_wherever_its_weights_are_asked_for(five: Pruned) -> None:
    run(five, 4.0)
    folder = five.folder
    gone = "the snapshot of m4 was pruned on .*keep.snapshots.*league members resume m4"
    with pytest.raises(MemberError, match=gone):
        change_status(folder, "m4", "active")
    with pytest.raises(MemberError, match=gone):
        export_member(folder, "m4", "sb3")
    with pytest.raises(MemberError, match=gone):
        side_in_league("m4", five.engine, folder.snapshots, five.league.config.views.to_views())


def test_a_dry_run_chooses_the_same_and_changes_nothing(five: Pruned) -> None:
    said = run(five, 3.0, dry_run=True)
    assert len(five.snapshots()) == 5 and five.members()["m4"].status == "active"
    assert run(five, 3.0) == said
