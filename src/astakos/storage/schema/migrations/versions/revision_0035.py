"""Finds shared projects among those of single users, and applications that wait for a decision."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None
beside_old_processes = True

SHARED = sa.text("NOT system_project")


def upgrade() -> None:
    """Adds the indexes."""
    for name, columns in (("shared_projects", ["id"]), ("shared_projects_by_name", ["name", "id"])):
        op.create_index(name, "projects", columns, sqlite_where=SHARED, postgresql_where=SHARED)
    op.create_index("applications_by_state", "project_applications", ["state", "id"])
