"""The words and the JSON of a pass of pruning, for a person and for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from league.pruning.prune import Pruned
from league.pruning.record import MB, Budgets


def sentences(done: Pruned, budgets: Budgets, *, dry_run: bool) -> Iterator[str]:
    """Yield a line for replays, one for snapshots, and one for each snapshot that went."""
    verb = "would be removed" if dry_run else "removed"
    if budgets.replays is not None:
        n_bytes, freed = done.replay_bytes or 0, done.pruned_replay_bytes
        text = f"replays: {_of(n_bytes, budgets.replays)}, {done.n_replays:,} {verb}"
        if done.n_replays:
            runs = ", ".join(_run(first, last) for first, last in done.matches[:5])
            more = f" and {len(done.matches) - 5} more runs" if len(done.matches) > 5 else ""
            text += f", {freed / MB:,.1f} MB: matches {runs}{more}"
        yield text + _rest(n_bytes - freed, budgets.replays)
    if budgets.snapshots is not None:
        n_bytes, freed = done.snapshot_bytes or 0, done.pruned_snapshot_bytes
        text = f"snapshots: {_of(n_bytes, budgets.snapshots)}, {len(done.snapshots)} {verb}"
        yield text + _rest(n_bytes - freed, budgets.snapshots)
        for name, sha256, size, reason in done.snapshots:
            yield f"  {name}  {sha256[:12]}  {size / MB:.1f} MB  {reason}"
        counts = Counter(done.stay.values())
        yield from (f"  {n} stay: {reason}" for reason, n in counts.most_common())


def document(done: Pruned, budgets: Budgets, *, dry_run: bool) -> dict[str, Any]:
    """Return the same as plain values, sizes in bytes; a kind without a budget is null."""
    replays = {
        "budget": budgets.replays,
        "before": done.replay_bytes,
        "removed": done.n_replays,
        "removed_bytes": done.pruned_replay_bytes,
        "matches": done.matches,
    }
    snapshots = {
        "budget": budgets.snapshots,
        "before": done.snapshot_bytes,
        "removed": [
            {"member": name, "sha256": sha256, "bytes": size, "reason": reason}
            for name, sha256, size, reason in done.snapshots
        ],
        "removed_bytes": done.pruned_snapshot_bytes,
        "stay": [{"member": name, "reason": reason} for name, reason in done.stay.items()],
    }
    return {
        "dry_run": dry_run,
        "replays": None if budgets.replays is None else replays,
        "snapshots": None if budgets.snapshots is None else snapshots,
    }


def over_budget(done: Pruned, budgets: Budgets) -> str | None:
    """Return a sentence when more is left than the budget allows, because it must stay."""
    over = [
        f"{kind} take {left / MB:,.1f} MB of keep.{kind} = {budget / MB:,.0f} MB"
        for kind, left, budget in (
            ("replays", (done.replay_bytes or 0) - done.pruned_replay_bytes, budgets.replays),
            (
                "snapshots",
                (done.snapshot_bytes or 0) - done.pruned_snapshot_bytes,
                budgets.snapshots,
            ),
        )
        if budget is not None and left > budget
    ]
    if not over:
        return None
    return (
        f"{', '.join(over)}, and nothing more may go; `league prune --dry-run` says what stays and "
        "why"
    )


def _of(n_bytes: int, budget: float) -> str:
    return f"{n_bytes / MB:,.1f} MB of {budget / MB:,.0f} MB"


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _rest(left: int, budget: float) -> str:
    return f"; {left / MB:,.1f} MB must stay" if left > budget else ""
