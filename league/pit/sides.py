"""Owns who takes part in a head-to-head: a member, a snapshot file, an agent spec, the field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.registry import parse_spec, whole_spec
from agents.scripted import FORMER_NAMES, SCRIPTED_NAMES
from arena.territory.observation.views import Views
from db import queries
from db.errors import NotFoundError
from db.session import read_transaction, write_transaction
from league.config.tree import SCRIPTED
from league.errors import PitError
from league.members.entry import (
    Newcomer,
    ensure_guest,
    find_member,
    identify,
    is_snapshot_file,
)
from league.members.pruned import require_snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from league.store.snapshots import Snapshots


@dataclass(frozen=True)
class Side:
    """One side: the name to print, what plays, and its member in a league."""

    name: str
    agent_spec: str
    member_id: int | None = None


def make_field(
    n: int, engine: Engine | None, scripts: Sequence[str] = SCRIPTED
) -> tuple[Side, ...]:
    """Return `n` scripted third parties, these in turn; the plan draws where they sit."""
    names = [scripts[i % len(scripts)] for i in range(n)]
    if engine is None:
        return tuple(Side(name, f"scripted:{name}") for name in names)
    sides = {}
    with write_transaction(engine) as session:
        for name in sorted(set(names)):
            newcomer = Newcomer(name, "scripted", "anchor", f"scripted:{name}")
            member = ensure_guest(session, newcomer)
            sides[name] = Side(member.name, member.agent_spec, member.id)
    return tuple(sides[name] for name in names)


def side_in_league(text: str, engine: Engine, snapshots: Snapshots, views: Views) -> Side:
    """Return the side that a text means: a member, a hash prefix, a file or an agent spec.

    Files and specs that no member plays become guests.

    Raises:
        NotFoundError: no member fits, or several do.
        MemberError, AgentError: what is meant cannot play here.
    """
    is_spec = text.startswith(("scripted:", "plugin:", "planner:"))
    text = whole_spec(text)
    if not is_spec and not is_snapshot_file(text):
        with read_transaction(engine) as session:
            member = find_member(session, text)
        require_snapshot(snapshots, member)
        return Side(member.name, member.agent_spec, member.id)
    with read_transaction(engine) as session:  # what plays here has been checked
        known = any(m.agent_spec == text for m in queries.list_members(session))
    newcomer = identify(text, snapshots, views, check=not known, may_be_older=True)
    with write_transaction(engine) as session:
        member = ensure_guest(session, newcomer)
    return Side(member.name, member.agent_spec, member.id)


def side_to_read(text: str, session: Session, snapshots: Snapshots) -> Side:
    """Return the side that a text means in a league that is not written to.

    The name of a scripted agent that is not a member there means that agent all the same.

    Raises:
        PitError: the text is a snapshot file, which would have to be copied into the league.
        NotFoundError: no member fits, or several do.
        MemberError, AgentError: what is meant cannot play here.
    """
    if text.startswith(("scripted:", "plugin:", "planner:")):
        text = whole_spec(text)
        parse_spec(text)
        return Side(text, text)
    if is_snapshot_file(text):
        raise PitError(
            f"expected a member or an agent spec, found the file {text}; `league import` or "
            "`league members add` makes a member of it"
        )
    try:
        member = find_member(session, text)
    except NotFoundError:
        spec = whole_name(text)
        if spec == text:
            raise
        return Side(spec, spec)
    require_snapshot(snapshots, member)
    return Side(member.name, member.agent_spec, member.id)


def whole_name(text: str) -> str:
    """Return the agent spec of a scripted agent that is named without its kind; else the text."""
    known = text in (*SCRIPTED_NAMES, *FORMER_NAMES)
    return f"scripted:{text}" if known else text


def side_without_league(text: str, snapshots: Snapshots) -> Side:
    """Return the same without a league: a snapshot file, an agent spec or a scripted agent's name.

    Raises:
        PitError: the text is a name or hash prefix, which only a league knows.
        AgentError: what is meant cannot play.
    """
    text = whole_name(text)
    is_spec = text.startswith(("scripted:", "plugin:", "planner:"))
    if not is_spec and not is_snapshot_file(text):
        raise PitError(
            f"expected an agent spec such as scripted:tribe or a snapshot file, found {text!r}; "
            "names and hash prefixes need the league that knows them: --league DIR"
        )
    newcomer = identify(text, snapshots, None)
    return Side(text if is_spec else newcomer.name, newcomer.agent_spec)
