"""Indexes projects by name and users by default project; whoever lost that project has their own again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
beside_old_processes = False

RESET_LOST = """
UPDATE users SET default_project = uuid WHERE default_project <> uuid AND (
    default_project IN (SELECT p.uuid FROM projects p WHERE p.state IN ('terminated', 'deleted'))
    OR EXISTS (
        SELECT 1 FROM projects p JOIN memberships m ON m.project_id = p.id
        WHERE p.uuid = users.default_project AND m.user_id = users.id AND m.state = 'removed'
    )
)
"""


def upgrade() -> None:
    """Creates the indexes. Loading a document did not reset default projects before."""
    op.execute(RESET_LOST)
    elsewhere = sa.text("default_project <> uuid")
    op.create_index("projects_by_name", "projects", ["name"])
    op.create_index(
        "users_by_default_project",
        "users",
        ["default_project"],
        sqlite_where=elsewhere,
        postgresql_where=elsewhere,
    )
