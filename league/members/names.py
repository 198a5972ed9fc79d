"""Owns the names of members: one check at every door, and how a name is made from foreign text.

Promises: a name that enters a league consists of letters, digits, '.', '_', ':' and '-', whatever a
snapshot, a plug-in or a person says, so that it can stand in a table, a path and a command; names
that learners will give (LINEAGE-0000) and names of scripted agents stay free for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.registry import KINDS
from agents.scripted import FORMER_NAMES, SCRIPTED_NAMES
from db import queries
from league.errors import MemberError
from league.folder.memory import stored_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MAX_LENGTH = 200  # of the column
_MADE_LENGTH = 100  # of a made name, which leaves room for what tells two of them apart
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:-]{{0,{MAX_LENGTH - 1}}}")
_FOREIGN = re.compile(r"[^A-Za-z0-9._-]+")
_OF_A_LEARNER = re.compile(r"(.+)-[0-9]{4,}")  # as league.members.admission names snapshots


def made_name(text: str, otherwise: str = "unnamed") -> str:
    """Return a valid name made from foreign text, such as the lineage in a snapshot's header.

    It holds no separator of paths and is no "." or "..", so that it can name a file.

    Args:
        otherwise: the name if nothing of the text can be kept.
    """
    kept = _FOREIGN.sub("-", text).lstrip("._-")[:_MADE_LENGTH].rstrip("-")
    return kept or otherwise


def check_name(session: Session, name: str, agent_spec: str) -> None:
    """Check a name that a person gives to a member; whether it is taken is checked at insertion.

    Raises:
        MemberError: the name is malformed or reserved; the message says for whom.
    """
    if not _NAME.fullmatch(name):
        raise MemberError(
            f"expected a name of letters, digits, '.', '_', ':' and '-', found {name!r}"
        )
    if name.partition(":")[0] in KINDS and ":" in name:
        raise MemberError(
            f"expected a name that cannot be read as an agent spec, found {name!r}; choose one "
            f"that does not begin with {', '.join(f'{kind}:' for kind in KINDS)}"
        )
    lineage = _lineage_of(session, name)
    if lineage is not None:
        raise MemberError(
            f"the name {name!r} is reserved for a snapshot of the learner {lineage!r}, which names "
            f"its snapshots {lineage}-0000, {lineage}-0001 and so on; choose another name"
        )
    if _is_scripted_name(name) and agent_spec != f"scripted:{FORMER_NAMES.get(name, name)}":
        raise MemberError(
            f"the name {name!r} is reserved for the agent scripted:{FORMER_NAMES.get(name, name)}; "
            "choose another name"
        )


def free_name(session: Session, *wanted: str) -> str:
    """Return the first of these names that is free and not reserved, else the last and a number."""
    for name in wanted:
        if _is_free(session, name):
            return name
    number = 2
    while not _is_free(session, f"{wanted[-1]}-{number}"):
        number += 1
    return f"{wanted[-1]}-{number}"


def next_free_name(session: Session, taken: str) -> str:
    """Return the first free name of TAKEN-2, TAKEN-3, ...; for a snapshot of a learner."""
    number = 2
    while queries.member_by_name(session, f"{taken}-{number}") is not None:
        number += 1
    return f"{taken}-{number}"


def _is_free(session: Session, name: str) -> bool:
    return _lineage_of(session, name) is None and queries.member_by_name(session, name) is None


def _is_scripted_name(name: str) -> bool:
    return name in (*SCRIPTED_NAMES, *FORMER_NAMES)


def _lineage_of(session: Session, name: str) -> str | None:
    """Return the lineage that may give this name: that of a learner, present or former."""
    match = _OF_A_LEARNER.fullmatch(name)
    if match is None:
        return None
    settings = stored_settings(session) or {}
    known = {str(learner["name"]) for learner in settings.get("learners", ())}
    known |= {learner.name for learner in queries.list_learners(session)}
    return match[1] if match[1] in known else None
