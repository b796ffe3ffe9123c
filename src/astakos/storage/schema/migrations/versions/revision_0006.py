"""Ends everything issued for a session with it, and the tokens of users who are not active."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
beside_old_processes = False

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Their tokens would come back on activation.
END_TOKENS_OF_INACTIVE_USERS = """
UPDATE users SET token_hash = NULL, token_created = NULL, token_expires = NULL WHERE NOT is_active
"""
OLD_ACCESS_TOKENS = "CREATE TABLE old_access_tokens AS SELECT * FROM oauth2_tokens"
KEEP_ACCESS_TOKENS = """
INSERT INTO oauth2_tokens (token_hash, client_id, user_id, scope, expires)
SELECT token_hash, client_id, user_id, scope, expires FROM old_access_tokens ORDER BY id
"""


def upgrade() -> None:
    """Makes the three tables anew.

    What codes and temporary tokens were issued for is not known. They last ten minutes and an hour, so they
    are not kept.
    """
    op.execute(END_TOKENS_OF_INACTIVE_USERS)
    op.execute(OLD_ACCESS_TOKENS)
    for table in ("oauth2_codes", "oauth2_tokens", "temporary_tokens"):
        op.drop_table(table)
    _make_access_tokens()
    _make_codes()
    _make_temporary_tokens()
    op.execute(KEEP_ACCESS_TOKENS)
    op.drop_table("old_access_tokens")


def _make_access_tokens() -> None:
    op.create_table(
        "oauth2_tokens",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        _secret("token_hash"),
        _refers("client_id", "oauth2_clients.id"),
        _refers("user_id", "users.id"),
        _text("scope", nullable=True),
        _number("expires"),
        _session(),
        sqlite_strict=True,
    )
    op.create_index("oauth2_tokens_of_session", "oauth2_tokens", ["session_id"])


def _make_codes() -> None:
    op.create_table(
        "oauth2_codes",
        sa.Column("id", NUMBER, sa.Identity(), primary_key=True),
        _secret("code_hash"),
        _refers("client_id", "oauth2_clients.id"),
        _refers("user_id", "users.id"),
        _text("redirect_uri"),
        _text("scope"),
        _text("challenge", nullable=True),
        _number("expires"),
        _session(nullable=False),
        sqlite_strict=True,
    )
    op.create_index("oauth2_codes_by_expiry", "oauth2_codes", ["expires"])
    op.create_index("oauth2_codes_of_session", "oauth2_codes", ["session_id"])


def _make_temporary_tokens() -> None:
    op.create_table(
        "temporary_tokens",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        _refers("user_id", "users.id"),
        _text("project", nullable=True),
        _text("method"),
        _number("created"),
        _number("expires"),
        _session(),
        sa.Column("origin", sa.LargeBinary),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("temporary_tokens_of_origin", "temporary_tokens", ["origin"])
    op.create_index("temporary_tokens_of_session", "temporary_tokens", ["session_id"])
    op.create_index("temporary_tokens_of_user", "temporary_tokens", ["user_id", "created"])
    op.create_index("temporary_tokens_by_expiry", "temporary_tokens", ["expires"])


def _session(*, nullable: bool = True) -> sa.Column[int]:
    reference = sa.ForeignKey("sessions.id", ondelete="CASCADE")
    return sa.Column("session_id", NUMBER, reference, nullable=nullable)


def _refers(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, sa.ForeignKey(target), nullable=False)


def _secret(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False, unique=True)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, nullable=False)
