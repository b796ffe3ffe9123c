"""Everything that an installation holds goes to another database, or nothing does."""

import contextlib
import hashlib
import io
import json
import stat
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astakos.administration.archive import load_archive, open_archive, write_archive
from astakos.administration.grants import GrantPlace, Terms, add_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument, StateError, UserEntry
from astakos.directory.api_keys import ApiKey
from astakos.directory.attempt_limits import Attempt
from astakos.directory.password_links import LinkPurpose
from astakos.directory.tokens import token_hash
from astakos.events.event import OPERATOR, Event
from astakos.ledger.batch import perform
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.operations import Idempotency, Issue, Issued, Operation, Resolve, Settle
from astakos.ledger.periods import Unit
from astakos.ledger.ports import StorageUnavailableError
from astakos.ledger.rules import UNLIMITED, Key, Provision
from astakos.projects.invitations import Invitation
from astakos.projects.project import Application, ApplicationState, Capacity
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.schema.definition.all_tables import metadata
from astakos.storage.schema.revisions import REVISION
from astakos.storage.schema.whole_tables import AT_A_TIME, LEFT_OUT
from astakos.storage.tables import (
    api_keys,
    component_tokens,
    deliveries,
    destinations,
    events,
    feedback,
    invitations,
    login_attempts,
    oauth2,
    password_links,
    project_applications,
    sessions,
    temporary_tokens,
)
from astakos.storage.tables.api_keys import Secret
from astakos.storage.tables.component_tokens import ComponentToken
from astakos.storage.tables.proofs import TokenProof
from astakos.storage.tables.temporary_tokens import TemporaryToken
from lengths import length
from service.engines import POSTGRESQL, SQLITE, Engine, PostgreSQLEngine, SQLiteEngine
from service.installation import all_rows, database_at, rows, set_limits
from service.world import ALICE, BOB, LAB, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.every_engine

COMPUTE, STORAGE = 1, 2
SECOND = 1_000_000
VAST = Key("user:größe–×", "project:größe", "storage.space")
INSERT_HOLDER = "INSERT INTO commission_holders (holder, serial, component_id) VALUES (?, ?, ?)"


@pytest.fixture
def engines(sqlite_engine: SQLiteEngine, postgresql_engine: PostgreSQLEngine) -> dict[str, Engine]:
    return {SQLITE: sqlite_engine, POSTGRESQL: postgresql_engine}


def do(database: Database, operation: Operation, now: int = LOADED) -> int:
    with contextlib.closing(ledger_storage(database)) as ledger:
        (outcome,) = perform(ledger, [operation], now)
    return outcome.serial if isinstance(outcome, Issued) else 0


