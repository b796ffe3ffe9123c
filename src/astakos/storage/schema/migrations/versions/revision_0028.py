"""Adds API keys and their secrets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "api_keys",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("user_id", NUMBER, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("prefix", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("project", sa.Text),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("created", NUMBER, nullable=False),
        sa.Column("expires", NUMBER),
        sa.Column("last_used", NUMBER),
        sa.Column("creator", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("keys_of_user", "api_keys", ["user_id", "id"])
    op.create_index("keys_by_expiry", "api_keys", ["expires"])
    op.create_table(
        "api_key_secrets",
        sa.Column("secret_hash", sa.LargeBinary, primary_key=True),
        sa.Column("key_id", NUMBER, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created", NUMBER, nullable=False),
        sa.Column("expires", NUMBER),
        sqlite_strict=True,
    )
    op.create_index("secrets_of_key", "api_key_secrets", ["key_id"])
