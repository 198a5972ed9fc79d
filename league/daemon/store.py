"""The store of a running league: whose it is, what waits for it, and what the journal says.

Promises: a store holds the files of one league; what an earlier run left on this machine's disk is
brought there; the journal says when the store stops answering and when it is back, once each, and
nothing else of the league waits for it.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from arena.files import TEMPORARY_PREFIX
from arena.foreign import parse_json
from db.queries import get_league_value, set_league_value
from db.session import write_transaction
from league.daemon.waits import Waits
from league.errors import StoreError, StoreMissingError
from league.folder.layout import LeagueFolder
from league.store.courier import Courier
from league.store.store import Store, StorePlace

log = logging.getLogger(__name__)

STORE_KEY = "store"  # in the table `league`: the number that marks this league's store
MARK = "league.json"  # in the store: the same number


class StoreHome:
    """The store of a running league; without `store.url` it does nothing.

    Args:
        engine: of the league's database, for writing.
        waits: told while files wait for the store.

    Raises:
        StoreError: it cannot be used as it is set up, or is another league's.
        StoreAwayError: it does not answer.
    """

    def __init__(self, folder: LeagueFolder, engine: Engine, waits: Waits) -> None:
        self._waits = waits
        place = folder.store()
        self.courier: Courier | None = None
        if place is None:
            return
        store = place.open()
        store.ask_again()
        claim(store, place, engine)
        self.courier = Courier(store)
        for key, path, keep in left_here(folder):
            self.courier.send(key, path, keep=keep)

    def turn(self) -> None:
        """Tell the journal when the store stops answering, and when it is back."""
        if self.courier is not None:
            self._waits.take_store(self.courier.trouble, self.courier.n_waiting)

    def close(self, grace_s: float) -> None:
        """Bring what can be brought within the time; the next start brings the rest."""
        if self.courier is not None and not self.courier.close(grace_s):
            log.warning(
                "%d files are not in the store yet; the next start brings them there",
                self.courier.n_waiting,
            )


def claim(store: Store, place: StorePlace, engine: Engine) -> None:
    """Mark a store as this league's, or check that it is.

    The database knows the number first, so that a crash in between leaves a store without a mark.

    Raises:
        StoreError: it is marked as another league's.
        StoreAwayError: it does not answer.
    """
    with write_transaction(engine) as session:
        known = get_league_value(session, STORE_KEY)
        if known is None:
            known = {"id": secrets.token_hex(16), "since": f"{datetime.now(UTC):%Y-%m-%d}"}
            set_league_value(session, STORE_KEY, known)
    try:
        found = _mark(store)
    except StoreMissingError:
        text = json.dumps({"id": known["id"], "since": known["since"]})
        if store.put_new(MARK, text.encode(), keep=False):
            return
        found = _mark(store)
    if found.get("id") != known["id"]:
        raise StoreError(
            f"store.url: expected an empty store or that of this league, found {place} with the "
            f"files of another one (begun {found.get('since', 'at an unknown time')}); name "
            "another folder or bucket, or open that league's database (database.url)"
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
