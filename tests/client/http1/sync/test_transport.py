"""Connections to peers that are broken, slow, or gone."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import AstakosClient, HttpTransport, Request, Retry, Timeout, errors
from client.compressed import EMPTY_MEMBER, bomb, laborious
from client.peers import (
    Peer,
    Step,
    answer,
    chunked,
    drip,
    full_backlog,
    gzipped,
    hang_up,
    read_request,
    silence,
    then_close,
)
from silent_names import SILENT, silent_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
DOCUMENT = {"system": {"cyclades.vm": {"limit": 4, "usage": 1, "pending": 0}}}
BODY = json.dumps(DOCUMENT).encode()
GOOD = answer(DOCUMENT)


# Answers


TWO_MEMBERS = gzip.compress(BODY[:10], mtime=0) + gzip.compress(BODY[10:], mtime=0)


@pytest.mark.parametrize(
    "step",
    [
        GOOD,
        chunked(BODY),
        chunked(BODY, size=1),
        gzipped(BODY),
        chunked(gzip.compress(BODY, mtime=0), headers="Content-Encoding: gzip\r\n"),
        answer(body=TWO_MEMBERS, headers="Content-Encoding: x-gzip\r\n"),
        answer(body=BODY, headers="Content-Encoding: identity\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + GOOD,
        then_close(b"HTTP/1.1 200 OK\r\n\r\n" + BODY),
        then_close(b"HTTP/1.0 200 OK\r\n\r\n" + BODY),
        drip(GOOD, 0.0005),
    ],
)
def test_any_form_of_a_good_answer_is_read(step: Step, peer_of: PeerFactory) -> None:
    peer = peer_of(step)
    with AstakosClient(peer.url) as client:
        assert client.get_quotas(TOKEN) == DOCUMENT
    assert peer.requests[0].headers["accept-encoding"] == "gzip"


BROKEN: dict[str, Step] = {
    "nothing": hang_up,
    "half a status line": then_close(b"HTTP/1."),
    "half a head": then_close(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half a body": then_close(GOOD[:-5]),
    "half a chunk": then_close(chunked(BODY)[:-20]),
    "a chunk of no size": then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a chunk of negative size": then_close(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcdefgh\r\n0\r\n\r\n"
    ),
    "a length that is no number": then_close(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + BODY),
    "a negative length": then_close(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + BODY),
    "no HTTP": then_close(b"220 mail.example.com ESMTP\r\n"),
    "a bad status": then_close(b"HTTP/1.1 abc OK\r\n\r\n"),
    "an interim answer for good": then_close(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "TLS": then_close(b"\x15\x03\x03\x00\x02\x02\x28"),
    "an endless header": then_close(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    "endless headers": then_close(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"),
    "an unknown encoding": answer(body=BODY, headers="Content-Encoding: br\r\n"),
    "no gzip": answer(body=BODY, headers="Content-Encoding: gzip\r\n"),
    "half a gzip": answer(body=gzip.compress(BODY, mtime=0)[:-9], headers="Content-Encoding: gzip\r\n"),
    "a wrong checksum": answer(
        body=gzip.compress(BODY, mtime=0)[:-8] + bytes(8), headers="Content-Encoding: gzip\r\n"
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_is_a_connection_error(kind: str, peer_of: PeerFactory) -> None:
    peer = peer_of(BROKEN[kind])
    with AstakosClient(peer.url, timeout=5) as client, pytest.raises(errors.ConnectionError) as failed:
        client.get_quotas(TOKEN)
    error = failed.value
    assert error.sent
    assert error.errobject is not None
    assert error.message == (str(error.errobject) or type(error.errobject).__name__)
    assert f"localhost:{peer.port}" in str(error)


def limited(peer: Peer, limit: int) -> HttpTransport:
    return HttpTransport(peer.url, largest_answer=limit)


@pytest.mark.parametrize(
    "step",
    [
        answer(body=b"x" * 1001),
        then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"),
        chunked(b"x" * 1001, size=100),
        then_close(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001),
        then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"x" * 200_000),
        gzipped(b"x" * 1001),
    ],
)
def test_an_answer_beyond_the_limit_is_refused(step: Step, peer_of: PeerFactory) -> None:
    peer = peer_of(step)
    client = AstakosClient(peer.url, transport=limited(peer, 1000), timeout=5)
    with pytest.raises(errors.ConnectionError, match=r"larger than 1000 bytes|an invalid chunk size"):
        client.get_quotas(TOKEN)


def test_an_answer_at_the_limit_is_read(peer_of: PeerFactory) -> None:
    body = BODY + b" " * 1000
    peer = peer_of(answer(body=body), gzipped(body), chunked(body, size=100))
    client = AstakosClient(peer.url, transport=limited(peer, len(body)))
    for _ in range(3):
        assert client.get_quotas(TOKEN) == DOCUMENT


def test_a_decompression_bomb_does_not_go_off(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=bomb(), headers="Content-Encoding: gzip\r\n"))
    with (
        AstakosClient(peer.url, transport=limited(peer, 1_000_000)) as client,
        pytest.raises(errors.ConnectionError, match="larger than 1000000 bytes"),
    ):
        client.get_quotas(TOKEN)


def test_a_body_of_many_empty_members_is_refused(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=EMPTY_MEMBER * 200_000, headers="Content-Encoding: gzip\r\n"))
    with (
        AstakosClient(peer.url) as client,
        pytest.raises(errors.ConnectionError, match="more than 100 gzip members"),
    ):
        client.get_quotas(TOKEN)


# Time


def test_no_answer_is_decompressed_beyond_the_time_of_the_call(peer_of: PeerFactory) -> None:
    """This one arrives at once, and would take more than two seconds of processor time."""
    peer = peer_of(answer(body=laborious(10_000_000), headers="Content-Encoding: gzip\r\n"))
    with AstakosClient(peer.url, timeout=0.2) as client:
        with pytest.raises(errors.ConnectionError, match="timed out") as failed:
            client.get_quotas(TOKEN)
        assert isinstance(failed.value.errobject, TimeoutError)


@pytest.mark.parametrize(
    "step",
    [silence, drip(GOOD, 0.03), drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500, 0.01)],
    ids=["silence", "dripping head", "dripping body"],
)
def test_the_time_of_a_call_is_a_total(step: Step, peer_of: PeerFactory) -> None:
    peer = peer_of(step)
    with (
        AstakosClient(peer.url, timeout=0.2) as client,
        pytest.raises(errors.ConnectionError, match="timed out") as failed,
    ):
        client.get_quotas(TOKEN)
    assert failed.value.sent
    assert isinstance(failed.value.errobject, TimeoutError)


def test_connecting_has_a_time_of_its_own() -> None:
    with full_backlog() as port:
        client = AstakosClient(f"http://127.0.0.1:{port}", timeout=Timeout(total=10, connect=0.2))
        with pytest.raises(errors.ConnectionError, match="timed out") as failed:
            client.issue_commission(TOKEN, {})
    assert not failed.value.sent


@pytest.mark.filterwarnings("ignore::astakosclient.errors.InsecureConnectionWarning")
def test_a_host_that_does_not_exist_was_not_sent_to() -> None:
    with AstakosClient("http://nowhere.invalid") as client, pytest.raises(errors.ConnectionError) as failed:
        client.issue_commission(TOKEN, {})
    assert not failed.value.sent


def test_an_interrupted_call_leaves_no_half_read_connection(
    peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(GOOD)

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with AstakosClient(peer.url, use_pool=True, pool_size=1) as client:
        client.get_quotas(TOKEN)
        with monkeypatch.context() as patch:
            patch.setattr("astakosclient.http1.answer_parser.AnswerReader.feed", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.get_quotas(TOKEN)
        assert client.get_quotas(TOKEN) == DOCUMENT
    assert peer.accepted == 2


# Kept connections


@pytest.mark.parametrize("use_pool", [False, True])
def test_a_connection_is_kept_for_the_next_call(use_pool: bool, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, chunked(BODY), gzipped(BODY), answer(status="404 No"), GOOD)
    with AstakosClient(peer.url, use_pool=use_pool) as client:
        for _ in range(3):
            client.get_quotas(TOKEN)
        with pytest.raises(errors.NotFound):
            client.get_quotas(TOKEN)
        client.get_quotas(TOKEN)
    assert (peer.accepted, len(peer.requests)) == (1, 5)


@pytest.mark.parametrize(
    "step",
    [
        answer(DOCUMENT, headers="Connection: close\r\n"),
        GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"),
        GOOD + b"something left over",
        then_close(GOOD),
    ],
    ids=["says so", "HTTP/1.0", "left over", "just does"],
)
def test_a_connection_that_is_not_cleanly_idle_is_not_used_again(step: Step, peer_of: PeerFactory) -> None:
    peer = peer_of(step)
    with AstakosClient(peer.url) as client:
        for _ in range(2):
            assert client.get_quotas(TOKEN) == DOCUMENT
            time.sleep(0.02)
    assert peer.accepted == 2


@pytest.mark.parametrize("invoke", [lambda c: c.get_quotas(TOKEN), lambda c: c.issue_commission(TOKEN, {})])
def test_a_connection_that_the_server_closed_is_noticed_before_use(
    invoke: Callable[[AstakosClient], Any], peer_of: PeerFactory
) -> None:
    peer = peer_of(answer({"serial": 7}))
    with AstakosClient(peer.url) as client:
        invoke(client)
        peer.drop_connections()
        time.sleep(0.02)
        invoke(client)
    assert (peer.accepted, len(peer.requests)) == (2, 2)


def test_a_read_goes_out_again_if_the_server_closes_a_kept_connection_just_then(
    peer_of: PeerFactory,
) -> None:
    peer = peer_of(GOOD, hang_up, GOOD)
    with AstakosClient(peer.url) as client:
        assert client.get_quotas(TOKEN) == DOCUMENT
        assert client.get_quotas(TOKEN) == DOCUMENT
    assert (peer.accepted, len(peer.requests)) == (2, 3)


def test_a_large_request_is_sent_whole(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"serial": 7}))
    request = {"name": "x" * 4_000_000}
    with AstakosClient(peer.url) as client:
        client.issue_commission(TOKEN, request)
    assert peer.requests[0].json == request


def test_head_and_body_leave_in_one_piece() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pieces = []

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                pieces.append(connection.recv(65536))
                connection.sendall(answer({"serial": 7}))

        server = threading.Thread(target=serve)
        server.start()
        with AstakosClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            client.issue_commission(TOKEN, {"name": "boot"})
        server.join()
    assert pieces[0].endswith(b'{"name":"boot"}')


def test_closing_is_idempotent_and_a_later_call_connects_anew(peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    client = AstakosClient(peer.url)
    client.get_quotas(TOKEN)
    client.close()
    client.close()
    assert client.get_quotas(TOKEN) == DOCUMENT
    client.close()
    assert peer.accepted == 2


def test_a_client_that_is_never_closed_makes_no_noise() -> None:
    """Dropped, part of a cycle, or alive at exit: no warning, no exception."""
    program = """
