"""The statements of the ledger's batches on PostgreSQL: each for any number of rows, which come as arrays.

What a table holds changes faster than what the planner knows of it: `pending_commissions` may have been seen
empty, and hold hundreds of thousands. Joined with what comes as arrays, that would take seconds. So tables
are searched by `= ANY`, which an index answers whatever the planner believes. That may find one half of a
pair with the other half of another; who reads it must leave that out.
"""

from astakos.storage.postgresql.pipeline import statement

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
SELECT component_id, serial, provisions FROM pending_commissions
WHERE component_id = ANY ($1::bigint[]) AND serial = ANY ($2::bigint[]) AND (expires IS NULL OR expires > $3)
ORDER BY component_id, serial FOR UPDATE
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
SELECT (
    SELECT h.id FROM holdings h WHERE h.holder = w.holder AND h.source = w.source AND h.resource = w.resource
), w.holder, w.source, w.resource
FROM unnest($1::text[], $2::text[], $3::text[]) AS w (holder, source, resource)
""",
)
FIND_HOLDINGS_BY_ID = statement(
    "find_holdings_by_id", "SELECT id, holder, source, resource FROM holdings WHERE id = ANY ($1::bigint[])"
)
FIND_REMEMBERED = statement(
    "find_remembered",
    """
SELECT component_id, key, fingerprint, serial FROM idempotency_keys
WHERE component_id = ANY ($1::bigint[]) AND key = ANY ($2::text[])
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
# They have been locked, and serials are given out once: there is none of the other half.
MOVE_TO_RESOLVED = statement(
    "move_to_resolved",
    """
WITH moved AS (
    DELETE FROM pending_commissions WHERE component_id = ANY ($1::bigint[]) AND serial = ANY ($2::bigint[])
    RETURNING component_id, serial, name, issue_time
)
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT m.component_id, m.serial, m.name, m.issue_time, $5::bigint, w.verdict, w.provisions
FROM moved m
JOIN unnest($2::bigint[], $3::text[], $4::text[]) AS w (serial, verdict, provisions) ON w.serial = m.serial
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
# The second condition says nothing new, but lets the index find the rows before they are joined.
SET_USAGE = statement(
    "set_usage",
    """
UPDATE holdings h SET usage_min = w.usage_min, usage_max = w.usage_max
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (id, usage_min, usage_max)
WHERE h.id = w.id AND h.id = ANY ($1::bigint[])
""",
)
COMMIT = statement("commit", "COMMIT")
ROLLBACK = statement("rollback", "ROLLBACK")
