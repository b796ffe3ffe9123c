"""Adds which resources a component may charge; those that exist keep the freedom to charge all."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Adds the column."""
    op.add_column("components", sa.Column("may_charge", sa.Text, nullable=True))
