"""Lists of projects are found by indexes, whatever else there is."""

from collections.abc import Sequence
from typing import Any

import pytest

from astakos.projects.visibility import Mode
from astakos.storage.protocol import Database, Rows
from astakos.storage.tables.project_lists import Filters, Viewer, read_projects
from service.world import ALICE, LAB

USER = Viewer(1, ALICE.uuid, is_project_admin=False)
ADMINISTRATOR = Viewer(1, ALICE.uuid, is_project_admin=True)


class Explaining:
    """A connection that remembers how the database finds the rows of each statement."""

    def __init__(self, database: Database) -> None:
        self._connection = database.reader()
        self.plans: list[str] = []

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        self.plans += [step[3] for step in plan]
        return self._connection.execute(statement, parameters)

    def executemany(self, statement: str, rows: object, /) -> object:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("viewer", "filters"),
    [
        *((USER, Filters(mode)) for mode in Mode),
        (ADMINISTRATOR, Filters()),
        (ADMINISTRATOR, Filters(owner=ALICE.uuid)),
        (ADMINISTRATOR, Filters(name="lab.example.org")),
    ],
)
def test_no_table_is_looked_through(database: Database, viewer: Viewer, filters: Filters) -> None:
    connection = Explaining(database)
    found = list(read_projects(connection, viewer, filters, most=1000))
    assert LAB in {listed.project.uuid for listed in found}
    whole = [step for step in connection.plans if step.startswith("SCAN") and "USING" not in step]
    # Of resources there are few.
    assert set(whole) <= {"SCAN r"}
    assert any(step.startswith("SEARCH project") for step in connection.plans) or viewer is ADMINISTRATOR
