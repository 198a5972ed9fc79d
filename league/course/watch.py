"""Owns the watch over the courses of the main lineages: their stages, events and responses.

Promises: what is decided follows from the rating log after the stored beginning of each stage, so
that a restart decides the same; a decision, its event and the beginning of the next stage are one
commit; without held-out members nothing is watched.

After "progress" the newest snapshot becomes the reference; after "drift" it stays: the peak. A
"plateau" does not end a stage; the next one needs as much training again. Response to a plateau
(setting `learner.plateau_response`): the learner begins its schedules of step size and entropy
bonus anew, and for `learner.plateau_after` decisions draws twice as many opponents at a time
(league.learner.trainer).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import queries
from league.course.stages import Stage, Verdict, match_value
from league.plain_text import visible

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import LearnerRecord, MemberRecord

LOOK_EVERY_S = 30.0


@dataclass(frozen=True)
class CourseSettings:
    """How courses are watched.

    Attributes:
        held_out: names of members that no learner meets.
        after: decisions in which a lineage that climbs gains `gain`; None watches nothing.
        responds: whether learners act on a plateau.
    """

    held_out: Collection[str]
    after: int | None
    gain: float
    responds: bool


@dataclass
class _Course:
    """A stage in progress.

    Attributes:
        begin_seq: change of the rating log after which matches count.
        flat_seq, flat_from: the same for the test for a plateau, and the decisions from which the
            training is counted in which a gain is expected.
        seq: up to where the log was read.
        stirred_at: see `stirred_at`.
    """

    reference: MemberRecord
    begin_seq: int
    flat_seq: int
    flat_from: int
    seq: int
    stage: Stage
    stirred_at: int | None
    newest: MemberRecord | None = None


@dataclass(frozen=True)
class Finding:
    """What a look has decided, to be stored; a beginning has no verdict."""

    learner: LearnerRecord
    course: _Course
    verdict: Verdict | None


def key_of(learner: str) -> str:
    """Return the key of the league's table under which the course of a learner is stored."""
    return f"course:{learner}"


def stirred_at(session: Session, learner: str) -> int | None:
    """Return the trained decisions at which a learner was told to respond, None if never."""
    stored = queries.get_league_value(session, key_of(learner)) or {}
    return stored.get("stirred_at")


