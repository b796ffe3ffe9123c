"""How long requests over HTTP may take: their heads, their bodies, and all of them."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import pytest

from astakos.assistant import door, serving
from astakosclient.async_client import AsyncAstakosClient

TIMEOUT_SECONDS = 30
KEY = "astk_aaaaaaaa_" + "0" * 49


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The handlers of signals as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def answer_to(sent: bytes) -> bytes:
    """Sends something to a server, waits until it closes the connection, and returns what it has answered."""

    async def run() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ready = asyncio.Event()
            client = AsyncAstakosClient("http://127.0.0.1:1")
            serve = asyncio.create_task(serving.serve_http(client, listener, (), ready.set, write=False))
            try:
                await ready.wait()
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                with contextlib.closing(writer):
                    writer.write(sent)
                    return await reader.read()
            finally:
                signal.raise_signal(signal.SIGTERM)
                await serve

    return asyncio.run(asyncio.wait_for(run(), TIMEOUT_SECONDS))


@pytest.mark.parametrize("head", [b"", b"POST /mcp HTTP/1.1\r\nHost: local"])
def test_a_connection_without_a_request_is_closed(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.05)
    assert answer_to(head) == b""


def test_a_body_that_does_not_arrive_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REQUEST_SECONDS", 0.1)
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    )
    assert answer_to(head.encode()).startswith(b"HTTP/1.1 504 ")
