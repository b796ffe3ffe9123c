"""The statements of the ledger's batches on PostgreSQL: each for any number of rows, which come as arrays."""

from astakos.storage.pipelining import statement

BEGIN = statement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED")
# It changes no row if this batch, or a later one of the same engine, has been committed.
RECORD = statement(
    "record",
    """
INSERT INTO engines (id, batch, time) VALUES ($1::text, $2::bigint, $3::bigint)
ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, time = excluded.time
WHERE engines.batch < excluded.batch
""",
)
# What it writes does not matter: its commit is durable only when all earlier ones are.
CONFIRM = statement("confirm", "UPDATE engines SET time = $2 WHERE id = $1")
# Others may be ending the same ones just now.
LOCK_EXPIRED = statement(
    "lock_expired",
    """
SELECT component_id, serial, provisions FROM pending_commissions
WHERE expires IS NOT NULL AND expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
""",
)
# Those whose time is over, but which others are just ending, are not pending any more.
LOCK_PENDING = statement(
    "lock_pending",
    """
SELECT p.component_id, p.serial, p.provisions
FROM unnest($1::bigint[], $2::bigint[]) AS w (component_id, serial)
JOIN pending_commissions p ON p.component_id = w.component_id AND p.serial = w.serial
WHERE p.expires IS NULL OR p.expires > $3
ORDER BY p.component_id, p.serial FOR UPDATE OF p
""",
)
LOCK_HOLDINGS = statement(
    "lock_holdings",
    """
SELECT id, "limit", usage_min, usage_max FROM holdings WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
""",
)
FIND_HOLDINGS = statement(
    "find_holdings",
    """
SELECT h.id, h.holder, h.source, h.resource
FROM unnest($1::text[], $2::text[], $3::text[]) AS w (holder, source, resource)
JOIN holdings h ON h.holder = w.holder AND h.source = w.source AND h.resource = w.resource
""",
)
FIND_HOLDINGS_BY_ID = statement(
    "find_holdings_by_id", "SELECT id, holder, source, resource FROM holdings WHERE id = ANY ($1::bigint[])"
)
FIND_REMEMBERED = statement(
    "find_remembered",
    """
SELECT k.component_id, k.key, k.fingerprint, k.serial
FROM unnest($1::bigint[], $2::text[]) AS w (component_id, key)
JOIN idempotency_keys k ON k.component_id = w.component_id AND k.key = w.key
""",
)
NEXT_SERIALS = statement(
    "next_serials", "SELECT nextval('commission_serials') FROM generate_series(1, $1::integer)"
)
INSERT_PENDING = statement(
    "insert_pending",
    """
INSERT INTO pending_commissions (component_id, serial, name, issue_time, expires, provisions)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
""",
)
INSERT_RESOLVED = statement(
    "insert_resolved",
    """
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT * FROM
unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
""",
)
MOVE_TO_RESOLVED = statement(
    "move_to_resolved",
    """
WITH moved AS (
    DELETE FROM pending_commissions p
    USING unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
        AS w (component_id, serial, verdict, provisions)
    WHERE p.component_id = w.component_id AND p.serial = w.serial
    RETURNING p.component_id, p.serial, p.name, p.issue_time, w.verdict, w.provisions
)
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT component_id, serial, name, issue_time, $5::bigint, verdict, provisions FROM moved
""",
)
INSERT_HOLDERS = statement(
    "insert_holders",
    """
INSERT INTO commission_holders (holder, serial, component_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
""",
)
REMEMBER = statement(
    "remember",
    """
INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[])
""",
)
SET_USAGE = statement(
    "set_usage",
    """
UPDATE holdings h SET usage_min = w.usage_min, usage_max = w.usage_max
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (id, usage_min, usage_max) WHERE h.id = w.id
""",
)
COMMIT = statement("commit", "COMMIT")
ROLLBACK = statement("rollback", "ROLLBACK")
