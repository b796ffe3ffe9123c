"""From the tables of each revision to the newest, on every kind of database, without a loss."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from astakos.administration.dump import dump
from astakos.administration.load import load
from astakos.administration.state_document import StateDocument
from astakos.directory.service_catalog import OWN_COMPONENT
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued
from astakos.ledger.ports import StorageUnavailableError
from astakos.ledger.rules import Holding
from astakos.storage.errors import DatabaseError
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.schema import engines, migration
from astakos.storage.schema.migration import migrate, upgrade
from astakos.storage.schema.migration_steps import SCRIPTS, all_steps
from astakos.storage.schema.revisions import FIRST_REVISION, REVISION
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import astakos, created, refused
from service.engines import Engine
from service.installation import all_rows, holdings, rows
from service.storage.inspection import structure
from service.stored import settled_sums, stored_commissions, stored_sums
from service.world import ALICE, BOB, CHLOE, CLOSED, HALTED, LAB, LOADED, world

pytestmark = pytest.mark.every_engine

FILLED = Path(__file__).with_name("revision_0001.json")
"""All rows of an installation of revision 0001: the world, with commissions pending and resolved."""


def fill_0001(database: Database) -> dict[str, list[list[Any]]]:
    """Makes a database of revision 0001 with rows in every table; returns these."""
    upgrade(database, FIRST_REVISION)
    tables: dict[str, Any] = json.loads(FILLED.read_text())
    with database.transaction() as connection:
        for name, table in tables.items():
            columns = ", ".join(f'"{column}"' for column in table["columns"])
            places = ", ".join("?" * len(table["columns"]))
            connection.executemany(
                f"INSERT INTO {name} ({columns}) VALUES ({places})",
                [[restored(value) for value in row] for row in table["rows"]],
            )
    return {name: table["rows"] for name, table in tables.items()}


def restored(value: Any) -> Any:
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


def declared(database: Database) -> StateDocument:
    """The state of a database but for what is made anew: a hash, and what the service itself offers."""
    document = dump(database)
    document.services = [service for service in document.services if service.component != OWN_COMPONENT]
    for user in document.users:
        user.password_hash = None
    return document


def without_a_version_table(database: Database) -> None:
    """Makes a database of the first revision look as before there were migrations."""
    rows(database, "DROP TABLE alembic_version")
    rows(database, "INSERT INTO settings (name, value) VALUES ('revision', '1')")


def test_there_is_one_line_of_revisions_whose_newest_this_code_works_with() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    assert scripts.get_heads() == [REVISION]
    assert scripts.get_bases() == [FIRST_REVISION]
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


def test_migrated_from_nothing_a_database_is_as_it_is_made(
    engine: Engine, new: Database, tmp_path: Path
) -> None:
    upgrade(new)
    (tmp_path / "made").mkdir()
    made = engine.new(tmp_path / "made")
    made.open()
    assert structure(new) == structure(made)
    assert all_rows(new) == all_rows(made)
    new.open(create=False)
    engine.discard(made)


def test_an_installation_of_the_first_revision_keeps_everything(new: Database, database: Database) -> None:
    filled = fill_0001(new)
    upgrade(new)
    new.open(create=False)
    assert declared(new) == declared(database)
    usage = {key: holding for key, holding in holdings(new).items() if holding.usage_max}
    assert len(usage) == 4
    assert {key: holding.limit for key, holding in holdings(new).items()} == {
        key: holding.limit for key, holding in holdings(database).items()
    }
    for table in ("idempotency_keys", "feedback"):
        assert filled[table]
        assert len(all_rows(new)[table]) == len(filled[table])
    with contextlib.closing(new.connect()) as connection:
        commissions = stored_commissions(connection)
        assert stored_sums(connection) == settled_sums(connection)
    assert {one.verdict is None for one in commissions.values()} == {True, False}
    assert len(commissions) == len(filled["commissions"])
    provisions = [
        (serial, *provision[1:]) for serial, one in commissions.items() for provision in one.provisions
    ]
    assert sorted(provisions, key=str) == sorted(
        (
            (serial, quantity, settled, None if settled is None else Holding(*after))
            for serial, _, quantity, settled, *after in filled["provisions"]
        ),
        key=str,
    )
    resolved = {serial for serial, one in commissions.items() if one.verdict is not None}
    holders = {(holder, serial) for holder, serial in filled["commission_holders"] if serial in resolved}
    assert {row[:2] for row in all_rows(new)["commission_holders"]} == holders
    with contextlib.closing(ledger_storage(new)) as ledger:
        (issued,) = perform(ledger, [Issue(1, ())], LOADED)
    assert isinstance(issued, Issued)
    assert issued.serial > max(commissions)
    rows(new, "DELETE FROM pending_commissions WHERE serial = ?", issued.serial)
    before = all_rows(new)
    load(new, world(), LOADED)
    assert all_rows(new) == before, "what was declared is declared still"


def test_who_lost_a_default_project_draws_from_their_own_again(new: Database) -> None:
    fill_0001(new)
    removed = """
    UPDATE memberships SET state = 'removed' WHERE user_id = (SELECT id FROM users WHERE uuid = ?)
    AND project_id = (SELECT id FROM projects WHERE uuid = ?)
    """
    chosen = {ALICE: LAB, BOB: HALTED, CHLOE: CLOSED}
    for person, project in chosen.items():
        rows(new, "UPDATE users SET default_project = ? WHERE uuid = ?", project, person.uuid)
    rows(new, removed, BOB.uuid, HALTED)
    upgrade(new)
    found = {row[0]: row[1] for row in rows(new, "SELECT uuid, default_project FROM users")}
    assert [found[person.uuid] for person in chosen] == [LAB, BOB.uuid, CHLOE.uuid]


def test_a_database_of_before_there_were_migrations_is_migrated(new: Database, tmp_path: Path) -> None:
    fill_0001(new)
    before = all_rows(new)["projects"]
    without_a_version_table(new)
    assert migrate(new) == FIRST_REVISION
    assert [row[:-3] for row in all_rows(new)["projects"]] == before
    assert all_rows(new)["alembic_version"] == [(REVISION,)]
    assert rows(new, "SELECT value FROM settings WHERE name = 'revision'") == []
    new.open(create=False)


def test_users_who_are_not_active_have_no_token_any_more(new: Database) -> None:
    fill_0001(new)
    upgrade(new)
    with_token = "SELECT count(*) FROM users WHERE token_hash IS NOT NULL AND is_active = ?"
    assert rows(new, with_token, False) == [(0,)]
    assert rows(new, with_token, True) == rows(new, "SELECT count(*) FROM users WHERE is_active = ?", True)


def test_what_is_newest_already_is_left_as_it_is(database: Database) -> None:
    before = all_rows(database)
    assert migrate(database) == REVISION
    done = astakos(database, "migrate")
    assert (done.status, done.output) == (0, f"The database is already at revision {REVISION}.\n")
    assert all_rows(database) == before


def test_what_can_not_be_migrated_is_refused_in_one_line_and_left_as_it_is(
    database: Database, new: Database
) -> None:
    if isinstance(new, SQLiteDatabase):
        new.path.touch()
    rows(new, "CREATE TABLE birds (name TEXT)")
    assert "is not an Astakos database" in refused(new, "migrate")
    assert all_rows(new) == {"birds": []}
    rows(database, "UPDATE alembic_version SET version_num = '0999'")
    before = all_rows(database)
    line = refused(database, "migrate")
    assert "revision 0999" in line
    assert f"revision {REVISION}; use the version that created it" in line
    assert all_rows(database) == before


def test_where_there_is_nothing_nothing_is_migrated(new: Database) -> None:
    assert refused(new, "migrate").startswith("there is no ")
    with pytest.raises(DatabaseError):
        new.open(create=False)


def test_a_migration_that_fails_has_changed_nothing(
    new: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill_0001(new)
    before = all_rows(new), structure(new)
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    (scripts / "env.py").write_text((SCRIPTS / "env.py").read_text())
    first = (SCRIPTS / "versions" / "revision_0001.py").read_text()
    (scripts / "versions" / "revision_0001.py").write_text(first)
    (scripts / "versions" / "revision_0002.py").write_text(
        "from alembic import op\n"
        "revision, down_revision, branch_labels, depends_on = '0002', '0001', None, None\n"
        "def upgrade():\n"
        "    op.drop_table('feedback')\n"
        "    op.execute('DELETE FROM settings')\n"
        "    raise ZeroDivisionError\n"
    )
    monkeypatch.setattr(migration, "SCRIPTS", scripts)
    with pytest.raises(ZeroDivisionError):
        upgrade(new)
    assert (all_rows(new), structure(new)) == before


def test_a_database_that_others_work_on_is_migrated_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr("astakos.storage.postgresql.connection.OPTIONS", "-c lock_timeout=50ms")
    with database.transaction(), pytest.raises(StorageUnavailableError, match="now"):
        upgrade(database)
    assert migrate(database) == REVISION


def test_tables_that_are_not_those_of_the_revision_are_refused_in_one_line(database: Database) -> None:
    rows(database, "UPDATE alembic_version SET version_num = '0001'")
    before = all_rows(database)
    assert "are not those of its revision" in refused(database, "migrate")
    assert all_rows(database) == before


def test_what_others_cannot_live_with_is_not_done_while_they_work(
    new: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    fill_0001(new)
    if isinstance(new, SQLiteDatabase):
        rows(new, "PRAGMA journal_mode = WAL")
    before = all_rows(new)
    with contextlib.closing(new.connect()) as other:
        other.execute("SELECT value FROM settings").fetchall()
        with pytest.raises(
            DatabaseError, match=r"steps 0002, .* stop all processes, then run `astakos migrate`"
        ):
            migrate(new)
    assert all_rows(new) == before
    assert migrate(new) == FIRST_REVISION
    new.open(create=False)


def test_what_others_can_live_with_is_done_while_they_work(new: Database) -> None:
    fill_0001(new)
    upgrade(new, "0033")
    with contextlib.closing(new.connect()) as other:
        other.execute("SELECT value FROM settings").fetchall()
        assert migrate(new) == "0033"


@pytest.mark.postgresql
def test_connections_that_a_pooler_has_kept_can_be_passed_over(new: Database) -> None:
    fill_0001(new)
    with contextlib.closing(new.connect()):
        assert "1 from" in refused(new, "migrate")
        assert astakos(new, "migrate", "--force").status == 0


def test_what_is_to_be_done_is_told_without_doing_it(new: Database) -> None:
    fill_0001(new)
    before = all_rows(new)
    checked = astakos(new, "migrate", "--check")
    assert checked.status == 1
    assert f"at revision {FIRST_REVISION}; `astakos migrate` leads to {REVISION}" in checked.output
    planned = astakos(new, "migrate", "--plan")
    assert planned.status == 0
    assert f"\n{FIRST_REVISION}  " not in planned.output
    assert planned.output.count("\n0") == int(REVISION) - int(FIRST_REVISION)
    assert "Stop all processes of the older version first." in planned.output
    assert all_rows(new) == before
    upgrade(new, "0033")
    planned = astakos(new, "migrate", "--check", "--plan")
    assert planned.status == 1
    assert "0034  Remembers who uses most" in planned.output
    assert "0037  Ranks the totals of periods" in planned.output
    assert "can be done while processes of the older version run" in planned.output
    upgrade(new)
    assert astakos(new, "migrate", "--check").output == f"The database is already at revision {REVISION}.\n"
    rows(new, "UPDATE alembic_version SET version_num = '9999'")
    assert "use the version that created it" in refused(new, "migrate", "--check")


def test_where_there_is_nothing_tables_are_created_if_that_is_asked_for(new: Database) -> None:
    done = astakos(new, "migrate", "--create")
    assert (done.status, done.output, done.errors) == (0, "", created(new))
    assert astakos(new, "migrate", "--check").status == 0
    again = astakos(new, "migrate", "--create")
    assert (again.status, again.output) == (0, f"The database is already at revision {REVISION}.\n")


def test_what_changes_nothing_creates_nothing(new: Database) -> None:
    done = astakos(new, "migrate", "--check", "--create")
    assert done.status == 2
    assert "--check and --plan change nothing" in done.errors
    with pytest.raises(DatabaseError):
        new.open(create=False)


def test_periods_that_are_over_are_ranked_by_the_resource_of_the_project(new: Database) -> None:
    fill_0001(new)
    upgrade(new, "0036")
    rows(new, "INSERT INTO closed_periods SELECT id, 1, 2, 3, 4 FROM holdings")
    upgrade(new)
    ranked = """
    SELECT count(*) FROM closed_periods c JOIN holdings h ON h.id = c.holding_id
    WHERE CASE WHEN h.source = '' THEN c.resource = h.resource ELSE c.resource IS NULL END
    """
    (every,) = rows(new, "SELECT count(*) FROM closed_periods")
    assert rows(new, ranked) == [every]
    assert rows(new, "SELECT 1 FROM closed_periods WHERE resource IS NOT NULL LIMIT 1") == [(1,)]


def test_every_revision_says_whether_older_processes_can_live_with_it() -> None:
    steps = all_steps()
    assert [step.revision for step in steps] == [f"{number:04}" for number in range(1, int(REVISION) + 1)]
    assert {step.beside_old_processes for step in steps} == {True, False}
