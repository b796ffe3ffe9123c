"""Adds where sessions come from and when they were used, and finds users who are not active."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the columns, which nobody knows of sessions that there are, and the index."""
    op.add_column("sessions", sa.Column("origin", sa.Text))
    op.add_column("sessions", sa.Column("agent", sa.Text))
    op.add_column("sessions", sa.Column("last_used", NUMBER))
    op.create_index(
        "users_not_active",
        "users",
        ["id"],
        sqlite_where=sa.text("NOT is_active"),
        postgresql_where=sa.text("NOT is_active"),
    )
