"""Adds the address that a link confirms as the new one of a user."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Adds the column. Links to set a password, which is what there are, have no address."""
    op.add_column("password_links", sa.Column("address", sa.Text))
