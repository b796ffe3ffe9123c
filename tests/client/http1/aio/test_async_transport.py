"""Asynchronous connections to peers that are good, broken, slow, or gone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from astakosclient import Answer, Timeout, errors
from astakosclient.http1.aio.async_transport import AsyncHttpTransport
from astakosclient.http1.decoding import LARGEST_OUTPUT_OF_STEP
from client.awaited import NEVER, PATIENT, TOKEN, reading, send_once, writing
from client.compressed import EMPTY_MEMBER, bomb, laborious
from client.http1.event_loops import Run, every_loop, hold_up, until
from client.http1.sync.test_transport import BODY, BROKEN, DOCUMENT, GOOD
from client.peers import (
    answer,
    chunked,
    closed_port,
    drip,
    full_backlog,
    gzipped,
    hang_up,
    silence,
    then_close,
)
from silent_names import SILENT, silent_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.conftest import PeerFactory
    from client.peers import Step

pytestmark = pytest.mark.filterwarnings("ignore::astakosclient.errors.InsecureConnectionWarning")


# Answers


@every_loop
@pytest.mark.parametrize(
    "step",
    [
        GOOD,
        chunked(BODY),
        gzipped(BODY),
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        then_close(b"HTTP/1.1 200 OK\r\n\r\n" + BODY),
        then_close(b"HTTP/1.0 200 OK\r\n\r\n" + BODY),
        drip(GOOD, 0.0005),
    ],
)
def test_any_form_of_a_good_answer_is_read(step: Step, run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(step)
    got = send_once(run, peer.url, reading(peer))
    assert (got.status, json.loads(got.body)) == (200, DOCUMENT)
    [received] = peer.requests
    assert received.headers["accept-encoding"] == "gzip"
    assert received.headers["x-auth-token"] == TOKEN


@every_loop
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_is_a_connection_error(kind: str, run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(BROKEN[kind])
    with pytest.raises(errors.ConnectionError) as failed:
        send_once(run, peer.url, reading(peer), Timeout(total=5))
    error = failed.value
    assert error.sent
    assert error.message == (str(error.errobject) or type(error.errobject).__name__)
    assert f"localhost:{peer.port}" in str(error)
    assert TOKEN not in repr(error)


@pytest.mark.parametrize(
    "step",
    [
        answer(body=b"x" * 1001),
        then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"),
        chunked(b"x" * 1001, size=100),
        then_close(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001),
        gzipped(b"x" * 1001),
        answer(body=bomb(), headers="Content-Encoding: gzip\r\n"),
    ],
)
def test_an_answer_beyond_the_limit_is_refused(step: Step, peer_of: PeerFactory) -> None:
    peer = peer_of(step)
    with pytest.raises(errors.ConnectionError, match="larger than 1000 bytes"):
        send_once(asyncio.run, peer.url, reading(peer), largest_answer=1000)


@every_loop
def test_a_large_answer_and_a_large_request_are_carried_whole(run: Run, peer_of: PeerFactory) -> None:
    body = os.urandom(3_000_000)
    peer = peer_of(answer(body=body))
    assert send_once(run, peer.url, writing(peer, body)).body == body
    assert peer.requests[0].body == body


@every_loop
def test_an_answer_that_does_not_wait_for_the_whole_request_is_read(run: Run) -> None:
    """As when a proxy refuses a body for its size; the connection cannot be used again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        accepted = []

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                accepted.append(connection)
                connection.recv(100)
                connection.sendall(answer(status="413 Too Large"))

        server = threading.Thread(target=serve)
        server.start()

        async def main() -> list[int]:
            async with AsyncHttpTransport(url) as transport:
                large = writing(url, bytes(50_000_000))
                return [(await transport.send(large, PATIENT)).status for _ in range(2)]

        assert run(main()) == [413, 413]
        server.join()
        for connection in accepted:
            connection.close()


@every_loop
def test_decompressing_lets_other_tasks_run(run: Run, peer_of: PeerFactory) -> None:
    """A packet of 20 kB decompresses to 20 MB: others get a turn after each step."""
    peer = peer_of(answer(body=bomb(20), headers="Content-Encoding: gzip\r\n"))

    async def main() -> tuple[int, int]:
        async with AsyncHttpTransport(peer.url) as transport:
            call = asyncio.ensure_future(transport.send(reading(peer), PATIENT))
            turns = 0
            while not peer.requests or not call.done():
                turns += 1
                await asyncio.sleep(0 if peer.requests else 0.001)
            return turns, len((await call).body)

    turns, size = run(main())
    assert turns > 20_000_000 / LARGEST_OUTPUT_OF_STEP / 2
    assert size == 20_000_000


