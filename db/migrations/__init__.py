"""Alembic migrations of the league database, run by `db.migrate`."""
