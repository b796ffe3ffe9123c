"""Indexes known browsers and feedback by user, because both are bounded for each user."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Creates the indexes."""
    op.create_index("known_browsers_of_user", "known_browsers", ["user_id", "expires"])
    op.create_index("feedback_of_user", "feedback", ["user_id", "time"])
