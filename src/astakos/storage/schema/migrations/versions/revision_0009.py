"""Indexes access tokens by expiry, because each new one deletes those that have expired."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Creates the index."""
    op.create_index("oauth2_tokens_by_expiry", "oauth2_tokens", ["expires"])
