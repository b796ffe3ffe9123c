"""Applications to create and to change projects."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from astakos.projects.project import Application, ApplicationState, Capacity, Policy
from astakos.storage.protocol import Connection

LARGEST_NUMBER = 2**63 - 1
FIELDS = (
    "state",
    "submitted",
    "name",
    "owner",
    "homepage",
    "description",
    "comments",
    "start_date",
    "end_date",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
    "resources",
)
SELECT = f"""
SELECT a.id, p.uuid, u.uuid, {", ".join(f"a.{name}" for name in FIELDS)}
FROM project_applications a JOIN projects p ON p.id = a.project_id JOIN users u ON u.id = a.user_id
"""
FIND = f"{SELECT} WHERE a.id = ?"
FIND_LAST = f"{SELECT} WHERE p.uuid = ? ORDER BY a.id DESC LIMIT 1"
LIST_PENDING = f"{SELECT} WHERE p.uuid = ? AND a.state = 'pending' ORDER BY a.id"
ADD = f"""
INSERT INTO project_applications (project_id, user_id, {", ".join(FIELDS)})
SELECT p.id, u.id, {", ".join("?" * len(FIELDS))} FROM projects p, users u
WHERE p.uuid = ? AND u.uuid = ? RETURNING id
"""
COUNT_PENDING = """
SELECT COUNT(*) FROM users u JOIN project_applications a ON a.user_id = u.id
WHERE u.uuid = ? AND a.state = 'pending'
"""
SET_STATE = "UPDATE project_applications SET state = ? WHERE id = ?"


def find(connection: Connection, identifier: int) -> Application | None:
    """Finds an application by its number."""
    if not 0 < identifier <= LARGEST_NUMBER:
        return None
    return _found(connection.execute(FIND, (identifier,)).fetchone())


def find_last(connection: Connection, project: str) -> Application | None:
    """Returns the last application of a project, the only one that can be decided; None if it has none."""
    return _found(connection.execute(FIND_LAST, (project,)).fetchone())


def pending_of(connection: Connection, project: str) -> list[Application]:
    """Lists the pending applications of a project."""
    return [read_application(row) for row in connection.execute(LIST_PENDING, (project,))]


def count_pending(connection: Connection, applicant: str) -> int:
    """Counts the pending applications of a user, by uuid."""
    (number,) = connection.execute(COUNT_PENDING, (applicant,)).fetchone()
    return int(number)


def add(connection: Connection, application: Application) -> Application:
    """Stores an application of an existing user for an existing project; returns it with its number."""
    values = [getattr(application, name) for name in FIELDS]
    values[-1] = json.dumps(application.resources, sort_keys=True)
    row = connection.execute(ADD, (*values, application.project, application.applicant)).fetchone()
    return replace(application, id=row[0])


def set_state(connection: Connection, identifier: int, state: ApplicationState) -> None:
    """Sets the state of an application."""
    connection.execute(SET_STATE, (state, identifier))


def _found(row: tuple[Any, ...] | None) -> Application | None:
    return None if row is None else read_application(row)


def read_application(row: tuple[Any, ...]) -> Application:
    """Returns the application in a row of `SELECT`."""
    fields: dict[str, Any] = dict(zip(("id", "project", "applicant", *FIELDS), row, strict=True))
    fields["state"] = ApplicationState(fields["state"])
    for policy in ("join_policy", "leave_policy"):
        fields[policy] = None if fields[policy] is None else Policy(fields[policy])
    fields["private"] = None if fields["private"] is None else bool(fields["private"])
    fields["resources"] = _capacities(json.loads(fields["resources"]))
    return Application(**fields)


def _capacities(document: Mapping[str, list[int]]) -> dict[str, Capacity]:
    return {name: Capacity(*figures) for name, figures in document.items()}