@every_loop
def test_a_body_of_many_empty_members_is_refused(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=EMPTY_MEMBER * 200_000, headers="Content-Encoding: gzip\r\n"))
    with pytest.raises(errors.ConnectionError, match="more than 100 gzip members"):
        send_once(run, peer.url, reading(peer))


# Time


@every_loop
def test_no_answer_is_decompressed_beyond_the_time_of_the_call(run: Run, peer_of: PeerFactory) -> None:
    """This one arrives at once, and would take more than two seconds of processor time."""
    peer = peer_of(answer(body=laborious(10_000_000), headers="Content-Encoding: gzip\r\n"))
    with pytest.raises(errors.ConnectionError, match="timed out") as failed:
        send_once(run, peer.url, reading(peer), NEVER)
    assert isinstance(failed.value.errobject, TimeoutError)


@every_loop
@pytest.mark.parametrize(
    "step",
    [silence, drip(GOOD, 0.03), drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500, 0.01)],
    ids=["silence", "dripping head", "dripping body"],
)
def test_the_time_of_a_call_is_a_total(step: Step, run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(step)
    with pytest.raises(errors.ConnectionError, match="timed out") as failed:
        send_once(run, peer.url, reading(peer), NEVER)
    assert failed.value.sent
    assert isinstance(failed.value.errobject, TimeoutError)
    assert len(peer.requests) == 1


@every_loop
def test_each_call_has_its_own_time_on_a_kept_connection(run: Run, peer_of: PeerFactory) -> None:
    """Longer or shorter than that of the call before."""
    peer = peer_of(GOOD, GOOD, silence, GOOD, GOOD, drip(GOOD, 0.005))

    async def main() -> None:
        async with AsyncHttpTransport(peer.url) as transport:
            await transport.send(reading(peer), PATIENT)
            await transport.send(reading(peer), Timeout(total=0.15))
            with pytest.raises(errors.ConnectionError, match="timed out"):
                await transport.send(writing(peer), NEVER)
            await transport.send(reading(peer), Timeout(total=0.15))
            await asyncio.sleep(0.2)
            await transport.send(reading(peer), Timeout(total=0.15))
            # It takes some 0.7 s: the timer of the call before must not end it.
            await transport.send(reading(peer), PATIENT)

    run(main())
    assert peer.accepted == 2


@every_loop
def test_a_loop_that_was_held_up_is_no_reason_to_give_up_early(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)

    async def main() -> int:
        async with AsyncHttpTransport(peer.url) as transport:
            hold_up(1.1)
            return (await transport.send(reading(peer), Timeout(total=1))).status

    assert run(main()) == 200


@every_loop
def test_connecting_has_a_time_of_its_own(run: Run) -> None:
    with full_backlog() as port:
        url = f"http://127.0.0.1:{port}"
        with pytest.raises(errors.ConnectionError, match="timed out") as failed:
            send_once(run, url, writing(url), Timeout(total=10, connect=0.2))
    assert not failed.value.sent


@every_loop
@pytest.mark.parametrize("host", ["nowhere.invalid", "127.0.0.1"])
def test_who_cannot_be_reached_was_not_sent_anything(host: str, run: Run) -> None:
    url = f"http://{host}:{closed_port()}"
    with pytest.raises(errors.ConnectionError, match="cannot reach") as failed:
        send_once(run, url, writing(url), Timeout(total=2))
    assert not failed.value.sent


def test_the_next_address_of_a_host_is_tried(peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = peer_of(GOOD)
    good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))
    bad = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", closed_port()))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [bad, good])
    url = "http://two.addresses.test"
    assert send_once(asyncio.run, url, reading(url)).status == 200


# Kept connections


@every_loop
def test_a_connection_is_kept_for_the_next_call(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, chunked(BODY), gzipped(BODY), answer(status="404 No"), GOOD)

    async def main() -> list[int]:
        async with AsyncHttpTransport(peer.url) as transport:
            return [(await transport.send(reading(peer), PATIENT)).status for _ in range(5)]

    assert run(main()) == [200, 200, 200, 404, 200]
    assert peer.accepted == 1


@every_loop
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
@pytest.mark.parametrize("pause", [hold_up, asyncio.sleep], ids=["loop held up", "loop awake"])
def test_a_connection_that_is_not_cleanly_idle_is_not_used_again(
    step: Step, pause: Callable[[float], object], run: Run, peer_of: PeerFactory
) -> None:
    peer = peer_of(step)

    async def main() -> None:
        async with AsyncHttpTransport(peer.url) as transport:
            for _ in range(2):
                got = await transport.send(writing(peer), PATIENT)
                assert json.loads(got.body) == DOCUMENT
                waiting = pause(0.02)
                if waiting is not None:
                    await waiting  # type: ignore[misc]

    run(main())
    assert peer.accepted == 2


