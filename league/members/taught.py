"""What a member's row says of its teacher, so that "from nothing" keeps its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.description import SnapshotDescription

_LONGEST = 200  # characters of a name: whoever made an imported file wrote it


def taught_note(description: SnapshotDescription) -> dict[str, Any] | None:
    """Return who taught the policy of a snapshot, or one that it descends from; None for nobody.

    Returns:
        {"by": the teacher, "lineage": whose lesson it was}, or None.
    """
    taught = description.extra.get("taught")
    if not isinstance(taught, dict):
        return None
    return {key: str(taught.get(key, "?"))[:_LONGEST] for key in ("by", "lineage")}
