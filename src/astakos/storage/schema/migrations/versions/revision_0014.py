"""Stores which end date of a project a notice has told of, and finds projects by their end date."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENDING = sa.text("NOT system_project AND state IN ('active', 'suspended')")


def upgrade() -> None:
    """Adds the column and the index. Nobody has been told of any end date yet."""
    op.add_column("projects", sa.Column("announced_end", NUMBER))
    op.create_index(
        "projects_by_end_date",
        "projects",
        ["end_date", "id"],
        sqlite_where=ENDING,
        postgresql_where=ENDING,
    )
