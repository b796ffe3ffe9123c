"""Stores what members may use in the project's holdings, and no longer in each member's."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
beside_old_processes = False

UNLIMITED = 2**63 - 1
# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

GRANT = """
UPDATE holdings SET
    "limit" = CASE WHEN p.state = 'active' THEN c.project_capacity ELSE 0 END,
    member_limit = CASE WHEN p.state = 'active' THEN c.member_capacity ELSE 0 END
FROM projects p JOIN project_resources c ON c.project_id = p.id JOIN resources r ON r.id = c.resource_id
WHERE holdings.holder = 'project:' || p.uuid AND holdings.source = '' AND holdings.resource = r.name
"""
DRAW = f"""
UPDATE holdings SET
    "limit" = CASE WHEN m.state IN ('accepted', 'leave_requested') THEN {UNLIMITED} ELSE 0 END
FROM projects p JOIN memberships m ON m.project_id = p.id JOIN users u ON u.id = m.user_id
WHERE holdings.holder = 'user:' || u.uuid AND holdings.source = 'project:' || p.uuid
"""


def upgrade() -> None:
    """Adds the column, and sets it and the limits of members."""
    unlimited = sa.text(str(UNLIMITED))
    op.add_column("holdings", sa.Column("member_limit", NUMBER, nullable=False, server_default=unlimited))
    op.execute(GRANT)
    op.execute(DRAW)
