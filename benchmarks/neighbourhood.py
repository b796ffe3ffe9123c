"""The database of `benchmarks.neighbours`: a quiet component, a loud one, and what both have left behind.

A module of its own that runs in a child process, because the service under test may be an older checkout,
with other tables: `python -m benchmarks.neighbourhood URL` makes a database with the source that it imports.
"""

import contextlib
import json
import sys

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import (
    ComponentEntry,
    ResourceEntry,
    ServiceEntry,
    Settings,
    StateDocument,
)
from astakos.projects.limits import project_holder, user_holder
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection
from benchmarks.population import LIMIT, QUANTITIES, user_entry, user_uuid

USERS = 1000
QUIET, QUIET_TOKEN = "compute", "token-of-the-component-compute"
LOUD, LOUD_TOKEN = "storage", "token-of-the-component-storage"
LOUD_RESOURCES = ("storage.disk", "storage.files", "storage.keys")
PASSWORD = "the password of the user number 0"
RESOLVED = 300_000
"""Commissions of the loud component in the history."""
PENDING = 100_000
"""Commissions of the loud component that are pending."""


def loud_keys() -> list[tuple[str, str | None, str]]:
    """Holder, source and resource of all holdings of the loud component's resources."""
    found: list[tuple[str, str | None, str]] = []
    for number in range(USERS):
        user, project = user_holder(user_uuid(number)), project_holder(user_uuid(number))
        for resource in LOUD_RESOURCES:
            found += [(user, project, resource), (project, None, resource)]
    return found


def make(url: str) -> None:
    """Makes the database."""
    database = database_of(url)
    database.open()
    with contextlib.closing(database):
        load(database, _document(), clock.now())
        with database.transaction() as connection:
            _leave_behind(connection, clock.now())


def _document() -> StateDocument:
    endpoint = {"versionId": "v2.0", "publicURL": "http://127.0.0.1/v2.0"}
    limits = dict.fromkeys((*QUANTITIES, *LOUD_RESOURCES), LIMIT)
    return StateDocument(
        settings=Settings(helpdesk=["helpdesk@example.org"]),
        components=[
            ComponentEntry(name=QUIET, token=QUIET_TOKEN),
            ComponentEntry(name=LOUD, token=LOUD_TOKEN),
        ],
        services=[
            ServiceEntry(name=name, type=name, component=name, endpoints=[endpoint]) for name in (QUIET, LOUD)
        ],
        resources=[
            *(ResourceEntry(name=name, service=QUIET) for name in QUANTITIES),
            *(ResourceEntry(name=name, service=LOUD) for name in LOUD_RESOURCES),
        ],
        users=[user_entry(number, limits, PASSWORD if number == 0 else None) for number in range(USERS)],
    )


def _leave_behind(connection: Connection, now: int) -> None:
    """Stores the loud component's commissions: rows that the service itself would take minutes to write."""
    (loud,) = connection.execute("SELECT id FROM components WHERE name = ?", (LOUD,)).fetchone()
    holdings = [
        identifier
        for (identifier,) in connection.execute(
            "SELECT id FROM holdings WHERE resource = ? AND source <> ''", (LOUD_RESOURCES[0],)
        )
    ]
    connection.executemany(
        "INSERT INTO resolved_commissions "
        "(component_id, serial, name, issue_time, resolve_time, verdict, provisions) "
        "VALUES (?, ?, '', ?, ?, 'ACCEPT', ?)",
        (
            (loud, serial, now, now, json.dumps([[holdings[serial % USERS], 0, 0, LIMIT, 0, 0]]))
            for serial in range(1, RESOLVED + 1)
        ),
    )
    connection.executemany(
        "INSERT INTO pending_commissions (component_id, serial, name, issue_time, provisions) "
        "VALUES (?, ?, '', ?, ?)",
        (
            (loud, serial, now, json.dumps([[holdings[serial % USERS], 0]]))
            for serial in range(RESOLVED + 1, RESOLVED + PENDING + 1)
        ),
    )
    connection.execute(
        "INSERT INTO settings (name, value) VALUES ('last_serial', ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (str(RESOLVED + PENDING),),
    )


if __name__ == "__main__":
    make(sys.argv[1])
