"""Adds the key with which a change was made to the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Adds the column. Older events have no key, and keep their hashes."""
    op.add_column("events", sa.Column("key", sa.Text))
