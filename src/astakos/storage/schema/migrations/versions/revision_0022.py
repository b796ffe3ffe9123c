"""Adds to each resource by how much a settlement may take usage beyond a limit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the column: debts had no bound so far."""
    op.add_column(
        "resources", sa.Column("max_debt", NUMBER, nullable=False, server_default=sa.text(str(2**63 - 1)))
    )
