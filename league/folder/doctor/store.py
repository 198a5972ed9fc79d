"""Checks of a league's store (`store.url`): does it answer, and does it hold what it must.

One listing serves all checks: files that are missing or empty show in it. Bytes are compared with
the hash in the name with `--all`, which fetches all snapshots.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from db import queries
from league.errors import StoreAwayError, StoreError
from league.folder.doctor.findings import Case, Finding, several
from league.folder.in_store import MARK, left_here, without_mark
from league.folder.layout import LeagueFolder
from league.store.files import Entry
from league.store.names import fits, without_digest
from league.store.store import Store

SUFFIX = ".safetensors"
STRAY_AFTER_S = 3600.0  # younger files may be those of a match that is being recorded


@dataclass(frozen=True)
class Kept:
    """What a store held when it was listed.

    Attributes:
        entries: by name; empty where the store does not answer.
        trouble: why it does not, or None.
        fetches: whether files without a copy are fetched to be checked.
    """

    store: Store
    entries: dict[str, Entry]
    trouble: str | None = None
    fetches: bool = False

    def snapshot_problem(self, sha256: str) -> str | None:
        """Return what is wrong with a snapshot in the store, or None; raises StoreAwayError."""
        key = f"snapshots/{sha256}{SUFFIX}"
        entry = self.entries.get(key)
        if self.trouble is not None:
            copy = self.store.cache.read(key)
            return None if copy is not None else f"{self.store.name}/{key}: {self.trouble}"
        if entry is None:
            return f"{self.store.name}/{key}: expected a snapshot, found none; " + _RESTORE
        if not self.fetches:
            return None if entry.n_bytes else f"{self.store.name}/{key}: it has 0 bytes; {_RESTORE}"
        if fits(key, self.store.files.get(key)):
            return None
        return f"{self.store.name}/{key}: the bytes have changed since it was saved; {_RESTORE}"

    def replay_sizes(self) -> dict[str, int]:
        """Return the bytes of all replays, by the paths that rows may give them."""
        sizes = {}
        for key, entry in self.entries.items():
            if key.startswith("replays/"):
                sizes[key] = sizes[without_digest(key)] = entry.n_bytes
        return sizes


_RESTORE = "put a good one into snapshots/ of the league's folder and start it"


def list_store(folder: LeagueFolder, *, fetches: bool = False) -> Kept | None:
    """Return what the league's store holds; None in a league without one.

    Raises:
        StoreError: it cannot be used as it is set up.
    """
    place = folder.store()
    if place is None:
        return None
    store = place.open()
    store.ask_again()
    try:
        return Kept(store, {entry.key: entry for entry in store.list()}, None, fetches)
    except StoreAwayError as error:
        return Kept(store, {}, str(error), fetches)


def check_store(case: Case) -> Finding:
    """Look whether the store answers, holds nothing unknown, and whether files wait for it here."""
    kept = case.kept
    assert kept is not None
    if kept.trouble is not None:
        return Finding("WRONG", f"store: {kept.trouble}")
    place = case.folder.store()
    if MARK not in kept.entries and place is not None:
        return Finding("WRONG", f"store: {without_mark(place)}")
    counts = {kind: _of_kind(kept, kind) for kind in ("snapshots", "replays", "checkpoints")}
    held = ", ".join(f"{len(found):,} {kind}" for kind, found in counts.items())
    n_bytes = sum(entry.n_bytes for entry in kept.entries.values())
    text = f"store: {kept.store.name} holds {held}, {n_bytes / 1e6:,.1f} MB"
    strays = sorted(_strays(case, kept))
    waiting = [] if case.running_since is not None else list(_waiting(case.folder, kept))
    if strays:
        text += f"; {len(strays)} files that nothing names"
    if waiting:
        text += f"; {len(waiting)} files wait here for the next start to bring them"
    details = [*(f"{kept.store.name}/{key}" for key in strays), *waiting]
    return several("note", text, details) if details else Finding("ok", text)


def _of_kind(kept: Kept, kind: str) -> list[str]:
    return [key for key in kept.entries if key.startswith(f"{kind}/") and "/offered/" not in key]


def _strays(case: Case, kept: Kept) -> Iterable[str]:
    """Yield what a crash between put and commit left, or pruning has not removed yet."""
    known = {f"snapshots/{m.snapshot_sha256}{SUFFIX}" for m in case.members if m.snapshot_sha256}
    known |= {replay.path for replay in case.replays if replay.path is not None}
    record = queries.get_league_value(case.session, queries.PRUNING_KEY) or {}
    known |= {path for _, path in record.get("pending_replays", ())}
    young = case.now.timestamp() - STRAY_AFTER_S
    for key, entry in kept.entries.items():
        if not key.startswith(("snapshots/", "replays/")) or "/offered/" in key:
            continue
        is_old = entry.modified is None or entry.modified < young
        if is_old and key not in known and without_digest(key) not in known:
            yield key


def _waiting(folder: LeagueFolder, kept: Kept) -> Iterable[str]:
    for key, path, keep in left_here(folder):
        if not keep and key not in kept.entries:
            yield str(path)


def held_by_store(folder: LeagueFolder) -> str | None:
    """Return what the league's store holds, as one phrase; None in a league without one."""
    try:
        kept = list_store(folder)
    except StoreError as error:
        return f"what the store holds ({error})"
    if kept is None:
        return None
    if kept.trouble is not None:
        return f"what the store {kept.store.name} holds (it does not answer)"
    counts = (f"{len(_of_kind(kept, k)):,} {k}" for k in ("replays", "snapshots", "checkpoints"))
    n_bytes = sum(entry.n_bytes for entry in kept.entries.values())
    return f"what the store {kept.store.name} holds ({', '.join(counts)}: {n_bytes / 1e6:,.1f} MB)"
