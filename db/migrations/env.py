"""Alembic's entry: runs on the connection that `db.migrate.upgrade` hands over, never by itself."""

from alembic import context

from db.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # ours: BEGIN IMMEDIATE stands around the whole upgrade
)
with context.begin_transaction():
    context.run_migrations()
