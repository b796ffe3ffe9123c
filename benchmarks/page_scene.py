"""What pages show in a large installation: usage, history, pending commissions, projects, the audit log.

All of it is written by a few statements for thousands of rows, beside the users of `benchmarks.many_users`.
"""

import contextlib
from collections.abc import Sequence
from string import Template

from astakos import clock
from astakos.administration.administrators import grant_admin
from astakos.administration.grants import GrantPlace, Terms, add_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import CapacityEntry, ProjectEntry, StateDocument
from astakos.clock import DAY, MICROSECONDS
from astakos.directory.password_hashes import password_hash
from astakos.directory.password_links import LONGEST_INVITATION, LinkPurpose
from astakos.directory.tokens import token_hash
from astakos.events.event import OPERATOR
from astakos.ledger.meters import Budget
from astakos.ledger.operations import Verdict
from astakos.ledger.periods import Schedule
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import destinations, events, password_links, users
from astakos.storage.tables.destinations import Destination
from benchmarks.cloning import AT_A_TIME
from benchmarks.many_users import MONTHLY, dialect_of, make_users
from benchmarks.population import COMPONENT, LIMIT, QUANTITIES, user_uuid

READER = user_uuid(0)
PERSON = user_uuid(77)
"""A user who is not the reader. They have a grant."""
PASSWORD = "correct horse battery staple"
METERS = tuple(f"{name}/month" for name in QUANTITIES)
RESOURCES = (*QUANTITIES, *METERS)
PROJECT = "0d0d0d0d-0000-4000-8000-000000000000"
"""The reader's shared project, in which one user in ten is."""
FAR = "2100-01-01T00:00:00+00:00"
KEY = "astk_aaaaaaaa"
KEYS = 100
LINK = "link-with-which-the-reader-sets-a-password-".ljust(43, "-")
ADDRESS_LINK = "link-with-which-they-confirm-an-address-".ljust(43, "-")
MONTHS = 24
HISTORY = 200_000
PENDING = 100_000
WAITING = 10_000
UNDELIVERED = 10_000
SMALL_PROJECTS = 10_000
APPLICATIONS = 1_000
LAST_SERIAL = 2**40
"""The pending commissions of others have greater serials, so they are newer than those of the reader."""

USED = "n / 500 % 1000 + 1"
FIGURES = f"""
CASE WHEN n % 500 = 0 THEN 1000 ELSE m."limit" END, m.member_limit, {USED}, {USED}, {USED},
CASE WHEN m.resource LIKE '%/month' THEN $month END
"""
"""One user in 500 has a limit that they have used a part of; these parts are spread from nothing to all."""

