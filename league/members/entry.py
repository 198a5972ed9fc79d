"""Owns how an agent joins and leaves the pool by hand: specs, snapshot files, plug-ins.

Promises: whatever joins can play in this league (a snapshot has the league's views, a plug-in keeps
the agent contract), and the file of a stored snapshot is complete; a guest is in the database and
is never scheduled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.in_tick import check_edition
from agents.plugin_files import is_plugin_file
from agents.registry import parse_spec, present_spec, whole_spec
from agents.scripted import other_names
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.views import Views
from db import queries
from db.errors import NotFoundError
from db.session import read_transaction, write_transaction
from league.errors import MemberError, StoreAwayError
from league.folder.connect import writer
from league.folder.layout import LeagueFolder
from league.folder.memory import started_settings
from league.members.names import check_name, free_name, made_name
from league.members.pruned import require_snapshot
from league.members.taught import taught_note
from league.plain_text import visible
from league.pruning.record import why_snapshot_is_gone
from league.rating.season import Season

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from agents.description import SnapshotDescription
    from db.records import MemberRecord
    from league.store.snapshots import Snapshots

SNAPSHOT_SUFFIX = ".safetensors"
# Status -> the statuses that may change to it by hand. A quarantined member comes back only with an
# intact snapshot; a guest joins with `league members add`, because it has no rating yet.
_TRANSITIONS = {
    "retired": ("active", "suspended"),
    "active": ("retired", "suspended", "quarantined"),
}


@dataclass(frozen=True)
class Newcomer:
    """What a spec or a file says about an agent that may join."""

    name: str
    family: str
    role: str
    agent_spec: str
    snapshot_sha256: str | None = None
    parent_sha256: str | None = None
    trained_decisions: int = 0
    taught: Mapping[str, Any] | None = None
    relation_mask: bool = False


def is_snapshot_file(text: str) -> bool:
    """Return whether a text names a snapshot file rather than a member or a spec."""
    return text.endswith(SNAPSHOT_SUFFIX) or (Path(text).is_file() and ":" not in text)


def views_of(description: SnapshotDescription) -> Views:
    """Return the views that a snapshot was trained on."""
    whole, local, tactical = (description.shapes[key][1] for key in VIEW_NAMES)
    views = Views(whole, local, tactical, description.observation_version)
    found = (description.action_version, description.n_actions)
    if found != (views.action_version, views.n_actions):
        raise MemberError(
            f"expected a snapshot of observation version {views.observation_version} to choose "
            f"from the {views.n_actions} actions of action version {views.action_version}, found "
            f"{found[1]} of version {found[0]}; this program has no match for it"
        )
    return views


def identify(
    text: str,
    snapshots: Snapshots,
    views: Views | None,
    *,
    check: bool = True,
    may_be_older: bool = False,
) -> Newcomer:
    """Find out which agent is meant, and whether it can play.

    Args:
        text: an agent spec, or a snapshot file, which is copied into `snapshots`.
        snapshots: folder or store of the league's snapshots.
        views: those of the league; None accepts a snapshot of any views.
        check: play two short matches with a plug-in to see whether it keeps the contract.
        may_be_older: accept a snapshot of an older observation version, which reads a part of what
            the league shows; a guest may, a member must have the league's version.

    Raises:
        MemberError, AgentError: the agent does not exist or cannot play.
    """
    if is_snapshot_file(text):
        return _from_snapshot(text, snapshots, views, may_be_older=may_be_older)
    kind, rest = parse_spec(whole_spec(text))
    if kind == "scripted":
        return Newcomer(rest, "scripted", "anchor", f"scripted:{rest}")
    if kind == "planner":
        # Not an anchor: learners do not meet it (daemon/roster), and its budget may be any.
        return Newcomer(made_name(f"planner-{rest}"), "scripted", "main", f"planner:{rest}")
    if kind == "snapshot":
        return _from_snapshot(rest, snapshots, views, is_file=False, may_be_older=may_be_older)
    if check:
        from agents.check import check_agent

        check_agent(rest, edition="2025" if views is None else views.edition.name)
    place, _, factory = rest.rpartition(":")
    called = f"{Path(place).stem if is_plugin_file(place) else place}.{factory}"
    return Newcomer(made_name(called), "plugin", "main", f"plugin:{rest}")


def _from_snapshot(
    text: str,
    snapshots: Snapshots,
    views: Views | None,
    *,
    is_file: bool = True,
    may_be_older: bool = False,
) -> Newcomer:
    from agents.snapshots import SnapshotStore

    store = SnapshotStore(snapshots)
    if is_file:
        from agents.description import describe

        _check_views(text, describe(text), views, may_be_older)
        loaded = store.import_file(text)
    else:
        loaded = store.load(text)
        _check_views(text, loaded.description, views, may_be_older)
    description = loaded.description
    # Whoever made the file chose the lineage's name, and it may be anything.
    lineage = made_name(description.lineage, otherwise=description.family)
    return Newcomer(
        name=f"{lineage}-{loaded.sha256[:8]}",
        family=description.family,
        role="main",
        agent_spec=f"snapshot:{loaded.sha256}",
        snapshot_sha256=loaded.sha256,
        parent_sha256=description.parent,
        trained_decisions=description.trained_decisions,
        taught=taught_note(description),
        relation_mask=description.relation_mask,
    )


def _check_views(
    name: str, description: SnapshotDescription, views: Views | None, may_be_older: bool
) -> None:
    found = views_of(description)
    if views is None or found == views or (may_be_older and views.shows(found)):
        return
    if found.sizes() == views.sizes():
        ours, theirs = views.observation_version, found.observation_version
        if views.edition is not found.edition:
            raise MemberError(
                f"{name}: expected a snapshot of observation version {ours} and action version "
                f"{views.action_version}, those of the league's edition {views.edition.name}, "
                f"found {theirs} and {found.action_version}, those of edition "
                f"{found.edition.name}; it plays in leagues of that edition"
            )
        how = "; `league pit` can play it as a guest" if theirs < ours else ""
        raise MemberError(
            f"{name}: expected a snapshot of observation version {ours} like the league, found "
            f"version {theirs}; it belongs into a league with that version{how}"
        )
    raise MemberError(
        f"{name}: expected a snapshot trained on views of {_sizes(views)}, found "
        f"{_sizes(found)}; it can only play in a league with those [views]"
    )


def _sizes(views: Views) -> str:
    return f"{views.global_size}/{views.local_size}/{views.tactical_size}"


def find_member(session: Session, text: str) -> MemberRecord:
    """Return the member that a user means; a scripted agent's former name will do.

    Args:
        text: its name, agent spec or hash prefix; a name of an older league that holds unsafe
            characters may be given as screens show it.

    Raises:
        NotFoundError: no member fits, or several do.
    """
    try:
        return queries.resolve_member(session, text)
    except NotFoundError:
        kind = "scripted:" if text.startswith("scripted:") else ""
        for name in other_names(text.removeprefix(kind)):
            with contextlib.suppress(NotFoundError):
                return queries.resolve_member(session, f"{kind}{name}")
        shown = [m for m in queries.list_members(session) if visible(m.name) == text]
        if len(shown) == 1:
            return shown[0]
        raise


def add_member(folder: LeagueFolder, text: str, name: str | None = None) -> MemberRecord:
    """Add an agent to the pool of a league and rate it in the present season.

    Args:
        text: see `identify`.
        name: what to call it; None derives a name from the spec or file.

    Raises:
        FolderError: the league has never been started.
        MemberError: the name is malformed or reserved, or a member already plays the same agent and
            no `name` tells them apart.
        ConflictError: the name is taken.
    """
    from league.members.admission import admit_rating  # loads torch, which `pit` can do without

    with writer(folder) as engine:
        with read_transaction(engine) as session:
            settings = started_settings(session, folder)
            if name is not None and queries.member_by_name(session, name) is None:
                check_name(session, name, _present(text))
        newcomer = identify(text, folder.snapshot_place(), Views.from_json(settings["views"]))
        check_edition(newcomer.agent_spec, str(settings["rules"].get("edition", "2025")))
        season = Season.of(settings)
        with write_transaction(engine) as session:
            member_id = _enter(session, newcomer, name)
            admit_rating(session, queries.get_member(session, member_id), season)
            member = queries.get_member(session, member_id)
            queries.add_event(
                session, "member", f"{member.name} joined by hand", member_id=member_id
            )
            return member


def _present(text: str) -> str:
    return text if is_snapshot_file(text) else present_spec(text)


def _enter(session: Session, newcomer: Newcomer, name: str | None) -> int:
    """Insert a newcomer; without a name, a guest that plays the same agent becomes the member."""
    if name is None:
        for member in queries.list_members(session):
            if present_spec(member.agent_spec) != newcomer.agent_spec:
                continue
            if member.status != "guest":
                raise MemberError(
                    f"{member.name} ({member.status}) already plays {member.agent_spec}; use "
                    "--name to add it a second time"
                )
            queries.set_status(session, member.id, "active")
            return member.id
    return _insert(session, newcomer, name or free_name(session, newcomer.name), "active")


def ensure_guest(session: Session, newcomer: Newcomer) -> MemberRecord:
    """Return the member that plays this spec, or a new guest, never scheduled or rated."""
    for member in queries.list_members(session):
        if present_spec(member.agent_spec) == newcomer.agent_spec:
            if why_snapshot_is_gone(member) is not None:  # its file has just been brought back
                queries.set_pruned(session, member.id, None)
            return member
    name = free_name(session, newcomer.name, f"{newcomer.name}-guest")
    return queries.get_member(session, _insert(session, newcomer, name, "guest"))


def change_status(folder: LeagueFolder, text: str, status: str) -> MemberRecord:
    """Retire a member or let it play again; a quarantined one's snapshot is checked first.

    Args:
        text: its name, agent spec or hash prefix.
        status: "retired" or "active".

    Raises:
        NotFoundError: there is no such member.
        MemberError: its present status does not allow the change, or its snapshot was pruned.
        SnapshotError: it was quarantined and its snapshot is still damaged or missing.
    """
    with writer(folder) as engine:
        with read_transaction(engine) as session:
            member = find_member(session, text)
        was_pruned = why_snapshot_is_gone(member) is not None
        must_check = status == "active" and (member.status == "quarantined" or was_pruned)
        if must_check and member.snapshot_sha256:
            require_snapshot(folder.snapshot_place(), member)
            from agents.snapshots import SnapshotStore

            # Outside the write transaction, because loading a network takes a while.
            SnapshotStore(folder.snapshot_place()).load(member.snapshot_sha256)
        with write_transaction(engine) as session:
            return _change_status(session, member.id, status)


def _change_status(session: Session, member_id: int, status: str) -> MemberRecord:
    member = queries.get_member(session, member_id)
    if member.status not in _TRANSITIONS[status]:
        *others, last = _TRANSITIONS[status]
        raise MemberError(
            f"{member.name} is {member.status}; only members that are {', '.join(others)} or "
            f"{last} can become {status}"
        )
    queries.set_status(session, member.id, status)
    queries.add_event(
        session,
        "member",
        f"{member.name}: {member.status} -> {status}, by hand",
        member_id=member.id,
    )
    return queries.get_member(session, member.id)


def rename_member(folder: LeagueFolder, text: str, name: str) -> tuple[str, MemberRecord]:
    """Give a member another name, even while the daemon runs; return the old name and the member.

    Args:
        text: its name, agent spec or hash prefix.

    Raises:
        NotFoundError: there is no such member.
        MemberError: the name is malformed or reserved, or the member is an agent of the league's
            own settings, which would join again under its name.
        ConflictError: the name is taken.
    """
    with writer(folder) as engine, write_transaction(engine) as session:
        member = find_member(session, text)
        spec = present_spec(member.agent_spec)
        if member.role == "anchor" and present_spec(f"scripted:{member.name}") == spec:
            raise MemberError(
                f"{member.name} is the league's own scripted agent of that name and would join "
                "again at the next start; add it under another name with `league members add "
                f"{spec} --name NAME`"
            )
        if queries.member_by_name(session, name) is None:
            check_name(session, name, spec)
        queries.rename_member(session, member.id, name)
        queries.add_event(
            session,
            "member",
            f"{visible(member.name)} is called {name}, renamed by hand",
            member_id=member.id,
        )
        return member.name, queries.get_member(session, member.id)


def remove_member(folder: LeagueFolder, text: str) -> MemberRecord:
    """Remove a member that never played; the caller holds the league's lock.

    A running daemon may have planned with it, and follows the rating log by its numbers. The
    snapshot file is removed too if no other member plays it.

    Args:
        text: its name, agent spec or hash prefix.

    Raises:
        NotFoundError: there is no such member.
        MemberError: it has played, or something else rests on it.
    """
    with writer(folder) as engine:
        with write_transaction(engine) as session:
            member = find_member(session, text)
            traces = queries.traces_of_member(session, member.id)
            if traces:
                raise MemberError(
                    f"expected a member that never played, found {member.name} with "
                    f"{', '.join(traces)}; `league members retire {member.name}` takes it out of "
                    "future matches"
                )
            queries.remove_member(session, member.id)
            queries.add_event(
                session, "member", f"{visible(member.name)} was removed by hand: it never played"
            )
            sha256 = member.snapshot_sha256
            orphaned = sha256 is not None and not queries.members_by_snapshot(session, sha256)
        if sha256 is not None and orphaned:
            # After the commit: a row implies a file, a file without a row is only in the way.
            (folder.snapshots / f"{sha256}{SNAPSHOT_SUFFIX}").unlink(missing_ok=True)
            store = folder.store()
            if store is not None:
                # The member is removed whether the store answers or not; the doctor names the file.
                with contextlib.suppress(StoreAwayError):
                    store.open().delete([f"snapshots/{sha256}{SNAPSHOT_SUFFIX}"])
    return member


def _insert(session: Session, newcomer: Newcomer, name: str, status: str) -> int:
    parent = None
    if newcomer.parent_sha256 is not None:
        known = queries.members_by_snapshot(session, newcomer.parent_sha256)
        known.sort(key=lambda member: member.status == "guest")  # a guest has no rating
        parent = known[0] if known else None
    return queries.add_member(
        session,
        name=name,
        family=newcomer.family,
        role=newcomer.role,
        agent_spec=newcomer.agent_spec,
        status=status,
        parent_id=None if parent is None else parent.id,
        generation=0 if parent is None else parent.generation + 1,
        snapshot_sha256=newcomer.snapshot_sha256,
        trained_decisions=newcomer.trained_decisions,
        taught=newcomer.taught,
        relation_mask=newcomer.relation_mask,
    )
