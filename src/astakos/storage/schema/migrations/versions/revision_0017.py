"""Adds meters: their definitions, the marks of their holdings, and the periods that are over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds a column and two tables. No resource is a meter yet."""
    op.add_column("holdings", sa.Column("mark", NUMBER))
    op.create_table(
        "meters",
        sa.Column(
            "resource_id", NUMBER, sa.ForeignKey("resources.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("definition", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "closed_periods",
        sa.Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("start", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("end", NUMBER, nullable=False),
        sa.Column("total", NUMBER, nullable=False),
        sa.Column("kept_until", NUMBER, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("closed_periods_by_age", "closed_periods", ["kept_until"])
