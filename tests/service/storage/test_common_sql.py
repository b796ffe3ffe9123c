"""All SQL for servers is common to PostgreSQL, CockroachDB and YugabyteDB."""

import functools
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest

from astakos import storage
from astakos.ledger.operations import Verdict
from astakos.projects.project import ProjectState
from astakos.projects.visibility import Mode
from astakos.storage.postgresql.pipeline import Statement
from astakos.storage.postgresql.postgresql_transfer import continuations
from astakos.storage.schema.definition.all_tables import creation_statements, metadata
from astakos.storage.schema.whole_tables import whole_tables
from astakos.storage.tables.history import Position, Wanted, read_history
from astakos.storage.tables.project_lists import Filters, Viewer, read_projects
from service.storage.common_sql import refusals

# What there is of tables and indexes, each database tells in its own way.
NOT_FOR_SERVERS = (
    "astakos.storage.sqlite",
    "astakos.storage.schema.migrations",
    "astakos.storage.schema.structure",
)
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT|ROLLBACK|CREATE|ALTER|DROP|LOCK)\b")


def written_statements() -> Iterator[tuple[str, str]]:
    """Name and text of all statements that stand in modules for servers."""
    for module in pkgutil.walk_packages(storage.__path__, "astakos.storage."):
        if module.ispkg or module.name.startswith(NOT_FOR_SERVERS):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Statement):
                yield f"{module.name}.{name}", value.sql.decode()
            elif isinstance(value, str) and name.isupper() and SQL.match(value):
                yield f"{module.name}.{name}", value


@functools.cache
def written() -> Mapping[str, str]:
    return dict(written_statements())


class Recorder:
    """A connection that finds nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, statement: str, _parameters: Sequence[Any] = (), /) -> "Recorder":
        self.statements.append(statement)
        return self

    def executemany(self, statement: str, _rows: object, /) -> None:
        self.statements.append(statement)

    def fetchone(self) -> Any:
        return (False,)

    def fetchall(self) -> list[Any]:
        return [(1, "compute")] if "components" in self.statements[-1] else []

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def close(self) -> None: ...


def test_there_are_statements_to_look_at() -> None:
    assert len(written()) > 60
    assert "astakos.storage.postgresql.statements.MOVE_TO_RESOLVED" in written()


def test_statements_that_are_written() -> None:
    refused = {name: found for name, statement in written().items() if (found := refusals(statement))}
    assert refused == {}


def test_statements_that_make_tables() -> None:
    for statement in creation_statements("postgresql"):
        assert refusals(statement) == []


def test_statements_that_move_whole_tables() -> None:
    assert len(continuations(metadata.tables)) > 5
    for statement in continuations(metadata.tables):
        assert refusals(statement) == []
    for table in whole_tables():
        for statement in (
            table.counting,
            table.first_page,
            table.next_page,
            table.looking,
            table.inserting,
        ):
            assert refusals(statement) == []


def test_statements_that_are_put_together() -> None:
    recorder = Recorder()
    every: dict[str, Any] = {
        "component": 1, "holder": "h", "source": "", "resource": "r", "serial": 1, "since": 1, "until": 2,
        "verdict": Verdict.ACCEPT, "before": Position(5, 1),
    }  # fmt: skip
    assert set(every) == {field.name for field in fields(Wanted)}
    for name, value in every.items():
        read_history(recorder, replace(Wanted(), **{name: value}), 10)
    read_history(recorder, Wanted(**every), 10)
    assert any("commission_holders" in statement for statement in recorder.statements)
    for statement in recorder.statements:
        assert refusals(statement) == []


@pytest.mark.parametrize("mode", Mode)
def test_statements_that_list_projects(mode: Mode) -> None:
    recorder = Recorder()
    filters = Filters(mode, name="n", state=ProjectState.ACTIVE, owner="o")
    for is_admin in (True, False):
        viewer = Viewer(1, "u", is_project_admin=is_admin)
        assert list(read_projects(recorder, viewer, filters, after="u", most=10)) == []
    assert len(recorder.statements) == 4
    for statement in recorder.statements:
        assert refusals(statement) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT pg_try_advisory_lock(1)",
        "LISTEN changes",
        "NOTIFY changes",
        "LOCK TABLE users",
        "SELECT ctid FROM users",
        "SELECT xmin FROM users",
        "SELECT * FROM pg_class",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT lastval()",
        "SELECT name FROM users WHERE name ~ 'a'",
        "SELECT row_number() OVER (ORDER BY id) FROM users",
        "SELECT * FROM users TABLESAMPLE SYSTEM (1)",
        "SELECT data->>'a' FROM endpoints",
        "SELECT greatest(1, 2)",
        "CREATE TABLE a (b hstore)",
        "CREATE TABLE a (b money)",
        "CREATE UNLOGGED TABLE a (b bigint)",
        "CREATE FUNCTION f() RETURNS int AS 'select 1' LANGUAGE sql",
        "CREATE TABLE a (b bigint) INHERITS (c)",
        "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE",
        "COPY users FROM STDIN",
        "DO $$ BEGIN END $$",
        "SELECT 1; SELECT 2",
        "CREATE INDEX i ON a USING gin (b)",
    ],
)
def test_what_is_not_common_is_refused(statement: str) -> None:
    assert refusals(statement) != []