NUMBERS = {
    "postgresql": "(SELECT n FROM generate_series(?::bigint, ?::bigint) AS s (n)) AS new",
    "sqlite": """
(WITH RECURSIVE s (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM s WHERE n < ?) SELECT n FROM s) AS new
""",
}
DIGITS = {"postgresql": "lpad(to_hex(n), 8, '0')", "sqlite": "printf('%08x', n)"}
# In these statements, `n` is a number of `$numbers`, and `$uuid` the uuid of the user of that number.
RESOLVED = """
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT c.id, n, 'benchmark', $now - ($history - n) * $second, $now - ($history - n) * $second, '$accepted',
    '[[' || h.id || ',1,1,$limit,7,7],[' || p.id || ',1,1,$limit,7,7]]'
FROM $numbers $holdings, components c WHERE c.name = '$component' ORDER BY n
"""
HOLDERS = """
INSERT INTO commission_holders (holder, serial, component_id)
SELECT 'user:' || $uuid, n, c.id FROM $numbers, components c WHERE c.name = '$component' ORDER BY n
"""
PENDING_OF_OTHERS = """
INSERT INTO pending_commissions (component_id, serial, name, issue_time, expires, provisions)
SELECT c.id, $last_serial + n, 'benchmark', $now - ($pending - n) * $second, NULL,
    '[[' || h.id || ',1],[' || p.id || ',1]]'
FROM $numbers $holdings, components c WHERE c.name = '$component' ORDER BY n
"""
HOLDINGS = """
JOIN holdings h ON h.holder = 'user:' || $uuid AND h.source = 'project:' || $uuid
    AND h.resource = 'compute.vm'
JOIN holdings p ON p.holder = 'project:' || $uuid AND p.source = '' AND p.resource = 'compute.vm'
"""
# The hashes do not make a chain, which no page looks at.
EVENTS = """
INSERT INTO events (id, time, kind, actor, origin, project, subject, reason, before, after, hash, key)
SELECT e.last + n, m.time + n * $second, 'user.created', NULL, 'command', NULL, $uuid, '', NULL,
    '{"email": "somebody@example.org"}', m.hash, NULL
FROM $numbers, (SELECT max(id) AS last FROM events) AS e, events m WHERE m.id = e.last
"""
FIRST_EVENT = "UPDATE events SET time = time - ? WHERE id = (SELECT max(id) FROM events)"
CLOSED = """
INSERT INTO closed_periods (holding_id, start, "end", total, kept_until, resource)
SELECT id, ?, ?, CASE WHEN resource = 'compute.vm/month' THEN 1 + id % 1000 ELSE 1000000 + id END, ?,
    CASE WHEN source = '' THEN resource END
FROM holdings WHERE resource IN ('compute.vm/month', 'compute.ram/month') AND id > ? AND id <= ?
"""
CLOSED_OF_READER = f"""
INSERT INTO closed_periods (holding_id, start, "end", total, kept_until, resource)
SELECT id, ?, ?, 5, ?, CASE WHEN source = '' THEN resource END FROM holdings
WHERE resource IN ('compute.vm/month', 'compute.ram/month')
    AND holder IN ('user:{READER}', 'project:{READER}')
"""
WAITING_USERS = """
INSERT INTO users (uuid, username, email, first_name, last_name, is_active, email_verified, moderated,
                   is_rejected, has_signed_terms, default_project)
SELECT $other, 'waiting' || n || '@example.org', 'waiting' || n || '@example.org', 'Wanda', 'Wait',
    $false, $true, $false, $false, $false, NULL
FROM $numbers ORDER BY n
"""
PROJECTS = (
    """
INSERT INTO projects (uuid, name, system_project, owner, state, homepage, description, comments,
                      creation_date, end_date, join_policy, leave_policy, max_members, private)
SELECT $other, 'Project ' || n, system_project, $uuid, state, homepage, description, comments,
       creation_date, end_date, join_policy, leave_policy, max_members, private
FROM $numbers, projects m WHERE m.uuid = '$project' ORDER BY n
""",
    """
INSERT INTO project_resources (project_id, resource_id, project_capacity, member_capacity)
SELECT p.id, m.resource_id, m.project_capacity, m.member_capacity
FROM $numbers JOIN projects p ON p.uuid = $other,
    project_resources m JOIN projects mp ON mp.id = m.project_id WHERE mp.uuid = '$project'
""",
    """
INSERT INTO holdings (holder, source, resource, "limit", member_limit, usage_min, usage_max)
SELECT 'project:' || $other, '', m.resource, m."limit", m.member_limit, 0, 0
FROM $numbers, holdings m WHERE m.holder = 'project:$project' AND m.source = ''
""",
    """
INSERT INTO member_counts (project_id, members)
SELECT p.id, 0 FROM $numbers JOIN projects p ON p.uuid = $other
""",
)
APPLIED = """
INSERT INTO project_applications (project_id, user_id, state, submitted, description, resources)
SELECT p.id, u.id, 'pending', $now, 'More', '{"compute.vm": [100, 10]}'
FROM $numbers JOIN projects p ON p.uuid = $other JOIN users u ON u.uuid = $uuid ORDER BY n
"""
MEMBERS = (
    """
INSERT INTO memberships (user_id, project_id, state, ever_accepted)
SELECT u.id, p.id, 'accepted', $true
FROM $numbers JOIN users u ON u.uuid = $uuid, projects p WHERE p.uuid = '$project' ORDER BY n
""",
    """
INSERT INTO holdings (holder, source, resource, "limit", member_limit, usage_min, usage_max, settled)
SELECT 'user:' || $uuid, 'project:$project', m.resource, $limit, $limit, n % 1000, n % 1000, n % 1000
FROM $numbers, holdings m WHERE m.holder = 'project:$project' AND m.source = '' ORDER BY n, m.id
""",
)
COUNT_MEMBERS = (
    "UPDATE member_counts SET members = ? WHERE project_id = (SELECT id FROM projects WHERE uuid = ?)"
)
KEYS_OF_READER = f"""
INSERT INTO api_keys (user_id, prefix, name, project, limits, created, expires, last_used, creator)
SELECT u.id, CASE WHEN n = 1 THEN '{KEY}' ELSE 'astk_bbbbb' || (222 + n) END, 'Key ' || n, NULL, '{{}}',
    $now, $now + {300 * DAY}, NULL, NULL
FROM $numbers, users u WHERE u.uuid = '{READER}'
"""
CONTINUE_BEHIND = {
    "postgresql": f"SELECT setval('commission_serials', {HISTORY})",
    "sqlite": f"INSERT INTO settings (name, value) VALUES ('last_serial', '{HISTORY}')",
}
DELIVERIES = """
INSERT INTO deliveries (destination, event, recipient, state, attempts, due, changed)
SELECT 'log', e.first, 'somebody@example.org', 'dead', 9, $now, $now
FROM $numbers, (SELECT min(id) AS first FROM events) AS e
"""


