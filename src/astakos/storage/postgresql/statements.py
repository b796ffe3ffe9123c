"""The statements of the ledger's batches on PostgreSQL. Each handles any number of rows, passed as arrays.

Tables change faster than the planner's statistics: `pending_commissions` may hold hundreds of thousands of
rows when the statistics say it is empty. Joining it with the arrays would then take seconds. So statements
search with `= ANY`, which uses an index whatever the statistics say. A search for pairs this way can match
the first half of one pair and the second half of another; callers must drop such rows.
"""

from psycopg import pq

from astakos.storage.postgresql.pipeline import statement
from astakos.storage.tables import meters

BEGIN = statement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED")
# The server's clock decides for all engines, whichever hosts they run on. The version tells whether the known
# definitions of meters are still right.
CLOCK = statement(
    "clock",
    """
SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint),
       (SELECT value FROM settings WHERE name = 'meters_version'),
       (SELECT value FROM settings WHERE name = 'meter_ttl_seconds')
""",
)
LIST_METERS = statement("list_meters", meters.LIST_TOLD)
# Changes no row if this batch, or a later one of the same engine, has been committed.
RECORD = statement(
    "record",
    """
INSERT INTO engines (id, batch, time) VALUES ($1::text, $2::bigint, $3::bigint)
ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, time = excluded.time
WHERE engines.batch < excluded.batch
""",
)
# The written value does not matter. What matters is the commit: once it is durable, all earlier ones are too.
CONFIRM = statement("confirm", "UPDATE engines SET time = $2 WHERE id = $1")
# Skips commissions that another engine is expiring at the same time.
LOCK_EXPIRED = statement(
    "lock_expired",
    """
SELECT component_id, serial, provisions FROM pending_commissions
WHERE expires IS NOT NULL AND expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
""",
)
# Commissions past their time to live are not pending, even if another engine is still expiring them.
LOCK_PENDING = statement(
    "lock_pending",
    """
SELECT component_id, serial, provisions FROM pending_commissions
WHERE component_id = ANY ($1::bigint[]) AND serial = ANY ($2::bigint[]) AND (expires IS NULL OR expires > $3)
ORDER BY component_id, serial FOR UPDATE
""",
)
# One row of arrays: a row for each holding would cost its reader much more. Few have a mark or a parent.
LOCK_HOLDINGS = statement(
    "lock_holdings",
    """
SELECT array_agg(id), array_agg("limit"), array_agg(usage_min), array_agg(usage_max), array_agg(member_limit),
       array_agg(id) FILTER (WHERE mark IS NOT NULL), array_agg(mark) FILTER (WHERE mark IS NOT NULL),
       array_agg(id) FILTER (WHERE parent_id IS NOT NULL),
       array_agg(parent_id) FILTER (WHERE parent_id IS NOT NULL)
FROM (
    SELECT id, "limit", usage_min, usage_max, member_limit, mark, parent_id FROM holdings
    WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
) AS locked
""",
    returns=pq.Format.BINARY,
)
FIND_SETTLED = statement("find_settled", "SELECT id, settled FROM holdings WHERE id = ANY ($1::bigint[])")
# Both find the project's holding that a member's holding draws from, too.
FIND_HOLDINGS = statement(
    "find_holdings",
    """
SELECT (
    SELECT h.id FROM holdings h WHERE h.holder = w.holder AND h.source = w.source AND h.resource = w.resource
), w.holder, w.source, w.resource, (
    SELECT p.id FROM holdings p WHERE p.holder = w.source AND p.source = '' AND p.resource = w.resource
)
FROM unnest($1::text[], $2::text[], $3::text[]) AS w (holder, source, resource)
""",
)
FIND_HOLDINGS_BY_ID = statement(
    "find_holdings_by_id",
    """
SELECT h.id, h.holder, h.source, h.resource, (
    SELECT p.id FROM holdings p WHERE p.holder = h.source AND p.source = '' AND p.resource = h.resource
)
FROM holdings h WHERE h.id = ANY ($1::bigint[])
""",
)
FIND_REMEMBERED = statement(
    "find_remembered",
    """
SELECT component_id, key, fingerprint, serial, granted FROM idempotency_keys
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
FIND_EXPIRY = statement(
    "find_expiry", "SELECT expires FROM pending_commissions WHERE component_id = $1 AND serial = $2"
)
# Neither of these matches mixed pairs: the rows are locked, and serials are unique.
REVISE = statement(
    "revise",
    """
UPDATE pending_commissions p SET provisions = w.provisions
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS w (component_id, serial, provisions)
WHERE p.component_id = w.component_id AND p.serial = w.serial AND p.serial = ANY ($2::bigint[])
    AND p.component_id = ANY ($1::bigint[])
""",
)
EXTEND = statement(
    "extend",
    """
UPDATE pending_commissions p SET expires = w.expires
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (component_id, serial, expires)
WHERE p.component_id = w.component_id AND p.serial = w.serial AND p.serial = ANY ($2::bigint[])
    AND p.component_id = ANY ($1::bigint[])
""",
)
# Matches no mixed pairs: the rows are locked, and serials are unique.
MOVE_TO_RESOLVED = statement(
    "move_to_resolved",
    """
WITH moved AS (
    DELETE FROM pending_commissions WHERE component_id = ANY ($4::bigint[]) AND serial = ANY ($5::bigint[])
    RETURNING component_id, serial, name, issue_time
)
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT m.component_id, m.serial, m.name, m.issue_time, w.resolve_time, w.verdict, w.provisions
FROM moved m JOIN unnest($1::bigint[], $2::text[], $3::text[], $5::bigint[])
    AS w (resolve_time, verdict, provisions, serial) ON w.serial = m.serial
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
INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time, granted)
SELECT w.component_id, w.key, w.fingerprint, w.serial, w.time,
       CASE WHEN w.granted = '' THEN NULL ELSE w.granted END
FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[])
    AS w (component_id, key, fingerprint, serial, time, granted)
""",
)
# The second condition is redundant, but lets the index find the rows before they are joined.
SET_USAGE = statement(
    "set_usage",
    """
UPDATE holdings h SET usage_min = w.usage_min, usage_max = w.usage_max, settled = h.settled + w.settled
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS w (usage_min, usage_max, settled, id)
WHERE h.id = w.id AND h.id = ANY ($4::bigint[])
""",
)
SET_MARKS = statement(
    "set_marks",
    """
UPDATE holdings h SET mark = w.mark FROM unnest($1::bigint[], $2::bigint[]) AS w (id, mark)
WHERE h.id = w.id AND h.id = ANY ($1::bigint[])
""",
)
INSERT_CLOSED = statement(
    "insert_closed",
    """
INSERT INTO closed_periods (holding_id, start, "end", total, kept_until, resource)
SELECT w.id, w.start, w."end", w.total, w.kept_until, CASE WHEN w.resource <> '' THEN w.resource END
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
    AS w (id, start, "end", total, kept_until, resource)
ON CONFLICT (holding_id, start) DO UPDATE SET
    "end" = excluded."end", total = closed_periods.total + excluded.total
""",
)
# Found by a search of its own for each row, which uses the index and waits for nobody who changes the row.
INSERT_ALERTS = statement(
    "insert_alerts",
    """
INSERT INTO quota_alerts (holding_id, kind, percent, start, "end", time, usage, "limit")
SELECT w.*
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[]) AS w (holding_id, kind, percent, start, until, time, usage, most)
WHERE (
    SELECT count(*) FROM quota_alerts a
    WHERE a.holding_id = w.holding_id AND a.kind = w.kind AND a.percent = w.percent AND a.start = w.start
) = 0
ON CONFLICT (holding_id, kind, percent, start) DO NOTHING
""",
)
# Grants are drawn on by those who have locked the holding that they belong to. Others revoke them.
LOCK_GRANTS = statement(
    "lock_grants",
    """
SELECT g.number, g.expires, g.priority, g.lifts, h.id, h."limit", h.usage_min, h.usage_max
FROM grants g JOIN holdings h ON h.id = g.holding_id
WHERE g.base_id = $1 AND g.state = 'open' AND g.starts <= $2 AND g.expires > $3
    AND (g.expires, g.priority, g.number) > ($4::bigint, $5::bigint, $6::bigint)
    AND ($7::bigint = 0 OR g.lifts IS NOT NULL)
ORDER BY g.expires, g.priority, g.number LIMIT $8 FOR UPDATE
""",
)
USE_UP = statement(
    "use_up", "UPDATE grants SET state = 'used' WHERE holding_id = ANY ($1::bigint[]) AND state = 'open'"
)
FIND_ROLLED = statement("find_rolled", "SELECT start, amount FROM rollovers WHERE holding_id = $1")
SAVE_ROLLED = statement(
    "save_rolled",
    """
INSERT INTO rollovers (holding_id, start, amount)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
ON CONFLICT (holding_id) DO UPDATE SET start = excluded.start, amount = excluded.amount
""",
)
COMMIT = statement("commit", "COMMIT")
ROLLBACK = statement("rollback", "ROLLBACK")
