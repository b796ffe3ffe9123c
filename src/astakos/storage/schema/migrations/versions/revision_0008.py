"""Records the code that an access token was issued for, so that it ends when the code is sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
beside_old_processes = True


def upgrade() -> None:
    """Adds the column. The tokens that exist last seconds, and keep none."""
    op.add_column("oauth2_tokens", sa.Column("code_hash", sa.LargeBinary))
    op.create_index("oauth2_tokens_for_code", "oauth2_tokens", ["code_hash"])
