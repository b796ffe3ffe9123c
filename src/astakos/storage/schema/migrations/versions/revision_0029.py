"""Adds tokens that components have besides the one in their own row."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "component_tokens",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("component_id", NUMBER, sa.ForeignKey("components.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created", NUMBER, nullable=False),
        sa.Column("expires", NUMBER),
        sa.UniqueConstraint("component_id", "name"),
        sqlite_strict=True,
    )