class _Writer:
    """Executes statements for many numbers, a part of them at a time."""

    def __init__(self, connection: Connection, dialect: str, now: int) -> None:
        self._connection = connection
        is_sqlite = dialect == "sqlite"
        uuid = f"{DIGITS[dialect]} || '{READER[8:]}'"
        self._parts = {
            "numbers": NUMBERS[dialect],
            "uuid": uuid,
            "other": f"{DIGITS[dialect]} || '-0000-4000-8000-0000000005ed'",
            "holdings": Template(HOLDINGS).substitute(uuid=uuid),
            "project": PROJECT,
            "component": COMPONENT,
            "limit": str(LIMIT),
            "history": str(HISTORY),
            "pending": str(PENDING),
            "last_serial": str(LAST_SERIAL),
            "accepted": Verdict.ACCEPT.value,
            "second": str(MICROSECONDS),
            "now": str(now),
            "true": "1" if is_sqlite else "TRUE",
            "false": "0" if is_sqlite else "FALSE",
        }

    def write(self, statements: Sequence[str], count: int) -> None:
        """Executes statements for the numbers from 1 on."""
        complete = [Template(statement).substitute(self._parts) for statement in statements]
        for begin in range(1, count + 1, AT_A_TIME):
            for statement in complete:
                self._connection.execute(statement, (begin, min(begin + AT_A_TIME - 1, count)))


def make_scene(url: str, count: int) -> None:
    """Makes a new database with so many users, and what there is to see of them."""
    now = clock.now()
    month = _months().span_at(now).start
    make_users(url, count, RESOURCES, Template(FIGURES).substitute(month=month))
    database = database_of(url)
    database.open()
    with contextlib.closing(database):
        _prepare_reader(database)
        with contextlib.closing(database.connect()) as connection:
            if dialect_of(url) == "sqlite":
                connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            _fill(connection, _Writer(connection, dialect_of(url), now), count)
            connection.execute(CONTINUE_BEHIND[dialect_of(url)])
            _close_periods(connection, month)
            connection.execute("COMMIT")


def add_pending(url: str, count: int) -> None:
    """Adds the pending commissions of others, which are newer than all of the reader's."""
    database = database_of(url)
    database.open()
    with contextlib.closing(database), contextlib.closing(database.connect()) as connection:
        _Writer(connection, dialect_of(url), clock.now()).write([PENDING_OF_OTHERS], min(PENDING, count - 1))


def _months() -> Schedule:
    meter = MONTHLY.meter(METERS[0])
    assert isinstance(meter, Budget)
    assert isinstance(meter.periods, Schedule)
    return meter.periods


def _prepare_reader(database: Database) -> None:
    """Gives the reader a password and a project, and makes them an administrator."""
    capacities = {name: CapacityEntry(project_capacity=LIMIT, member_capacity=LIMIT) for name in RESOURCES}
    project = ProjectEntry(
        uuid=PROJECT, name="Laboratory", owner=READER, end_date=FAR, resources=capacities, members=[READER]
    )
    load(database, StateDocument(projects=[project]), clock.now())

    def change(connection: Connection) -> None:
        user = users.find_by_uuid(connection, READER)
        assert user is not None
        users.set_password_hash(connection, user.uuid, password_hash(PASSWORD))
        grant_admin(connection, OPERATOR, user, clock.now())
        now = clock.now()
        for secret, purpose, address in (
            (LINK, LinkPurpose.INVITATION, None),
            (ADDRESS_LINK, LinkPurpose.ADDRESS, "new@example.org"),
        ):
            password_links.add(
                connection,
                user.id,
                token_hash(secret),
                purpose,
                now,
                now + LONGEST_INVITATION,
                None,
                address,
            )
        with Journal(connection, OPERATOR, now) as journal:
            add_grant(connection, journal, GrantPlace(PERSON, None, "compute.vm"), Terms(5, now), now)

    database.change(change)


def _fill(connection: Connection, writer: _Writer, count: int) -> None:
    others, members = count - 1, count // 10
    writer.write(MEMBERS, members)
    connection.execute(COUNT_MEMBERS, (members + 1, PROJECT))
    writer.write(PROJECTS, min(SMALL_PROJECTS, others))
    writer.write([APPLIED], min(APPLICATIONS, SMALL_PROJECTS, others))
    writer.write([WAITING_USERS], WAITING)
    writer.write([RESOLVED, HOLDERS], min(HISTORY, others))
    writer.write([KEYS_OF_READER], KEYS)
    connection.execute(FIRST_EVENT, (others * MICROSECONDS,))
    for begin in range(0, others, AT_A_TIME):
        writer.write([EVENTS], min(AT_A_TIME, others - begin))
    head = events.find_head(connection).number
    destinations.add(connection, Destination("log", None, (), 1, None, clock.now(), head))
    writer.write([DELIVERIES], UNDELIVERED)


def _close_periods(connection: Connection, month: int) -> None:
    kept = month + 10_000 * DAY
    last = connection.execute("SELECT max(id) FROM holdings").fetchone()[0]
    start = _months().span_at(month - 1).start
    for after in range(0, last, 10 * AT_A_TIME):
        connection.execute(CLOSED, (start, month, kept, after, after + 10 * AT_A_TIME))
    for _ in range(MONTHS):
        end, start = start, _months().span_at(start - 1).start
        connection.execute(CLOSED_OF_READER, (start, end, kept))
