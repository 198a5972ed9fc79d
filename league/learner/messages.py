"""What the manager and its learners tell each other: plain frozen records over one pipe each.

Down: LearnerOrders when the process starts, then Roster, Settled and Stop. Up: Ready, Alive, Waits,
Progress, Offered, Restarted and Finished; log records and crashes are arena.processes.messages.
From the first rank to the others, where they are on several machines: MeetAt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from league.matchmaking.opponents import Foe
from league.ppo.place import RankPlace

if TYPE_CHECKING:  # torch, which who carries learners does not need
    from league.learner.settings import LearnerSettings
    from league.store.store import StorePlace


@dataclass(frozen=True)
class LearnerOrders:
    """What a learner process is told when it starts.

    Attributes:
        root: the league folder.
        settings: what all learners of the league have in common.
        name, family, role: of the lineage.
        seed: of weights and draws of a fresh lineage.
        snapshot: hash of the lineage's newest member, to go on from when there is no checkpoint.
        trained_decisions: what the database knows; a checkpoint may know more.
        teacher: agent spec of who teaches a lineage that begins, or None; `teacher_name` is what
            the settings call it.
        store: of a learner that may run on another machine than the manager: the league's store;
            offers, checkpoints and maps then go through it, and what it keeps lies in a folder of
            that machine (league.learner.afar). None: as the league's folder at `root` says.
        place: among the ranks of the lineage, where there are several.
    """

    root: str
    settings: LearnerSettings
    name: str
    family: str
    role: str
    seed: int
    snapshot: str | None
    trained_decisions: int
    teacher: str | None = None
    teacher_name: str = ""
    store: StorePlace | None = None
    place: RankPlace | None = None


@dataclass(frozen=True)
class Roster:
    """Manager to learner: whom it may meet, and whom it must beat to earn a snapshot.

    Attributes:
        foes: member id, its x and standing; `specs` names the agents.
        required: agent specs of those whom its next snapshot must beat (league.daemon.roster).
        early_ancestors: agent specs of the first trained snapshots of mains of its own family,
            oldest first: what an exploiter may start again from.
        seconds_left: until the league stops (`league start --for`); None if nobody said when.
        stirred_at: trained decisions of the lineage at its newest plateau (league.course), None if
            it had none: from there on its schedules count.
    """

    supersedes: ClassVar[bool] = True  # of those that were not sent yet, the newest alone counts

    foes: tuple[Foe, ...]
    specs: Mapping[int, str]
    required: tuple[str, ...]
    seconds_left: float | None = None
    early_ancestors: tuple[str, ...] = ()
    stirred_at: int | None = None


@dataclass(frozen=True)
class Settled:
    """Manager to learner: what became of an offered snapshot."""

    sha256: str
    reason: str


@dataclass(frozen=True)
class Stop:
    """Manager to learner: write a checkpoint and exit."""

    for_all_ranks: ClassVar[bool] = True  # any may hear it first; the rest is for the first alone


@dataclass(frozen=True)
class MeetAt:
    """First rank to the others: it waits for them at this address of its machine."""

    for_the_others: ClassVar[bool] = True

    address: str
    port: int


@dataclass(frozen=True)
class Ready:
    """Learner to manager: set up; it waits for a roster."""

    trained_decisions: int


@dataclass(frozen=True)
class Alive:
    """Learner to manager, every few seconds: it plays, or learns."""


@dataclass(frozen=True)
class Waits:
    """Learner to manager: it waits for the machine, and for what; None: it goes on."""

    text: str | None


@dataclass(frozen=True)
class Restarted:
    """Learner to manager: its weights do not descend from its newest snapshot any more.

    Attributes:
        parent: hash of the snapshot that they descend from; None for untrained ones.
    """

    parent: str | None


@dataclass(frozen=True)
class Finished:
    """Learner to manager: stopped as told; the process exits."""


@dataclass(frozen=True)
class Meets:
    """Whom a learner meets in the update that a Progress tells of.

    Attributes:
        wave: member ids of the opponents that were drawn for it; None is its own weights.
        foes: (member id, x, share) of those who could be drawn, the most probable first: x is the
            matchmaking's probability that the learner beats it, share that of one draw.
    """

    wave: tuple[int | None, ...] = ()
    foes: tuple[tuple[int, float, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return {"wave": [member id or null], "foes": [[member id, x, share]]}."""
        foes = [[member_id, round(x, 4), round(share, 4)] for member_id, x, share in self.foes]
        return {"wave": list(self.wave), "foes": foes}


@dataclass(frozen=True)
class Progress:
    """Learner to manager, after every update.

    Attributes:
        trained_decisions: of the lineage, in all.
        numbers: of this update (losses, KL, decisions per second, mean placement, ..).
        results: opponent spec -> (games, beats) since the last message.
        run: names the process that says it.
        number: counts the messages of that process from 1, so that one which is stored twice, since
            the connection broke at its commit, counts once; 0 is not checked.
        meets: whom it met in this update.
        phase: what it does instead of usual training (league.learner.lessons), "" if nothing.
    """

    trained_decisions: int
    numbers: Mapping[str, float] = field(default_factory=dict)
    results: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    run: str = ""
    number: int = 0
    meets: Meets | None = None
    phase: str = ""


@dataclass(frozen=True)
class Offered:
    """Learner to manager: a snapshot lies in `snapshots/offered`."""

    sha256: str
    trained_decisions: int
    reason: str
