"""Databases for the simulations: made quickly, and dropped as a crash drops them."""

import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from astakos.directory.entities import Resource
from astakos.ledger.meter_definitions import Kind, MeterDefinition, base_of
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED, Key
from astakos.projects.project import Policy, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import projects
from astakos.storage.tables.meters import save_definition
from astakos.storage.tables.nested_projects import set_parent
from astakos.storage.tables.registry import SAVE_SERVICE, save_resource
from service.installation import set_limits

COMPONENTS = (1, 2)
START = 1_700_000_000_000_000
SECOND = 1_000_000

USER_1 = Key("user:u1", "project:p", "vm")
USER_2 = Key("user:u2", "project:p", "vm")
PROJECT = Key("project:p", None, "vm")
DISK = Key("user:u1", "project:c", "disk")
PROJECT_DISK = Key("project:c", None, "disk")
STRANGE = Key("ünï\x00;'--", "%", "vm")
OTHER = Key("project:q", None, "vm")
DEPARTMENT = Key("project:d", None, "vm")
ORGANIZATION = Key("project:o", None, "vm")
TREE = (PROJECT, OTHER, DEPARTMENT, ORGANIZATION)
PARENTS = {"project:p": "project:d", "project:q": "project:d", "project:d": "project:o"}
"""Which project is within which at first. The one with disks and calls is within none."""
KEYS = (USER_1, USER_2, PROJECT, DISK, PROJECT_DISK, STRANGE, OTHER, DEPARTMENT, ORGANIZATION)
TOKENS = Key("user:u1", "project:p", "tokens")
PROJECT_TOKENS = Key("project:p", None, "tokens")
CALLS = Key("user:u2", "project:c", "calls")
PROJECT_CALLS = Key("project:c", None, "calls")
OTHER_TOKENS, DEPARTMENT_TOKENS, ORGANIZATION_TOKENS = (
    key._replace(resource="tokens") for key in (OTHER, DEPARTMENT, ORGANIZATION)
)
METERED_KEYS = (
    TOKENS,
    PROJECT_TOKENS,
    CALLS,
    PROJECT_CALLS,
    OTHER_TOKENS,
    DEPARTMENT_TOKENS,
    ORGANIZATION_TOKENS,
)
METERS = {
    "tokens/day": MeterDefinition(unit=Unit.DAY, zone="America/New_York", rollover=15),
    "tokens/minutes": MeterDefinition(unit=Unit.MINUTE, every=7),
    "tokens/window": MeterDefinition(kind=Kind.WINDOW, unit=Unit.HOUR, every=5),
    "tokens/rate": MeterDefinition(kind=Kind.RATE, unit=Unit.HOUR),
    "calls/month": MeterDefinition(
        unit=Unit.MONTH, zone="Europe/Athens", anchor="2023-01-31T02:30", keeps_debt=True, rollover=25
    ),
    "calls/window": MeterDefinition(kind=Kind.WINDOW, unit=Unit.DAY, every=2, keeps_debt=True),
}
OTHER_DEFINITIONS = (
    MeterDefinition(unit=Unit.DAY, zone="Australia/Lord_Howe", anchor="2023-10-01T02:15"),
    MeterDefinition(unit=Unit.WEEK, zone="Europe/Athens", keeps_debt=True, rollover=40),
    MeterDefinition(unit=Unit.HOUR, every=3, keeps_debt=True),
    MeterDefinition(kind=Kind.WINDOW, unit=Unit.MINUTE, every=90),
)
"""What any budget may become."""
METER_KEYS = tuple(
    key._replace(resource=name) for key in METERED_KEYS for name in METERS if base_of(name) == key.resource
)
KEY_LEVELS = (
    Key("key:a", "user:u1", "vm"),
    Key("key:a", "user:u1", "tokens"),
    Key("key:b", "user:u2", "vm"),
    Key("key:b", "user:u2", "calls"),
)
"""What has limits of keys from the beginning. The key of the first user gets one of disks later."""
KEY_DISK = Key("key:a", "user:u1", "disk")
KEY_METERS = (
    Key("key:a", "user:u1", "tokens/day"),
    Key("key:a", "user:u1", "tokens/rate"),
    Key("key:b", "user:u2", "calls/month"),
    Key("key:b", "user:u2", "calls/window"),
)
"""The meters that count with keys, which are not all."""
KEY_HOLDERS = ("key:a", "key:b")
GRANTED = (TOKENS, PROJECT_TOKENS, DEPARTMENT_TOKENS, CALLS, PROJECT_CALLS)
"""To what grants belong."""
MOST_DEBTS = {"tokens/day": 40, "tokens/window": 15, "calls/month": 30}
"""By how much a settlement may exceed the limit of each; by anything of those that are not listed."""
EMPTY_SOURCE = Key("project:p", "", "vm")
"""It can not exist; it must not be taken for the one whose source is null."""


class QuickDatabase(SQLiteDatabase):
    """A database that survives the end of the process only; durability is tested with real crashes."""

    def connect(self) -> SQLiteConnection:
        connection = super().connect()
        connection.execute("PRAGMA synchronous = OFF")
        return connection


def database_at(path: Path) -> QuickDatabase:
    return QuickDatabase(f"sqlite:///{path}")


def fill(connection: Connection) -> None:
    """Registers two components and the resources, with their meters."""
    connection.executemany(
        "INSERT INTO components (id, name, menu) VALUES (?, ?, '{}')",
        [(number, f"component {number}") for number in COMPONENTS],
    )
    define_meters(connection)
    for key in TREE:
        projects.save(connection, _project(uuid_of(key.holder)))


def _project(uuid: str) -> Project:
    return Project(
        uuid, uuid, ProjectState.ACTIVE, False, None, "", "", "", 0, 0, Policy.CLOSED, Policy.CLOSED, 0, False
    )


def nest(connection: Connection) -> None:
    """Puts the projects within each other as at the beginning, when all holdings are there."""
    for key in TREE:
        parent = PARENTS.get(key.holder)
        set_parent(connection, uuid_of(key.holder), None if parent is None else uuid_of(parent))


def uuid_of(holder: str) -> str:
    return holder.removeprefix("project:")


def define_meters(connection: Connection) -> None:
    """Registers the resources; defines their meters as at the beginning."""
    component = connection.execute("SELECT name FROM components WHERE id = 1").fetchone()[0]
    connection.execute(SAVE_SERVICE, ("service", "compute", component))
    for name in ("vm", "disk", "tokens", "calls", *METERS):
        most_debt = MOST_DEBTS.get(name, UNLIMITED)
        resource = Resource(0, name, "service", "compute", None, "", 0, 0, True, True, max_debt=most_debt)
        save_resource(connection, resource)
    for name, definition in METERS.items():
        save_definition(connection, name, definition)


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        database = database_at(path)
        database.open()
        with database.transaction() as connection:
            fill(connection)
        return path.read_bytes()


def make_database(path: Path) -> None:
    """A database with all tables and two components in it."""
    path.write_bytes(_empty())


def copy_as_crashed(path: Path, target: Path) -> None:
    """What a process that is killed now would leave behind: the file and its log, without closing them."""
    shutil.copyfile(path, target)
    log = Path(f"{path}-wal")
    if log.exists():
        shutil.copyfile(log, f"{target}-wal")


def write_limits(connection: Connection, limits: Mapping[Key, int]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    set_limits(connection, limits.items())
    connection.execute("COMMIT")
