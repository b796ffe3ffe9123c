"""Finds the members of a group without reading all users."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Adds the index."""
    op.create_index("members_of_group", "user_groups", ["group_id"])