class CourseWatch:
    """The courses of a league's main lineages."""

    def __init__(
        self,
        settings: CourseSettings,
        rules_sha256: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._rules_sha256 = rules_sha256
        self._clock = clock
        self._looked_at = -LOOK_EVERY_S
        self._courses: dict[str, _Course] = {}

    def is_due(self) -> bool:
        """Return whether `look` shall be called."""
        is_on = self._settings.after is not None and bool(self._settings.held_out)
        return is_on and self._clock() - self._looked_at >= LOOK_EVERY_S

    def look(self, session: Session) -> list[Finding]:
        """Read what was played since the last look; return what is to be stored."""
        self._looked_at = self._clock()
        members = {member.id: member for member in queries.list_members(session)}
        held_out = [m.id for m in members.values() if m.name in self._settings.held_out]
        found = []
        for learner in queries.list_learners(session):
            if learner.role != "main" or learner.member_id is None or not held_out:
                continue
            chain = [members[learner.member_id]]
            chain += [members[i] for i in queries.ancestors(session, learner.member_id)]
            course = self._courses.get(learner.name) or self._stored(session, learner, members)
            if course is None or members[course.reference.id].status != "active":
                seq = queries.last_rating_seq(session)
                before = stirred_at(session, learner.name)
                course = self._begin(chain[0], seq, chain[0].trained_decisions, before)
                found.append(Finding(learner, course, None))
                continue
            self._courses[learner.name] = course
            self._read(session, course, chain, held_out)
            if course.stage.verdict is not None:
                found.append(Finding(learner, course, course.stage.verdict))
        return found

    def _stored(
        self, session: Session, learner: LearnerRecord, members: Mapping[int, MemberRecord]
    ) -> _Course | None:
        stored = queries.get_league_value(session, key_of(learner.name))
        if stored is None or stored["reference"] not in members:
            return None
        reference = members[stored["reference"]]
        course = self._begin(reference, stored["seq"], 0, stored.get("stirred_at"))
        course.flat_seq, course.flat_from = stored["flat_seq"], stored["flat_from"]
        return course

    def _begin(
        self, reference: MemberRecord, seq: int, flat_from: int, stirred: int | None
    ) -> _Course:
        return _Course(reference, seq, seq, flat_from, seq, Stage(self._settings.gain), stirred)

    def _read(
        self,
        session: Session,
        course: _Course,
        chain: list[MemberRecord],
        held_out: list[int],
    ) -> None:
        """Give the stage the matches since the last look, up to a verdict."""
        newer = [m for m in chain if m.trained_decisions > course.reference.trained_decisions]
        others = [m.id for m in newer] + held_out
        for match in queries.places_beside(
            session, course.reference.id, others, self._rules_sha256, after_seq=course.seq
        ):
            if course.stage.verdict is not None:
                return
            course.seq = match.seq
            # The newest of its time: a later one was not there to be drawn.
            newest = next((m for m in newer if m.created_at <= match.planned_at), None)
            known = [match.places[i] for i in held_out if i in match.places]
            if newest is None or newest.id not in match.places or not known:
                continue
            course.newest = newest
            trained = newest.trained_decisions - course.flat_from
            course.stage.add(
                match_value(match.places[newest.id], match.places[course.reference.id], known),
                is_far=trained >= (self._settings.after or 0) and match.seq > course.flat_seq,
            )

    def store(self, session: Session, finding: Finding) -> None:
        """Write an event and the beginning of the next stage, inside the caller's transaction."""
        course, verdict, name = finding.course, finding.verdict, finding.learner.name
        newest = course.newest or course.reference
        responds = verdict == "plateau" and self._settings.responds
        queries.set_league_value(
            session,
            key_of(name),
            {
                "reference": (newest if verdict == "progress" else course.reference).id,
                "seq": course.begin_seq if verdict == "plateau" else course.seq,
                "flat_seq": course.seq,
                "flat_from": newest.trained_decisions,
                "stirred_at": (
                    finding.learner.trained_decisions if responds else course.stirred_at
                ),
            },
        )
        if verdict is not None:
            standing = course.stage.standing
            queries.add_event(
                session,
                f"course_{verdict}",
                self._sentence(finding, newest),
                level={"progress": "info", "plateau": "warning", "drift": "alarm"}[verdict],
                member_id=newest.id,
                details={
                    "learner": name,
                    "newest": newest.name,
                    "reference": course.reference.name,
                    "matches": standing.n_matches,
                    "gain": round(standing.gain, 4),
                    "decisions": newest.trained_decisions - course.reference.trained_decisions,
                    "responds": responds,
                },
            )

    def stored(self, findings: list[Finding]) -> None:
        """Take note that what `store` wrote is committed; the next look begins from there."""
        for finding in findings:
            self._courses.pop(finding.learner.name, None)

    def _sentence(self, finding: Finding, newest: MemberRecord) -> str:
        course, standing = finding.course, finding.course.stage.standing
        names = f"{visible(newest.name)} against {visible(course.reference.name)}"
        facts = f"{100 * standing.gain:+.1f} points in {standing.n_matches} matches, held-out score"
        match finding.verdict:
            case "drift":
                return (
                    f"{finding.learner.name} has drifted: it fell behind its peak ({names}: "
                    f"{facts})"
                )
            case "plateau":
                acts = "; its schedules begin anew" if self._settings.responds else ""
                return (
                    f"{finding.learner.name} stands still: less than "
                    f"{100 * self._settings.gain:g} points gained in {self._settings.after:,} "
                    f"decisions ({names}: {facts}){acts}"
                )
        return f"{finding.learner.name} has gained ({names}: {facts})"
