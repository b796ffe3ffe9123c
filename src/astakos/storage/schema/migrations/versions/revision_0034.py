"""Remembers who uses most of each resource, and sorts the totals of periods."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the table, which the service fills, and the index."""
    op.create_table(
        "usage_leaders",
        sa.Column("resource", sa.Text, primary_key=True),
        sa.Column("ranking", sa.Text, primary_key=True),
        sa.Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("closed_periods_by_total", "closed_periods", ["start", "total"])
