import asyncio
import http.client
import threading

import pytest

from astakos import clock
from astakos.http.application import Application
from astakos.http.request import Answer, Request
from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving, serving_site
from astakos.service.service import Service
from astakos.storage.opening import database_of, ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.installation import rows, running
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN, member_key

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


def test_it_ends_while_a_client_keeps_its_connection_open(database: Database) -> None:
    with running(database) as service:
        address = service.base_url.removeprefix("http://").removesuffix("/astakos")
        connection = http.client.HTTPConnection(address, timeout=20)
        connection.request("GET", "/astakos/healthz")
        assert connection.getresponse().read()
        kept = connection.sock
    assert kept is not None
    assert kept.recv(1) == b""
    connection.close()


def test_it_answers_what_it_has_accepted_before_it_ends(database: Database) -> None:
    arrived = threading.Event()

    class Slow(Application):
        async def respond(self, request: Request) -> Answer:
            arrived.set()
            await asyncio.sleep(0.2)
            return await super().respond(request)

    replies: list[Reply] = []
    listener = listen(LOOPBACK, 0)
    caller = Caller(f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos")
    thread = threading.Thread(target=lambda: replies.append(caller.issue(COMPUTE_TOKEN, (U, 1))))
    with serving_site(Slow(Service(database, BASE_URL)), listener):
        thread.start()
        assert arrived.wait(10)
    thread.join()
    assert [reply.status for reply in replies] == [201]


class FailingToStart(EmbeddedLedger):
    async def start(self) -> None:
        raise OSError("there is no way to the engine")


def test_who_starts_one_that_cannot_start_is_told(database: Database) -> None:
    ledger = FailingToStart(ledger_storage(database), clock.now)
    service = Service(database, BASE_URL, ledger=ledger)
    with (
        listen(LOOPBACK, 0) as listener,
        pytest.raises(RuntimeError, match="could not be started"),
        serving(service, listener),
    ):
        raise AssertionError("it seems to answer")
    service.close()


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
