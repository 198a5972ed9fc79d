"""The tables of a league as SQLAlchemy models: the schema that the migrations must lead to.

Every float is NOT NULL or checked where it is set, because SQLite stores NaN as NULL and PostgreSQL
stores it as it is; the range checks below refuse NaN and infinities in both. Times are UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

FAMILIES = ("attention", "baseline", "scripted", "plugin")
ROLES = ("main", "main_exploiter", "league_exploiter", "anchor")
MEMBER_STATUSES = ("active", "retired", "suspended", "quarantined", "guest")
# What the constraints of revision 1 let in. Nothing writes the purpose "training", a match that is
# "void" or a learner that is "failed" (one that is given up is stopped, with an alarm in the
# journal); taking them out would need a migration and make nothing safer.
PURPOSES = ("rating", "pit", "canary", "training")
MATCH_STATUSES = ("planned", "running", "finished", "failed", "void")
# Which halves of a pair count. A query must say it so, or SQLite does not take the index.
COUNTED = "status IN ('planned', 'running', 'finished')"
LEARNER_STATUSES = ("starting", "running", "stopped", "failed")
EVENT_LEVELS = ("info", "warning", "alarm")

# Names are part of the schema: batch migrations on SQLite can only drop a constraint that has one.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Id = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER is a rowid alias in SQLite


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite stores no zone: it is removed on writing and set on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a datetime with a time zone, found {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _finite(column: str) -> CheckConstraint:
    # PostgreSQL sorts NaN above every number and SQLite turns it into NULL: both fail here or on
    # NOT NULL; infinities fail in both.
    return CheckConstraint(f"{column} > -1e300 AND {column} < 1e300", name=f"{column}_finite")


def _sha256(column: str) -> CheckConstraint:
    return CheckConstraint(f"length({column}) = 64", name=f"{column}_length")


class Base(DeclarativeBase):
    """Common metadata: constraint names and the Python-to-column type map."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
    }


