"""Many users at once: copies of the first one, by a few statements for thousands of them."""

from astakos.storage.protocol import Connection
from benchmarks.population import user_uuid

AT_A_TIME = 5_000
"""So many users with their holdings are added within the time that a statement may take."""

# The uuid of a user, of its number `n`, is made as `benchmarks.population.user_uuid` makes it.
REST = user_uuid(0)[8:]
NEW = {
    "postgresql": f"""
(SELECT n, lpad(to_hex(n), 8, '0') || '{REST}' AS uuid
 FROM generate_series(?::integer, ?::integer) AS s (n)) AS new
""",
    "sqlite": f"""
(WITH RECURSIVE s (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM s WHERE n < ?)
 SELECT n, printf('%08x', n) || '{REST}' AS uuid FROM s) AS new
""",
}
MODEL = f"'{user_uuid(0)}'"
UNUSED = 'm."limit", m.member_limit, 0, 0, 0, NULL'
"""The figures of holdings that nobody has used: limit, member_limit, usage_min, usage_max, settled, mark."""
CLONE = (
    """
INSERT INTO users (uuid, username, email, first_name, last_name, is_active, email_verified, moderated,
                   is_rejected, has_signed_terms, default_project)
SELECT new.uuid, 'user' || n || '@example.org', 'user' || n || '@example.org', first_name,
       CAST(n AS text), is_active, email_verified, moderated, is_rejected, has_signed_terms, new.uuid
FROM users m, {new} WHERE m.uuid = {model} ORDER BY n
""",
    """
INSERT INTO projects (uuid, name, system_project, owner, state, homepage, description, comments,
                      creation_date, end_date, join_policy, leave_policy, max_members, private)
SELECT new.uuid, 'system:' || new.uuid, system_project, owner, state, homepage, description, comments,
       creation_date, end_date, join_policy, leave_policy, max_members, private
FROM projects m, {new} WHERE m.uuid = {model} ORDER BY n
""",
    """
INSERT INTO memberships (user_id, project_id, state, ever_accepted)
SELECT u.id, p.id, m.state, m.ever_accepted
FROM {new} JOIN users u ON u.uuid = new.uuid JOIN projects p ON p.uuid = new.uuid,
     memberships m JOIN projects mp ON mp.id = m.project_id WHERE mp.uuid = {model} ORDER BY n
""",
    """
INSERT INTO project_resources (project_id, resource_id, project_capacity, member_capacity)
SELECT p.id, m.resource_id, m.project_capacity, m.member_capacity
FROM {new} JOIN projects p ON p.uuid = new.uuid,
     project_resources m JOIN projects mp ON mp.id = m.project_id WHERE mp.uuid = {model} ORDER BY n
""",
    """
INSERT INTO holdings (holder, source, resource, "limit", member_limit, usage_min, usage_max, settled, mark)
SELECT replace(m.holder, {model}, new.uuid), replace(m.source, {model}, new.uuid), m.resource, {figures}
FROM holdings m, {new}
WHERE m.holder IN ('user:' || {model}, 'project:' || {model}) ORDER BY n, m.id
""",
)


def clone_first_user(
    connection: Connection, dialect: str, first: int, last: int, figures: str = UNUSED
) -> None:
    """Adds the users of these numbers with all that the first one, number 0, has.

    Args:
        connection: a connection in a transaction.
        dialect: "sqlite" or "postgresql".
        first, last: the numbers of the users.
        figures: the figures of their holdings, as expressions: `n` is the number, and `m` the first user's.
    """
    for statement in CLONE:
        connection.execute(statement.format(new=NEW[dialect], model=MODEL, figures=figures), (first, last))
