"""Adds applications for projects, the times of memberships' states, counts of members, and the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
beside_old_processes = False

# SQLite's STRICT tables have no BIGINT and no BOOLEAN; INTEGER holds both.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG: TypeEngine[bool] = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds columns and tables. When a membership entered a state before is not known."""
    op.add_column("projects", sa.Column("deactivated", NUMBER))
    op.create_index("projects_by_owner", "projects", ["owner"])
    op.add_column("memberships", sa.Column("entered", sa.Text))
    # In the order of a list, so that a page of a large project does not sort all its memberships.
    op.drop_index("memberships_of_project", "memberships")
    op.create_index("memberships_of_project", "memberships", ["project_id", "id"])
    _count_members()
    _make_applications()
    _make_events()


def _count_members() -> None:
    op.create_table(
        "member_counts",
        sa.Column("project_id", NUMBER, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("members", NUMBER, nullable=False),
        sqlite_strict=True,
    )
    op.execute("""
        INSERT INTO member_counts (project_id, members)
        SELECT project_id, COUNT(*) FROM memberships
        WHERE state IN ('accepted', 'leave_requested', 'suspended') GROUP BY project_id
    """)


def _make_applications() -> None:
    op.create_table(
        "project_applications",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("project_id", NUMBER, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("user_id", NUMBER, sa.ForeignKey("users.id"), nullable=False),
        _text("state"),
        sa.Column("submitted", NUMBER, nullable=False),
        *(_text(name, nullable=True) for name in ("name", "owner", "homepage", "description", "comments")),
        sa.Column("start_date", NUMBER),
        sa.Column("end_date", NUMBER),
        _text("join_policy", nullable=True),
        _text("leave_policy", nullable=True),
        sa.Column("max_members", NUMBER),
        sa.Column("private", FLAG),
        _text("resources"),
        sqlite_strict=True,
    )
    op.create_index("applications_of_project", "project_applications", ["project_id"])
    op.create_index("applications_by_applicant", "project_applications", ["user_id", "state"])


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("time", NUMBER, nullable=False),
        _text("kind"),
        _text("actor", nullable=True),
        _text("origin"),
        _text("project", nullable=True),
        _text("subject", nullable=True),
        _text("reason"),
        _text("before", nullable=True),
        _text("after", nullable=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("events_of_project", "events", ["project", "id"])
    op.create_index("events_about_user", "events", ["subject", "id"])
    op.create_index("events_by_actor", "events", ["actor", "id"])
    op.create_index("events_of_kind", "events", ["kind", "id"])


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)
