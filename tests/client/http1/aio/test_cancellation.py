"""A call that is cancelled, at whatever moment, never affects another one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
from typing import TYPE_CHECKING

import pytest

from astakosclient import Request, Timeout
from astakosclient.http1.aio.async_transport import AsyncHttpTransport
from client.http1.event_loops import Run, every_loop, until
from client.http1.sync.test_tls import server_context
from client.peers import CERTIFICATE, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENT = Timeout(total=10)


class EchoingServer:
    """Answers with what it was sent, after a while and piece by piece; on the loop of the test."""

    def __init__(self, seed: int = 0, most_seconds: float = 0.004) -> None:
        self.accepted = 0
        self.open = 0
        self.most_open = 0
        self.url = ""
        self._random = random.Random(seed)
        self._most_seconds = most_seconds

    @contextlib.asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[EchoingServer]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
        await until(lambda: not self.open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                data = answer(body=body)
                cut = self._random.randrange(len(data))
                for piece in (data[:cut], data[cut:]):
                    await asyncio.sleep(self._random.uniform(0, self._most_seconds))
                    writer.write(piece)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self.open -= 1


async def echoed(transport: AsyncHttpTransport, server: EchoingServer, number: int) -> int:
    body = json.dumps({"number": number}).encode()
    got = await transport.send(Request("POST", server.url, "/", body=body), PATIENT)
    echo: int = json.loads(got.body)["number"]
    return echo


@every_loop
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_the_next_call_gets_its_own_answer_at_whatever_step_one_is_cancelled(
    encrypted: bool, run: Run
) -> None:
    """Step by step of the event loop, on a new connection and on a kept one."""

    async def main() -> None:
        server = EchoingServer()
        trusting = ssl.create_default_context(cafile=str(CERTIFICATE)) if encrypted else None
        async with (
            server.serving(server_context() if encrypted else None),
            AsyncHttpTransport(server.url, pool_size=1, ssl_context=trusting) as transport,
        ):
            for kept in (False, True):
                for steps in range(60):
                    if kept:
                        assert await echoed(transport, server, -1) == -1
                    else:
                        await transport.aclose()
                    call = asyncio.ensure_future(echoed(transport, server, steps))
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    call.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        assert await call == steps
                    assert await echoed(transport, server, 1000 + steps) == 1000 + steps

    run(main())


@every_loop
@pytest.mark.parametrize("seed", range(4))
def test_calls_cancelled_at_random_affect_no_other(seed: int, run: Run) -> None:
    chance = random.Random(seed)

    async def main() -> tuple[int, int]:
        server = EchoingServer(seed)
        survivors = cancelled = 0
        async with server.serving(), AsyncHttpTransport(server.url, pool_size=3) as transport:
            for _ in range(10):
                calls = {
                    number: asyncio.ensure_future(echoed(transport, server, number)) for number in range(20)
                }
                doomed = [call for call in calls.values() if chance.random() < 0.5]
                for call in doomed:
                    await asyncio.sleep(chance.uniform(0, 0.003))
                    call.cancel()
                await asyncio.wait(calls.values())
                for number, call in calls.items():
                    if call.cancelled():
                        cancelled += 1
                    else:
                        survivors += 1
                        assert call.result() == number
            # All places in the pool are free again.
            everyone = [echoed(transport, server, number) for number in range(9)]
            assert await asyncio.gather(*everyone) == list(range(9))
        return survivors, cancelled

    survivors, cancelled = run(main())
    assert survivors > 50
    assert cancelled > 20


@every_loop
def test_a_call_cancelled_while_it_waits_for_a_connection_takes_none(run: Run) -> None:
    async def main() -> None:
        server = EchoingServer(most_seconds=0.02)
        async with server.serving(), AsyncHttpTransport(server.url, pool_size=1) as transport:
            calls = [asyncio.ensure_future(echoed(transport, server, number)) for number in range(4)]
            await asyncio.sleep(0)
            calls[1].cancel()
            calls[2].cancel()
            assert await calls[0] == 0
            assert await calls[3] == 3
            assert server.accepted == 1

    run(main())


@every_loop
def test_a_time_limit_of_the_callers_own_is_a_cancellation(run: Run) -> None:
    async def main() -> None:
        server = EchoingServer(most_seconds=0.5)
        async with server.serving(), AsyncHttpTransport(server.url, pool_size=1) as transport:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await echoed(transport, server, 1)
            assert await echoed(transport, server, 2) == 2

    run(main())
