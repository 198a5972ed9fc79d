"""What a command says about a member whose snapshot was pruned, in place of "no such file"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from league.errors import MemberError
from league.pruning.record import why_snapshot_is_gone
from league.store.snapshots import Snapshots

if TYPE_CHECKING:
    from db.records import MemberRecord


def require_snapshot(snapshots: Snapshots, member: MemberRecord) -> None:
    """Raise MemberError if a member cannot play because its snapshot was pruned."""
    why = why_snapshot_is_gone(member)
    if why is None or member.snapshot_sha256 is None:
        return
    name = f"{member.snapshot_sha256}.safetensors"
    place = snapshots if isinstance(snapshots, Path) else snapshots.folder
    is_there = (place / name).exists() or (
        not isinstance(snapshots, Path) and snapshots.source().has(name)
    )
    if not is_there:
        raise MemberError(
            f"the snapshot of {member.name} was {why}; put {name} of a backup back into "
            f"{place}, then `league members resume {member.name}`"
        )
