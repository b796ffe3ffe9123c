"""One asynchronous transport in several event loops, threads and processes, and when it is dropped."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from astakosclient import Answer, errors
from astakosclient.http1.aio.async_transport import AsyncHttpTransport
from client.awaited import PATIENT, reading, send_once
from client.http1.event_loops import Run, every_loop, until
from client.http1.sync.test_transport import BODY, GOOD, in_child
from client.peers import (
    silence,
)

if TYPE_CHECKING:
    import socket

    from client.conftest import PeerFactory


# Event loops, threads and processes


def test_one_transport_serves_one_event_loop_after_the_other(peer_of: PeerFactory) -> None:
    """What the first left open is closed when the second begins, without a warning."""
    peer = peer_of(GOOD)
    transport = AsyncHttpTransport(peer.url)

    async def main() -> None:
        for _ in range(2):
            await transport.send(reading(peer), PATIENT)

    for _ in range(3):
        asyncio.run(main())
        gc.collect()
    asyncio.run(transport.aclose())
    assert (peer.accepted, len(peer.requests)) == (3, 6)


@every_loop
def test_a_loop_that_ends_in_the_middle_of_calls_harms_no_later_one(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(silence, silence, GOOD)
    transport = AsyncHttpTransport(peer.url, pool_size=2)
    left: list[asyncio.Future[Answer]] = []

    async def begin() -> None:
        left.extend(asyncio.ensure_future(transport.send(reading(peer), PATIENT)) for _ in range(4))
        await until(lambda: len(peer.requests) == 2)

    async def go_on() -> int:
        async with transport:
            return (await transport.send(reading(peer), PATIENT)).status

    run(begin())
    assert run(go_on()) == 200
    assert all(call.cancelled() for call in left)


@every_loop
def test_one_transport_serves_event_loops_in_several_threads(run: Run, peer_of: PeerFactory) -> None:
    def slow(connection: socket.socket) -> bool:
        time.sleep(0.002)
        connection.sendall(GOOD)
        return True

    peer = peer_of(slow)
    transport = AsyncHttpTransport(peer.url, pool_size=2)
    together = threading.Barrier(4)
    bodies: list[bytes] = []

    async def main() -> None:
        together.wait()
        for _ in range(5):
            calls = [transport.send(reading(peer), PATIENT) for _ in range(10)]
            bodies.extend(got.body for got in await asyncio.gather(*calls))

    threads = [threading.Thread(target=run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(transport.aclose())
    assert bodies == [BODY] * 200
    assert 4 <= peer.accepted <= 8


@every_loop
def test_closing_closes_what_a_loop_in_another_thread_keeps(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    transport = AsyncHttpTransport(peer.url)
    kept, closed = threading.Event(), threading.Event()
    accepted = []

    async def keep() -> None:
        await transport.send(reading(peer), PATIENT)
        kept.set()
        await until(closed.is_set)
        await transport.send(reading(peer), PATIENT)
        accepted.append(peer.accepted)
        await transport.aclose()

    thread = threading.Thread(target=run, args=(keep(),))
    thread.start()
    kept.wait(5)
    asyncio.run(transport.aclose())
    closed.set()
    thread.join()
    assert accepted == [2]


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@every_loop
def test_parent_and_child_go_on_after_a_fork(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    transport = AsyncHttpTransport(peer.url)

    async def call() -> bool:
        return (await transport.send(reading(peer), PATIENT)).body == BODY

    def in_the_child() -> bool:
        good = run(call()) and run(call())
        run(transport.aclose())
        return good

    with asyncio.Runner() as runner:
        assert runner.run(call())
        for _ in range(2):
            assert in_child(in_the_child)
            assert runner.run(call())
        runner.run(transport.aclose())
    # The parent has kept its one connection; each child has opened one for each of its two loops.
    assert (peer.accepted, len(peer.requests)) == (5, 7)


# Dropping


@every_loop
def test_a_transport_that_was_left_open_says_what_to_do(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)

    async def main() -> None:
        transport = AsyncHttpTransport(peer.url)
        await transport.send(reading(peer), PATIENT)
        with pytest.warns(
            ResourceWarning, match=r"never closed: use `async with`.* `await client.aclose\(\)`"
        ):
            del transport

    run(main())


@every_loop
def test_a_transport_that_outlives_its_loop_warns_once(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(GOOD)
    transports = [AsyncHttpTransport(peer.url)]
    run(transports[0].send(reading(peer), PATIENT))
    with pytest.warns(ResourceWarning) as warned:
        transports.clear()
    assert len(warned) == 1


@every_loop
def test_a_transport_that_never_connected_or_was_closed_is_dropped_silently(
    run: Run, peer_of: PeerFactory
) -> None:
    peer = peer_of(GOOD)
    AsyncHttpTransport(peer.url)
    send_once(run, peer.url, reading(peer))
    with pytest.raises(errors.BadValue):
        AsyncHttpTransport("ftp://h")
    gc.collect()


def test_a_transport_left_open_at_exit_only_warns() -> None:
    program = """
import asyncio
from client.peers import Peer, answer
from astakosclient import Request, Timeout
from astakosclient.http1.aio.async_transport import AsyncHttpTransport
with Peer(answer({})) as peer:
    transport = AsyncHttpTransport(peer.url)
    asyncio.run(transport.send(Request("GET", peer.url, "/"), Timeout()))
"""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", program],
        env={"PYTHONPATH": os.pathsep.join([*sys.path, "src", "tests"])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    warnings = [line for line in done.stderr.splitlines() if "Warning" in line]
    assert len(warnings) == 1
    assert "was never closed" in warnings[0]
