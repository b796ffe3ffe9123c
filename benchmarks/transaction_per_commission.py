"""`pgbench` with one transaction for each commission: what PostgreSQL does without a service in front of it.

The script does what the ledger does, on the same tables: an issue locks the holdings in their order, checks
the limits, charges, and writes the pending row; an accept locks the same, settles, and moves the row to the
log. There is no HTTP, no authentication, and next to no client: a service that works so can only be slower.
"""

import re

from astakos.projects.limits import project_holder, user_holder
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection
from benchmarks.population import QUANTITIES, user_uuid
from benchmarks.postgresql_databases import PostgreSQLDatabases
from benchmarks.verification import WrongFiguresError

THREADS = 1
RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)

SUFFIX = user_uuid(0)[8:]
SCRIPT = f"""
\\set user random(0, :users - 1)
BEGIN;
SELECT count(*) FILTER (WHERE usage_max + quantity <= "limit") AS fitting, array_agg(id) AS holdings,
       json_agg(json_build_array(id, quantity))::text AS provisions
FROM (
    SELECT h.id, h."limit", h.usage_max, w.quantity
    FROM (VALUES {
    ", ".join(
        f"('{holder}', '{source}', '{resource}', {quantity}::bigint)"
        for resource, quantity in QUANTITIES.items()
        for holder, source in ((user_holder(""), project_holder("")), (project_holder(""), ""))
    )
}) AS w (holder, source, resource, quantity)
    JOIN holdings h
      ON h.holder = w.holder || lpad(to_hex(:user::integer), 8, '0') || '{SUFFIX}'
     AND h.source = CASE w.source WHEN '' THEN ''
                    ELSE w.source || lpad(to_hex(:user::integer), 8, '0') || '{SUFFIX}' END
     AND h.resource = w.resource
    ORDER BY h.id FOR UPDATE OF h
) AS locked
\\gset
\\if :fitting < {2 * len(QUANTITIES)}
ROLLBACK;
\\else
UPDATE holdings SET usage_max = usage_max + (CASE resource {
    " ".join(f"WHEN '{resource}' THEN {quantity}" for resource, quantity in QUANTITIES.items())
} END) WHERE id = ANY (:holdings::bigint[]);
INSERT INTO pending_commissions (component_id, serial, name, issue_time, expires, provisions)
VALUES (:component, nextval('commission_serials'), 'benchmark', :now, NULL, :provisions) RETURNING serial
\\gset
COMMIT;
BEGIN;
SELECT provisions FROM pending_commissions WHERE component_id = :component AND serial = :serial FOR UPDATE;
SELECT id, "limit", usage_min, usage_max FROM holdings WHERE id = ANY (:holdings::bigint[])
ORDER BY id FOR UPDATE;
UPDATE holdings SET usage_min = usage_min + (CASE resource {
    " ".join(f"WHEN '{resource}' THEN {quantity}" for resource, quantity in QUANTITIES.items())
} END) WHERE id = ANY (:holdings::bigint[]) RETURNING json_build_array(id, "limit", usage_min, usage_max);
WITH moved AS (
    DELETE FROM pending_commissions WHERE component_id = :component AND serial = :serial
    RETURNING component_id, serial, name, issue_time, provisions
)
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT component_id, serial, name, issue_time, :now, 'ACCEPT', provisions FROM moved;
INSERT INTO commission_holders (holder, serial, component_id)
VALUES ('{user_holder("")}' || lpad(to_hex(:user::integer), 8, '0') || '{SUFFIX}', :serial, :component);
COMMIT;
\\endif
"""
COUNT = "SELECT holder, count(*) FROM commission_holders GROUP BY holder"
LIST_USAGE = """
SELECT CASE source WHEN '' THEN 'user:' || substr(holder, 9) ELSE holder END, resource, usage_min, usage_max
FROM holdings
"""


def measure(databases: PostgreSQLDatabases, holders: int, clients: int, seconds: float) -> float:
    """Pairs a second of so many clients, each at a random one of the holders."""
    database = databases.copy()
    variables = {"users": holders, "component": 1, "now": 1}
    # It runs in the server's folder, as the server's user, who may not read where the benchmarks stand.
    with databases.script(SCRIPT) as script:
        written = databases.run(
            "pgbench",
            database,
            *("--no-vacuum", "--protocol=prepared", f"--file={script}", f"--jobs={THREADS}"),
            *(f"--client={clients}", f"--time={max(1, round(seconds))}"),
            *(f"--define={name}={value}" for name, value in variables.items()),
        )
    opened = database_of(database)
    try:
        opened.read(lambda connection: _check(connection, int(_found(DONE, written))))
    finally:
        opened.close()
    return float(_found(RATE, written))


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise WrongFiguresError(f"pgbench did not say {pattern.pattern!r}: {text}")
    return found[1]


def _check(connection: Connection, done: int) -> None:
    """The usage of every holding must be what its user's commissions were."""
    counts: dict[str, int] = dict(connection.execute(COUNT))
    if sum(counts.values()) != done:
        raise WrongFiguresError(f"{sum(counts.values())} commissions of {done} are in the log")
    for holder, resource, usage_min, usage_max in connection.execute(LIST_USAGE):
        usage = counts.get(holder, 0) * QUANTITIES[resource]
        if not usage_min == usage_max == usage:
            raise WrongFiguresError(f"{resource} of {holder}: {usage_min}, {usage_max}, not {usage}")
