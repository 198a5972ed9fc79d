"""Owns how a person changes the champion: with a reason, and against a canary only on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import queries
from db.session import read_transaction, write_transaction
from league.champion import book, throne
from league.champion.court import lineage_of
from league.errors import ChampionError
from league.folder.connect import reading, writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from db.records import MemberRecord
    from league.folder.layout import LeagueFolder


@dataclass(frozen=True)
class ChampionView:
    """What `league champion` shows.

    Attributes:
        present: the reigning champion, or None.
        reigns: all changes, oldest first.
        book: the canaries and the challenge.
        names: of all members, by id.
    """

    present: throne.Reign | None
    reigns: tuple[throne.Reign, ...]
    book: book.Book
    names: dict[int, str]


def read_champion(folder: LeagueFolder) -> ChampionView:
    """Read champion, history and canaries; raises FolderError, DatabaseError."""
    with reading(folder) as session:
        return ChampionView(
            present=throne.reigning(session),
            reigns=tuple(throne.history(session)),
            book=book.load(session),
            names={m.id: m.name for m in queries.list_members(session)},
        )


def promote(
    folder: LeagueFolder,
    find: Callable[[Session], MemberRecord],
    why: str,
    *,
    anyway: bool = False,
) -> str:
    """Make a member champion by hand; return its name.

    Args:
        find: returns the member that is meant.
        anyway: in spite of a canary that is not well.

    Raises:
        ChampionError: there is no reason, a canary blocks it, or it cannot be champion.
        NotFoundError: there is no such member.
    """
    _check_reason(why)
    with writer(folder) as engine:
        with read_transaction(engine) as session:
            member = find(session)
            lineage = lineage_of(session, member)
            blocked = [
                str(canary) for canary in book.blockers(book.load(session), member.id, lineage)
            ]
        if blocked and not anyway:
            raise ChampionError(
                f"expected healthy canaries for a promotion of {member.name}, found that "
                f"{'; '.join(blocked)}; wait until it recovers (`league champion`), or give "
                "--anyway"
            )
        with write_transaction(engine) as session:
            throne.crown(session, member, "hand", why, {"despite": blocked} if blocked else None)
    return member.name


def roll_back(folder: LeagueFolder, why: str) -> tuple[str, str]:
    """Put the champion before the present one back; return (dismissed, put back).

    Raises:
        ChampionError: there is none, or no reason.
    """
    _check_reason(why)
    with writer(folder) as engine, write_transaction(engine) as session:
        return throne.roll_back(session, why)


def _check_reason(why: str) -> None:
    if not why.strip() or len(why) > 2_000:
        raise ChampionError("expected a reason of 1 to 2,000 characters in --why")