import gc, sys
from client.peers import Peer, answer
from astakosclient import AstakosClient
with Peer(answer({})) as peer:
    AstakosClient(peer.url).get_quotas("t")
    cycle = {"client": AstakosClient(peer.url)}
    cycle["self"] = cycle
    cycle["client"].get_quotas("t")
    del cycle
    gc.collect()
    left = AstakosClient(peer.url)
    left.get_quotas("t")
"""
    path = os.pathsep.join([*sys.path, "src", "tests"])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", program],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# Threads and processes


@pytest.mark.parametrize(("use_pool", "most"), [(True, 4), (False, 16)])
def test_one_client_serves_many_threads(use_pool: bool, most: int, peer_of: PeerFactory) -> None:
    def echo(connection: socket.socket) -> bool:
        time.sleep(0.001)
        connection.sendall(GOOD)
        return True

    peer = peer_of(echo)
    client = AstakosClient(peer.url, use_pool=use_pool, pool_size=4)
    with client, ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda _: client.get_quotas(TOKEN), range(320)))
    assert results == [DOCUMENT] * 320
    assert len(peer.requests) == 320
    assert peer.accepted >= 1
    if use_pool:
        assert peer.accepted <= most


def test_each_thread_gets_its_own_answer() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def serve(connection: socket.socket) -> None:
            with connection, connection.makefile("rb") as incoming:
                while request := read_request(incoming):
                    time.sleep(0.001)
                    connection.sendall(answer({"serial": request.json["name"]}))

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        server = threading.Thread(target=accept)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with AstakosClient(url, use_pool=True, pool_size=3) as client, ThreadPoolExecutor(16) as threads:
            serials = list(threads.map(lambda n: client.issue_commission(TOKEN, {"name": n}), range(200)))
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    assert serials == list(range(200))


def test_a_call_waits_for_a_connection_of_the_pool_no_longer_than_its_time(peer_of: PeerFactory) -> None:
    peer = peer_of(silence)
    transport = HttpTransport(peer.url, bounded=True, pool_size=1)
    request = Request("POST", peer.url, "/")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(transport.send, request, Timeout(total=0.4))
        while not peer.requests:
            time.sleep(0.005)
        with pytest.raises(errors.ConnectionError, match="connections of the pool") as waited:
            transport.send(request, Timeout(total=0.1))
        assert isinstance(first.exception(), errors.ConnectionError)
    assert not waited.value.sent


def in_child(work: Callable[[], bool]) -> bool:
    """Whether the work succeeds in a forked process."""
    child = os.fork()
    if child == 0:
        # What hangs must not do so for ever, nor be interrupted by an exception that it may take for another.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        good = False
        try:
            good = work()
        finally:
            os._exit(0 if good else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("use_pool", [False, True])
def test_parent_and_child_go_on_after_a_fork(use_pool: bool, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)

    def call_and_close() -> bool:
        return client.get_quotas(TOKEN) == DOCUMENT and close()

    def close() -> bool:
        client.close()
        return True

    with AstakosClient(peer.url, use_pool=use_pool, pool_size=1) as client:
        assert client.get_quotas(TOKEN) == DOCUMENT
        assert in_child(call_and_close)
        assert client.get_quotas(TOKEN) == DOCUMENT
        assert in_child(close)
        assert client.get_quotas(TOKEN) == DOCUMENT
    # The parent's connection is still the first one; the child made its own.
    assert [request.connection for request in peer.requests] == [1, 2, 1, 1]


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_fork_while_all_connections_are_out_does_not_block_the_child() -> None:
    release = threading.Event()

    def wait(connection: socket.socket) -> bool:
        release.wait(5)
        connection.sendall(GOOD)
        return True

    with Peer(wait, GOOD) as peer, AstakosClient(peer.url, use_pool=True, pool_size=1, timeout=5) as client:
        with ThreadPoolExecutor(1) as threads:
            pending = threads.submit(client.get_quotas, TOKEN)
            while not peer.requests:
                time.sleep(0.005)
            assert in_child(lambda: client.get_quotas(TOKEN) == DOCUMENT)
            release.set()
            assert pending.result() == DOCUMENT
        assert client.get_quotas(TOKEN) == DOCUMENT
    assert [request.connection for request in peer.requests] == [1, 2, 1]


# The rest


def test_the_transport_can_be_used_by_itself(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"a": 1}, headers="X-Thing: Some\r\n"))
    transport = HttpTransport(peer.url)
    got = transport.send(Request("GET", peer.url, "/any?thing"), Timeout(total=1))
    transport.close()
    assert (got.status, got.reason, got.body, got.headers["x-thing"]) == (200, "OK", b'{"a": 1}', "Some")
    assert repr(transport) == f"<HttpTransport to {peer.url}>"


@pytest.mark.filterwarnings("ignore::astakosclient.errors.InsecureConnectionWarning")
def test_the_next_address_of_a_host_is_tried(peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = peer_of(GOOD)
    good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))
    bad = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [bad, good])
    with AstakosClient("http://two.addresses.test", Retry(0)) as client:
        assert client.get_quotas(TOKEN) == DOCUMENT
    assert peer.requests[0].headers["host"] == "two.addresses.test"


@pytest.mark.filterwarnings("ignore::astakosclient.errors.InsecureConnectionWarning")
def test_a_name_server_that_does_not_answer_counts_toward_the_time_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        silent_names(monkeypatch) as server,
        contextlib.closing(HttpTransport(f"http://{SILENT}")) as transport,
    ):
        for _ in range(2):
            with pytest.raises(errors.ConnectionError, match="no name server resolved") as failed:
                transport.send(Request("GET", f"http://{SILENT}", "/"), Timeout(total=10, connect=0.05))
            assert not failed.value.sent
        assert server.asked == [SILENT]
