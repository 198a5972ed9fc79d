"""Owns where the replays of a league's matches are written, and under which names.

Promises: on return a replay is on disk, so that a row may name it; in a league with a store it is
also in the store, unless that does not answer: then it is brought there by the courier, in this
process or at the next start. A match that is played again after a crash gets a file of its own: in
a store, names hold the hash of the bytes, and nothing is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from arena.files import sync_folder, write_together
from arena.match import MatchResult
from arena.replay import NO_LABEL, SUFFIX, Label, to_bytes
from league.folder.layout import LeagueFolder
from league.store.courier import Courier
from league.store.names import with_digest

PUT_WAIT_S = 2.0  # for the store, while it answers: rows name what it holds then


class ReplayKeeper:
    """Writes the replays of a league.

    Args:
        courier: brings files into the league's store; None for a league without one.
    """

    def __init__(self, folder: LeagueFolder, courier: Courier | None = None) -> None:
        self._folder = folder
        self._courier = courier

    def write(
        self, results: Mapping[str, MatchResult], labels: Mapping[str, Label]
    ) -> dict[str, str]:
        """Write finished matches; return, by name, the paths that rows may refer to.

        Args:
            results: by name, such as `00000012` or `pit/series-3-0`.
            labels: what the files say beside the match, by name.

        Raises:
            OSError: the disk is full or not writable; no row may refer to the files.
        """
        packed = {name: to_bytes(r, labels.get(name, NO_LABEL)) for name, r in results.items()}
        stored = {name: f"{self._folder.replays.name}/{name}{SUFFIX}" for name in packed}
        if self._courier is not None:
            stored = {name: with_digest(stored[name], raw) for name, raw in packed.items()}
        paths = {name: self._folder.root / stored[name] for name in packed}
        self._make_folders({path.parent for path in paths.values()})
        write_together({paths[name]: raw for name, raw in packed.items()})
        if self._courier is not None:
            for name, path in paths.items():
                self._courier.send(stored[name], path)
            if self._courier.trouble is None:
                self._courier.wait(PUT_WAIT_S)
        return stored

    def _make_folders(self, folders: set[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                sync_folder(folder.parent)
