"""Owns the moving of a league's files between its folder and a store, or between two stores.

Promises: the files are copied, nothing is removed where they were; every file is checked against
the hash in its name on the way; a copy that was interrupted goes on where it stopped; `league.toml`
names the new place only after all files are there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from arena.files import OWNER_ALONE, write_whole
from arena.foreign import ForeignFileError, read_foreign
from db import queries
from db.session import read_transaction
from league.config.toml import toml_value
from league.config.whole import LAST_LINE
from league.errors import FolderError
from league.folder.connect import writer
from league.folder.in_store import MARK, claim, left_here
from league.folder.layout import DEFAULT_CACHE_GB, LeagueFolder
from league.store.names import fits, with_digest, without_digest

_MAX_TOML_BYTES = 2**20
_STORE_URL = re.compile(r"(?ms)^(\[store\][^\[]*?^\s*url\s*=)[^\n]*")


@dataclass(frozen=True)
class Moved:
    """What a copy did: files, how many of them were there already, and the bytes copied."""

    n_files: int
    n_there: int
    n_bytes: int


def copy_to(
    folder: LeagueFolder,
    target: str | None,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Moved:
    """Copy a league's snapshots, checkpoints, replays and maps; the caller holds its lock.

    Args:
        target: a `store.url`; None stands for the league's own folder.
        progress: called with the files done, their number, and the name of the next.

    Raises:
        ConfigError: `target` is not an address.
        StoreError, OSError: a file cannot be read or written, or is damaged; what is there stays.
    """
    place = folder.store_of(target, DEFAULT_CACHE_GB)
    with writer(folder) as engine:
        if place is not None:
            # Nothing is read from it again: no copies, and none of another store taken for them.
            aim = replace(place, cache=str(folder.cache / "moving")).open()
            claim(aim, place, engine)
            sizes = {entry.key: entry.n_bytes for entry in aim.list()}
        else:
            aim, sizes = None, {}
        named = _named(engine)
    files = list(_files(folder))
    n_there = n_bytes = 0
    for done, (key, size, read) in enumerate(files):
        progress(done, len(files), key)
        if aim is None:
            path = folder.root / (key if key in named else _short(key, named))
            if path.exists() and path.stat().st_size == size:
                n_there += 1
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            raw = read()
            write_whole(path, raw, durable=True)
        else:
            if sizes.get(key) == size:  # its name holds its hash
                n_there += 1
                continue
            raw = read()
            name = with_digest(key, raw)
            if sizes.get(name) == size:
                n_there += 1
                continue
            aim.put_new(name, raw, keep=False)
        n_bytes += len(raw)
    return Moved(len(files), n_there, n_bytes)


def switch(folder: LeagueFolder, target: str | None) -> None:
    """Let `league.toml` name another store; None stands for the league's own folder.

    Raises:
        FolderError: the file is not as the program writes it.
    """
    try:
        text = read_foreign(folder.toml, _MAX_TOML_BYTES).decode("utf-8")
    except (ForeignFileError, UnicodeDecodeError) as error:
        raise FolderError(f"{folder.toml}: expected the settings of a league: {error}") from error
    line = f" {toml_value(target)}"
    if _STORE_URL.search(text):
        changed = _STORE_URL.sub(lambda found: found.group(1) + line, text, count=1)
    elif LAST_LINE in text and "[store]" not in text:
        changed = text.replace(LAST_LINE, f"[store]\nurl ={line}\n\n{LAST_LINE}")
    else:
        raise FolderError(
            f"{folder.toml}: expected a section [store] with a key url; write url ={line} there"
        )
    owner_alone = folder.toml.stat().st_mode & 0o777 == OWNER_ALONE
    write_whole(folder.toml, changed.encode(), durable=True, owner_alone=owner_alone)


def _files(folder: LeagueFolder) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Yield the name, the size and the bytes of each file, of the folder and of the store."""
    here = set()
    for key, path, _ in left_here(folder):
        here.add(key)
        yield key, path.stat().st_size, partial(_checked, path, key)
    place = folder.store()
    if place is None:
        return
    store = place.open()
    for entry in store.list():
        if entry.key != MARK and "/offered/" not in entry.key and entry.key not in here:
            yield entry.key, entry.n_bytes, partial(store.read, entry.key)


def _checked(path: Path, key: str) -> bytes:
    raw = path.read_bytes()
    if not fits(key, raw):
        raise FolderError(
            f"{path}: the bytes do not have the hash in its name; `league doctor --repair` looks "
            "for a good copy"
        )
    return raw


def _named(engine: Engine) -> set[str]:
    with read_transaction(engine) as session:
        return {r.path for r in queries.finished_replays(session) if r.path is not None}


def _short(key: str, named: set[str]) -> str:
    """Return the name that a row, or a map's reference, has for a file of the store."""
    short = without_digest(key)
    return short if short in named or key.startswith("maps/") else key