class League(Base):
    """Facts about the league as a whole, one JSON value per key (the resolved config, versions)."""

    __tablename__ = "league"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class Member(Base):
    """An agent in the pool; deleted only if it left no trace (db.queries.removal)."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("name"),
        _one_of("family", FAMILIES),
        _one_of("role", ROLES),
        _one_of("status", MEMBER_STATUSES),
        _sha256("snapshot_sha256"),
        CheckConstraint("length(name) > 0", name="name_not_empty"),
        CheckConstraint("generation >= 0", name="generation_not_negative"),
        CheckConstraint("trained_decisions >= 0", name="trained_decisions_not_negative"),
        Index(None, "snapshot_sha256"),
        Index(None, "status"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    family: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("members.id"))
    generation: Mapped[int] = mapped_column(Integer)
    snapshot_sha256: Mapped[str | None] = mapped_column(String(64))
    agent_spec: Mapped[str] = mapped_column(Text)
    trained_decisions: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(20))
    failures: Mapped[int] = mapped_column(Integer)
    failures_in_row: Mapped[int] = mapped_column(Integer)
    details: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Match(Base):
    """One match: planned with its line-up, later finished with a result, or failed.

    `line_up` holds [member_id, rated] per seat, written by the code that seated the agents. A
    mirrored pair is two matches with one `pair_key`, halves 0 and 1; `series_key` joins the pairs
    of one head-to-head (A, B, rules, map, seats).
    """

    __tablename__ = "matches"
    __table_args__ = (
        _one_of("purpose", PURPOSES),
        _one_of("status", MATCH_STATUSES),
        _sha256("map_sha256"),
        _sha256("rules_sha256"),
        _sha256("final_state_sha256"),
        CheckConstraint("seed >= 0", name="seed_not_negative"),
        CheckConstraint("attempts >= 0 AND failures >= 0", name="attempts_not_negative"),
        CheckConstraint("ticks >= 0", name="ticks_not_negative"),
        CheckConstraint("wall_s >= 0 AND wall_s < 1e300", name="wall_s_finite"),
        CheckConstraint("pair_half IN (0, 1)", name="pair_half_known"),
        CheckConstraint("(pair_key IS NULL) = (pair_half IS NULL)", name="pair_complete"),
        CheckConstraint(
            "status <> 'finished' OR (ticks IS NOT NULL AND finished_at IS NOT NULL "
            "AND final_state_sha256 IS NOT NULL AND wall_s IS NOT NULL)",
            name="finished_complete",
        ),
        # A pair half counts once: running the same command twice cannot double the evidence.
        Index(
            "uq_matches_pair_key_pair_half_counted",
            "pair_key",
            "pair_half",
            unique=True,
            sqlite_where=text(COUNTED),
            postgresql_where=text(COUNTED),
        ),
        Index(None, "status", "purpose"),
        Index(None, "series_key"),
        Index(None, "finished_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    seed: Mapped[int] = mapped_column(BigInteger)
    rotation: Mapped[int] = mapped_column(Integer)
    map: Mapped[str] = mapped_column(Text)
    map_sha256: Mapped[str] = mapped_column(String(64))
    rules_sha256: Mapped[str] = mapped_column(String(64))
    spec: Mapped[dict[str, Any]]
    line_up: Mapped[list[Any]]
    series_key: Mapped[str | None] = mapped_column(String(200))
    pair_key: Mapped[str | None] = mapped_column(String(200))
    pair_half: Mapped[int | None] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer)
    failures: Mapped[int] = mapped_column(Integer)
    error: Mapped[str | None] = mapped_column(Text)
    planned_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    ticks: Mapped[int | None] = mapped_column(Integer)
    wall_s: Mapped[float | None] = mapped_column(Float)
    replay_path: Mapped[str | None] = mapped_column(Text)
    final_state_sha256: Mapped[str | None] = mapped_column(String(64))


class Seat(Base):
    """The result of one seat (match_id, seat: unique); exists only when its match is finished."""

    __tablename__ = "seats"
    __table_args__ = (
        CheckConstraint("seat >= 0", name="seat_not_negative"),
        CheckConstraint("placement >= 1", name="placement_positive"),
        CheckConstraint("tiles >= 0", name="tiles_not_negative"),
        CheckConstraint("eliminated_tick >= 0", name="eliminated_tick_not_negative"),
        # One rated seat per member in a match.
        Index(
            "uq_seats_match_id_member_id_rated",
            "match_id",
            "member_id",
            unique=True,
            sqlite_where=text("rated"),
            postgresql_where=text("rated"),
        ),
        Index(None, "member_id", "match_id"),
    )

    match_id: Mapped[int] = mapped_column(Id, ForeignKey("matches.id"), primary_key=True)
    seat: Mapped[int] = mapped_column(Integer, primary_key=True)
    member_id: Mapped[int] = mapped_column(Id, ForeignKey("members.id"))
    placement: Mapped[int] = mapped_column(Integer)
    tiles: Mapped[int] = mapped_column(BigInteger)
    troops: Mapped[int] = mapped_column(BigInteger)
    eliminated_tick: Mapped[int | None] = mapped_column(Integer)
    illegal_actions: Mapped[int] = mapped_column(Integer)
    rated: Mapped[bool] = mapped_column(Boolean(create_constraint=True, name="rated_known"))


class Rating(Base):
    """One change of one rating: append-only; `seq` is 1, 2, 3, ... without a gap.

    `match_id` is NULL for an admission. `allowance` is set when the admission took the parent's
    rating at that moment (its sigma and the allowance in quadrature), so that a replay can redo it.
    """

    __tablename__ = "ratings"
    __table_args__ = (
        UniqueConstraint("match_id", "member_id"),
        _finite("mu"),
        CheckConstraint("sigma > 0 AND sigma < 1e300", name="sigma_positive"),
        CheckConstraint("allowance >= 0 AND allowance < 1e300", name="allowance_finite"),
        CheckConstraint("seq >= 1", name="seq_positive"),
        _sha256("rules_sha256"),
        Index(None, "rules_sha256", "member_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(Id, ForeignKey("members.id"))
    match_id: Mapped[int | None] = mapped_column(Id, ForeignKey("matches.id"))
    mu: Mapped[float] = mapped_column(Float)
    sigma: Mapped[float] = mapped_column(Float)
    rating_version: Mapped[str] = mapped_column(String(50))
    rules_sha256: Mapped[str] = mapped_column(String(64))
    allowance: Mapped[float | None] = mapped_column(Float)


class Learner(Base):
    """A process that continues PPO training of one lineage: its state and heartbeat."""

    __tablename__ = "learners"
    __table_args__ = (
        UniqueConstraint("name"),
        _one_of("family", FAMILIES),
        _one_of("role", ROLES),
        _one_of("status", LEARNER_STATUSES),
        CheckConstraint("trained_decisions >= 0", name="trained_decisions_not_negative"),
        CheckConstraint("generation >= 0", name="generation_not_negative"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    family: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    member_id: Mapped[int | None] = mapped_column(Id, ForeignKey("members.id"))
    generation: Mapped[int] = mapped_column(Integer)
    trained_decisions: Mapped[int] = mapped_column(BigInteger)
    pid: Mapped[int | None] = mapped_column(Integer)
    progress: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]


class LearnerUpdate(Base):
    """One PPO update of a learner; `number` counts its updates 1, 2, 3, ... in the order of time.

    Old rows are thinned (db.queries.updates). `trained_decisions` falls where a learner lost
    updates and went on from its checkpoint. `opponents` holds [games, beats] by member id.
    """

    __tablename__ = "learner_updates"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_positive"),
        CheckConstraint("trained_decisions >= 0", name="trained_decisions_not_negative"),
    )

    learner_id: Mapped[int] = mapped_column(Id, ForeignKey("learners.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    trained_decisions: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    numbers: Mapped[dict[str, Any]]
    opponents: Mapped[dict[str, Any]]


class TrainingResult(Base):
    """Games of a learner's current weights against a member since its snapshot `generation`."""

    __tablename__ = "training_results"
    __table_args__ = (
        CheckConstraint("games >= 0", name="games_not_negative"),
        CheckConstraint("beats >= 0 AND beats <= games", name="beats_in_range"),
    )

    learner_id: Mapped[int] = mapped_column(Id, ForeignKey("learners.id"), primary_key=True)
    generation: Mapped[int] = mapped_column(Integer, primary_key=True)
    opponent_id: Mapped[int] = mapped_column(Id, ForeignKey("members.id"), primary_key=True)
    games: Mapped[int] = mapped_column(Integer)
    beats: Mapped[float] = mapped_column(Float)
    updated_at: Mapped[datetime]


class Event(Base):
    """Something that a person may want to read later: promotion, alarm, crash, canary."""

    __tablename__ = "events"
    __table_args__ = (_one_of("level", EVENT_LEVELS), Index(None, "kind"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(50))
    level: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    member_id: Mapped[int | None] = mapped_column(Id, ForeignKey("members.id"))
    match_id: Mapped[int | None] = mapped_column(Id, ForeignKey("matches.id"))
    details: Mapped[dict[str, Any]]
