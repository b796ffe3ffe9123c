"""Creates the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
beside_old_processes = False

# SQLite's STRICT tables have no BIGINT and no BOOLEAN; INTEGER holds both.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG: TypeEngine[bool] = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates all tables and indexes."""
    _make_directory()
    _make_projects()
    _make_oauth2()
    _make_ledger()


def _make_directory() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.Text, primary_key=True),
        _text("value"),
        sqlite_strict=True,
    )
    op.create_table(
        "users",
        _identifier(),
        _text("uuid", unique=True),
        _text("username", unique=True),
        _text("email"),
        _text("first_name"),
        _text("last_name"),
        _flag("is_active"),
        _flag("email_verified"),
        _flag("moderated"),
        _flag("is_rejected"),
        _flag("has_signed_terms"),
        _text("default_project", nullable=True),
        _text("password_hash", nullable=True),
        *_token(),
        sqlite_strict=True,
    )
    op.create_table("groups", _identifier(), _text("name", unique=True), sqlite_strict=True)
    op.create_table(
        "user_groups",
        _refers("user_id", "users.id", primary_key=True),
        _refers("group_id", "groups.id", primary_key=True),
        sqlite_strict=True,
    )
    op.create_table(
        "components",
        _identifier(),
        _text("name", unique=True),
        _text("ui_url", nullable=True),
        _text("base_url", nullable=True),
        _text("menu"),
        *_token(),
        sqlite_strict=True,
    )
    op.create_table(
        "services",
        _identifier(),
        _text("name", unique=True),
        _text("type"),
        _refers("component_id", "components.id"),
        sqlite_strict=True,
    )
    op.create_table(
        "endpoints",
        _identifier(),
        _refers("service_id", "services.id"),
        _text("data"),
        sqlite_strict=True,
    )
    op.create_table(
        "resources",
        _identifier(),
        _text("name", unique=True),
        _refers("service_id", "services.id"),
        _text("unit", nullable=True),
        _text("description"),
        _number("system_default"),
        _number("project_default"),
        _flag("ui_visible"),
        _flag("api_visible"),
        sqlite_strict=True,
    )
    op.create_table(
        "feedback",
        _identifier(),
        _refers("user_id", "users.id"),
        _number("time"),
        _text("message"),
        _text("data"),
        sqlite_strict=True,
    )


def _make_projects() -> None:
    op.create_table(
        "projects",
        _identifier(),
        _text("uuid", unique=True),
        _text("name"),
        _flag("system_project"),
        _text("owner", nullable=True),
        _text("state"),
        _text("homepage"),
        _text("description"),
        _text("comments"),
        _number("creation_date"),
        _number("end_date"),
        _text("join_policy"),
        _text("leave_policy"),
        _number("max_members"),
        _flag("private"),
        sqlite_strict=True,
    )
    op.create_table(
        "project_resources",
        _refers("project_id", "projects.id", primary_key=True),
        _refers("resource_id", "resources.id", primary_key=True),
        _number("project_capacity"),
        _number("member_capacity"),
        sqlite_strict=True,
    )
    op.create_table(
        "memberships",
        _identifier(),
        _refers("user_id", "users.id"),
        _refers("project_id", "projects.id"),
        _text("state"),
        _flag("ever_accepted"),
        sa.UniqueConstraint("user_id", "project_id"),
        sqlite_strict=True,
    )
    op.create_index("memberships_of_project", "memberships", ["project_id"])


def _make_oauth2() -> None:
    op.create_table(
        "oauth2_clients",
        _identifier(),
        _text("identifier", unique=True),
        _text("name"),
        sa.Column("secret_hash", sa.LargeBinary),
        _text("type"),
        _flag("trusted"),
        _text("url", nullable=True),
        _text("redirect_urls"),
        sqlite_strict=True,
    )
    op.create_table(
        "oauth2_tokens",
        _identifier(),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        _refers("client_id", "oauth2_clients.id"),
        _refers("user_id", "users.id"),
        _text("scope", nullable=True),
        _number("expires"),
        sqlite_strict=True,
    )


def _make_ledger() -> None:
    op.create_table(
        "holdings",
        _identifier(),
        _text("holder"),
        _text("source"),
        _text("resource"),
        _number("limit"),
        _number("usage_min"),
        _number("usage_max"),
        sa.UniqueConstraint("holder", "source", "resource"),
        sa.CheckConstraint("0 <= usage_min AND usage_min <= usage_max"),
        sqlite_strict=True,
    )
    op.create_table(
        "commissions",
        sa.Column("serial", NUMBER, primary_key=True),
        _refers("component_id", "components.id"),
        _text("name"),
        _number("issue_time"),
        _number("expires", nullable=True),
        _text("verdict", nullable=True),
        _number("resolve_time", nullable=True),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    _make_partial_index("pending_commissions", "commissions", ["component_id", "serial"], "verdict IS NULL")
    _make_partial_index(
        "expiring_commissions", "commissions", ["expires"], "verdict IS NULL AND expires IS NOT NULL"
    )
    op.create_index("commissions_of_component", "commissions", ["component_id", "serial"])
    op.create_table(
        "provisions",
        _refers("serial", "commissions.serial", primary_key=True),
        _refers("holding_id", "holdings.id", primary_key=True),
        _number("quantity"),
        _number("settled", nullable=True),
        _number("limit", nullable=True),
        _number("usage_min", nullable=True),
        _number("usage_max", nullable=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "commission_holders",
        sa.Column("holder", sa.Text, primary_key=True),
        _refers("serial", "commissions.serial", primary_key=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency_keys",
        _refers("component_id", "components.id", primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        _number("serial"),
        _number("time"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_keys_by_time", "idempotency_keys", ["time"])


def _make_partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(
        name, table, columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
    )


def _identifier() -> sa.Column[int]:
    return sa.Column("id", NUMBER, sa.Identity(), primary_key=True)


def _refers(name: str, target: str, *, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, NUMBER, sa.ForeignKey(target), nullable=False, primary_key=primary_key)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, unique=unique)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, NUMBER, nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, FLAG, nullable=False)


def _token() -> tuple[sa.Column[bytes], sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("token_hash", sa.LargeBinary, unique=True),
        _number("token_created", nullable=True),
        _number("token_expires", nullable=True),
    )
