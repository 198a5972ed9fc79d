"""Alembic's entry point: runs on the connection that `db.migrate.upgrade` passes, never alone."""

from alembic import context

from db.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # ours: one BEGIN IMMEDIATE around the whole upgrade
)
with context.begin_transaction():
    context.run_migrations()
