"""Indexes projects by name, and users by a default project that is not their own."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    elsewhere = sa.text("default_project <> uuid")
    op.create_index("projects_by_name", "projects", ["name"])
    op.create_index(
        "users_by_default_project",
        "users",
        ["default_project"],
        sqlite_where=elsewhere,
        postgresql_where=elsewhere,
    )
