"""Adds temporary tokens, which users have besides their own for at most an hour."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates the table of temporary tokens."""
    op.create_table(
        "temporary_tokens",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("user_id", NUMBER, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("project", sa.Text, nullable=True),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("created", NUMBER, nullable=False),
        sa.Column("expires", NUMBER, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("temporary_tokens_of_user", "temporary_tokens", ["user_id", "created"])
    op.create_index("temporary_tokens_by_expiry", "temporary_tokens", ["expires"])
