"""Alembic migrations between the revisions of the tables."""
