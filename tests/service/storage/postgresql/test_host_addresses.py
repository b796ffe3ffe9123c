"""The hosts of a connection have addresses before the driver asks for them, and in time."""

import contextlib
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.opening import database_of
from astakos.storage.postgresql import connection as connection_module
from astakos.storage.postgresql import host_addresses
from astakos.storage.postgresql.connection import PostgreSQLConnection, connect
from astakos.storage.postgresql.host_addresses import with_addresses
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.protocol import Database
from service.engines import changed_url
from silent_names import SILENT, SilentServer, silent_names

SOON = 0.05
PATIENT = 10.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentServer]:
    with silent_names(monkeypatch) as found:
        yield found


@pytest.mark.parametrize(
    "given",
    [
        {"host": "/run/postgresql"},
        {"dbname": "quota"},
        {"host": "db1,db2", "hostaddr": "10.0.0.1,10.0.0.2"},
        {"hostaddr": "10.0.0.1"},
        {"host": "db1,db2", "hostaddr": "10.0.0.1"},
        {"host": "db1,db2", "port": "1,2,3"},
        {"host": ""},
    ],
)
def test_nobody_is_asked_about_sockets_and_addresses_and_what_the_driver_refuses(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_addresses, "begin_addresses", None)
    assert with_addresses(given, PATIENT) == given


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", "127.0.0.1")]
)
def test_an_address_is_added_and_the_name_stays(host: str, address: str) -> None:
    found = with_addresses({"host": host, "port": "5433", "sslmode": "verify-full"}, PATIENT)
    assert set(found["host"].split(",")) == {host}
    assert address in found["hostaddr"].split(",")
    assert (found["port"], found["sslmode"]) == ("5433", "verify-full")


def test_a_host_with_several_addresses_is_tried_at_each_of_them_on_its_own_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {"a": ["10.0.0.1", "fd00::1"], "b": ["10.0.0.2"]}

    def resolved(host: str, *_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", (address, 0)) for address in answers[host]]

    monkeypatch.setattr("socket.getaddrinfo", resolved)
    found = with_addresses({"host": "a,/run/postgresql,b", "port": "1,2,3"}, PATIENT)
    assert found == {
        "host": "a,a,/run/postgresql,b",
        "hostaddr": "10.0.0.1,fd00::1,,10.0.0.2",
        "port": "1,1,2,3",
    }


def test_the_environment_counts_where_the_url_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1,127.0.0.2")
    monkeypatch.setenv("PGPORT", "1,2")
    found = with_addresses({}, PATIENT)
    assert found == {"host": "127.0.0.1,127.0.0.2", "hostaddr": "127.0.0.1,127.0.0.2", "port": "1,2"}
    assert with_addresses({"host": "/tmp", "port": "1"}, PATIENT) == {"host": "/tmp", "port": "1"}


def test_a_host_whose_name_server_is_silent_is_left_out(server: SilentServer) -> None:
    found = with_addresses({"host": f"{SILENT},127.0.0.1", "port": "1,2"}, SOON)
    assert (found["host"], found["hostaddr"], found["port"]) == ("127.0.0.1", "127.0.0.1", "2")


def test_if_none_can_be_resolved_each_is_named() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        with_addresses({"host": f"nobody.invalid,{'a' * 64}.example"}, PATIENT)
    first, second = str(caught.value).splitlines()
    assert "failed to resolve host 'nobody.invalid'" in first + second
    assert f"failed to resolve host '{'a' * 64}.example'" in first + second


@pytest.mark.parametrize("quick", [True, False])
def test_a_silent_name_server_is_as_a_database_that_is_away(
    server: SilentServer, monkeypatch: pytest.MonkeyPatch, *, quick: bool
) -> None:
    monkeypatch.setattr(connection_module, "NAME_SECONDS", SOON)
    monkeypatch.setattr(connection_module, "timeout_from_conninfo", lambda _: SOON)
    with pytest.raises(StorageUnavailableError, match="the database cannot be reached"):
        PostgreSQLDatabase(f"postgresql://{SILENT}/quota").connect(quick=quick)


def test_the_reason_is_said_in_one_line(server: SilentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "NAME_SECONDS", SOON)
    monkeypatch.setattr(connection_module, "timeout_from_conninfo", lambda _: SOON)
    with pytest.raises(StorageUnavailableError) as caught:
        database_of(f"postgresql://ada:secret@{SILENT}/quota").open()
    assert str(caught.value) == (
        f"postgresql://{SILENT}/quota cannot be opened: failed to resolve host '{SILENT}': "
        f"no name server resolved {SILENT} in time"
    )


@pytest.mark.parametrize(("spent", "left"), [(0.0, "3"), (0.5, "3"), (1.5, "2"), (2.9, "2"), (9.0, "2")])
def test_the_time_for_names_counts_toward_the_time_for_the_connection(
    monkeypatch: pytest.MonkeyPatch, spent: float, left: str
) -> None:
    now = [100.0]

    def resolved(parameters: dict[str, str], _seconds: float) -> dict[str, str]:
        now[0] += spent
        return dict(parameters)

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(connection_module, "with_addresses", resolved)
    found = connection_module._resolved({"connect_timeout": "3"}, quick=True)
    assert found["connect_timeout"] == left


@pytest.mark.postgresql
def test_a_second_host_takes_over_while_the_name_of_the_first_cannot_be_resolved(
    database: Database, server: SilentServer
) -> None:
    parameters = conninfo_to_dict(database.url)
    several = changed_url(
        database.url,
        host=f"{SILENT},{parameters['host']}",
        port=f"1,{parameters.get('port', 5432)}",
        connect_timeout="2",
        target_session_attrs="read-write",
    )
    with contextlib.closing(_connected(several)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert server.asked == [SILENT]


def _connected(url: str) -> PostgreSQLConnection:
    return connect(conninfo_to_dict(url), quick=True)
