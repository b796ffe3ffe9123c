"""Records when and why a user's state changed, and what a deactivation suspended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
beside_old_processes = False

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NOTE_PROJECTS = """
INSERT INTO deactivations (user_id, project_id, suspended)
SELECT u.id, p.id, 'project' FROM users u JOIN projects p ON p.uuid = u.uuid
WHERE NOT u.is_active AND p.state = 'suspended'
"""
NOTE_MEMBERSHIPS = """
INSERT INTO deactivations (user_id, project_id, suspended)
SELECT u.id, m.project_id, 'membership' FROM users u JOIN memberships m ON m.user_id = u.id
WHERE NOT u.is_active AND m.state = 'suspended'
"""


def upgrade() -> None:
    """Creates the tables. All suspensions of inactive users so far came from their deactivation."""
    op.create_table(
        "user_records",
        sa.Column("user_id", NUMBER, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("date_joined", NUMBER, nullable=True),
        sa.Column("verified_at", NUMBER, nullable=True),
        sa.Column("moderated_at", NUMBER, nullable=True),
        sa.Column("deactivated_reason", sa.Text, nullable=True),
        sa.Column("rejected_reason", sa.Text, nullable=True),
        sa.Column("accepted_policy", sa.Text, nullable=True),
        sa.Column("affiliation", sa.Text, nullable=True),
        sa.Column("metadata", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "deactivations",
        sa.Column("user_id", NUMBER, sa.ForeignKey("users.id"), primary_key=True, nullable=False),
        sa.Column("project_id", NUMBER, sa.ForeignKey("projects.id"), primary_key=True, nullable=False),
        sa.Column("suspended", sa.Text, primary_key=True),
        sqlite_strict=True,
    )
    op.execute(NOTE_PROJECTS)
    op.execute(NOTE_MEMBERSHIPS)
