"""The rating log of a season as columns of numbers, for a replay of a million changes, and back.

Promises: the same rows as `db.queries.rating_log`, in the same order, at a sixth of its time: there
is no object for a row, and no look-up of a seat for each rating.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.orm import Session

from db.errors import DatabaseError
from db.models import Member, Rating, Seat
from db.records import RatingColumns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def rating_columns(session: Session, rules_sha256: str) -> RatingColumns:
    """Return the whole log of a season by `seq`, with placements and parents, for a replay.

    Raises:
        DatabaseError: a column holds something else than numbers.
    """
    import numpy as np

    # The text added to the column keeps SQLite from its index, which would look every row up alone:
    # 1.0 instead of 0.1 s for a million rows.
    mine = (Rating.rules_sha256 + "") == rules_sha256
    log = fetch_columns(
        session,
        select(
            Rating.seq, Rating.member_id, func.coalesce(Rating.match_id, 0), Rating.mu, Rating.sigma
        )
        .where(mine)
        .order_by(Rating.seq),
        [("seq", "i8"), ("member_id", "i8"), ("match_id", "i8"), ("mu", "f8"), ("sigma", "f8")],
    )
    seats = fetch_columns(
        session,
        select(Seat.match_id, Seat.member_id, Seat.placement).where(Seat.rated.is_(True)),
        [("match_id", "i8"), ("member_id", "i8"), ("placement", "i8")],
    )
    versions, version = _versions(session, log["seq"], mine)
    allowance, parent_id = np.full(len(log), np.nan), np.zeros(len(log), np.int64)
    admissions = (
        select(Rating.seq, Rating.allowance, Member.parent_id)
        .join(Member, Member.id == Rating.member_id)
        .where(mine, Rating.match_id.is_(None))
    )
    for seq, added, parent in session.execute(admissions):
        row = np.searchsorted(log["seq"], seq)
        allowance[row] = np.nan if added is None else added
        parent_id[row] = parent or 0
    return RatingColumns(
        seq=log["seq"].copy(),
        member_id=log["member_id"].copy(),
        match_id=log["match_id"].copy(),
        mu=log["mu"].copy(),
        sigma=log["sigma"].copy(),
        allowance=allowance,
        parent_id=parent_id,
        placement=_placements(log, seats),
        version=version,
        versions=versions,
    )


def placement_rows(session: Session, rules_sha256: str, *, after_seq: int = 0) -> NDArray[np.int64]:
    """Return int64[rows, 4]: seq, match, member and placement of a season's rated seats, by seq.

    Only those after `after_seq`: the query costs as much as it returns, once a caller has the rest.
    """
    import numpy as np

    if not after_seq:
        log = rating_columns(session, rules_sha256)
        seated = log.placement > 0
        columns = (log.seq, log.match_id, log.member_id, log.placement)
        return np.column_stack([column[seated] for column in columns])
    query = (
        select(Rating.seq, Rating.match_id, Rating.member_id, Seat.placement)
        .join(
            Seat,
            (Seat.match_id == Rating.match_id)
            & (Seat.member_id == Rating.member_id)
            & Seat.rated.is_(True),
        )
        .where((Rating.rules_sha256 + "") == rules_sha256, Rating.seq > after_seq)
        .order_by(Rating.seq)
    )
    names = ("seq", "match_id", "member_id", "placement")
    rows = fetch_columns(session, query, [(name, "i8") for name in names])
    return np.column_stack([rows[name] for name in names])


def replace_ratings(
    session: Session,
    seqs: Sequence[int],
    mu: Sequence[float],
    sigma: Sequence[float],
    rating_version: str,
) -> None:
    """Set the ratings of these rows of the log, which another version has computed."""
    rows = [
        {"at_seq": at, "new_mu": new_mu, "new_sigma": new_sigma}
        for at, new_mu, new_sigma in zip(seqs, mu, sigma, strict=True)
    ]
    if rows:
        session.connection().execute(
            update(Rating)
            .where(Rating.seq == bindparam("at_seq"))
            .values(
                mu=bindparam("new_mu"), sigma=bindparam("new_sigma"), rating_version=rating_version
            ),
            rows,
        )


def fetch_columns(
    session: Session, query: Select[*tuple[Any, ...]], columns: list[tuple[str, str]]
) -> NDArray[np.void]:
    """Return the rows of a query of plain numbers as a structured array.

    They are taken from the driver itself: SQLAlchemy's rows take half as long again.
    """
    import numpy as np

    cursor = session.connection().execute(query).cursor
    if cursor is None:  # the driver gives one for every SELECT; this is for the type checker
        raise DatabaseError("expected rows from the database, found none")
    try:
        rows: NDArray[np.void] = np.fromiter(cast(Iterable[Any], cursor), dtype=np.dtype(columns))
    except (TypeError, ValueError, OverflowError) as error:
        raise DatabaseError(
            f"the database is damaged (expected numbers in the columns "
            f"{', '.join(name for name, _ in columns)}: {error}); replace it with a copy from "
            "`league backup`"
        ) from error
    finally:
        cursor.close()
    return rows


def _versions(
    session: Session, seq: NDArray[np.int64], mine: Any
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the versions of a log and the number of each row's; a log has one, as a rule."""
    import numpy as np

    found = session.scalars(select(Rating.rating_version).where(mine).distinct())
    names = tuple(sorted(found))
    numbers = np.zeros(len(seq), np.int64)
    for number, name in enumerate(names[1:], start=1):
        rows = session.scalars(select(Rating.seq).where(mine, Rating.rating_version == name)).all()
        numbers[np.searchsorted(seq, np.array(rows, np.int64))] = number
    return names, numbers


def _placements(log: NDArray[np.void], seats: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the placement of each row's seat, 0 for an admission and where there is no seat."""
    import numpy as np

    if not len(log) or not len(seats):
        return np.zeros(len(log), np.int64)
    n = max(int(log["member_id"].max()), int(seats["member_id"].max())) + 1
    known = seats["match_id"] * n + seats["member_id"]
    order = np.argsort(known, kind="stable")
    known = known[order]
    wanted = log["match_id"] * n + log["member_id"]
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    placement: NDArray[np.int64] = np.where(known[at] == wanted, seats["placement"][order][at], 0)
    return placement
