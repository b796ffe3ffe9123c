"""Adds the destinations of events, and the deliveries to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the tables. What happened before is not delivered."""
    op.create_table(
        "destinations",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("url", sa.Text),
        sa.Column("kinds", sa.Text, nullable=False),
        _number("generation"),
        sa.Column("overlap_ends", NUMBER),
        *(_number(name) for name in ("created", "planned", "attempts", "failures")),
        sqlite_strict=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("destination", sa.Text, sa.ForeignKey("destinations.name"), nullable=False),
        sa.Column("event", NUMBER, sa.ForeignKey("events.id"), nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        *(_number(name) for name in ("attempts", "due", "changed")),
        sa.Column("error", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("deliveries_due", "deliveries", ["destination", "state", "due"])
    op.create_index("deliveries_by_change", "deliveries", ["state", "changed"])


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, nullable=False)
