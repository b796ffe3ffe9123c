"""A database on PostgreSQL: its URLs, and what its errors mean."""

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import DatabaseError, TransactionLostError
from astakos.storage.opening import database_of
from astakos.storage.postgresql import connection, postgresql_database
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase, writing
from astakos.storage.protocol import Connection, Database
from service.command import astakos, refused
from service.engines import changed_url, connected
from service.installation import all_rows, rows
from service.world import ALICE, BOB, VM

pytestmark = pytest.mark.postgresql

PASSWORD = "s3cret-of-the-database"
SET_NAME = "UPDATE users SET first_name = ? WHERE uuid = ?"


class TestNames:
    @pytest.mark.parametrize(
        ("url", "name"),
        [
            (
                f"postgresql://ada:{PASSWORD}@db.example.org:5433/quota",
                "postgresql://db.example.org:5433/quota",
            ),
            (
                f"postgres://ada:{PASSWORD}@db.example.org/quota?sslmode=verify-full",
                "postgresql://db.example.org/quota",
            ),
            (
                f"postgresql://ada:{PASSWORD}@a,b:5433/quota?target_session_attrs=read-write",
                "postgresql://a,b:5433/quota",
            ),
            (
                f"postgresql:///quota?host=/run/postgresql&user=ada&password={PASSWORD}",
                "postgresql:///run/postgresql/quota",
            ),
        ],
    )
    def test_what_is_shown_of_a_url_is_no_secret(self, url: str, name: str) -> None:
        database = database_of(url)
        assert database.name == name
        assert PASSWORD not in repr(database)

    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://ada:{PASSWORD}%zz@h/n",
            f"postgresql://ada:half@{PASSWORD}@h/n",
            f"postgresql://ada:{PASSWORD}/half@h/n",
            f"postgresql://ada:12/{PASSWORD}@h/n",
            f"postgresql://ada:1/2/{PASSWORD}@h:5432/n",
            f"postgresql://ada:{PASSWORD}@[h/n",
            f"postgresql://ada@h/n?passwort={PASSWORD}",
            f"postgresql://ada:{PASSWORD}@h/n%00",
            f"postgresql://ada:{PASSWORD}\ud800@h/n",
        ],
    )
    def test_a_url_that_is_not_well_formed_is_refused_without_showing_it(self, url: str) -> None:
        with pytest.raises(DatabaseError, match=r"malformed|must be UTF-8") as caught:
            database_of(url)
        assert PASSWORD not in str(caught.value)
        assert caught.value.__cause__ is None
        # The context has the text of the URL, if there is one.
        assert caught.value.__context__ is None or caught.value.__suppress_context__

    def test_no_password_is_in_what_is_said_or_logged_of_a_server_that_is_not_there(
        self, closed_port: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        url = f"postgresql://ada:{PASSWORD}@127.0.0.1:{closed_port}/quota"
        line = refused(url, "user", "list")
        assert line == (
            f"postgresql://127.0.0.1:{closed_port}/quota cannot be opened: "
            f'connection to server at "127.0.0.1", port {closed_port} failed: Connection refused'
        )
        assert caplog.text == ""
        assert PASSWORD not in line
        with pytest.raises(StorageUnavailableError) as caught:
            database_of(url).connect()
        error: BaseException | None = caught.value
        while error is not None:
            assert PASSWORD not in str(error)
            error = error.__cause__
        assert PASSWORD not in caplog.text
        assert "cannot be reached" in caplog.text

    def test_a_database_that_is_not_there_leads_to_where_it_is_created(self, database: Database) -> None:
        url = changed_url(database.url, name="no_such_database")
        name = database_of(url).name
        told = '"no_such_database" does not exist; create it (docs/postgresql.md#the-role-and-the-database)'
        for command in (["user", "list"], ["dump"]):
            line = refused(url, *command)
            assert line.startswith(f"{name} cannot be opened: ")
            assert told in line
        (check,) = astakos(url, "doctor", "--json").document["checks"]
        (finding,) = check["findings"]
        assert finding["text"].startswith(f"{name} cannot be opened: ")
        assert '"no_such_database" does not exist' in finding["text"]
        assert finding["remedy"].startswith("Create it (docs/postgresql.md")

    def test_each_of_several_servers_that_are_not_there_is_named_once(self, closed_port: int) -> None:
        url = f"postgresql://ada:{PASSWORD}@127.0.0.1:{closed_port},127.0.0.2:{closed_port}/quota"
        line = refused(url, "user", "list")
        for host in ("127.0.0.1", "127.0.0.2"):
            failure = f'connection to server at "{host}", port {closed_port} failed: Connection refused'
            assert line.count(failure) == 1
        assert len(line.splitlines()) == 1

    def test_that_it_is_not_there_is_logged_once_and_again_when_it_was_there_meanwhile(
        self, database: Database, closed_port: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        gone = PostgreSQLDatabase(f"postgresql://127.0.0.1:{closed_port}/quota")
        for _ in range(3):
            with pytest.raises(StorageUnavailableError):
                gone.connect()
        assert caplog.text.count("cannot be reached") == 1
        gone._parameters = PostgreSQLDatabase(database.url)._parameters
        gone.connect().close()
        gone._parameters = {"host": "127.0.0.1", "port": closed_port}
        with pytest.raises(StorageUnavailableError):
            gone.connect()
        assert caplog.text.count("cannot be reached") == 2


class TestErrors:
    @pytest.mark.parametrize(
        ("raised", "kind"),
        [
            ("40001", TransactionLostError),
            ("40P01", TransactionLostError),
            ("57P01", StorageUnavailableError),
            ("57P03", StorageUnavailableError),
            ("57014", StorageUnavailableError),
            ("53100", StorageUnavailableError),
            ("53300", StorageUnavailableError),
            ("25006", StorageUnavailableError),
            ("55P03", StorageUnavailableError),
            ("08006", StorageUnavailableError),
            ("40003", StorageUnavailableError),
            ("23505", psycopg.Error),
            ("42601", psycopg.Error),
        ],
    )
    def test_they_say_whether_it_is_to_be_repeated_later(
        self, database: Database, raised: str, kind: type[Exception]
    ) -> None:
        statement = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{raised}'; END $$"
        before = all_rows(database)

        def fail(connection: Connection, *, many: bool) -> None:
            connection.execute(SET_NAME, ("x", ALICE.uuid))
            if many:
                connection.executemany(statement, [()])
            connection.execute(statement)

        for many in (False, True):
            with pytest.raises(kind) as caught, database.transaction() as connection:
                fail(connection, many=many)
            assert isinstance(caught.value, StorageUnavailableError) == (kind is not psycopg.Error)
        assert all_rows(database) == before

    def test_a_change_that_was_in_the_way_of_others_is_made_again(self, database: Database) -> None:
        attempts = []

        def work(connection: Connection) -> str:
            attempts.append(1)
            connection.execute(SET_NAME, (f"attempt {len(attempts)}", ALICE.uuid))
            if len(attempts) < 3:
                raise TransactionLostError("conflict with another transaction")
            return "done"

        assert database.change(work) == "done"
        assert rows(database, "SELECT first_name FROM users WHERE uuid = ?", ALICE.uuid) == [("attempt 3",)]

    def test_it_is_not_made_again_forever(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgresql_database, "FIRST_PAUSE_SECONDS", 0.0)
        attempts = []

        def work(_connection: Connection) -> None:
            attempts.append(1)
            raise TransactionLostError("conflict with another transaction")

        with pytest.raises(StorageUnavailableError, match="conflict"):
            database.change(work)
        assert len(attempts) == postgresql_database.ATTEMPTS

    def test_of_two_that_lock_each_other_out_both_are_done_in_the_end(self, database: Database) -> None:
        met = threading.Barrier(2)

        def swap(first: str, second: str) -> int:
            attempts = 0
            while True:
                attempts += 1
                try:
                    with contextlib.closing(connected(database)) as connection, writing(connection):
                        connection.execute(SET_NAME, (first, first))
                        if attempts == 1:
                            met.wait()
                        connection.execute(SET_NAME, (first, second))
                except TransactionLostError:
                    continue
                return attempts

        with ThreadPoolExecutor(2) as pool:
            attempts = list(pool.map(swap, (ALICE.uuid, BOB.uuid), (BOB.uuid, ALICE.uuid)))
        assert sorted(attempts) == [1, 2]

    def test_who_can_not_get_a_lock_is_told_so(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "OPTIONS", "-c lock_timeout=50ms")
        with database.transaction():
            with pytest.raises(StorageUnavailableError, match="lock timeout"), database.transaction():
                raise AssertionError("two have the lock")
            assert "lock timeout" in refused(database, "quota", "set", ALICE.email, VM, "5")

    def test_a_database_of_another_encoding_is_refused(self, database: Database, postgresql_url: str) -> None:
        name = f"astakos_test_latin_{os.getpid()}"
        with contextlib.closing(psycopg.connect(postgresql_url, autocommit=True)) as administration:
            administration.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'".encode()
            )
            try:
                other = PostgreSQLDatabase(changed_url(database.url, name))
                with pytest.raises(
                    DatabaseError, match="has the encoding LATIN1; create the database with UTF8"
                ):
                    other.open()
            finally:
                administration.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def test_who_may_make_no_tables_is_told_so_in_one_line(self, new: Database) -> None:
        role = f"astakos_nobody_{os.getpid()}"
        rows(new, f"CREATE ROLE {role}")
        try:
            other = PostgreSQLDatabase(changed_url(new.url, options=f"-c role={role}"))
            with pytest.raises(
                DatabaseError, match="permission denied for schema public; let the role own the database"
            ):
                other.open()
        finally:
            rows(new, f"DROP ROLE {role}")
