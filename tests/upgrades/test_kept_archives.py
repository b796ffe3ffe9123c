"""What earlier versions have written is read by this one: their archives, and databases with their tables."""

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from astakos.administration.archive import load_archive, open_archive
from astakos.administration.older_archives import fill
from astakos.administration.state_document import StateError
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Resolve, Resolved
from astakos.ledger.rules import Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.schema.migration import migrate
from service.installation import all_rows, rows
from service.world import ALICE, LOADED, member_key, project_key

pytestmark = pytest.mark.every_engine

KEPT = sorted(Path(__file__).with_name("kept").glob("*.archive"))
"""Archives that earlier revisions have written, with rows in every table (`tools/keep_archive.py`)."""
FACTS: Mapping[str, Sequence[str]] = {
    "users": ("uuid", "email", "token_hash", "password_hash", "is_active"),
    "projects": ("uuid", "name", "state"),
    "holdings": ("holder", "source", "resource", "limit", "usage_min", "usage_max", "settled"),
    "pending_commissions": ("component_id", "serial", "name", "expires", "provisions"),
    "resolved_commissions": ("component_id", "serial", "verdict", "provisions"),
    "idempotency_keys": ("component_id", "key", "fingerprint", "serial"),
    "api_keys": ("prefix", "name"),
    "grants": ("number", "base_id", "expires", "state"),
    "events": ("id", "kind", "time"),
}
"""What every later version has, and must not have changed."""

Facts = Mapping[str, list[tuple[Any, ...]]]


def archived_facts(content: bytes) -> Facts:
    header, *batches, _ = map(json.loads, content.splitlines())
    columns = {part["name"]: part["columns"] for part in header["tables"]}
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in FACTS}
    for name, batch in batches:
        if name in FACTS:
            places = [columns[name].index(column) for column in FACTS[name]]
            found[name] += [tuple(row[place] for place in places) for row in batch]
    return {name: sorted(table, key=repr) for name, table in found.items()}


def stored_facts(database: Database) -> Facts:
    found = {}
    for name, columns in FACTS.items():
        quoted = ", ".join(f'"{column}"' for column in columns)
        found[name] = sorted(map(comparable, rows(database, f"SELECT {quoted} FROM {name}")), key=repr)
    return found


def comparable(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row as in archives, which are JSON."""
    return tuple(json.loads(encoded(value)) for value in row)


def encoded(value: Any) -> bytes:
    return msgspec.json.encode(int(value) if isinstance(value, bool) else value)


def put(database: Database, content: bytes) -> None:
    stream = io.BytesIO(content)
    load_archive(database, open_archive(stream.readline(), stream, "a.archive"), lambda *_: None)


def goes_on(database: Database, content: bytes) -> None:
    """Checks that what was pending is accepted, and what is new gets a serial that nothing had."""
    header = json.loads(content.splitlines()[0])
    (found,) = rows(database, "SELECT component_id, serial FROM pending_commissions ORDER BY serial LIMIT 1")
    component, serial = int(str(found[0])), int(str(found[1]))
    with contextlib.closing(ledger_storage(database)) as ledger:
        charge = Provision(member_key(ALICE), 1), Provision(project_key(), 1)
        resolved, issued = perform(
            ledger, [Resolve(component, accept=frozenset([serial])), Issue(component, charge)], LOADED
        )
    assert isinstance(resolved, Resolved)
    assert list(resolved.accepted) == [serial]
    assert isinstance(issued, Issued)
    assert issued.serial > header["last_serial"]


@pytest.fixture(params=KEPT, ids=[path.stem for path in KEPT])
def kept(request: pytest.FixtureRequest) -> bytes:
    path: Path = request.param
    return path.read_bytes()


def test_an_older_archive_is_loaded(kept: bytes, empty: Database) -> None:
    put(empty, kept)
    assert stored_facts(empty) == archived_facts(kept)
    goes_on(empty, kept)


def test_an_older_database_is_migrated(kept: bytes, new: Database) -> None:
    stream = io.BytesIO(kept)
    fill(new, open_archive(stream.readline(), stream, "a.archive"), lambda *_: None)
    migrate(new)
    new.open(create=False)
    assert stored_facts(new) == archived_facts(kept)
    goes_on(new, kept)


def test_an_older_archive_that_is_damaged_changes_nothing(empty: Database) -> None:
    content = KEPT[0].read_bytes()
    header, *lines = content.splitlines(keepends=True)
    revision = json.loads(header)["revision"].encode()
    before = all_rows(empty)
    for damaged, told in (
        (content[:-100], "is truncated"),
        (b"".join([header, *lines[1:]]), "is damaged"),
        (header.replace(revision, b"00-1") + b"".join(lines), "there is no revision '00-1'"),
        (header.replace(revision, b"0001") + b"".join(lines), "does not have the tables of revision 0001"),
    ):
        with pytest.raises(StateError, match=told):
            put(empty, damaged)
        assert all_rows(empty) == before
