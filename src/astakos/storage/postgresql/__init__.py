"""The implementation for PostgreSQL and databases that are compatible with it."""
