"""Connections to PostgreSQL: their statements, their losses, their limits."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import DatabaseError
from astakos.storage.opening import database_of
from astakos.storage.postgresql import connection as connection_module
from astakos.storage.postgresql.connection import driver_form
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.protocol import Connection, Database
from service.engines import changed_url, connected
from service.installation import all_rows, rows
from service.world import ALICE, BOB

pytestmark = pytest.mark.postgresql

SET_NAME = "UPDATE users SET first_name = ? WHERE uuid = ?"
END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody who listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class TestStatements:
    def test_placeholders_are_those_of_the_driver_and_percent_signs_stay(self) -> None:
        assert driver_form("SELECT '5%' || ? WHERE 1 = ?") == b"SELECT '5%%' || %s WHERE 1 = %s"

    def test_what_was_written_is_read_back_with_its_types(self, database: Database) -> None:
        with contextlib.closing(connected(database)) as connection:
            found = connection.execute(
                "SELECT id, uuid, is_active, token_hash, password_hash FROM users WHERE uuid = ?", (BOB.uuid,)
            )
            identifier, uuid, is_active, token_hash, password_hash = found.fetchone()
        assert (uuid, is_active, password_hash) == (BOB.uuid, True, None)
        assert (type(identifier), type(token_hash)) == (int, bytes)

    def test_many_rows_may_come_from_anywhere_and_be_none(self, database: Database) -> None:
        with contextlib.closing(connected(database)) as connection:
            connection.executemany("INSERT INTO groups (name) VALUES (?)", ((name,) for name in "xyz"))
            connection.executemany("INSERT INTO groups (name) VALUES (?)", [])
        assert rows(database, "SELECT count(*) FROM groups") == [(6,)]


class TestLosses:
    def test_a_reader_that_was_ended_is_replaced_and_the_read_done_again(self, database: Database) -> None:
        attempts = []

        def read(connection: Connection) -> Any:
            attempts.append(1)
            return connection.execute("SELECT count(*) FROM groups").fetchone()

        for snapshot in (False, True):
            attempts.clear()
            assert database.read(read, snapshot=snapshot) == (3,)
            rows(database, END_OTHERS)
            assert database.read(read, snapshot=snapshot) == (3,)
            assert len(attempts) in (2, 3)

    def test_what_goes_wrong_on_a_good_connection_is_not_done_again(self, database: Database) -> None:
        attempts = []

        def read(connection: Connection) -> None:
            attempts.append(1)
            connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53200'; END $$")

        database.reader()
        with pytest.raises(StorageUnavailableError):
            database.read(read)
        assert len(attempts) == 1

    def test_a_change_whose_connection_is_lost_is_undone_and_unavailable(self, database: Database) -> None:
        before = all_rows(database)

        def work(connection: Connection) -> None:
            connection.execute(SET_NAME, ("x", ALICE.uuid))
            rows(database, END_OTHERS)
            connection.execute(SET_NAME, ("y", ALICE.uuid))

        with pytest.raises(StorageUnavailableError):
            database.change(work)
        assert all_rows(database) == before

    def test_a_server_that_says_nothing_when_called_is_not_waited_for_long(
        self, silent_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = f"postgresql://127.0.0.1:{silent_port}/quota?connect_timeout=2&sslmode=disable"
        with pytest.raises(StorageUnavailableError):
            database_of(url).connect()

    def test_a_server_that_falls_silent_is_given_up(self, database: Database) -> None:
        with contextlib.closing(connected(database)) as connection:
            connection.raw.longest_silence = 0.3  # type: ignore[attr-defined]
            (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
            try:
                os.kill(process, signal.SIGSTOP)
            except (ProcessLookupError, PermissionError):
                pytest.skip("the server is not on this machine")
            try:
                with pytest.raises(StorageUnavailableError):
                    connection.execute("SELECT 1")
                assert connection.is_lost
            finally:
                os.kill(process, signal.SIGCONT)

    def test_a_statement_that_takes_too_long_is_ended_and_the_connection_stays(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_module, "OPTIONS", "-c statement_timeout=50ms")
        with contextlib.closing(connected(database)) as connection:
            with pytest.raises(StorageUnavailableError, match="statement timeout"):
                connection.execute("SELECT pg_sleep(10)")
            assert not connection.is_lost
            assert connection.execute("SELECT 1").fetchone() == (1,)


class TestParameters:
    def shown(self, url: str, *names: str) -> list[str]:
        with contextlib.closing(PostgreSQLDatabase(url).connect()) as connection:
            return [connection.execute(f"SHOW {name}").fetchone()[0] for name in names]

    def test_nothing_is_waited_for_forever_unless_the_url_says_so(self, database: Database) -> None:
        names = (
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "application_name",
        )
        assert self.shown(database.url, *names) == ["15s", "5s", "1min", "astakos"]
        own = changed_url(database.url, application_name="mine", options="-c statement_timeout=3min")
        assert self.shown(own, *names) == ["3min", "5s", "1min", "mine"]

    @pytest.mark.parametrize(
        ("given", "silence"),
        [
            ("", 17.0),
            ("-c statement_timeout=60000", 62.0),
            ("-c statement_timeout=3min", 182.0),
            ("-c statement_timeout=0", None),
        ],
    )
    def test_the_server_may_be_silent_for_as_long_as_a_statement_may_take(
        self, database: Database, given: str, silence: float | None
    ) -> None:
        url = changed_url(database.url, options=given)
        with contextlib.closing(PostgreSQLDatabase(url).connect()) as connection:
            assert connection.raw.longest_silence == silence  # type: ignore[attr-defined]

    def test_what_the_environment_says_counts_as_well(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGAPPNAME", "from outside")
        monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=7s")
        assert self.shown(database.url, "application_name", "lock_timeout") == ["from outside", "7s"]

    def test_of_several_hosts_the_one_that_can_write_is_taken(
        self, database: Database, closed_port: int
    ) -> None:
        parameters = PostgreSQLDatabase(database.url)._parameters
        hosts = {
            "host": f"127.0.0.1,{parameters['host']}",
            "port": f"{closed_port},{parameters.get('port', 5432)}",
        }
        several = changed_url(database.url, **hosts, target_session_attrs="read-write")
        found = PostgreSQLDatabase(several)
        found.open(create=False)
        assert found.reader().execute("SHOW transaction_read_only").fetchone() == ("on",)
        found.close()

    def test_a_reader_is_read_only_and_a_writer_is_not(self, database: Database) -> None:
        assert database.reader().execute("SHOW transaction_read_only").fetchone() == ("on",)
        with contextlib.closing(database.connect()) as connection:
            assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)

    def test_tables_are_made_in_the_schema_that_the_url_names(self, new: Database) -> None:
        rows(new, "CREATE SCHEMA quota")
        other = PostgreSQLDatabase(changed_url(new.url, options="-c search_path=quota"))
        other.open()
        assert rows(new, "SELECT count(*) FROM quota.users") == [(0,)]
        with pytest.raises(DatabaseError, match="no installation"):
            new.open(create=False)
