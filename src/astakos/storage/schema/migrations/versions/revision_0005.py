"""Adds logins on web pages (sessions, known browsers, login attempts) and OAuth2 codes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
beside_old_processes = True

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "oauth2_codes",
        _identifier(),
        _secret("code_hash"),
        _refers("client_id", "oauth2_clients.id"),
        _refers("user_id", "users.id"),
        _text("redirect_uri"),
        _text("scope"),
        _text("challenge", nullable=True),
        _number("expires"),
        sqlite_strict=True,
    )
    op.create_index("oauth2_codes_by_expiry", "oauth2_codes", ["expires"])
    op.create_table(
        "sessions",
        _identifier(),
        _secret("secret_hash"),
        _secret("token_hash"),
        _refers("user_id", "users.id"),
        _number("created"),
        _number("expires"),
        sqlite_strict=True,
    )
    op.create_index("sessions_of_user", "sessions", ["user_id"])
    op.create_index("sessions_by_expiry", "sessions", ["expires"])
    op.create_table(
        "known_browsers",
        _identifier(),
        _secret("secret_hash"),
        _refers("user_id", "users.id"),
        _number("expires"),
        sqlite_strict=True,
    )
    op.create_index("known_browsers_by_expiry", "known_browsers", ["expires"])
    op.create_table(
        "login_attempts",
        sa.Column("subject", sa.LargeBinary, primary_key=True),
        _number("began"),
        _number("count"),
        sqlite_strict=True,
    )
    op.create_index("login_attempts_by_time", "login_attempts", ["began"])


def _identifier() -> sa.Column[int]:
    return sa.Column("id", NUMBER, sa.Identity(), primary_key=True)


def _refers(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, sa.ForeignKey(target), nullable=False)


def _secret(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False, unique=True)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, nullable=False)
