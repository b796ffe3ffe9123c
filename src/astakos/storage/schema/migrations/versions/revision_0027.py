"""Adds what is told of holdings: thresholds and limits that only report, and the alerts that follow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT and no BOOLEAN; INTEGER holds both.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG: TypeEngine[bool] = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the columns and the table: nothing was told so far, and all limits were enforced."""
    op.add_column("resources", sa.Column("thresholds", sa.Text))
    op.add_column("resources", sa.Column("shadow", FLAG, nullable=False, server_default=sa.false()))
    op.create_table(
        "quota_alerts",
        sa.Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("percent", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("start", NUMBER, primary_key=True, autoincrement=False),
        *(sa.Column(name, NUMBER, nullable=False) for name in ("end", "time", "usage", "limit")),
        sa.Column("event", NUMBER),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "quota_alerts_to_record",
        "quota_alerts",
        ["time"],
        sqlite_where=sa.text("event IS NULL"),
        postgresql_where=sa.text("event IS NULL"),
    )
    op.create_index("quota_alerts_by_age", "quota_alerts", ["end"])
