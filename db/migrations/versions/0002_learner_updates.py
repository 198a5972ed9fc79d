"""A row per update of a learner: what training curves are drawn from.

Leagues of revision 0001 kept the newest numbers alone; their curves begin at the upgrade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "learner_updates",
        sa.Column("learner_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("trained_decisions", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("numbers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("opponents", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_learner_updates_number_positive")),
        sa.CheckConstraint(
            "trained_decisions >= 0",
            name=op.f("ck_learner_updates_trained_decisions_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learners.id"], name=op.f("fk_learner_updates_learner_id_learners")
        ),
        sa.PrimaryKeyConstraint("learner_id", "number", name=op.f("pk_learner_updates")),
    )
