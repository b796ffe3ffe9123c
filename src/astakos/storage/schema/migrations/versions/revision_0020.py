"""Remembers with idempotency keys what was granted of issues that asked for as much as there is room for."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Adds the column."""
    op.add_column("idempotency_keys", sa.Column("granted", sa.Text))
