"""Alembic's environment script; it uses the caller's connection and transaction."""

from alembic import context

from astakos.storage.schema.definition.all_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can alter little in an existing table; in batch mode Alembic creates a new one and copies the
    # rows.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
