"""Adds links with which users set a password."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "password_links",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("user_id", NUMBER, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, unique=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("created", NUMBER, nullable=False),
        sa.Column("expires", NUMBER, nullable=False),
        sa.Column("creator", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("password_links_of_user", "password_links", ["user_id"])
    op.create_index("password_links_by_expiry", "password_links", ["expires"])
