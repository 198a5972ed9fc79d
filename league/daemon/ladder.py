"""The ladder of a running league: lets the next rung join when the one before is passed.

Promises: a rung joins once, in the transaction that says so; what is decided follows from the
stored ratings alone, so that a restart decides the same; who was removed by hand is not brought
back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agents.registry import present_spec
from db import queries
from db.session import read_transaction, write_transaction
from league.matchmaking.ladder import Rated, Step, next_step
from league.members.admission import admit_rating, admit_scripted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from arena.processes.supervisor import Clock
    from league.rating.season import Season

LOOK_EVERY_S = 30.0
EVENT = "ladder"


class Ladder:
    """The rungs of a league.

    Args:
        names: the lowest first; without any nothing is done.
        engine: of the league's database, for writing.
    """

    def __init__(
        self,
        names: Sequence[str],
        engine: Engine,
        season: Season,
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        self._names, self._engine, self._season, self._clock = names, engine, season, clock
        self._looked_at = -LOOK_EVERY_S

    def turn(self, known: Mapping[int, Rated]) -> None:
        """Look now and then, and let a rung join.

        Args:
            known: what is known of each rated member, by id.

        Raises:
            DatabaseError: the database cannot be written.
        """
        if not self._names or self._clock() - self._looked_at < LOOK_EVERY_S:
            return
        with read_transaction(self._engine) as session:
            step = self._step(session, known)
        if step is not None:
            with write_transaction(self._engine) as session:
                self._join(session, step)
        self._looked_at = self._clock()

    def _step(self, session: Session, known: Mapping[int, Rated]) -> Step | None:
        members = queries.list_members(session)
        specs = {f"scripted:{name}": name for name in self._names}
        present = {
            specs[present_spec(m.agent_spec)]: m.id
            for m in members
            if present_spec(m.agent_spec) in specs and m.status != "guest"
        }
        trained = {m.id for m in members if m.status == "active" and m.trained_decisions > 0}
        return next_step(self._names, present, known, trained)

    def _join(self, session: Session, step: Step) -> None:
        spec = f"scripted:{step.name}"
        members = queries.list_members(session)
        guest = next((m for m in members if present_spec(m.agent_spec) == spec), None)
        if guest is None:
            admit_scripted(session, (step.name,), self._season)
            member = queries.member_by_name(session, step.name)
        else:  # it has played in a head-to-head
            queries.set_status(session, guest.id, "active")
            member = queries.get_member(session, guest.id)
            admit_rating(session, member, self._season)
        climber = queries.get_member(session, step.climber)
        queries.add_event(
            session,
            EVENT,
            f"{step.name} joined: {climber.name} is {step.above:.1f} +- {step.half_width:.1f} "
            f"points above {step.passed}",
            member_id=None if member is None else member.id,
        )
