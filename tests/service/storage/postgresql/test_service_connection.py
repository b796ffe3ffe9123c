"""Hosts that libpq finds in its service file: a name server that is silent does not hold anybody up."""

import threading
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.opening import database_of
from astakos.storage.postgresql import connection as connection_module
from astakos.storage.postgresql.connection import _Bounded, connect
from astakos.storage.postgresql.service_connection import connect_in_time
from astakos.storage.protocol import Database
from service.installation import rows
from service.world import ALICE

SOON = 0.05
PATIENT = 20


@pytest.mark.postgresql
@pytest.mark.parametrize("is_in_url", [True, False])
def test_the_hosts_of_a_service_are_those_of_the_connection(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_in_url: bool
) -> None:
    given = psycopg.conninfo.conninfo_to_dict(database.url)
    lines = "\n".join(f"{name}={value}" for name, value in given.items())
    (tmp_path / "services.conf").write_text(f"[quota]\n{lines}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services.conf"))
    if not is_in_url:
        monkeypatch.setenv("PGSERVICE", "quota")
    other = database_of("postgresql://?service=quota" if is_in_url else "postgresql://")
    other.open(create=False)
    assert rows(other, "SELECT count(*) FROM users WHERE uuid = ?", ALICE.uuid) == [(1,)]
    other.close()


def test_whoever_waits_for_hosts_of_a_service_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def hang(**_: object) -> None:
        let_go.wait(PATIENT)
        raise psycopg.OperationalError("no such service")

    monkeypatch.setattr(_Bounded, "connect", hang)
    monkeypatch.setattr(connection_module, "timeout_from_conninfo", lambda _: SOON)
    with pytest.raises(StorageUnavailableError) as failed:
        connect({"service": "quota"}, quick=True)
    assert str(failed.value.__cause__) == "no name server resolved the hosts of libpq's service in time"
    let_go.set()


def test_what_comes_too_late_is_closed() -> None:
    let_go, closed = threading.Event(), threading.Event()

    class Late:
        def close(self) -> None:
            closed.set()

    def open_late() -> Late:
        assert let_go.wait(PATIENT)
        return Late()

    with pytest.raises(psycopg.OperationalError):
        connect_in_time(open_late, SOON)  # type: ignore[type-var]
    assert not closed.is_set()
    let_go.set()
    assert closed.wait(PATIENT)


def test_what_libpq_refuses_is_told_as_it_is() -> None:
    with pytest.raises(StorageUnavailableError) as failed:
        connect({"service": "there-is-none"})
    assert 'definition of service "there-is-none" not found' in str(failed.value.__cause__)
