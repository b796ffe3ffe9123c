import http.client
import threading

import pytest

from astakos.http.listening import LOOPBACK, listen
from astakos.storage.database import Database, database_of
from astakos.storage.sqlite import SQLiteDatabase
from service.caller import ACCOUNT, COMMISSIONS, Caller
from service.installation import rows, running
from service.world import ALICE, COMPUTE_TOKEN, member_key

U = member_key(ALICE)


def test_a_port_is_given_to_one_alone() -> None:
    with listen(LOOPBACK, 0) as first, pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        listen(LOOPBACK, first.getsockname()[1])


def test_a_service_can_be_started_again_on_what_another_left(database: Database) -> None:
    with running(database) as service:
        serial = service.issued(COMPUTE_TOKEN, (U, 3))
    again = database_of(database.url)
    again.open()
    with running(again) as service:
        assert service.pending(COMPUTE_TOKEN) == [serial]
        assert service.issued(COMPUTE_TOKEN, (U, 3)) == serial + 1


def test_after_the_end_nothing_is_left_behind(database: SQLiteDatabase) -> None:
    threads = set(threading.enumerate())
    with running(database) as service:
        service.issued(COMPUTE_TOKEN, (U, 3), auto_accept=True)
        assert {thread.name for thread in set(threading.enumerate()) - threads} >= {
            "astakos-server",
            "astakos-engine",
        }
    assert set(threading.enumerate()) <= threads
    # Whoever is last to close a database puts its journal away.
    assert rows(database, "SELECT count(*) FROM resolved_commissions") == [(1,)]
    assert not database.path.with_name(database.path.name + "-wal").exists()


def test_one_connection_carries_many_calls(standing_service: Caller) -> None:
    address = standing_service.base_url.removeprefix("http://").removesuffix("/astakos")
    connection = http.client.HTTPConnection(address, timeout=20)
    for _ in range(5):
        connection.request("GET", f"/astakos{ACCOUNT}/quotas", headers={"X-Auth-Token": ALICE.token})
        response = connection.getresponse()
        assert response.status == 200
        response.read()
        assert connection.sock is not None
    connection.close()


@pytest.mark.parametrize(
    ("path", "token", "length", "status"),
    [
        (COMMISSIONS, "nonsense", 500_000, 401),
        (COMMISSIONS, COMPUTE_TOKEN, 3_000_000, 413),
        (f"{ACCOUNT}/resources", "", 500_000, 405),
        (f"{ACCOUNT}/nothing", "", 500_000, 400),
    ],
)
def test_a_body_that_nobody_wants_does_not_get_into_the_next_call(
    standing_service: Caller, path: str, token: str, length: int, status: int
) -> None:
    address = standing_service.base_url.removeprefix("http://").removesuffix("/astakos")
    connection = http.client.HTTPConnection(address, timeout=20)
    body = f"GET /astakos{ACCOUNT}/nothing HTTP/1.1\r\nHost: x\r\n\r\n".encode().ljust(length)
    for _ in range(2):
        headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        connection.request("POST", f"/astakos{path}", body, headers)
        response = connection.getresponse()
        assert response.status == status
        response.read()
    connection.request("GET", f"/astakos{ACCOUNT}/quotas", headers={"X-Auth-Token": ALICE.token})
    assert connection.getresponse().status == 200
    connection.close()