def live(database: Database) -> None:
    """Lets there be rows of every kind."""
    daily = ResourceEntry(name=f"{VM}/day", service="compute_api", meter=MeterDefinition(unit=Unit.DAY))
    load(database, StateDocument(resources=[daily]), LOADED)
    charges = Provision(member_key(ALICE), 1), Provision(project_key(), 1)
    pending = do(database, Issue(COMPUTE, charges, "Größe – ×\n\U0001f426"))
    do(database, Issue(COMPUTE, charges, time_to_live=10**15))
    soon = do(database, Issue(STORAGE, charges, time_to_live=SECOND))
    key = Idempotency("ein Schlüssel", hashlib.sha256(b"x").digest())
    accepted, rejected, settled = (
        do(database, Issue(COMPUTE, charges, idempotency=key._replace(key=f"{key.key}{number}")))
        for number in range(3)
    )
    do(database, Resolve(COMPUTE, frozenset([accepted]), frozenset([rejected])), LOADED + 2 * SECOND)
    do(database, Settle(COMPUTE, settled, (Provision(member_key(ALICE), 0),)), LOADED + 3 * SECOND)
    with database.transaction() as connection:
        set_limits(connection, [(VAST, UNLIMITED)])
        sessions.begin(connection, 1, b"\x00secret", b"token\xff", LOADED, LOADED + SECOND)
        sessions.remember_browser(connection, 1, b"browser", LOADED, LOADED + SECOND)
        login_attempts.count(connection, Attempt("ü", ip_address("2001:db8::1")), LOADED)
        code = oauth2.Code(b"code", "viewer", ALICE.uuid, "https://a.example", "ü", None, LOADED + SECOND, 1)
        oauth2.add_code(connection, code, LOADED)
        feedback.save(connection, 1, LOADED, 'Größe "–" \\ ×\t\r\n\U0001f426', "{}")
        temporary = TemporaryToken(token_hash("t"), 1, None, "password", LOADED, LOADED + SECOND)
        assert temporary_tokens.add(connection, temporary, TokenProof(token_hash(ALICE.token)))
        whole = Application(
            0, LAB, ALICE.uuid, ApplicationState.DENIED, LOADED, resources={"compute.vm": Capacity(4, 2)}
        )
        project_applications.add(connection, whole)
        event = events.record(connection, Event("project.denied", OPERATOR, LAB, before={"größe": 1}), LOADED)
        hook = destinations.Destination(
            "hook", "https://hook.example", ("project.denied",), 1, None, LOADED, event
        )
        destinations.add(connection, hook)
        deliveries.plan(connection, hook.name, [(event, "größe")], LOADED)
        invitations.add(connection, Invitation(0, LAB, 9, 0, LOADED, LOADED + SECOND, None), b"\xffcode")
        made = api_keys.add(connection, 1, ApiKey(0, "astk_abcdefgh", "ü", calls=(), networks=("::1",)))
        api_keys.add_secret(connection, made, Secret(b"\x00key\xff", LOADED, None))
        component_tokens.save(connection, 1, ComponentToken("blue", b"\x00blue", LOADED, None))
        password_links.add(connection, 1, b"\x00link", LinkPurpose.RECOVERY, LOADED, LOADED + SECOND, None)
        alert = (1, "threshold", 80, LOADED, LOADED, LOADED, 4, 5, None)
        connection.execute("INSERT INTO quota_alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", alert)
        connection.execute("INSERT INTO closed_periods VALUES (1, ?, ?, 5, ?, 'ü')", (LOADED, LOADED, LOADED))
        connection.execute("INSERT INTO rollovers VALUES (1, ?, 5)", (LOADED,))
        with Journal(connection, OPERATOR, LOADED) as journal:
            terms = Terms(5, LOADED, lifts=(daily.name,), note="größer")
            add_grant(connection, journal, GrantPlace(ALICE.uuid, None, VM), terms, LOADED)
    largest = do(database, Issue(STORAGE, (Provision(VAST, UNLIMITED),)))
    assert 0 < pending < soon < settled < largest


def archived(database: Database) -> bytes:
    stream = io.BytesIO()
    write_archive(database, stream, LOADED, lambda _done, _total: None)
    return stream.getvalue()


def put(database: Database, content: bytes) -> None:
    stream = io.BytesIO(content)
    archive = open_archive(stream.readline(), stream, "a.archive")
    load_archive(database, archive, lambda _done, _total: None)


def refusal(database: Database, content: bytes) -> str:
    """Loads what must be refused and must leave a new installation as it is; returns why."""
    before = all_rows(database)
    with pytest.raises(StateError) as caught:
        put(database, content)
    assert all_rows(database) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def sealed(*lines: bytes) -> bytes:
    """Lines with a trailer that fits them."""
    content = b"".join(lines)
    count = sum(len(json.loads(line)[1]) for line in lines[1:])
    trailer = {"rows": count, "sha256": hashlib.sha256(content).hexdigest()}
    return content + json.dumps(trailer).encode() + b"\n"


def changed(content: bytes, change: Callable[[dict[str, list[list[object]]]], None]) -> bytes:
    """An archive with other rows that is whole nevertheless."""
    header, *batches, _ = content.splitlines(keepends=True)
    tables: dict[str, list[list[object]]] = {}
    for name, batch in map(json.loads, batches):
        tables.setdefault(name, []).extend(batch)
    change(tables)
    document = json.loads(header)
    for part in document["tables"]:
        part["rows"] = len(tables.get(part["name"], []))
    lines = (json.dumps([name, table]).encode() + b"\n" for name, table in tables.items())
    return sealed(json.dumps(document, separators=(",", ":")).encode() + b"\n", *lines)


