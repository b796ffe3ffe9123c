"""Adds projects within projects."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WITHIN = sa.text("parent IS NOT NULL")


def upgrade() -> None:
    """Adds the columns and the index. No project has a parent yet."""
    op.add_column("projects", sa.Column("parent", sa.Text))
    op.add_column("holdings", sa.Column("parent_id", NUMBER))
    op.create_index(
        "projects_by_parent", "projects", ["parent"], sqlite_where=WITHIN, postgresql_where=WITHIN
    )
