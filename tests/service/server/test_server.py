"""The server over real sockets: what an attacker sends, and what everybody else sees meanwhile."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from astakos.http.request import Answer, Request
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.connection import Connection
from astakos.server.limits import Limits
from astakos.server.running import serving, serving_site
from astakos.server.server import Server
from astakos.service.service import Service
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller
from service.installation import rows
from service.server.doubles import EchoSite, statuses_of
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN

FEEDBACK = f"/astakos{ACCOUNT}/feedback".encode()
FORM = b"Content-Type: application/x-www-form-urlencoded"


@contextlib.contextmanager
def bounded(database: Database, limits: Limits) -> Iterator[Caller]:
    """A service whose server has these limits."""
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
        with serving(Service(database, BASE_URL), listener, limits=limits):
            yield Caller(f"http://{LOOPBACK}:{port}/astakos")


def connected(service: Caller) -> socket.socket:
    parts = urlsplit(service.base_url)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            found += data
    return found


OFFERS = (
    (b"Connection: Upgrade", b"Upgrade: websocket"),
    (b"Connection: upgrade", b"Upgrade: h2c"),
    (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    (b"Connection: keep-alive, Upgrade", b"Upgrade: anything/1.0"),
)


def smuggled(body: bytes, *offer: bytes) -> bytes:
    """What a stranger sends: a body that is the beginning of somebody's request."""
    lines = [b"POST " + FEEDBACK + b" HTTP/1.1", b"Host: x", *offer, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize("offer", OFFERS)
def test_nobodys_request_becomes_a_part_of_anothers(
    service: Caller, database: Database, offer: tuple[bytes, ...]
) -> None:
    """On a connection that a proxy shares, the victim's request follows the attacker's."""
    text = b"feedback_msg="
    head = [b"POST " + FEEDBACK + b" HTTP/1.1", b"Host: x", FORM, b"X-Auth-Token: " + ALICE.token.encode()]
    inner = b"\r\n".join([*head, b"Content-Length: 300"]) + b"\r\n\r\n" + text
    victim = f"GET /astakos{ACCOUNT}/quotas HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {ALICE.token}\r\n".encode()
    with connected(service) as connection:
        connection.sendall(smuggled(inner, *offer))
        connection.sendall(victim + b"Connection: close\r\n\r\n")
        statuses = statuses_of(read_all(connection))
    assert statuses == [401, 200]
    assert rows(database, "SELECT message FROM feedback") == []


@pytest.mark.parametrize("offer", OFFERS)
def test_a_request_that_offers_an_upgrade_is_carried_out_with_its_body(
    service: Caller, offer: tuple[bytes, ...]
) -> None:
    body = json.dumps({"provisions": []}).encode()
    lines = [
        f"POST /astakos{COMMISSIONS} HTTP/1.1".encode(),
        b"Host: x",
        b"X-Auth-Token: " + COMPUTE_TOKEN.encode(),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        *offer,
    ]
    stream = b"\r\n".join(lines) + b"\r\n\r\n" + body
    for cut in (len(stream), len(stream) - len(body), 40):
        with connected(service) as connection:
            connection.sendall(stream[:cut])
            time.sleep(0.01)
            connection.sendall(stream[cut:])
            connection.shutdown(socket.SHUT_WR)
            assert statuses_of(read_all(connection)) == [201]


def test_connect_is_refused_and_the_connection_ends(standing_service: Caller) -> None:
    inner = f"GET /astakos{ACCOUNT}/resources HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    answer = standing_service.raw(
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(inner), inner)
    )
    assert len(statuses_of(answer)) == 1
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 "))


@pytest.mark.parametrize("method", ["FOO", "get", "PROPFIND", "TRACE"])
def test_a_method_that_nobody_knows_is_refused_like_any_other(standing_service: Caller, method: str) -> None:
    reply = standing_service(method, COMMISSIONS)
    assert (reply.status, reply.fault) == (405, "notAllowed")
    assert reply.headers["allow"] == "GET,POST"


@pytest.mark.parametrize("target", [f"http://any.example/astakos{ACCOUNT}/resources", "http://any.example"])
def test_a_target_may_name_scheme_and_host(standing_service: Caller, target: str) -> None:
    answer = standing_service.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert statuses_of(answer) in ([200], [301])