@pytest.fixture
def lived(database: Database) -> Database:
    live(database)
    return database


def moving(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows but those that stay."""
    return {name: table for name, table in all_rows(database).items() if name not in LEFT_OUT}


@pytest.mark.parametrize("kind", [SQLITE, POSTGRESQL])
def test_nothing_is_lost_there_and_back_and_the_ledger_goes_on_in_both_places(
    engines: dict[str, Engine], lived: Database, empty: Database, kind: str, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    there = engines[kind].new(tmp_path / "there")
    there.open()
    content = archived(lived)
    put(there, content)
    assert archived(there) == content
    put(empty, archived(there))
    assert moving(empty) == moving(lived)
    for database in (there, empty):
        goes_on(database, json.loads(content.splitlines()[0])["last_serial"])
    engines[kind].discard(there)


def goes_on(database: Database, last_serial: int) -> None:
    """Checks that what is new gets a serial, and ids, that nothing had."""
    used = {serial for (serial,) in rows(database, "SELECT serial FROM resolved_commissions")}
    assert used
    assert do(database, Issue(COMPUTE, ())) == last_serial + 1
    newcomer = UserEntry(uuid="0000000f-0000-4000-8000-00000000000f", email="new@example.org")
    load(database, StateDocument(users=[newcomer]), LOADED)
    (known,) = rows(database, "SELECT id FROM users WHERE uuid = ?", newcomer.uuid)
    assert rows(database, "SELECT max(id) FROM users") == [known]
    with database.transaction() as connection:
        feedback.save(connection, 1, LOADED, "again", "{}")
    assert len(all_rows(database)["feedback"]) == 2


def test_there_are_rows_in_every_table(lived: Database) -> None:
    header, *batches, _ = map(json.loads, archived(lived).splitlines())
    counted = {part["name"]: part["rows"] for part in header["tables"]}
    assert set(counted) == set(metadata.tables) - LEFT_OUT
    assert all(counted.values()), counted
    found = dict.fromkeys(counted, 0)
    for name, batch in batches:
        found[name] += len(batch)
    assert found == counted


def test_a_serial_whose_commission_is_gone_is_not_given_again(lived: Database, empty: Database) -> None:
    last = do(lived, Issue(COMPUTE, ()))
    for table in ("commission_holders", "pending_commissions", "resolved_commissions", "idempotency_keys"):
        rows(lived, f"DELETE FROM {table}")
    put(empty, archived(lived))
    assert do(empty, Issue(COMPUTE, ())) == last + 1


def test_an_installation_in_which_there_is_nothing_moves_as_well(empty: Database) -> None:
    before = all_rows(empty)
    content = archived(empty)
    put(empty, content)
    assert all_rows(empty) == before
    assert do(empty, Issue(COMPUTE, ())) == 1


def test_tables_of_many_pages_are_moved_whole(lived: Database, empty: Database) -> None:
    with lived.transaction() as connection:
        connection.executemany(
            INSERT_HOLDER, [(f"user:{number}", 1, COMPUTE) for number in range(2 * AT_A_TIME + 5)]
        )
    told: list[tuple[int, int]] = []
    stream = io.BytesIO()
    header = write_archive(lived, stream, LOADED, lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (header.rows, header.rows)
    put(empty, stream.getvalue())
    assert moving(empty) == moving(lived)


def test_an_archive_shows_one_moment_while_the_service_goes_on(lived: Database, empty: Database) -> None:
    before = moving(lived)
    stream = io.BytesIO()

    def go_on(_done: int, _total: int) -> None:
        do(lived, Issue(COMPUTE, (Provision(member_key(BOB), 1),)))

    write_archive(lived, stream, LOADED, go_on)
    assert moving(lived) != before
    put(empty, stream.getvalue())
    assert {**moving(empty), "settings": []} == {**before, "settings": []}


def test_what_is_cut_off_is_refused_wherever_it_ends(lived: Database, empty: Database) -> None:
    content = archived(lived)
    lines = content.splitlines(keepends=True)
    ends = [sum(map(len, lines[: number + 1])) for number in range(len(lines) - 1)]
    for end in (*ends[:: length(1, 4)], ends[0] - 5, ends[5] + 9, len(content) - 20, len(content) - 1):
        assert refusal(empty, content[:end]) == "a.archive is truncated: its end is missing"
    put(empty, content)
    assert moving(empty) == moving(lived)


def test_what_was_changed_is_refused(lived: Database, empty: Database) -> None:
    content = archived(lived)
    header, *batches, trailer = content.splitlines(keepends=True)
    checksum = "a.archive is damaged: its checksum does not match"
    assert refusal(empty, content.replace(b"Builder", b"Burglar")) == checksum
    assert refusal(empty, header + b"".join(batches[1:]) + trailer).startswith(
        ("a.archive is damaged", "rows of")
    )
    assert (
        refusal(empty, sealed(header, *batches[:-1]))
        == "a.archive is damaged: its number of rows does not match its header"
    )
    assert refusal(empty, content + b"x").startswith(
        "a.archive is damaged: it continues after its last line "
    )
    assert refusal(empty, content.replace(b'["users",', b'["birds",', 1)).startswith(
        "a.archive is damaged in line "
    )
    assert "in line 2: " in refusal(empty, header + b"nonsense\n" + content)


def with_header(content: bytes, **values: object) -> bytes:
    header, rest = content.split(b"\n", 1)
    return json.dumps({**json.loads(header), **values}, separators=(",", ":")).encode() + b"\n" + rest


def test_an_archive_of_other_tables_is_refused_and_says_what_to_do(lived: Database, empty: Database) -> None:
    content = archived(lived)
    new = refusal(empty, with_header(content, revision="0999"))
    assert "revision 0999" in new
    assert f"revision {REVISION}; use the version that wrote it" in new
    assert "format 2" in refusal(empty, with_header(content, version=2))
    assert f"the tables of revision {REVISION}" in refusal(empty, with_header(content, tables=[]))
    assert "in line 1: " in refusal(empty, with_header(content, birds=1))


def test_only_a_new_database_is_filled(lived: Database, empty: Database) -> None:
    content = archived(lived)
    before = all_rows(lived)
    with pytest.raises(StateError, match=r"is already in use: it contains .*; load an archive into a new"):
        put(lived, content)
    assert all_rows(lived) == before
    put(empty, content)
    with pytest.raises(StateError, match="is already in use"):
        put(empty, content)
    assert moving(empty) == moving(lived)


def drop_component(tables: dict[str, list[list[object]]]) -> None:
    tables["components"].pop(0)


def repeat_user(tables: dict[str, list[list[object]]]) -> None:
    tables["users"].append([99, *tables["users"][0][1:]])


def contradict(tables: dict[str, list[list[object]]]) -> None:
    usage_min, usage_max = 5, 4
    tables["holdings"][0][5:7] = [usage_min, usage_max]


@pytest.mark.parametrize(
    ("last_serial", "reason"),
    [
        (-1, "`int` >= 0"),
        (0, "is larger than the last one in the header, 0"),
        (2**63 - 1, f"`int` <= {2**62}"),
        (2**63, f"`int` <= {2**62}"),
    ],
)
def test_no_serial_can_be_given_twice_and_there_is_room_for_more(
    lived: Database, empty: Database, last_serial: int, reason: str
) -> None:
    lines = with_header(archived(lived), last_serial=last_serial).splitlines(keepends=True)
    assert reason in refusal(empty, sealed(*lines[:-1]))


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("table", ["users", "events", "pending_commissions"])
def test_what_is_new_has_room_behind_the_numbers_of_an_archive(
    lived: Database, empty: Database, table: str
) -> None:
    def spoil(tables: dict[str, list[list[object]]]) -> None:
        tables[table][0][0] = 2**63 - 1

    assert f"`int` <= {2**62}" in refusal(empty, changed(archived(lived), spoil))


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("change", "table"),
    [(drop_component, "component_tokens"), (repeat_user, "users"), (contradict, "holdings")],
)
def test_rows_that_contradict_each_other_are_refused_without_their_values(
    lived: Database,
    empty: Database,
    change: Callable[[dict[str, list[list[object]]]], None],
    table: str,
) -> None:
    reason = refusal(empty, changed(archived(lived), change))
    assert reason.startswith(f"rows of {table} cannot be stored: ")
    assert "example.org" not in reason


def test_values_that_a_column_can_not_hold_are_refused_by_line(lived: Database, empty: Database) -> None:
    content = archived(lived)
    for column, value in [(0, 2**63), (0, "1"), (1, None), (6, 2), (6, True), (13, "no base64!")]:

        def spoil(tables: dict[str, list[list[object]]], column: int = column, value: object = value) -> None:
            tables["users"][0][column] = value

        reason = refusal(empty, changed(content, spoil))
        assert reason.startswith("a.archive is damaged in line "), (column, value)


def test_a_text_that_a_server_can_not_store_is_refused_in_one_line(
    engine: Engine, lived: Database, empty: Database
) -> None:
    def spoil(tables: dict[str, list[list[object]]]) -> None:
        tables["users"][0][4] = "\0"

    content = changed(archived(lived), spoil)
    if engine.name == POSTGRESQL:
        assert refusal(empty, content).startswith("rows of users cannot be stored: ")
    else:
        put(empty, content)
        assert rows(empty, "SELECT count(*) FROM users WHERE first_name = ?", "\0") == [(1,)]


def test_while_others_work_on_it_a_database_is_not_filled(
    lived: Database, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("astakos.storage.sqlite.sqlite_database.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("astakos.storage.postgresql.connection.OPTIONS", "-c lock_timeout=50ms")
    content = archived(lived)
    before = all_rows(empty)
    with empty.transaction(), pytest.raises(StorageUnavailableError, match="now"):
        put(empty, content)
    assert all_rows(empty) == before
    put(empty, content)
    assert moving(empty) == moving(lived)


def test_a_file_is_as_before_for_others_once_it_is_filled_or_refused(lived: Database, tmp_path: Path) -> None:
    content = archived(lived)
    target = database_at(tmp_path / "target.db")
    for end in (-20, None):
        with contextlib.suppress(StateError):
            put(target, content[:end])
        assert rows(target, "PRAGMA journal_mode") == [("wal",)]
        assert stat.S_IMODE(target.path.stat().st_mode) == 0o600
        assert not target.path.with_name("target.db-journal").exists()


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
IDS = st.integers(-(2**63), 2**62)
SERIALS = st.integers(-(2**63), 0)
"""Those that an installation without commissions can have given."""


@pytest.fixture
def pair(engine: Engine, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    found = []
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
        database = engine.new(tmp_path / name)
        database.open()
        found.append(database)
    yield found[0], found[1]
    for database in found:
        engine.discard(database)


@settings(max_examples=25)
@given(keys=st.dictionaries(st.tuples(IDS, TEXTS), st.tuples(st.binary(), SERIALS, NUMBERS), max_size=20))
def test_any_value_comes_out_as_it_went_in(
    pair: tuple[Database, Database], keys: dict[tuple[int, str], tuple[bytes, int, int]]
) -> None:
    source, target = pair
    for database in pair:
        rows(database, "DELETE FROM idempotency_keys")
    with source.transaction() as connection:
        connection.executemany(
            "INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time) "
            "VALUES (?, ?, ?, ?, ?)",
            [(*key, *values) for key, values in keys.items()],
        )
    put(target, archived(source))
    assert all_rows(target) == all_rows(source)
    assert len(all_rows(target)["idempotency_keys"]) == len(keys)
