"""A URL with the wrong one of the schemes http and https: the exception says so."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient, errors
from client.peers import answer, then_close

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


def ask(url: str) -> None:
    with AstakosClient(url) as client:
        client.get_quotas(TOKEN)


def ask_later_generation(url: str) -> None:
    with AstakosClient(TOKEN, f"{url}/identity/v2.0") as client:
        client.authenticate()


def ask_on_a_loop(url: str) -> None:
    async def asked() -> None:
        async with AsyncAstakosClient(url) as client:
            await client.get_quotas(TOKEN)

    asyncio.run(asked())


EACH = pytest.mark.parametrize("asked", [ask, ask_later_generation, ask_on_a_loop])


@EACH
def test_https_to_a_port_for_http(asked: Callable[[str], None]) -> None:
    def refuse() -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(65536)
            accepted.sendall(answer(status="400 Bad Request"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(errors.ConnectionError, match="the server speaks http there, not https") as failed:
            asked(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert not failed.value.sent
    assert TOKEN not in str(failed.value)


@EACH
def test_http_to_a_port_for_tls_that_answers_in_tls(
    peer_of: PeerFactory, asked: Callable[[str], None]
) -> None:
    peer = peer_of(then_close(ALERT))
    with pytest.raises(errors.ConnectionError, match="the server speaks https there, not http"):
        asked(peer.url)


@EACH
@pytest.mark.parametrize(
    "told",
    [
        b"<center>The plain HTTP request was sent to HTTPS port</center>",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
    ],
)
def test_http_to_a_port_for_tls_that_answers_in_http(
    peer_of: PeerFactory, asked: Callable[[str], None], told: bytes
) -> None:
    peer = peer_of(answer(status="400 Bad Request", body=told))
    with pytest.raises(errors.BadRequest, match="the server speaks https there, not http"):
        asked(peer.url)
