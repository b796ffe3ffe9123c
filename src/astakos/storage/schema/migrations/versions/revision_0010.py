"""Adds to each holding the sum of all that has been settled, which reconciling compares with real usage."""

import json
from collections import Counter

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
beside_old_processes = False

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# What is pending is subtracted next. There is little of it, and most holdings have none.
START = "UPDATE holdings SET settled = usage_max WHERE usage_max <> 0"
PENDING = "SELECT provisions FROM pending_commissions"
SUBTRACT = "UPDATE holdings SET settled = settled - :pending WHERE id = :holding"


def upgrade() -> None:
    """Adds the column: usage_max = settled + pending imports."""
    op.add_column("holdings", sa.Column("settled", NUMBER, nullable=False, server_default=sa.text("0")))
    connection = op.get_bind()
    connection.execute(sa.text(START))
    imports: Counter[int] = Counter()
    for (document,) in connection.execute(sa.text(PENDING)):
        for holding, quantity in json.loads(document):
            if quantity > 0:
                imports[holding] += quantity
    for holding, pending in imports.items():
        connection.execute(sa.text(SUBTRACT), {"holding": holding, "pending": pending})
