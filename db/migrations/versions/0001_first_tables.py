"""The first tables: everything that a league stores.

Written out in full, not taken from the models: a migration must stay the same when the models
change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC_TIME = sa.DateTime(timezone=True)
COUNTED = sa.text("status IN ('planned', 'running', 'finished')")
FINISHED_COMPLETE = (
    "status <> 'finished' OR (ticks IS NOT NULL AND finished_at IS NOT NULL "
    "AND final_state_sha256 IS NOT NULL AND wall_s IS NOT NULL)"
)


def upgrade() -> None:
    _create_league()
    _create_matches()
    _create_members()
    _create_events()
    _create_learners()
    _create_ratings()
    _create_seats()
    _create_training_results()


def _create_league() -> None:
    op.create_table(
        "league",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_league")),
    )


def _create_matches() -> None:
    op.create_table(
        "matches",
        sa.Column("id", ID, nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("rotation", sa.Integer(), nullable=False),
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("map_sha256", sa.String(length=64), nullable=False),
        sa.Column("rules_sha256", sa.String(length=64), nullable=False),
        sa.Column("spec", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("line_up", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("series_key", sa.String(length=200), nullable=True),
        sa.Column("pair_key", sa.String(length=200), nullable=True),
        sa.Column("pair_half", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("planned_at", UTC_TIME, nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=True),
        sa.Column("finished_at", UTC_TIME, nullable=True),
        sa.Column("ticks", sa.Integer(), nullable=True),
        sa.Column("wall_s", sa.Float(), nullable=True),
        sa.Column("replay_path", sa.Text(), nullable=True),
        sa.Column("final_state_sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('rating', 'pit', 'canary', 'training')",
            name=op.f("ck_matches_purpose_known"),
        ),
        sa.CheckConstraint(FINISHED_COMPLETE, name=op.f("ck_matches_finished_complete")),
        sa.CheckConstraint(
            "status IN ('planned', 'running', 'finished', 'failed', 'void')",
            name=op.f("ck_matches_status_known"),
        ),
        sa.CheckConstraint(
            "(pair_key IS NULL) = (pair_half IS NULL)", name=op.f("ck_matches_pair_complete")
        ),
        sa.CheckConstraint(
            "attempts >= 0 AND failures >= 0", name=op.f("ck_matches_attempts_not_negative")
        ),
        sa.CheckConstraint(
            "length(final_state_sha256) = 64", name=op.f("ck_matches_final_state_sha256_length")
        ),
        sa.CheckConstraint("length(map_sha256) = 64", name=op.f("ck_matches_map_sha256_length")),
        sa.CheckConstraint(
            "length(rules_sha256) = 64", name=op.f("ck_matches_rules_sha256_length")
        ),
        sa.CheckConstraint("pair_half IN (0, 1)", name=op.f("ck_matches_pair_half_known")),
        sa.CheckConstraint("seed >= 0", name=op.f("ck_matches_seed_not_negative")),
        sa.CheckConstraint("ticks >= 0", name=op.f("ck_matches_ticks_not_negative")),
        sa.CheckConstraint("wall_s >= 0 AND wall_s < 1e300", name=op.f("ck_matches_wall_s_finite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
    )
    op.create_index(op.f("ix_matches_finished_at"), "matches", ["finished_at"], unique=False)
    op.create_index(op.f("ix_matches_series_key"), "matches", ["series_key"], unique=False)
    op.create_index(
        op.f("ix_matches_status_purpose"), "matches", ["status", "purpose"], unique=False
    )
    op.create_index(
        "uq_matches_pair_key_pair_half_counted",
        "matches",
        ["pair_key", "pair_half"],
        unique=True,
        sqlite_where=COUNTED,
        postgresql_where=COUNTED,
    )


def _create_members() -> None:
    op.create_table(
        "members",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("family", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("snapshot_sha256", sa.String(length=64), nullable=True),
        sa.Column("agent_spec", sa.Text(), nullable=False),
        sa.Column("trained_decisions", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failures_in_row", sa.Integer(), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.CheckConstraint(
            "family IN ('attention', 'baseline', 'scripted', 'plugin')",
            name=op.f("ck_members_family_known"),
        ),
        sa.CheckConstraint(
            "role IN ('main', 'main_exploiter', 'league_exploiter', 'anchor')",
            name=op.f("ck_members_role_known"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'retired', 'suspended', 'quarantined', 'guest')",
            name=op.f("ck_members_status_known"),
        ),
        sa.CheckConstraint("generation >= 0", name=op.f("ck_members_generation_not_negative")),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_members_name_not_empty")),
        sa.CheckConstraint(
            "length(snapshot_sha256) = 64", name=op.f("ck_members_snapshot_sha256_length")
        ),
        sa.CheckConstraint(
            "trained_decisions >= 0", name=op.f("ck_members_trained_decisions_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["members.id"], name=op.f("fk_members_parent_id_members")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("name", name=op.f("uq_members_name")),
    )
    op.create_index(
        op.f("ix_members_snapshot_sha256"), "members", ["snapshot_sha256"], unique=False
    )
    op.create_index(op.f("ix_members_status"), "members", ["status"], unique=False)


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("match_id", ID, nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint(
            "level IN ('info', 'warning', 'alarm')", name=op.f("ck_events_level_known")
        ),
        sa.ForeignKeyConstraint(
            ["match_id"], ["matches.id"], name=op.f("fk_events_match_id_matches")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("fk_events_member_id_members")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_kind"), "events", ["kind"], unique=False)


def _create_learners() -> None:
    op.create_table(
        "learners",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("family", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("trained_decisions", sa.BigInteger(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("progress", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=False),
        sa.Column("heartbeat_at", UTC_TIME, nullable=False),
        sa.CheckConstraint(
            "family IN ('attention', 'baseline', 'scripted', 'plugin')",
            name=op.f("ck_learners_family_known"),
        ),
        sa.CheckConstraint(
            "role IN ('main', 'main_exploiter', 'league_exploiter', 'anchor')",
            name=op.f("ck_learners_role_known"),
        ),
        sa.CheckConstraint(
            "status IN ('starting', 'running', 'stopped', 'failed')",
            name=op.f("ck_learners_status_known"),
        ),
        sa.CheckConstraint("generation >= 0", name=op.f("ck_learners_generation_not_negative")),
        sa.CheckConstraint(
            "trained_decisions >= 0", name=op.f("ck_learners_trained_decisions_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("fk_learners_member_id_members")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learners")),
        sa.UniqueConstraint("name", name=op.f("uq_learners_name")),
    )


def _create_ratings() -> None:
    op.create_table(
        "ratings",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("match_id", ID, nullable=True),
        sa.Column("mu", sa.Float(), nullable=False),
        sa.Column("sigma", sa.Float(), nullable=False),
        sa.Column("rating_version", sa.String(length=50), nullable=False),
        sa.Column("rules_sha256", sa.String(length=64), nullable=False),
        sa.Column("allowance", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "allowance >= 0 AND allowance < 1e300", name=op.f("ck_ratings_allowance_finite")
        ),
        sa.CheckConstraint(
            "length(rules_sha256) = 64", name=op.f("ck_ratings_rules_sha256_length")
        ),
        sa.CheckConstraint("mu > -1e300 AND mu < 1e300", name=op.f("ck_ratings_mu_finite")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_ratings_seq_positive")),
        sa.CheckConstraint("sigma > 0 AND sigma < 1e300", name=op.f("ck_ratings_sigma_positive")),
        sa.ForeignKeyConstraint(
            ["match_id"], ["matches.id"], name=op.f("fk_ratings_match_id_matches")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("fk_ratings_member_id_members")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ratings")),
        sa.UniqueConstraint("match_id", "member_id", name=op.f("uq_ratings_match_id_member_id")),
    )
    op.create_index(
        op.f("ix_ratings_rules_sha256_member_id_seq"),
        "ratings",
        ["rules_sha256", "member_id", "seq"],
        unique=False,
    )


def _create_seats() -> None:
    op.create_table(
        "seats",
        sa.Column("match_id", ID, nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("placement", sa.Integer(), nullable=False),
        sa.Column("tiles", sa.BigInteger(), nullable=False),
        sa.Column("troops", sa.BigInteger(), nullable=False),
        sa.Column("eliminated_tick", sa.Integer(), nullable=True),
        sa.Column("illegal_actions", sa.Integer(), nullable=False),
        sa.Column("rated", sa.Boolean(create_constraint=True, name="rated_known"), nullable=False),
        sa.CheckConstraint(
            "eliminated_tick >= 0", name=op.f("ck_seats_eliminated_tick_not_negative")
        ),
        sa.CheckConstraint("placement >= 1", name=op.f("ck_seats_placement_positive")),
        sa.CheckConstraint("seat >= 0", name=op.f("ck_seats_seat_not_negative")),
        sa.CheckConstraint("tiles >= 0", name=op.f("ck_seats_tiles_not_negative")),
        sa.ForeignKeyConstraint(
            ["match_id"], ["matches.id"], name=op.f("fk_seats_match_id_matches")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("fk_seats_member_id_members")
        ),
        sa.PrimaryKeyConstraint("match_id", "seat", name=op.f("pk_seats")),
    )
    op.create_index(
        op.f("ix_seats_member_id_match_id"), "seats", ["member_id", "match_id"], unique=False
    )
    op.create_index(
        "uq_seats_match_id_member_id_rated",
        "seats",
        ["match_id", "member_id"],
        unique=True,
        sqlite_where=sa.text("rated"),
        postgresql_where=sa.text("rated"),
    )


def _create_training_results() -> None:
    op.create_table(
        "training_results",
        sa.Column("learner_id", ID, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("opponent_id", ID, nullable=False),
        sa.Column("games", sa.Integer(), nullable=False),
        sa.Column("beats", sa.Float(), nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.CheckConstraint(
            "beats >= 0 AND beats <= games", name=op.f("ck_training_results_beats_in_range")
        ),
        sa.CheckConstraint("games >= 0", name=op.f("ck_training_results_games_not_negative")),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learners.id"], name=op.f("fk_training_results_learner_id_learners")
        ),
        sa.ForeignKeyConstraint(
            ["opponent_id"], ["members.id"], name=op.f("fk_training_results_opponent_id_members")
        ),
        sa.PrimaryKeyConstraint(
            "learner_id", "generation", "opponent_id", name=op.f("pk_training_results")
        ),
    )
