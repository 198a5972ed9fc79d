"""What ties a league to its store: the mark that it is this league's, and what belongs there.

Promises: a store holds the files of one league; one that lost its mark, such as a folder that is
not mounted, is refused and never marked anew.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from arena.files import TEMPORARY_PREFIX
from arena.foreign import parse_json
from db.queries import get_league_value, set_league_value
from db.session import write_transaction
from league.errors import StoreError, StoreMissingError
from league.folder.layout import LeagueFolder
from league.store.store import Store, StorePlace

STORE_KEY = "store"  # in the table `league`: the number that marks this league's store
MARK = "league.json"  # in the store: the same number


def claim(store: Store, place: StorePlace, engine: Engine) -> None:
    """Mark a store as this league's, or check that it is.

    The database knows the number first, and last that the store is marked, so that a crash in
    between leaves a store that is marked at the next start.

    Raises:
        StoreError: it is marked as another league's, or was marked and is not any more.
        StoreAwayError: it does not answer.
    """
    with write_transaction(engine) as session:
        known = get_league_value(session, STORE_KEY)
        if known is None:
            since = f"{datetime.now(UTC):%Y-%m-%d}"
            known = {"id": secrets.token_hex(16), "since": since, "marked": []}
            set_league_value(session, STORE_KEY, known)
    try:
        found = _mark(store)
    except StoreMissingError:
        if place.url in known["marked"]:
            raise StoreError(without_mark(place)) from None
        text = json.dumps({"id": known["id"], "since": known["since"]})
        store.put_new(MARK, text.encode(), keep=False)
        found = _mark(store)
    if found.get("id") != known["id"]:
        raise StoreError(
            f"store.url: expected an empty store or that of this league, found {place} with the "
            f"files of another one (begun {found.get('since', 'at an unknown time')}); name "
            "another folder or bucket, or open that league's database (database.url)"
        )
    if place.url not in known["marked"]:
        with write_transaction(engine) as session:
            known = get_league_value(session, STORE_KEY, to_change=True) or known
            marked = sorted({*known["marked"], place.url})
            set_league_value(session, STORE_KEY, {**known, "marked": marked})


def without_mark(place: StorePlace) -> str:
    """Return what is said of a store that this league has marked and that has no mark."""
    return (
        f"store.url: expected the files of this league in {place} with the mark {MARK}, found "
        "none; is it mounted, and the right one?"
    )


def _mark(store: Store) -> dict[str, object]:
    raw = store.files.get(MARK)
    try:
        found = parse_json(raw)
    except ValueError as error:
        raise StoreError(f"{store.name}/{MARK}: expected the mark of a league: {error}") from error
    return found if isinstance(found, dict) else {}


def left_here(folder: LeagueFolder) -> Iterator[tuple[str, Path, bool]]:
    """Yield the files of a league folder that belong into its store: key, path, and if it stays.

    Snapshots and replays move there; checkpoints and maps are kept here too.
    """
    for place, keep in (
        (folder.snapshots, False),
        (folder.replays, False),
        (folder.maps, True),
        (folder.checkpoints, True),
    ):
        for path in sorted(place.rglob("*")):
            inner = path.relative_to(place)
            is_offer = place == folder.snapshots and len(inner.parts) > 1
            is_ours = not path.name.startswith((TEMPORARY_PREFIX, "damaged-"))
            is_checkpoint = path.name.startswith("checkpoint-")
            if place == folder.checkpoints and not is_checkpoint:
                continue  # what a teacher showed: it is shown again
            if path.is_file() and is_ours and not is_offer:
                yield f"{place.name}/{inner.as_posix()}", path, keep
