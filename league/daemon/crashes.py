"""Matches over which a worker process died: who is accused, and what becomes of their matches.

Promises: a member whose code ends its process is taken out of play with the signal's name, by
elimination (league.daemon.suspicion), and has a way back; matches that it sits in are not played;
no other member is counted a failure for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from arena.processes.jobs import Failed
from db import queries
from db.queries.matches import MAX_FAILURES
from db.records import MatchRecord
from db.session import write_transaction
from league.daemon.suspicion import Seated, Suspicion, is_own_death

log = logging.getLogger(__name__)


class Crashes:
    """Who ends worker processes, in one run of the daemon.

    Args:
        engine: of the league's database, for writing.
        rules_sha256: of the season, whose finished matches count.
    """

    def __init__(self, engine: Engine, rules_sha256: str) -> None:
        self._engine = engine
        self._rules_sha256 = rules_sha256
        self._suspicion = Suspicion()
        self._accused: set[int] = set()

    @property
    def suspects(self) -> frozenset[int]:
        """Ids of the members that are not drawn for the time being."""
        return self._suspicion.suspects

    def finished(self, match: MatchRecord) -> None:
        """Record that a match ended as it should."""
        self._suspicion.finished(_members(match))

    def closed(self, match: MatchRecord) -> None:
        """Record that a match will not be played again."""
        self._suspicion.closed(match.id)

    def set_aside_unplayable(self, matches: Sequence[MatchRecord]) -> set[int]:
        """Make those matches failed in which an accused member sits; return their ids."""
        if not self._accused:
            return set()
        done = set()
        with write_transaction(self._engine) as session:
            out = self._out_of_play(session)
            for match in matches:
                for member_id in sorted(out.keys() & _members(match))[:1]:
                    why = f"{out[member_id]}, which sits in this match, ends its process"
                    queries.set_aside(session, match.id, f"{why} and is out of play")
                    done.add(match.id)
        for match_id in done:
            self._suspicion.closed(match_id)
        return done

    def take(self, match: MatchRecord, failed: Failed, *, alone: bool) -> bool:
        """Look for whom to accuse; return True when the match has failed on somebody's account.

        Args:
            alone: the match was the only one of its process.
        """
        if not is_own_death(failed):
            return False
        with write_transaction(self._engine) as session:
            guilty = sorted(self._out_of_play(session).keys() & _members(match))
            if guilty:  # it was on its way when its member was accused
                queries.set_aside(session, match.id, failed.error)
                return True
            seated = self._seated(session, match)
            if not alone:
                self._suspicion.died_together(match.id, seated)
                return False
            last = match.failures + 1 >= MAX_FAILURES
            accused = self._suspicion.died_alone(match.id, seated, last=last)
            if accused is None:
                return False
            _accuse(session, accused, match, failed)
        self._suspicion.explained_by(accused)
        self._accused.add(accused)
        return True

    def _seated(self, session: Session, match: MatchRecord) -> list[Seated]:
        finished = queries.match_counts(session, self._rules_sha256)
        ids = _members(match)
        return [
            Seated(member.id, member.agent_spec.startswith("plugin:"), finished.get(member.id, 0))
            for member in queries.list_members(session, statuses=("active",))
            if member.id in ids
        ]

    def _out_of_play(self, session: Session) -> dict[int, str]:
        """Return the names of those accused, by id; who was resumed by hand is free again."""
        if not self._accused:
            return {}
        members = queries.list_members(session, statuses=("suspended", "quarantined"))
        out = {member.id: member.name for member in members if member.id in self._accused}
        self._accused &= out.keys()
        return out


def _members(match: MatchRecord) -> set[int]:
    return {member_id for member_id, _ in match.line_up}


def _accuse(session: Session, member_id: int, match: MatchRecord, failed: Failed) -> None:
    member = queries.get_member(session, member_id)
    status = "quarantined" if member.snapshot_sha256 else "suspended"
    text = (
        f"{member.name} is {status}: match {match.id}, played alone, ended because {failed.error}, "
        f"and {member.name} is the likeliest cause in its line-up; repair it, then `league members "
        f"resume {member.name}` lets it play again"
    )
    log.error("%s\n%s", text, failed.traceback)
    queries.set_aside(session, match.id, f"{failed.error}\n{failed.traceback}".strip())
    queries.set_status(session, member_id, status)
    queries.count_failure(session, member_id)
    queries.add_event(session, status, text, level="alarm", member_id=member_id, match_id=match.id)
