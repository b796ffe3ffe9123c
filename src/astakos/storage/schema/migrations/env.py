"""What Alembic runs for every command: on the connection, and in the transaction, of whoever gave it."""

from alembic import context

from astakos.storage.schema.definition import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can change little of a table that is there; Alembic then makes another one and copies.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
