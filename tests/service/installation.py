"""Databases in known states, and services that run on them."""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from astakos import clock
from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.http.dialects.dialect import Dialect
from astakos.http.dialects.newest import NEWEST
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.rules import Holding, Key
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.service import Service
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection, Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables.holdings import LIMIT, PROJECT_LEVEL, stored_source
from astakos.storage.tables.meters import save_definition
from service.caller import Caller
from service.world import BASE_URL, LOADED, world


def database_at(path: Path) -> SQLiteDatabase:
    """A database in a file, opened; made if it is not there."""
    database = SQLiteDatabase(f"sqlite:///{path}")
    database.open()
    return database


def opened(database: Database) -> Database:
    """The same database, as another process opens it."""
    again = database_of(database.url)
    again.open(create=False)
    return again


def make_world(path: Path) -> None:
    """Makes a database that holds the world, all of it in one file."""
    database = database_at(path)
    load(database, world(), LOADED)
    register_own_services(database, BASE_URL, LOADED)
    database.close()
    assert not path.with_name(path.name + "-wal").exists()


def copy_world(template: Path, path: Path) -> SQLiteDatabase:
    shutil.copyfile(template, path)
    path.chmod(0o600)
    return database_at(path)


@contextlib.contextmanager
def running(
    database: Database,
    now: Callable[[], int] = clock.now,
    dialect: Dialect = NEWEST,
    proxies: TrustedProxies | None = None,
) -> Iterator[Caller]:
    """A service on a database, over HTTP, while the context lasts."""
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
        with serving(Service(database, BASE_URL, now=now, proxies=proxies), listener, dialect=dialect):
            yield Caller(f"http://{LOOPBACK}:{port}/astakos")


def rows(database: Database, statement: str, *values: object) -> list[tuple[object, ...]]:
    """What a statement finds, if it is one that looks for something."""
    with contextlib.closing(database.connect()) as connection:
        found = connection.execute(statement, values)
        return found.fetchall() if statement.lstrip().startswith(("SELECT", "PRAGMA")) else []


SET_LIMIT = """
INSERT INTO holdings (holder, source, resource, "limit", usage_min, usage_max) VALUES (?, ?, ?, ?, 0, 0)
ON CONFLICT (holder, source, resource) DO UPDATE SET
    "limit" = excluded."limit", member_limit = excluded.member_limit
"""


SET_MEMBER_LIMIT = "UPDATE holdings SET member_limit = ? WHERE holder = ? AND source = '' AND resource = ?"
LIST_HOLDINGS = f"""
SELECT h.holder, h.source, h.resource, {LIMIT}, h.usage_min, h.usage_max FROM holdings h {PROJECT_LEVEL}
"""


def set_limits(connection: Connection, limits: Iterable[tuple[Key, int]]) -> None:
    """Sets limits of holdings; makes those that are missing. A project's limit leaves its members' alone."""
    connection.executemany(
        SET_LIMIT, ((key.holder, stored_source(key.source), key.resource, limit) for key, limit in limits)
    )


ADD_METER = """
INSERT INTO resources
    (name, service_id, description, system_default, project_default, ui_visible, api_visible)
SELECT ?, service_id, description, system_default, project_default, ui_visible, api_visible
FROM resources WHERE name = ?
"""


def add_meter(
    connection: Connection, base: str, name: str, definition: MeterDefinition, limits: Mapping[Key, int]
) -> None:
    """Gives a resource a meter, if it does not have it, with limits of the holdings that use the resource."""
    if connection.execute("SELECT 1 FROM resources WHERE name = ?", (name,)).fetchone() is None:
        connection.execute(ADD_METER, (name, base))
    save_definition(connection, name, definition)
    set_limits(connection, ((key._replace(resource=name), limit) for key, limit in limits.items()))


SET_PARENT = """
UPDATE holdings SET parent_id = (
    SELECT p.id FROM holdings p WHERE p.holder = ? AND p.source = '' AND p.resource = holdings.resource
)
WHERE holder = ? AND source = ''
"""


def set_parents(connection: Connection, parents: Mapping[str, str | None]) -> None:
    """Sets which holder's holdings are above those of others, or that none are."""
    connection.executemany(SET_PARENT, ((parent, holder) for holder, parent in parents.items()))


def holdings(database: Database) -> dict[Key, Holding]:
    """All holdings, with the limits that apply."""
    found: dict[Key, Holding] = {}
    with contextlib.closing(database.connect()) as connection:
        for holder, source, resource, *figures in connection.execute(LIST_HOLDINGS):
            found[Key(holder, source or None, resource)] = Holding(*figures)
    return found


def all_rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a database holds, by table."""
    with contextlib.closing(database.connect()) as connection:
        return {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for name in sorted(database.list_tables(connection))
        }


def last_event(database: Database) -> tuple[object, ...]:
    """The newest row of the audit log."""
    return rows(database, "SELECT * FROM events ORDER BY id DESC LIMIT 1")[0]


@contextlib.contextmanager
def locked(database: Database) -> Iterator[Connection]:
    """Another process is in the middle of a transaction."""
    with contextlib.closing(database.connect()) as connection:
        if isinstance(database, SQLiteDatabase):
            connection.execute("BEGIN IMMEDIATE")
        else:
            connection.execute("BEGIN")
            connection.execute("LOCK TABLE engines, holdings IN EXCLUSIVE MODE")
        yield connection
        connection.execute("ROLLBACK")
