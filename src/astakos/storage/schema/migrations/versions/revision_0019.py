"""Adds to each resource how many digits after the point its unit has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the column: all resources count in whole units so far."""
    op.add_column("resources", sa.Column("scale", NUMBER, nullable=False, server_default=sa.text("0")))
