"""Owns what `--roles` stands for: the lineages of a league, as many as the machine's memory holds.

Roles are those of AlphaStar (Vinyals et al., Nature 2019): mains learn to beat everybody, a main
exploiter looks for weaknesses of the mains, a league exploiter for those of the whole league.
"""

from __future__ import annotations

from typing import Any

ROLES = ("mains", "league")
# The order in which they are given up when memory is short: the last one first. Exploiters have the
# family that trains faster; they start again and again.
_MAINS = (
    {"name": "attention", "family": "attention", "role": "main"},
    {"name": "baseline", "family": "baseline", "role": "main"},
)
_EXPLOITERS = (
    {"name": "exploiter", "family": "baseline", "role": "main_exploiter"},
    {"name": "league-exploiter", "family": "baseline", "role": "league_exploiter"},
)
# A learner of the preset small holds 0.85 GB after its first update (both families, one core); one
# of classic about 3, most of it the observations of a rollout. The rest is for the daemon and the
# workers that play rated matches.
LEARNER_BYTES = {"small": 1_000_000_000, "classic": 3_500_000_000, "real": 1_200_000_000}
OTHER_BYTES = 1_500_000_000


def lineages_of(
    roles: str, preset: str, available_bytes: int | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the lineages for `--roles`, and the names of those that memory is too short for.

    Args:
        roles: "mains": one main of each family, as by default; "league": these, a main exploiter
            and a league exploiter.
        preset: "small", "classic" or "real".
        available_bytes: memory that new processes may take; None if unknown.
    """
    wanted = [*_MAINS, *(_EXPLOITERS if roles == "league" else ())]
    n = len(wanted)
    if available_bytes is not None:
        room = (available_bytes - OTHER_BYTES) // LEARNER_BYTES[preset]
        n = max(len(_MAINS), min(n, int(room)))
    return [dict(each) for each in wanted[:n]], [each["name"] for each in wanted[n:]]
