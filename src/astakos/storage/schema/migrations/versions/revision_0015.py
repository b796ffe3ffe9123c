"""Adds an index of the active projects that everybody sees; among system projects, they are few."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
beside_old_processes = True

PUBLIC = sa.text("state = 'active' AND NOT private")


def upgrade() -> None:
    """Creates the index."""
    op.create_index("public_projects", "projects", ["id"], sqlite_where=PUBLIC, postgresql_where=PUBLIC)
