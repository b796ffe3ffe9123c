"""Databases with shared projects: some that are measured, and as many others as wanted beside them."""

import contextlib
import functools

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    StateDocument,
    UserEntry,
)
from astakos.projects.project import Policy
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection, Database
from astakos.storage.schema.definition.all_tables import metadata
from benchmarks.population import (
    COMPONENT,
    COMPONENT_TOKEN,
    LIMIT,
    QUANTITIES,
    user_name,
    user_token,
    user_uuid,
)

USERS = 1_000
PROJECTS = 10
MEMBERS = USERS // PROJECTS
"""Of each project; its owner is its first member."""
FILLING_PROJECTS = 100
FAR = "2099-01-01T00:00:00+00:00"
AT_A_TIME = 200
"""So many new users with their memberships and holdings are added within the time of a statement."""
FIRST_FILLING_USER = 0x1000_0000


def project_uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-0000000000aa"


def owner(project: int) -> int:
    return project * MEMBERS


def make_database(url: str, memberships: int) -> None:
    """Makes a database with the projects that are measured, and so many memberships in others."""
    database = database_of(url)
    database.open()
    with contextlib.closing(database):
        load(database, _document(), clock.now())
        if memberships:
            _fill(database, memberships // FILLING_PROJECTS)


def _document() -> StateDocument:
    return StateDocument(
        components=[ComponentEntry(name=COMPONENT, token=COMPONENT_TOKEN)],
        services=[ServiceEntry(name=COMPONENT, type="compute", component=COMPONENT)],
        resources=[ResourceEntry(name=name, service=COMPONENT) for name in QUANTITIES],
        users=[
            UserEntry(
                uuid=user_uuid(number), email=user_name(number), token=user_token(number), token_expires=FAR
            )
            for number in range(USERS)
        ],
        projects=[
            ProjectEntry(
                uuid=project_uuid(number),
                name=f"project{number}.example.org",
                owner=user_uuid(owner(number)),
                end_date=FAR,
                join_policy=Policy.MODERATED,
                leave_policy=Policy.AUTO,
                resources={
                    name: CapacityEntry(project_capacity=LIMIT, member_capacity=LIMIT) for name in QUANTITIES
                },
                members=[user_uuid(user) for user in range(owner(number), owner(number) + MEMBERS)],
            )
            for number in range(PROJECTS)
        ],
    )


def _fill(database: Database, users: int) -> None:
    """Adds users who are members of as many other projects, which are copies of the first one."""
    database.change(lambda connection: _add_projects(connection, database, users))
    for begin in range(FIRST_FILLING_USER, FIRST_FILLING_USER + users, AT_A_TIME):
        count = min(AT_A_TIME, FIRST_FILLING_USER + users - begin)
        database.change(functools.partial(_add_users, database=database, begin=begin, count=count))


def _add_projects(connection: Connection, database: Database, members: int) -> None:
    model = project_uuid(0)
    uuid = _uuid_of(database, "n", model)
    numbers = _numbers("n", PROJECTS, FILLING_PROJECTS)
    name = "'project' || n || '.example.org'"
    _clone(connection, "projects", f"m.uuid = '{model}'", numbers, uuid=uuid, name=name)
    new = f"{numbers} JOIN projects p ON p.uuid = {uuid}"
    _clone(
        connection, "project_resources", f"m.project_id = {_id('projects', model)}", new, project_id="p.id"
    )
    counted = {"project_id": "p.id", "members": str(members)}
    _clone(connection, "member_counts", f"m.project_id = {_id('projects', model)}", new, **counted)
    holder = f"'project:' || {uuid}"
    _clone(connection, "holdings", f"m.holder = 'project:{model}'", numbers, holder=holder)


def _add_users(connection: Connection, database: Database, begin: int, count: int) -> None:
    user, project = user_uuid(1), project_uuid(0)
    uuid, project_of_place = _uuid_of(database, "n", user), _uuid_of(database, "place", project)
    numbers = _numbers("n", begin, count)
    name = "'filling' || n || '@example.org'"
    users = {"uuid": uuid, "username": name, "email": name, "default_project": uuid, "token_hash": "NULL"}
    _clone(connection, "users", f"m.uuid = '{user}'", numbers, **users)
    each = f"{numbers} CROSS JOIN {_numbers('place', PROJECTS, FILLING_PROJECTS)}"
    _clone(
        connection,
        "memberships",
        f"m.user_id = {_id('users', user)} AND m.project_id = {_id('projects', project)}",
        f"{each} JOIN users u ON u.uuid = {uuid} JOIN projects p ON p.uuid = {project_of_place}",
        user_id="u.id",
        project_id="p.id",
    )
    holders = {"holder": f"'user:' || {uuid}", "source": f"'project:' || {project_of_place}"}
    _clone(
        connection,
        "holdings",
        f"m.holder = 'user:{user}' AND m.source = 'project:{project}'",
        each,
        **holders,
    )


def _clone(connection: Connection, table: str, model: str, new: str, **changed: str) -> None:
    """Adds a copy of the model's rows for each new row, with some columns changed."""
    columns = [column.name for column in metadata.tables[table].columns if column.name != "id"]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changed.get(name, f'm."{name}"') for name in columns)
    connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} m CROSS JOIN {new} WHERE {model}"
    )


def _numbers(name: str, first: int, count: int) -> str:
    """Rows with so many numbers."""
    return (
        f"(WITH RECURSIVE numbers (number) AS (SELECT {first} UNION ALL SELECT number + 1 FROM numbers "
        f"WHERE number < {first + count - 1}) SELECT number AS {name} FROM numbers) AS of_{name}"
    )


def _uuid_of(database: Database, number: str, model: str) -> str:
    """The uuid of a number, made as that of the model."""
    is_sqlite = database.url.startswith("sqlite")
    digits = f"printf('%08x', {number})" if is_sqlite else f"lpad(to_hex({number}), 8, '0')"
    return f"{digits} || '{model[8:]}'"


def _id(table: str, uuid: str) -> str:
    return f"(SELECT id FROM {table} WHERE uuid = '{uuid}')"
