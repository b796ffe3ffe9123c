"""Adds grants, and what the periods of budgets have left over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "grants",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("base_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("holding_id", NUMBER, nullable=False, unique=True),
        *(sa.Column(name, NUMBER, nullable=False) for name in ("priority", "starts", "expires")),
        sa.Column("lifts", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    for name, columns in (
        ("open_grants", ["base_id", "expires", "priority", "number"]),
        ("expiring_grants", ["expires"]),
    ):
        op.create_index(name, "grants", columns, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "rollovers",
        sa.Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("start", NUMBER, nullable=False),
        sa.Column("amount", NUMBER, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
