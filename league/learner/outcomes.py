"""What a training match says of its opponents: pure arithmetic on placements."""

from __future__ import annotations

from collections.abc import Sequence


def beaten_shares(
    placements: Sequence[int], agents: Sequence[str], own: Sequence[int], own_names: Sequence[str]
) -> dict[str, list[float]]:
    """Return by opponent, for each of its seats, in which share of the own seats it was beaten.

    Args:
        placements: of each seat; a tie counts half.
        agents: spec of each seat.
        own: the learner's seats.
        own_names: specs that are no opponents.
    """
    shares: dict[str, list[float]] = {}
    for seat, name in enumerate(agents):
        if name not in own_names:
            theirs, ours = placements[seat], [placements[mine] for mine in own]
            beats = sum((p < theirs) + 0.5 * (p == theirs) for p in ours) / len(ours)
            shares.setdefault(name, []).append(beats)
    return shares
