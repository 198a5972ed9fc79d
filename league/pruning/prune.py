"""Owns pruning: replays and snapshots go, oldest or weakest first, until they fit their budget.

Promises: first the rows and the journal change, durably, then the files go, so that no row names a
file that is gone and a kill or a power cut at any instant leaves nothing but files to be unlinked
by the next pass; the work comes in pieces of less than a tenth of a second, between which anything
may happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db import queries
from db.records import FinishedReplay
from db.session import read_transaction, write_transaction
from league.folder.connect import reader, writer
from league.folder.layout import LeagueFolder
from league.folder.memory import started_settings
from league.pruning.files import (
    StoreSizes,
    file_sizes,
    finish_pending,
    replay_file,
    size_of,
    snapshot_file,
    store_sizes,
)
from league.pruning.protection import PrunableSnapshot, choose_snapshots, still_prunable
from league.pruning.record import (
    MB,
    Budgets,
    ranges,
    read_record,
    why_snapshot_is_gone,
    write_record,
)
from league.rating.payoff import Payoff
from league.rating.season import Season

KEEP_LATEST = 1_000  # matches whose replays stay
# Below the budget by this much, so that the journal gets one event per hundreds of replays.
ROOM = 0.95
CHUNK = 100  # replays per transaction: 60 ms on a busy machine

_STAY = f"those of the latest {KEEP_LATEST:,} matches and of matches that an event names stay"


@dataclass
class Pruned:
    """What one pass did, or would do, in bytes; `None` sizes were not looked at.

    Attributes:
        matches: [first, last] of the runs of matches whose replays went.
        snapshots: name of the (first) member, hash, bytes and reason of each snapshot that went.
        stay: why the snapshot of a member stays, by name; only for a pass that was over budget.
    """

    replay_bytes: int | None = None
    snapshot_bytes: int | None = None
    n_replays: int = 0
    pruned_replay_bytes: int = 0
    matches: list[list[int]] = field(default_factory=list)
    snapshots: list[tuple[str, str, int, str]] = field(default_factory=list)
    stay: dict[str, str] = field(default_factory=dict)

    @property
    def pruned_snapshot_bytes(self) -> int:
        """Bytes of the snapshots that went."""
        return sum(n_bytes for _, _, n_bytes, _ in self.snapshots)


class Pruning:
    """One pass over a league.

    Args:
        engine: of the league's database, for writing.
        payoff: returns that of the present season; asked only when snapshots are over budget.
        rules_sha256: of the present season.
        grace_s: seconds after which the file of a pruned snapshot goes: a learner that runs may
            have drawn it for the rollout that it is in.
        dry_run: change nothing.

    Attributes:
        done: what was done so far.
        last_match: up to here nothing is left to prune but what must stay.
    """

    def __init__(
        self,
        folder: LeagueFolder,
        engine: Engine,
        budgets: Budgets,
        rules_sha256: str,
        payoff: Callable[[], Payoff],
        *,
        grace_s: float = 0.0,
        dry_run: bool = False,
    ) -> None:
        self._folder, self._engine, self._budgets = folder, engine, budgets
        self._rules_sha256, self._payoff = rules_sha256, payoff
        self._grace_s, self._dry_run = grace_s, dry_run
        self.done = Pruned()
        self.last_match = 0

    def steps(self, after_match: int = 0) -> Iterator[None]:
        """Do the pass, yielding after each piece of work.

        Args:
            after_match: replays of matches up to this id are not looked at again.

        Raises:
            OSError: a file cannot be removed; its row is changed already, and the next pass tries
                again.
            DatabaseError: the database cannot be written.
        """
        if not self._dry_run:
            yield from finish_pending(self._folder, self._engine)
        if self._budgets.replays is not None:
            yield from self._prune_replays(self._budgets.replays, after_match)
        if self._budgets.snapshots is not None:
            yield from self._prune_snapshots(self._budgets.snapshots)
        if not self._dry_run and not self._budgets.is_off:
            self._note_measured()
            yield from finish_pending(self._folder, self._engine)

    # --- replays ----------------------------------------------------------------------------------

    def _prune_replays(self, budget: float, after_match: int) -> Iterator[None]:
        kept = store_sizes(self._folder)
        total = 0 if kept is None else kept.total("replays")
        for size in file_sizes(self._folder.replays):
            if size is None:
                yield
            else:
                total += size
        self.done.replay_bytes = total
        if total <= budget:
            return
        reason = (
            f"replays took {total / MB:,.1f} MB of keep.replays = {budget / MB:,.0f} MB; {_STAY}"
        )
        event_id = None
        left = total - ROOM * budget
        while left > 0:
            with read_transaction(self._engine) as session:
                found = queries.prunable_replays(
                    session, after_id=after_match, keep_latest=KEEP_LATEST, limit=CHUNK
                )
            if not found:
                return
            sizes = self._enough(found, left, kept)
            left -= sum(sizes.values())
            after_match = self.last_match = max(sizes) if left <= 0 else found[-1].match_id
            if sizes:  # else paths that lead elsewhere
                paths = {replay.match_id: replay.path or "" for replay in found}
                event_id = self._drop(paths, sizes, reason, event_id)
            yield

    def _enough(
        self, found: Sequence[FinishedReplay], left: float, kept: StoreSizes | None
    ) -> dict[int, int]:
        """Return the bytes, by match, of as many replays from the first on as free so many."""
        sizes: dict[int, int] = {}
        for replay in found:
            path = replay_file(self._folder, replay.path or "")
            if path is None:
                continue
            sizes[replay.match_id] = size_of(path) or (kept.of(path) if kept else 0)
            if sum(sizes.values()) >= left:
                break
        return sizes

    def _drop(
        self,
        paths: Mapping[int, str],
        sizes: Mapping[int, int],
        reason: str,
        event_id: int | None,
    ) -> int | None:
        """Change the rows of some replays, and the event of this pass; then unlink the files.

        Returns:
            The id of the event; None for a dry run.
        """
        if self._dry_run:
            self._count(sizes)
            return None
        with write_transaction(self._engine) as session:
            # Another process may have pruned some of them meanwhile: its record names those.
            dropped = {i: sizes[i] for i in queries.drop_replays(session, sorted(sizes))}
            record = read_record(session, to_change=True)
            write_record(
                session,
                replace(
                    record,
                    replays=record.replays.with_more(len(dropped), sum(dropped.values())),
                    pending_replays=(*record.pending_replays, *((i, paths[i]) for i in dropped)),
                ),
            )
            self._count(dropped)
            event_id = self._tell(session, event_id, reason)
        for _ in finish_pending(self._folder, self._engine, only_replays=True):
            pass
        return event_id

    def _count(self, sizes: Mapping[int, int]) -> None:
        self.done.n_replays += len(sizes)
        self.done.pruned_replay_bytes += sum(sizes.values())
        self.done.matches = _joined(self.done.matches, ranges(sorted(sizes)))

    def _tell(self, session: Session, event_id: int | None, reason: str) -> int:
        done = self.done
        text = f"{done.n_replays:,} replays removed, {done.pruned_replay_bytes / MB:,.1f} MB"
        details = {
            "what": "replays",
            "n": done.n_replays,
            "bytes": done.pruned_replay_bytes,
            "matches": done.matches,
            "reason": reason,
        }
        if event_id is None:
            return queries.add_event(
                session, queries.PRUNED_EVENT, f"{text}: {reason}", details=details
            )
        queries.change_event(session, event_id, f"{text}: {reason}", details)
        return event_id

    # --- snapshots --------------------------------------------------------------------------------

    def _prune_snapshots(self, budget: float) -> Iterator[None]:
        with read_transaction(self._engine) as session:
            members = queries.list_members(session)
        shas = {
            member.snapshot_sha256
            for member in members
            if member.snapshot_sha256 is not None and why_snapshot_is_gone(member) is None
        }
        kept = store_sizes(self._folder)
        sizes = {}
        for sha256 in shas:
            path = snapshot_file(self._folder, sha256)
            sizes[sha256] = size_of(path) or (kept.of(path) if kept else 0)
        total = sum(sizes.values())
        self.done.snapshot_bytes = total
        if total <= budget:
            return
        yield
        payoff = self._payoff()
        yield
        with read_transaction(self._engine) as session:
            choice = choose_snapshots(session, self._rules_sha256, payoff)
        self.done.stay = dict(choice.stay)
        full = (
            f"snapshots took {total / MB:,.1f} MB of keep.snapshots = {budget / MB:,.0f} MB, and "
            "it went because "
        )
        for snapshot in choice.prunable:
            if total <= budget:
                return
            size = sizes.get(snapshot.sha256, 0)
            if self._dry_run or self._retire(snapshot, size, full + snapshot.reason):
                total -= size
                name = snapshot.members[0].name
                self.done.snapshots.append((name, snapshot.sha256, size, snapshot.reason))
            yield

    def _retire(self, snapshot: PrunableSnapshot, size: int, reason: str) -> bool:
        """Note that a snapshot is pruned, unless that has become impossible."""
        now = datetime.now(UTC)
        due = (now + timedelta(seconds=self._grace_s)).isoformat(timespec="seconds")
        with write_transaction(self._engine) as session:
            if not still_prunable(session, snapshot):
                return False
            for member in snapshot.members:
                if member.status == "active":
                    queries.set_status(session, member.id, "retired")
                note = {"at": now.isoformat(timespec="seconds"), "reason": reason}
                queries.set_pruned(session, member.id, note)
            record = read_record(session, to_change=True)
            write_record(
                session,
                replace(
                    record,
                    snapshots=record.snapshots.with_more(1, size),
                    pending_snapshots={**record.pending_snapshots, snapshot.sha256: due},
                ),
            )
            first = snapshot.members[0]
            queries.add_event(
                session,
                queries.PRUNED_EVENT,
                f"{first.name} is retired, and its snapshot {snapshot.sha256[:12]} "
                f"({size / MB:,.1f} MB) is removed: {reason}",
                member_id=first.id,
                details={
                    "what": "snapshot",
                    "sha256": snapshot.sha256,
                    "bytes": size,
                    "members": [member.name for member in snapshot.members],
                    "reason": reason,
                },
            )
        return True

    def _note_measured(self) -> None:
        done = self.done
        sizes = {
            "replays": (done.replay_bytes, done.pruned_replay_bytes),
            "snapshots": (done.snapshot_bytes, done.pruned_snapshot_bytes),
        }
        with write_transaction(self._engine, durable=False) as session:
            record = read_record(session, to_change=True)
            for kind, (found, freed) in sizes.items():
                left = None if found is None else max(0, found - freed)
                total = replace(getattr(record, kind), measured=left)
                record = replace(record, **{kind: total})
            write_record(session, record)


def _joined(known: list[list[int]], more: list[list[int]]) -> list[list[int]]:
    if known and more and more[0][0] == known[-1][1] + 1:
        return [*known[:-1], [known[-1][0], more[0][1]], *more[1:]]
    return known + more


def prune_league(
    folder: LeagueFolder,
    budgets: Budgets,
    *,
    grace_s: float = 0.0,
    nobody_runs: bool = False,
    dry_run: bool = False,
) -> Pruned:
    """Do one whole pass, from outside the daemon; return what was done.

    Args:
        nobody_runs: the caller holds the league's lock, so that no grace is needed.

    Raises:
        FolderError, DatabaseError: the league was never started, or cannot be written.
    """
    opened = reader(folder) if dry_run else writer(folder)
    with opened as engine:
        with read_transaction(engine) as session:
            season = Season.of(started_settings(session, folder))

        def payoff() -> Payoff:
            with read_transaction(engine) as session:
                rows = queries.placement_rows(session, season.rules_sha256)
            known = Payoff()
            known.add_log(rows)
            return known

        if nobody_runs:
            for _ in finish_pending(folder, engine, nobody_runs=True):
                pass
        pruning = Pruning(
            folder,
            engine,
            budgets,
            season.rules_sha256,
            payoff,
            grace_s=grace_s,
            dry_run=dry_run,
        )
        for _ in pruning.steps():
            pass
    return pruning.done
