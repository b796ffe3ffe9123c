"""Remembers up to which member of a project mail about an event was planned."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the column."""
    op.add_column(
        "destinations", sa.Column("planned_member", NUMBER, nullable=False, server_default=sa.text("0"))
    )
