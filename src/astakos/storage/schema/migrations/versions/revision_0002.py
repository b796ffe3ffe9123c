"""Stores a commission with its provisions in one row, which moves to a log when it is resolved."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
beside_old_processes = False

# SQLite's STRICT tables have no BIGINT; INTEGER holds it.
NUMBER: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

AT_A_TIME = 1000
LIST_COMMISSIONS = """
SELECT serial, component_id, name, issue_time, expires, verdict, resolve_time FROM commissions
WHERE serial > :after ORDER BY serial LIMIT :most
"""
LIST_PROVISIONS = """
SELECT serial, holding_id, quantity, settled, "limit", usage_min, usage_max FROM provisions
WHERE serial > :after AND serial <= :last ORDER BY serial, holding_id
"""
INSERT_PENDING = """
INSERT INTO pending_commissions (component_id, serial, name, issue_time, expires, provisions)
VALUES (:component_id, :serial, :name, :issue_time, :expires, :provisions)
"""
INSERT_RESOLVED = """
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
VALUES (:component_id, :serial, :name, :issue_time, :resolve_time, :verdict, :provisions)
"""


def upgrade() -> None:
    """Moves all commissions, and removes the foreign keys from the ledger's tables."""
    _make_tables()
    _move_commissions()
    _keep_serials()
    op.execute(
        "CREATE TABLE old_holders AS SELECT h.holder, h.serial, c.component_id FROM commission_holders h "
        "JOIN commissions c ON c.serial = h.serial WHERE c.verdict IS NOT NULL"
    )
    op.execute("CREATE TABLE old_keys AS SELECT * FROM idempotency_keys")
    for table in ("commission_holders", "idempotency_keys", "provisions", "commissions"):
        op.drop_table(table)
    _make_holders_and_keys()
    op.execute(
        "INSERT INTO commission_holders (holder, serial, component_id) "
        "SELECT holder, serial, component_id FROM old_holders"
    )
    op.execute(
        "INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time) "
        "SELECT component_id, key, fingerprint, serial, time FROM old_keys"
    )
    op.drop_table("old_holders")
    op.drop_table("old_keys")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE holdings SET (fillfactor = 90)")


def _make_tables() -> None:
    for index in ("pending_commissions", "expiring_commissions", "commissions_of_component"):
        op.drop_index(index, "commissions")
    op.create_table(
        "pending_commissions",
        _key("component_id"),
        _key("serial"),
        _text("name"),
        _number("issue_time"),
        _number("expires", nullable=True),
        _text("provisions"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "expiring_commissions",
        "pending_commissions",
        ["expires"],
        sqlite_where=sa.text("expires IS NOT NULL"),
        postgresql_where=sa.text("expires IS NOT NULL"),
    )
    op.create_table(
        "resolved_commissions",
        _key("component_id"),
        _key("serial"),
        _text("name"),
        _number("issue_time"),
        _number("resolve_time"),
        _text("verdict"),
        _text("provisions"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "engines",
        sa.Column("id", sa.Text, primary_key=True),
        _number("batch"),
        _number("time"),
        sqlite_strict=True,
    )


def _make_holders_and_keys() -> None:
    op.create_table(
        "commission_holders",
        sa.Column("holder", sa.Text, primary_key=True),
        _key("serial"),
        _number("component_id"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency_keys",
        _key("component_id"),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        _number("serial"),
        _number("time"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_keys_by_time", "idempotency_keys", ["time"])


def _move_commissions() -> None:
    connection = op.get_bind()
    for commissions, documents in _pages(connection):
        pending: list[dict[str, Any]] = []
        resolved: list[dict[str, Any]] = []
        for row in commissions:
            rows = pending if row["verdict"] is None else resolved
            rows.append({**row, "provisions": json.dumps(documents[row["serial"]], separators=(",", ":"))})
        if pending:
            connection.execute(sa.text(INSERT_PENDING), pending)
        if resolved:
            connection.execute(sa.text(INSERT_RESOLVED), resolved)


def _pages(connection: sa.Connection) -> Iterator[tuple[list[dict[str, Any]], dict[int, list[list[int]]]]]:
    """Yields some commissions at a time, and their provisions by serial."""
    after = 0
    while True:
        found = connection.execute(sa.text(LIST_COMMISSIONS), {"after": after, "most": AT_A_TIME})
        commissions = [dict(row) for row in found.mappings()]
        if not commissions:
            return
        last = commissions[-1]["serial"]
        documents: dict[int, list[list[int]]] = {row["serial"]: [] for row in commissions}
        for serial, *figures in connection.execute(sa.text(LIST_PROVISIONS), {"after": after, "last": last}):
            documents[serial].append([figure for figure in figures if figure is not None])
        yield commissions, documents
        after = last


def _keep_serials() -> None:
    """Stores the last serial, so that none is given out again."""
    connection = op.get_bind()
    last = connection.execute(sa.text("SELECT coalesce(max(serial), 0) FROM commissions")).scalar_one()
    if connection.dialect.supports_sequences:
        op.execute(sa.schema.CreateSequence(sa.Sequence("commission_serials", start=last + 1)))
        return
    given_out = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'commissions'")
    last = max(last, connection.execute(given_out).scalar() or 0)
    if last:
        connection.execute(
            sa.text("INSERT INTO settings (name, value) VALUES ('last_serial', :last)"), {"last": str(last)}
        )


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, primary_key=True, autoincrement=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, NUMBER, nullable=nullable)
