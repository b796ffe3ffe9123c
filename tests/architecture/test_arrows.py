"""The house of `docs/architecture.md`: which room may know of which, and what is done in one room only."""

import ast
import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from architecture.imports import Import, imports, modules, package_of

FLOORS = (
    ("__main__",),
    ("command",),
    ("cli",),
    ("assistant", "demo", "testing"),
    ("doctor", "metrics"),
    ("processes",),
    ("server",),
    ("http",),
    ("deliveries", "service"),
    ("administration",),
    ("storage",),
    ("pages", "projects"),
    ("directory", "events", "ledger"),
    ("counted_nouns", "distribution", "logs", "malformed_json", "tracing", "turns"),
    ("clock",),
)
"""From the top down: a room imports from floors below its own only."""

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
CHOICE_OF_GENERATION = ("astakosclient.client", "astakosclient.v0_16.later_client")
"""`AstakosClient` is the base class of the client that its arguments may choose."""


def within(package: str) -> Iterable[Import]:
    return [one for one in imports() if one.importer.partition(".")[0] == package]


def test_every_room_of_the_service_stands_on_a_floor() -> None:
    rooms = {package_of(name) for name in modules() if name.startswith("astakos.")}
    assert rooms == FLOOR_OF.keys()


def test_the_architecture_page_shows_the_same_floors() -> None:
    page = ARCHITECTURE.read_text("utf-8").partition("## Imports point one way")[2]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(FLOORS) + 1))
    assert [set(re.findall("`(.+?)`", rooms)) for _, rooms in rows] == [set(rooms) for rooms in FLOORS]


def test_arrows_of_the_service_go_down() -> None:
    upward = {
        (one.importer, one.imported)
        for one in within("astakos")
        if one.imported.startswith("astakos.")
        and (there := package_of(one.imported)) != (here := package_of(one.importer))
        and FLOOR_OF[there] <= FLOOR_OF[here]
    }
    assert not upward


def test_the_service_takes_only_the_wire_contract_and_the_lookups_of_names_from_the_client() -> None:
    allowed = {"astakosclient.answer_types", "astakosclient.http1.name_lookups"}
    apart = {"assistant", "cli", "demo", "testing"}
    taken = {
        one.imported
        for one in within("astakos")
        if one.imported.startswith("astakosclient") and package_of(one.importer) not in apart
    }
    assert taken == allowed


def test_the_client_knows_the_service_in_its_tests_face_only_and_only_when_that_is_used() -> None:
    found = {one.importer for one in within("astakosclient") if one.imported.partition(".")[0] == "astakos"}
    assert found == {"astakosclient.testing", "astakosclient.testing.fixtures"}
    assert all(
        one.for_types_only for one in within("astakosclient") if one.imported.partition(".")[0] == "astakos"
    )


@pytest.mark.parametrize("package", ["astakos", "astakosclient"])
def test_no_circle_of_imports(package: str) -> None:
    graph: dict[str, set[str]] = {}
    for one in within(package):
        if one.for_types_only or (one.importer, one.imported) == CHOICE_OF_GENERATION:
            continue
        # A package's own __init__ may gather what is below it.
        if one.imported != one.importer and one.imported in modules() and one.importer.count("."):
            graph.setdefault(one.importer, set()).add(one.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def importers_of(package: str, *names: str) -> Mapping[str, str]:
    """The modules of a package that import any of these, with what they import."""
    return {
        one.importer: one.imported
        for one in within(package)
        if not one.for_types_only
        and any(one.imported == name or one.imported.startswith(f"{name}.") for name in names)
    }


def test_databases_are_spoken_to_in_storage_only() -> None:
    speaking = importers_of("astakos", "sqlite3", "psycopg", "sqlalchemy", "alembic")
    assert {package_of(name) for name in speaking} == {"storage"}


def test_sql_is_written_in_storage_only() -> None:
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "PRAGMA ")
    found = set()
    for name, path in modules().items():
        if name.startswith("astakos.storage"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.startswith(verbs)
            ):
                found.add((name, node.value))
    assert not found


def test_the_sockets_of_the_client_are_in_http1_only() -> None:
    found = importers_of("astakosclient", "socket", "ssl", "select", "selectors")
    assert {name for name in found if not name.startswith("astakosclient.http1.")} == set()


def test_the_rules_know_no_storage_no_wire_no_clock() -> None:
    pure = ("astakos.ledger.rules", "astakos.projects.", "astakos.directory.")
    forbidden = {"time", "datetime", "socket", "asyncio", "sqlite3", "psycopg", "random"}
    found = {
        (one.importer, one.imported)
        for one in within("astakos")
        if one.importer.startswith(pure) and one.imported.partition(".")[0] in forbidden
    }
    assert not found


def test_the_client_needs_nothing_but_the_standard_library() -> None:
    import sys  # noqa: PLC0415 - its list is all that is wanted

    apart = (
        "astakosclient.adapters.",
        "astakosclient.litellm",
        "astakosclient.telemetry",
        "astakosclient.testing.fixtures",
    )
    others = {
        (one.importer, one.imported)
        for one in within("astakosclient")
        if not one.importer.startswith(apart)
        and not one.for_types_only
        and one.imported.partition(".")[0] not in {*sys.stdlib_module_names, "astakosclient"}
    }
    # Only for host names that need it; without it they are refused.
    assert others == {("astakosclient.core.hosts", "idna")}
