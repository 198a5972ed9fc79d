"""Alembic migrations of the league database, from the first table on; run by `db.migrate`."""