def test_two_tokens_are_refused(standing_service: Caller) -> None:
    head = f"GET /astakos{ACCOUNT}/quotas HTTP/1.1\r\nHost: x\r\n"
    token = f"X-Auth-Token: {ALICE.token}\r\n"
    answer = standing_service.raw(f"{head}{token}{token}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"X-Auth-Token may be sent only once" in answer
    assert ALICE.token.encode() not in answer


def test_many_requests_at_once_are_answered_in_order_while_others_are_served(service: Caller) -> None:
    flood = f"GET /astakos{ACCOUNT}/nothing HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 3000
    with connected(service) as attacker:
        attacker.sendall(flood)
        for _ in range(10):
            assert service.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
        attacker.shutdown(socket.SHUT_WR)
        statuses = statuses_of(read_all(attacker))
    assert set(statuses) == {400}
    assert len(statuses) <= 3000


def test_a_client_that_sends_its_last_byte_still_gets_its_answer(standing_service: Caller) -> None:
    with connected(standing_service) as connection:
        connection.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert statuses_of(read_all(connection)) == [200]


class TestBounds:
    def test_one_connection_too_many_is_told_so(self, database: Database) -> None:
        with bounded(database, Limits(connections=3)) as service, contextlib.ExitStack() as stack:
            for _ in range(3):
                kept = stack.enter_context(connected(service))
                kept.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
            with connected(service) as refused:
                answer = read_all(refused)
            assert statuses_of(answer) == [503]
            assert b"retry-after: 1" in answer
            assert b"astakos-outcome: not-carried-out" in answer.lower()
            kept.close()
            with contextlib.suppress(ConnectionError):
                assert service.get("/healthz").status in {200, 503}

    def test_idle_connections_make_room_for_others(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("astakos.server.server.CROWDED_IDLE_SECONDS", 0.0)
        monkeypatch.setattr("astakos.server.server.SWEEP_SECONDS", 0.01)
        with bounded(database, Limits(connections=4)) as service, contextlib.ExitStack() as stack:
            busy = stack.enter_context(connected(service))
            busy.sendall(b"GET /astakos/healthz HTTP/1.1\r\n")
            oldest, newer = stack.enter_context(connected(service)), stack.enter_context(connected(service))
            for one in (oldest, newer):
                # With CROWDED as it is, nobody makes room yet.
                one.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert statuses_of(one.recv(65536)) == [200]
                # The event loop counts milliseconds.
                time.sleep(0.01)
            monkeypatch.setattr("astakos.server.server.CROWDED", 0.5)
            assert read_all(oldest) == b"", "as many as are beyond the bound"
            newer.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert statuses_of(newer.recv(65536)) == [200]
            busy.sendall(b"Host: x\r\nConnection: close\r\n\r\n")
            assert statuses_of(read_all(busy)) == [200]

    def test_few_idle_connections_stay_open(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("astakos.server.server.CROWDED_IDLE_SECONDS", 0.0)
        monkeypatch.setattr("astakos.server.server.SWEEP_SECONDS", 0.01)
        with bounded(database, Limits(connections=10)) as service, contextlib.ExitStack() as stack:
            idle = [stack.enter_context(connected(service)) for _ in range(8)]
            for _ in range(30):
                assert service.get("/healthz").status == 200
            for one in idle:
                one.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert statuses_of(one.recv(65536)) == [200]

    def test_its_answer_is_not_lost_to_a_reset(self) -> None:
        server = Server(EchoSite(), None, lambda: None)  # type: ignore[arg-type]
        with listen(LOOPBACK, 0) as listener, socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            accepted, _ = listener.accept()
            accepted.recv(1, socket.MSG_PEEK)
            server._turn_away(accepted)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert statuses_of(answer) == [503]

    def test_heads_that_never_end_are_given_up(self, database: Database) -> None:
        with bounded(database, Limits(head_seconds=0.5)) as service, contextlib.ExitStack() as stack:
            slow = [stack.enter_context(connected(service)) for _ in range(20)]
            for one in slow:
                one.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n")
            assert [statuses_of(read_all(one)) for one in slow] == [[408]] * 20
            assert service.get("/healthz").status == 200

    def test_bodies_that_never_end_are_given_up(self, database: Database) -> None:
        head = f"POST /astakos{COMMISSIONS} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {COMPUTE_TOKEN}\r\n"
        with bounded(database, Limits(body_grace_seconds=0.5)) as service, connected(service) as slow:
            slow.sendall(head.encode() + b"Content-Length: 100\r\n\r\n{")
            assert statuses_of(read_all(slow)) == [408]

    def test_bodies_of_strangers_are_not_collected(self, database: Database) -> None:
        """With a room of 1 kB for all bodies, those that are refused anyway take nothing of it."""
        with bounded(database, Limits(collected_bytes=1000)) as service, contextlib.ExitStack() as stack:
            strangers = [stack.enter_context(connected(service)) for _ in range(10)]
            for one in strangers:
                head = f"POST /astakos{COMMISSIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n"
                one.sendall(head.encode() + b" " * 50_000)
            assert [one.recv(65536)[:12] for one in strangers] == [b"HTTP/1.1 401"] * 10
            assert service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": []}).status == 201

    def test_an_idle_connection_is_closed(self, database: Database) -> None:
        with bounded(database, Limits(idle_seconds=0.5)) as service, connected(service) as connection:
            connection.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert statuses_of(read_all(connection)) == [200]

    @pytest.mark.parametrize(
        ("beginning", "piece"),
        [
            (b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n", b"X: " + b"y" * 4000 + b"\r\n"),
            (b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\nX: ", b"y" * 4096),
            (b"GET /", b"y" * 4096),
            (b"", b"\r\n" * 2000),
        ],
        ids=["fields", "a field", "a target", "empty lines"],
    )
    def test_what_does_not_end_is_cut_off(self, database: Database, beginning: bytes, piece: bytes) -> None:
        with bounded(database, Limits(head_seconds=1)) as service, connected(service) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(beginning)
                for _ in range(2000):
                    connection.sendall(piece)
            assert statuses_of(read_all(connection))[:1] in ([431], [408], [])
            assert service.get("/healthz").status == 200


class LargeAnswers(EchoSite):
    """Answers each request with a MiB."""

    async def respond(self, request: Request) -> Answer:
        self.seen.append((request.method, request.path, b""))
        return Answer(200, b" " * 1024 * 1024, "text/plain")


class TestWhoTakesNoAnswers:
    def test_gets_no_further_ones_and_all_of_them_later(self) -> None:
        site = LargeAnswers()
        with listen(LOOPBACK, 0) as listener, serving_site(site, listener):
            address = listener.getsockname()
            with socket.create_connection(address) as greedy, socket.create_connection(address) as other:
                request = b"GET /greedy HTTP/1.1\r\nHost: x\r\n"
                greedy.sendall((request + b"\r\n") * 199 + request + b"Connection: close\r\n\r\n")
                for _ in range(20):
                    other.sendall(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
                    taken = 0
                    while taken < 1024 * 1024:
                        taken += len(other.recv(1 << 20))
                assert sum(path == "/greedy" for _, path, _ in site.seen) < 100
                taken = sum(map(len, iter(lambda: greedy.recv(1 << 20), b"")))
        assert (len(site.seen), taken // (1024 * 1024)) == (220, 200)

    def test_they_cannot_hold_more_than_the_room_for_all(self, caplog: pytest.LogCaptureFixture) -> None:
        site = LargeAnswers()
        limits = Limits(unsent_bytes=300_000)
        with (
            listen(LOOPBACK, 0) as listener,
            serving_site(site, listener, limits),
            contextlib.ExitStack() as stack,
        ):
            greedy = []
            for _ in range(8):
                one = stack.enter_context(socket.socket())
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.connect(listener.getsockname())
                one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
                greedy.append(one)
            deadline = time.monotonic() + 20
            while not caplog.records and time.monotonic() < deadline:
                time.sleep(0.05)
        assert "did not take 300000 bytes of answers in all" in caplog.text


class NoRoom:
    """A listening socket of a process that has no file descriptor left, for a while."""

    def __init__(self, listener: socket.socket, failures: int) -> None:
        self.listener = listener
        self.failures = failures

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(24, "Too many open files")
        return self.listener.accept()

    def __getattr__(self, name: str) -> object:
        return getattr(self.listener, name)


def test_a_full_table_of_file_descriptors_is_waited_out_and_told(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
        without_room = NoRoom(listener, failures=2)
        with serving(Service(database, BASE_URL), without_room):  # type: ignore[arg-type]
            assert Caller(f"http://{LOOPBACK}:{port}/astakos").get("/healthz").status == 200
    told = [record.getMessage() for record in caplog.records if "no room" in record.getMessage()]
    # Once a second, however often it tries.
    assert told == ["accepting connections is paused, since the system has no room: Too many open files"]


def test_there_are_no_more_connections_than_file_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 1024))
    server = Server(EchoSite(), None, lambda: None, Limits(connections=100_000))  # type: ignore[arg-type]
    assert server.limits.connections == 960


def test_an_idle_connection_is_not_closed_under_a_request_that_nobody_has_read_yet() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        with listen(LOOPBACK, 0) as listener, socket.create_connection(listener.getsockname()) as client:
            server = Server(EchoSite(), listener, lambda: None)
            server._loop = loop
            accepted, _ = listener.accept()
            accepted.setblocking(False)
            client.setblocking(False)
            _, connection = await loop.connect_accepted_socket(lambda: Connection(server), accepted)
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            # The event loop has had no turn since.
            connection.close_if_silent()
            async with asyncio.timeout(20):
                assert statuses_of(await loop.sock_recv(client, 65536)) == [200]
                connection.close_if_silent()
                assert await loop.sock_recv(client, 65536) == b""

    asyncio.run(story())


def test_the_end_does_not_wait_for_a_site_that_does_not_stop(caplog: pytest.LogCaptureFixture) -> None:
    class Hanging(EchoSite):
        async def stop(self) -> None:
            await asyncio.Event().wait()

    async def story() -> None:
        with listen(LOOPBACK, 0) as listener:
            server = Server(Hanging(), listener, lambda: None, stop_seconds=0.01)
            server.end()
            async with asyncio.timeout(20):
                await server.serve()

    asyncio.run(story())
    assert "what no caller waits for did not end in time" in caplog.text