@every_loop
def test_what_comes_late_is_not_taken_for_the_next_answer(run: Run, peer_of: PeerFactory) -> None:
    is_read, is_late = threading.Event(), threading.Event()

    def twice(connection: socket.socket) -> bool:
        connection.sendall(GOOD)
        assert is_read.wait(10)
        connection.sendall(answer(body=b"somebody else's"))
        is_late.set()
        return True

    peer = peer_of(twice, GOOD)

    async def main() -> None:
        async with AsyncHttpTransport(peer.url) as transport:
            for _ in range(2):
                got = await transport.send(reading(peer), PATIENT)
                assert got.body == BODY
                is_read.set()
                # The loop has no chance to notice before the next request is about to leave.
                assert is_late.wait(10)
                hold_up(0.1)

    run(main())
    assert peer.accepted == 2


@every_loop
def test_a_read_goes_out_again_if_the_server_closes_a_kept_connection_just_then(
    run: Run, peer_of: PeerFactory
) -> None:
    peer = peer_of(GOOD, hang_up, GOOD)

    async def main() -> None:
        async with AsyncHttpTransport(peer.url) as transport:
            for _ in range(2):
                await transport.send(reading(peer), PATIENT)

    run(main())
    assert (peer.accepted, len(peer.requests)) == (2, 3)


@every_loop
def test_a_write_does_not_go_out_again(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD, hang_up, GOOD)

    async def main() -> None:
        async with AsyncHttpTransport(peer.url) as transport:
            await transport.send(writing(peer), PATIENT)
            with pytest.raises(errors.ConnectionError) as failed:
                await transport.send(writing(peer), PATIENT)
            assert failed.value.sent

    run(main())
    assert len(peer.requests) == 2


@every_loop
def test_no_more_connections_are_open_than_allowed(run: Run, peer_of: PeerFactory) -> None:
    def slow(connection: socket.socket) -> bool:
        time.sleep(0.001)
        connection.sendall(GOOD)
        return True

    peer = peer_of(slow)

    async def main() -> list[int]:
        async with AsyncHttpTransport(peer.url, pool_size=3) as transport:
            calls = [transport.send(reading(peer), PATIENT) for _ in range(200)]
            return [got.status for got in await asyncio.gather(*calls)]

    assert run(main()) == [200] * 200
    assert peer.accepted <= 3


@every_loop
def test_a_call_waits_for_a_connection_no_longer_than_its_time(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(silence, GOOD)

    async def main() -> None:
        async with AsyncHttpTransport(peer.url, pool_size=1) as transport:
            first = asyncio.ensure_future(transport.send(reading(peer), PATIENT))
            await until(lambda: peer.requests)
            with pytest.raises(errors.ConnectionError, match="1 connections of the pool") as waited:
                await transport.send(reading(peer), NEVER)
            assert not waited.value.sent
            first.cancel()
            assert (await transport.send(reading(peer), PATIENT)).status == 200

    run(main())


@pytest.mark.parametrize("size", [0, -1, "8", 1.5])
def test_a_pool_of_no_size_is_refused(size: object) -> None:
    with pytest.raises(errors.BadValue, match="pool_size must be 1 or more"):
        AsyncHttpTransport("http://h", pool_size=size)  # type: ignore[arg-type]


@every_loop
def test_closing_is_idempotent_and_a_later_call_connects_anew(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)

    async def main() -> None:
        transport = AsyncHttpTransport(peer.url)
        await transport.send(reading(peer), PATIENT)
        await transport.aclose()
        await transport.aclose()
        await transport.send(reading(peer), PATIENT)
        await transport.aclose()

    run(main())
    assert peer.accepted == 2


@every_loop
def test_a_call_under_way_goes_on_when_the_client_is_closed(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(drip(GOOD, 0.001))

    async def main() -> Answer:
        async with AsyncHttpTransport(peer.url) as transport:
            call = asyncio.ensure_future(transport.send(reading(peer), PATIENT))
            await until(lambda: peer.requests)
        # Nothing is kept of it, else dropping the transport would warn.
        return await call

    assert run(main()).body == BODY


@every_loop
def test_a_name_server_that_does_not_answer_keeps_no_loop_from_ending(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://{SILENT}"
    with silent_names(monkeypatch) as server:
        with pytest.raises(errors.ConnectionError, match="timed out") as failed:
            # The loop waits for its own threads when it ends, and nobody answers before.
            send_once(run, url, reading(url), Timeout(total=10, connect=0.05))
        assert not failed.value.sent
        assert server.asked == [SILENT]
