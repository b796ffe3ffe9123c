"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
beside_old_processes = False


def upgrade() -> None:
    """Make of revision ${down_revision} revision ${up_revision}."""
    ${upgrades if upgrades else "pass"}
