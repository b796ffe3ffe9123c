"""Adds invitations to projects."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "project_invitations",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("project_id", NUMBER, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False, unique=True),
        *(sa.Column(name, NUMBER, nullable=False) for name in ("max_uses", "uses", "created", "expires")),
        sa.Column("creator", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("invitations_of_project", "project_invitations", ["project_id"])
