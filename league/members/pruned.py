"""What a command says about a member whose snapshot was pruned, in place of "no such file"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from league.errors import MemberError
from league.pruning.record import why_snapshot_is_gone

if TYPE_CHECKING:
    from pathlib import Path

    from db.records import MemberRecord


def require_snapshot(snapshots: Path, member: MemberRecord) -> None:
    """Raise MemberError if a member cannot play because its snapshot was pruned."""
    why = why_snapshot_is_gone(member)
    if why is None or member.snapshot_sha256 is None:
        return
    path = snapshots / f"{member.snapshot_sha256}.safetensors"
    if not path.exists():
        raise MemberError(
            f"the snapshot of {member.name} was {why}; put {path.name} of a backup back into "
            f"{snapshots}, then `league members resume {member.name}`"
        )
