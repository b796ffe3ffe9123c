"""What every adapter must do, over real connections: synchronous ones as they are, the others driven."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import httpx2
import pytest

from astakosclient import Answer, AstakosClient, Request, Timeout, errors
from astakosclient.adapters.httpx2 import AsyncHttpx2Transport, Httpx2Transport
from astakosclient.http1.decoding import LARGEST_OUTPUT_OF_STEP
from client.compressed import EMPTY_MEMBER, bomb, laborious
from client.http1.sync.test_tls import server_context
from client.peers import (
    CERTIFICATE,
    answer,
    chunked,
    closed_port,
    drip,
    gzipped,
    hang_up,
    resolve_all_to,
    silence,
    then_close,
)
from service.world import ALICE, COMPUTE_TOKEN, UNKNOWN_TOKEN, VM
from silent_names import SILENT, silent_names

if TYPE_CHECKING:
    from client.conftest import PeerFactory
    from client.peers import Act, Step
    from service.caller import Caller

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
GOOD = answer({"a": 1})
PACKED = "Content-Encoding: gzip\r\n"


class Transport(Protocol):
    def send(self, request: Request, timeout: Timeout) -> Answer: ...

    def close(self) -> None: ...


class Driven:
    """An asynchronous transport, driven by an event loop of its own."""

    def __init__(self, transport: AsyncHttpx2Transport) -> None:
        self.transport = transport
        self.runner = asyncio.Runner()

    def send(self, request: Request, timeout: Timeout) -> Answer:
        return self.runner.run(self.transport.send(request, timeout))

    def close(self) -> None:
        self.runner.run(self.transport.aclose())
        self.runner.close()


Make = Callable[..., Transport]
ADAPTERS: dict[str, Make] = {
    "httpx2": Httpx2Transport,
    "httpx2, awaited": lambda **options: Driven(AsyncHttpx2Transport(**options)),
}


@pytest.fixture(params=ADAPTERS)
def make(request: pytest.FixtureRequest) -> Make:
    return ADAPTERS[request.param]


@pytest.fixture
def transport(make: Make) -> Iterator[Transport]:
    transport = make()
    yield transport
    transport.close()


def sent(
    transport: Transport, url: str, method: str = "GET", seconds: float = 5.0, body: bytes = b""
) -> Answer:
    origin, slash, target = url.partition("/x")
    headers = (("X-Auth-Token", TOKEN), ("X-Thing", "any"))
    return transport.send(Request(method, origin, slash + target, headers, body), Timeout(seconds))


def failure(
    transport: Transport, url: str, method: str = "POST", seconds: float = 5.0
) -> errors.ConnectionError:
    with pytest.raises(errors.ConnectionError) as failed:
        sent(transport, url, method, seconds, b"secret body" if method == "POST" else b"")
    return failed.value


def endless(data: bytes) -> Act:
    """The same again and again, as fast as it is read."""

    def act(connection: socket.socket) -> bool:
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(data * 100)
        return False

    return act


def test_a_zone_is_for_the_resolver_only(
    transport: Transport, peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(GOOD)
    asked = resolve_all_to(peer.port, monkeypatch)
    assert sent(transport, f"http://[::1%251]:{peer.port}/x").status == 200
    # What the name was resolved to may be resolved once more.
    assert {"::1%1"} <= set(asked) <= {"::1%1", "127.0.0.1"}
    assert peer.requests[0].headers["host"] == f"[::1]:{peer.port}"


def test_a_trailing_dot_is_for_the_resolver_and_not_for_tls(
    make: Make, peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(GOOD, tls=server_context())
    asked = resolve_all_to(peer.port, monkeypatch)
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    kind = httpx2.HTTPTransport if make is Httpx2Transport else httpx2.AsyncHTTPTransport
    transport = make(make=lambda: kind(verify=context))
    with contextlib.closing(transport):
        assert sent(transport, f"https://localhost.:{peer.port}/x").status == 200
    # What the name was resolved to may be resolved once more.
    assert {"localhost."} <= set(asked) <= {"localhost.", "127.0.0.1"}


def test_the_usual_calls_work(transport: Transport, service: Caller) -> None:
    with AstakosClient(service.base_url, transport=transport) as client:
        assert client.get_user_info(ALICE.token)["uuid"] == ALICE.uuid
        assert client.get_usernames(ALICE.token, [ALICE.uuid]) == {ALICE.uuid: ALICE.email}
        assert VM in client.get_resources()
        client.send_feedback(ALICE.token, "Größe", "ok")
        serial = client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1})
        assert client.get_pending_commissions(COMPUTE_TOKEN) == [serial]
        client.accept_commission(COMPUTE_TOKEN, serial)
        assert client.get_quotas(ALICE.token)[ALICE.uuid][VM]["usage"] == 1
        with pytest.raises(errors.QuotaLimit) as refused:
            client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 100})
        assert refused.value.available == 3
        with pytest.raises(errors.Unauthorized):
            client.get_quotas(UNKNOWN_TOKEN)


def test_a_request_arrives_as_it_is(transport: Transport, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    got = sent(transport, f"{peer.url}/x/a%2Fb/%7e?user=a%2Cb&c=%C3%A9", "POST", body=b"\0\xff")
    assert (got.status, got.body) == (200, b'{"a": 1}')
    request = peer.requests[0]
    assert (request.method, request.target, request.body) == (
        "POST",
        "/x/a%2Fb/%7e?user=a%2Cb&c=%C3%A9",
        b"\0\xff",
    )
    assert request.headers["x-auth-token"] == TOKEN
    assert request.headers["x-thing"] == "any"
    assert request.headers["host"] == f"localhost:{peer.port}"
    assert request.headers["accept-encoding"] == "gzip"
    assert "referer" not in request.headers


def test_a_post_without_a_body_says_so(transport: Transport, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    sent(transport, f"{peer.url}/x", "POST")
    assert peer.requests[0].headers["content-length"] == "0"


@pytest.mark.parametrize(
    "step",
    [answer(body=b"hello"), chunked(b"hello"), gzipped(b"hello"), then_close(b"HTTP/1.0 200\r\n\r\nhello")],
)
def test_any_form_of_a_good_answer_is_read(step: Step, transport: Transport, peer_of: PeerFactory) -> None:
    assert sent(transport, f"{peer_of(step).url}/x").body == b"hello"


def test_names_are_in_lower_case_and_values_joined(transport: Transport, peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}, headers="Vary: a\r\nX-Thing: Some\r\nvary: b\r\n"))
    headers = sent(transport, f"{peer.url}/x").headers
    assert (headers["vary"], headers["x-thing"]) == ("a, b", "Some")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(status: str, transport: Transport, peer_of: PeerFactory) -> None:
    other = peer_of(GOOD)
    peer = peer_of(answer({}, status, headers=f"Location: {other.url}/x\r\n"))
    got = sent(transport, f"{peer.url}/x")
    assert (got.status, got.headers["location"]) == (int(status[:3]), f"{other.url}/x")
    assert other.accepted == 0


def test_cookies_are_not_kept(transport: Transport, peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}, headers="Set-Cookie: session=ada; Path=/\r\n"))
    for _ in range(2):
        sent(transport, f"{peer.url}/x")
    assert all("cookie" not in request.headers for request in peer.requests)


def test_a_connection_is_kept_for_the_next_call(transport: Transport, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    for _ in range(3):
        sent(transport, f"{peer.url}/x")
    assert (peer.accepted, len(peer.requests)) == (1, 3)


def test_what_was_refused_a_connection_was_not_sent(transport: Transport) -> None:
    error = failure(transport, f"http://127.0.0.1:{closed_port()}/x")
    assert not error.sent
    assert "refused" in str(error) or "attempts failed" in str(error)


def test_what_has_no_host_was_not_sent(transport: Transport) -> None:
    assert not failure(transport, "http://nowhere.invalid/x").sent


@pytest.mark.parametrize(
    "step",
    [
        hang_up,
        then_close(b"HTTP/1.1 200 OK\r\nContent-Le"),
        then_close(GOOD[:-2]),
        then_close(chunked(b"hello")[:-5]),
        then_close(b"220 mail.example.com ESMTP\r\n\r\n"),
        answer(body=b"no gzip", headers=PACKED),
        answer(body=b"another encoding", headers="Content-Encoding: br\r\n"),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "no HTTP", "no gzip", "br"],
)
def test_what_was_sent_is_never_called_unsent(step: Step, transport: Transport, peer_of: PeerFactory) -> None:
    error = failure(transport, f"{peer_of(step).url}/x")
    assert error.sent
    assert str(error)


@pytest.mark.parametrize(
    "step",
    [
        silence,
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500, 0.01),
        drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500, 0.01),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 500, 0.01),
        endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "dripping body", "dripping head", "dripping interim answers", "endless interim answers"],
)
def test_a_call_ends_with_its_time(step: Step, transport: Transport, peer_of: PeerFactory) -> None:
    # An address: looking a name up is a thread of its own, which can take this long on a busy machine.
    error = failure(transport, f"http://127.0.0.1:{peer_of(step).port}/x", seconds=0.6)
    assert error.sent
    assert isinstance(error.errobject, TimeoutError)


def test_no_answer_is_decompressed_beyond_the_time_of_the_call(
    transport: Transport, peer_of: PeerFactory
) -> None:
    """This one arrives at once, and would take more than two seconds of processor time."""
    peer = peer_of(answer(body=laborious(10_000_000), headers=PACKED))
    assert isinstance(failure(transport, f"{peer.url}/x", seconds=0.2).errobject, TimeoutError)


def test_a_body_of_many_empty_members_is_refused(transport: Transport, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=EMPTY_MEMBER * 200_000, headers=PACKED))
    assert "more than 100 gzip members" in str(failure(transport, f"{peer.url}/x"))


def test_decompressing_lets_other_tasks_run(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=bomb(20), headers=PACKED))

    async def main() -> tuple[int, int]:
        async with AsyncHttpx2Transport() as transport:
            call = asyncio.ensure_future(transport.send(Request("GET", peer.url, "/x"), Timeout(10)))
            turns = 0
            while not peer.requests or not call.done():
                turns += 1
                await asyncio.sleep(0 if peer.requests else 0.001)
            return turns, len((await call).body)

    turns, size = asyncio.run(main())
    assert turns > 20_000_000 / LARGEST_OUTPUT_OF_STEP / 2
    assert size == 20_000_000


@pytest.mark.parametrize(
    "step",
    [
        answer(body=b"x" * 1001),
        chunked(b"x" * 1001, 100),
        gzipped(b"x" * 1001),
        answer(body=bomb(), headers=PACKED),
        answer(body=laborious(1100), headers=PACKED),
    ],
)
def test_an_answer_beyond_the_limit_is_refused(step: Step, make: Make, peer_of: PeerFactory) -> None:
    transport = make(largest_answer=1000)
    error = failure(transport, f"{peer_of(step).url}/x")
    transport.close()
    assert "larger than 1000 bytes" in str(error)


@pytest.mark.parametrize("step", [hang_up, silence, then_close(GOOD[:-2]), then_close(b"\0\r\n\r\n"), GOOD])
def test_no_secret_is_logged_or_kept_in_an_exception(
    step: Step, transport: Transport, peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    def secret(text: str) -> bool:
        return TOKEN in text or "hidden" in text or "secret body" in text

    peer = peer_of(step)
    with caplog.at_level(logging.INFO):
        try:
            sent(transport, f"{peer.url}/x/tokens/hidden", "POST", 0.3, b"secret body")
        except errors.ConnectionError as error:
            failed: BaseException | None = error
        else:
            failed = None
    while failed is not None:
        assert not secret(f"{failed} {failed!r} {vars(failed)}")
        assert not hasattr(failed, "request")
        failed = failed.__cause__ or failed.__context__ or getattr(failed, "errobject", None)
    assert not secret(caplog.text)


def test_a_kept_connection_has_the_time_of_its_present_call(
    transport: Transport, peer_of: PeerFactory
) -> None:
    peer = peer_of(GOOD, drip(GOOD, 1.2 / len(GOOD)))
    assert sent(transport, f"{peer.url}/x", seconds=1).status == 200
    assert sent(transport, f"{peer.url}/x", seconds=5).status == 200
    other = peer_of(GOOD, silence)
    assert sent(transport, f"{other.url}/x", seconds=5).status == 200
    assert isinstance(failure(transport, f"{other.url}/x", seconds=0.2).errobject, TimeoutError)
    assert (peer.accepted, other.accepted) == (1, 1)


@pytest.mark.parametrize("is_proxied", [False, True])
def test_looking_up_a_name_ends_with_the_time_to_connect(
    monkeypatch: pytest.MonkeyPatch, *, is_proxied: bool
) -> None:
    """Of the service or of a proxy: the synchronous resolver has no limit of its own."""
    proxy = f"http://{SILENT}:3128" if is_proxied else None
    host = "service.example" if is_proxied else SILENT
    with (
        silent_names(monkeypatch) as server,
        contextlib.closing(Httpx2Transport(lambda: httpx2.HTTPTransport(proxy=proxy))) as transport,
    ):
        for _ in range(2):
            with pytest.raises(errors.ConnectionError, match="no name server resolved") as failed:
                transport.send(Request("GET", f"http://{host}", "/"), Timeout(total=10, connect=0.05))
            assert not failed.value.sent
        # Whoever asks again joins the first question.
        assert server.asked == [SILENT]


def test_each_address_of_a_host_is_tried(peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = peer_of(GOOD)
    real = socket.getaddrinfo
    asked = []

    def resolved(host: str, port: int, *arguments: Any, **more: Any) -> Any:
        if host != "two.test":
            return real(host, port, *arguments, **more)
        if more.get("flags"):
            raise socket.gaierror
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("127.0.0.2", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with contextlib.closing(Httpx2Transport()) as transport:
        assert sent(transport, f"http://two.test:{peer.port}/x").status == 200
        assert asked == ["two.test"]
        with pytest.raises(errors.ConnectionError) as failed:
            sent(transport, f"http://two.test:{closed_port()}/x")
        assert not failed.value.sent
        assert len(asked) == 2
    assert len(peer.requests) == 1


def test_awaited_ones_go_on_in_a_second_event_loop(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    transport = AsyncHttpx2Transport()

    async def call() -> int:
        async with transport:
            got: Answer = await transport.send(Request("GET", peer.url, "/x"), Timeout(5))
            return got.status

    assert [asyncio.run(call()), asyncio.run(call())] == [200, 200]


def test_a_cancelled_call_leaves_no_half_read_connection(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, silence, answer({"b": 2}))
    request = Request("GET", peer.url, "/x")

    async def calls() -> list[bytes]:
        async with AsyncHttpx2Transport() as transport:
            first = await transport.send(request, Timeout(5))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await transport.send(request, Timeout(5))
            last = await transport.send(request, Timeout(5))
        return [first.body, last.body]

    assert asyncio.run(calls()) == [b'{"a": 1}', b'{"b": 2}']


FORKING = """
import os, sys
from astakosclient import Request, Timeout, errors
from astakosclient.adapters.httpx2 import Httpx2Transport
from client.peers import Peer, answer

def told(transport, request):
    try:
        return str(transport.send(request, Timeout(5)).status)
    except errors.ConnectionError as error:
        return f"{error.sent}: {error}"

def in_child(work):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, work().encode())
        os._exit(0)
    os.waitpid(child, 0)
    print(os.read(reading, 4096).decode())

with Peer(answer({})) as peer, Httpx2Transport() as transport:
    request = Request("GET", peer.url, "/x")
    print(told(transport, request))
    in_child(lambda: told(transport, request))
    print(told(transport, request))
    in_child(lambda: transport.close() or "closed")
    print(told(transport, request))
    print([request.connection for request in peer.requests])
"""


def forked() -> list[str]:
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.splitlines()


def test_httpx2_goes_on_after_a_fork_with_connections_of_its_own() -> None:
    told = forked()
    assert told == ["200", "200", "200", "closed", "200", "[1, 2, 1, 1]"]


def test_a_missing_library_is_named_with_what_to_install() -> None:
    program = "import sys; sys.modules['httpx2'] = None; import astakosclient.adapters.httpx2"
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    last = done.stderr.splitlines()[-1]
    assert last == 'ImportError: httpx2 is not installed: pip install "astakos[httpx2]"'
